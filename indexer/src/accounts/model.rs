//! A model's publisher and totals.

use alloy::primitives::{Address, B256};
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::{Uint, address};

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) publisher: Address,
    pub(crate) pending_publisher: Address,
    pub(crate) versions: i64,
    pub(crate) retired: bool,
    pub(crate) vouchers: i64,
    pub(crate) units: Uint,
    pub(crate) fees: Uint,
    pub(crate) royalties: Uint,
    pub(crate) royalties_claimed: Uint,
}

impl Running for Model {
    type Key = B256;

    async fn load(db: &mut PgConnection, model_id: B256, until: i64) -> anyhow::Result<Option<Self>> {
        let row = sqlx::query!(
            r#"select publisher, pending_publisher, versions, retired, vouchers, units as "units: Uint",
                      fees as "fees: Uint", royalties as "royalties: Uint",
                      royalties_claimed as "royalties_claimed: Uint"
               from model_account where model_id = $1 and block_number <= $2
               order by block_number desc limit 1"#,
            model_id.as_slice(),
            until,
        )
        .fetch_optional(db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            publisher: address(&row.publisher)?,
            pending_publisher: address(&row.pending_publisher)?,
            versions: row.versions,
            retired: row.retired,
            vouchers: row.vouchers,
            units: row.units,
            fees: row.fees,
            royalties: row.royalties,
            royalties_claimed: row.royalties_claimed,
        }))
    }

    fn write(&self, model_id: B256, block_number: i64, rows: &mut Rows) {
        row! { rows, model_account {
            block_number, model_id, publisher: self.publisher, pending_publisher: self.pending_publisher,
            versions: self.versions, retired: self.retired, vouchers: self.vouchers, units: self.units,
            fees: self.fees, royalties: self.royalties, royalties_claimed: self.royalties_claimed,
        } }
    }
}
