//! A payer's channel with an operator.

use alloy::primitives::{Address, U256};
use sqlx::PgConnection;

use super::{Imbalance, Running};
use crate::rows::{Rows, row};
use crate::sql::Uint;

#[derive(Default)]
pub(crate) struct Channel {
    pub(crate) deposited: Uint,
    pub(crate) settled: Uint,
    pub(crate) returned: Uint,
    pub(crate) exit_at: Uint,
    /// On the settlement's clock.
    pub(crate) exit_running: Uint,
}

impl Channel {
    /// Takes from what is left in escrow, for the operator's side.
    pub(crate) fn settle(&mut self, amount: U256) -> Result<(), Imbalance> {
        self.settled.increase(amount)?;
        self.check()
    }

    /// Takes from what is left in escrow, back to the payer.
    pub(crate) fn give_back(&mut self, amount: U256) -> Result<(), Imbalance> {
        self.returned.increase(amount)?;
        self.check()
    }

    /// No exit is under way any more.
    pub(crate) fn end_exit(&mut self) {
        self.exit_at = Uint::default();
        self.exit_running = Uint::default();
    }

    fn check(&self) -> Result<(), Imbalance> {
        let spent = self
            .settled
            .0
            .checked_add(self.returned.0)
            .ok_or(Imbalance::Overflown)?;
        if spent <= self.deposited.0 {
            Ok(())
        } else {
            Err(Imbalance::Overdrawn)
        }
    }
}

impl Running for Channel {
    type Key = (Address, Address);

    async fn load(db: &mut PgConnection, (payer, operator): Self::Key, until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select deposited as "deposited: Uint", settled as "settled: Uint", returned as "returned: Uint",
                      exit_at as "exit_at: Uint", exit_running as "exit_running: Uint"
               from channel_account where payer = $1 and operator = $2 and block_number <= $3
               order by block_number desc limit 1"#,
            payer.as_slice(),
            operator.as_slice(),
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, (payer, operator): Self::Key, block_number: i64, rows: &mut Rows) {
        row! { rows, channel_account {
            block_number, payer, operator, deposited: self.deposited, settled: self.settled, returned: self.returned,
            exit_at: self.exit_at, exit_running: self.exit_running,
        } }
    }
}
