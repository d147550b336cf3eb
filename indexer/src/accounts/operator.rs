//! An operator's stake pool, earnings and totals.

use alloy::primitives::{Address, U256, U512};
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::Uint;

#[derive(Default)]
pub(crate) struct OperatorAccount {
    pub(crate) stake_active: Uint,
    pub(crate) stake_thawing: Uint,
    pub(crate) shares: Uint,
    pub(crate) own_shares: Uint,
    pub(crate) generation: i64,
    pub(crate) rewards: Uint,
    pub(crate) earnings_undrawn: Uint,
    pub(crate) earnings_locked: Uint,
    pub(crate) earnings_claimable: Uint,
    pub(crate) open_risk: Uint,
    pub(crate) batches: i64,
    pub(crate) batches_released: i64,
    pub(crate) receipts: Uint,
    pub(crate) vouchers: i64,
    pub(crate) units: Uint,
    pub(crate) fees: Uint,
    pub(crate) slashed_stake: Uint,
    pub(crate) slashed_earnings: Uint,
    pub(crate) refunded: Uint,
    pub(crate) faults: i64,
    pub(crate) audits: i64,
    pub(crate) challenges: i64,
    pub(crate) cases_open: i64,
    pub(crate) cases_lost: i64,
    pub(crate) uptime_rewards: Uint,
}

impl OperatorAccount {
    /// Assets behind the operator's own shares, `own_shares * stake_active / shares` rounded down, as the vault has it.
    pub(crate) fn stake_own(&self) -> U256 {
        if self.shares.0.is_zero() {
            return U256::ZERO;
        }
        let product: U512 = self.own_shares.0.widening_mul(self.stake_active.0);
        // Own shares are part of all shares, so the quotient is at most the active stake.
        (product / U512::from(self.shares.0)).to()
    }
}

impl Running for OperatorAccount {
    type Key = Address;

    async fn load(db: &mut PgConnection, operator: Address, until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select stake_active as "stake_active: Uint", stake_thawing as "stake_thawing: Uint",
                      shares as "shares: Uint", own_shares as "own_shares: Uint", generation, rewards as "rewards: Uint",
                      earnings_undrawn as "earnings_undrawn: Uint", earnings_locked as "earnings_locked: Uint",
                      earnings_claimable as "earnings_claimable: Uint", open_risk as "open_risk: Uint", batches,
                      batches_released, receipts as "receipts: Uint", vouchers, units as "units: Uint",
                      fees as "fees: Uint", slashed_stake as "slashed_stake: Uint",
                      slashed_earnings as "slashed_earnings: Uint", refunded as "refunded: Uint", faults, audits,
                      challenges, cases_open, cases_lost, uptime_rewards as "uptime_rewards: Uint"
               from operator_account where operator = $1 and block_number <= $2
               order by block_number desc limit 1"#,
            operator.as_slice(),
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, operator: Address, block_number: i64, rows: &mut Rows) {
        row! { rows, operator_account {
            block_number, operator, stake_active: self.stake_active, stake_own: self.stake_own(),
            stake_thawing: self.stake_thawing, shares: self.shares, own_shares: self.own_shares,
            generation: self.generation, rewards: self.rewards, earnings_undrawn: self.earnings_undrawn,
            earnings_locked: self.earnings_locked, earnings_claimable: self.earnings_claimable,
            open_risk: self.open_risk, batches: self.batches, batches_released: self.batches_released,
            receipts: self.receipts, vouchers: self.vouchers, units: self.units, fees: self.fees,
            slashed_stake: self.slashed_stake, slashed_earnings: self.slashed_earnings, refunded: self.refunded,
            faults: self.faults, audits: self.audits, challenges: self.challenges, cases_open: self.cases_open,
            cases_lost: self.cases_lost, uptime_rewards: self.uptime_rewards,
        } }
    }
}
