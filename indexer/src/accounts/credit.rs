//! What an account is owed by the settlement, the vault or the challenge manager.

use alloy::primitives::Address;
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::Uint;

/// Who owes it, in which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CreditClass {
    Fee,
    Stake,
    Bond,
}

impl CreditClass {
    pub(crate) const ALL: [Self; 3] = [Self::Fee, Self::Stake, Self::Bond];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fee => "fee_credit",
            Self::Stake => "stake_credit",
            Self::Bond => "bond_credit",
        }
    }
}

#[derive(Default)]
pub(crate) struct Credit {
    pub(crate) balance: Uint,
    pub(crate) collected: Uint,
}

impl Running for Credit {
    type Key = (CreditClass, Address);

    async fn load(db: &mut PgConnection, (class, account): Self::Key, until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select balance as "balance: Uint", collected as "collected: Uint"
               from credit_account where class = $1 and account = $2 and block_number <= $3
               order by block_number desc limit 1"#,
            class.as_str(),
            account.as_slice(),
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, (class, account): Self::Key, block_number: i64, rows: &mut Rows) {
        row! { rows, credit_account {
            block_number, class: class.as_str(), account, balance: self.balance, collected: self.collected,
        } }
    }
}
