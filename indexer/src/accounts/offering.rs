//! An operator's terms for a model.

use alloy::primitives::{Address, B256};
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::Uint;

#[derive(Default)]
pub(crate) struct Offering {
    pub(crate) active: bool,
    pub(crate) version: i64,
    pub(crate) royalty_bps: i32,
    pub(crate) price_per_unit: Uint,
    /// Unix seconds of the latest change from not serving to serving.
    pub(crate) since: i64,
}

impl Running for Offering {
    type Key = (Address, B256);

    async fn load(db: &mut PgConnection, (operator, model_id): Self::Key, until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select active, version, royalty_bps, price_per_unit as "price_per_unit: Uint", since
               from offering where operator = $1 and model_id = $2 and block_number <= $3
               order by block_number desc limit 1"#,
            operator.as_slice(),
            model_id.as_slice(),
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, (operator, model_id): Self::Key, block_number: i64, rows: &mut Rows) {
        row! { rows, offering {
            block_number, operator, model_id, active: self.active, version: self.version,
            royalty_bps: self.royalty_bps, price_per_unit: self.price_per_unit, since: self.since,
        } }
    }
}
