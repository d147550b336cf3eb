//! An operator's registration, keys, domain and terms.

use alloy::primitives::{Address, B256};
use anyhow::bail;
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::{Uint, address, bytes32};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Active,
    /// Without anything in service, in sources where that is no act of the operator.
    Inactive,
    Jailed,
    Exiting,
    Tombstoned,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Jailed => "jailed",
            Self::Exiting => "exiting",
            Self::Tombstoned => "tombstoned",
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "jailed" => Self::Jailed,
            "exiting" => Self::Exiting,
            "tombstoned" => Self::Tombstoned,
            _ => bail!("{text:?} is no status of an operator"),
        })
    }
}

#[derive(Default)]
pub(crate) struct OperatorProfile {
    pub(crate) operator_index: i64,
    pub(crate) registered_at: i64,
    pub(crate) status: Status,
    pub(crate) jailed_until: Uint,
    pub(crate) signing_key: Address,
    pub(crate) settler_key: Address,
    pub(crate) payout: Address,
    pub(crate) domain: B256,
    pub(crate) endpoint: String,
    pub(crate) commission_bps: i32,
    pub(crate) announced_bps: i32,
    pub(crate) announced_at: Uint,
}

impl Running for OperatorProfile {
    type Key = Address;

    async fn load(db: &mut PgConnection, operator: Address, until: i64) -> anyhow::Result<Option<Self>> {
        let row = sqlx::query!(
            r#"select operator_index, registered_at, status, jailed_until as "jailed_until: Uint", signing_key,
                      settler_key, payout, domain, endpoint, commission_bps, announced_bps,
                      announced_at as "announced_at: Uint"
               from operator_profile where operator = $1 and block_number <= $2
               order by block_number desc limit 1"#,
            operator.as_slice(),
            until,
        )
        .fetch_optional(db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            operator_index: row.operator_index,
            registered_at: row.registered_at,
            status: Status::parse(&row.status)?,
            jailed_until: row.jailed_until,
            signing_key: address(&row.signing_key)?,
            settler_key: address(&row.settler_key)?,
            payout: address(&row.payout)?,
            domain: bytes32(&row.domain)?,
            endpoint: row.endpoint,
            commission_bps: row.commission_bps,
            announced_bps: row.announced_bps,
            announced_at: row.announced_at,
        }))
    }

    fn write(&self, operator: Address, block_number: i64, rows: &mut Rows) {
        row! { rows, operator_profile {
            block_number, operator, operator_index: self.operator_index, registered_at: self.registered_at,
            status: self.status.as_str(), jailed_until: self.jailed_until, signing_key: self.signing_key,
            settler_key: self.settler_key, payout: self.payout, domain: self.domain, endpoint: self.endpoint,
            commission_bps: self.commission_bps, announced_bps: self.announced_bps, announced_at: self.announced_at,
        } }
    }
}
