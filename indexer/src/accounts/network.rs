//! Sums over all operators, channels, models and accounts.

use sqlx::PgConnection;

use super::{Running, Status};
use crate::flow::Place;
use crate::rows::{Rows, row};
use crate::sql::Uint;

#[derive(Default)]
pub(crate) struct Network {
    pub(crate) operators: i64,
    pub(crate) operators_active: i64,
    pub(crate) operators_inactive: i64,
    pub(crate) operators_jailed: i64,
    pub(crate) operators_exiting: i64,
    pub(crate) operators_tombstoned: i64,
    pub(crate) models: i64,
    pub(crate) models_retired: i64,
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
    pub(crate) open_risk: Uint,
    pub(crate) escrow: Uint,
    pub(crate) earnings_undrawn: Uint,
    pub(crate) earnings_locked: Uint,
    pub(crate) earnings_claimable: Uint,
    pub(crate) royalties: Uint,
    pub(crate) fee_credit: Uint,
    pub(crate) stake_active: Uint,
    pub(crate) stake_thawing: Uint,
    pub(crate) stake_credit: Uint,
    pub(crate) rewards: Uint,
    pub(crate) reserve_pending: Uint,
    pub(crate) reserve: Uint,
    pub(crate) reward_owed: Uint,
    pub(crate) unburned: Uint,
    pub(crate) bond: Uint,
    pub(crate) bond_credit: Uint,
}

impl Network {
    /// What all accounts of a place's class hold; nothing for places outside the contracts.
    pub(crate) fn holding(&mut self, place: Place) -> Option<&mut Uint> {
        match place {
            Place::Wallet(_) | Place::Burned(_) => None,
            Place::Escrow { .. } => Some(&mut self.escrow),
            Place::EarningsUndrawn(_) => Some(&mut self.earnings_undrawn),
            Place::EarningsLocked(_) => Some(&mut self.earnings_locked),
            Place::EarningsClaimable(_) => Some(&mut self.earnings_claimable),
            Place::Royalties(_) => Some(&mut self.royalties),
            Place::FeeCredit(_) => Some(&mut self.fee_credit),
            Place::StakeActive(_) => Some(&mut self.stake_active),
            Place::StakeThawing(_) => Some(&mut self.stake_thawing),
            Place::StakeCredit(_) => Some(&mut self.stake_credit),
            Place::Rewards(_) => Some(&mut self.rewards),
            Place::ReservePending(_) => Some(&mut self.reserve_pending),
            Place::Reserve(_) => Some(&mut self.reserve),
            Place::RewardOwed(_) => Some(&mut self.reward_owed),
            Place::Unburned(_) => Some(&mut self.unburned),
            Place::Bond(_) => Some(&mut self.bond),
            Place::BondCredit(_) => Some(&mut self.bond_credit),
        }
    }

    /// How many operators have a status.
    pub(crate) fn with_status(&mut self, status: Status) -> &mut i64 {
        match status {
            Status::Active => &mut self.operators_active,
            Status::Inactive => &mut self.operators_inactive,
            Status::Jailed => &mut self.operators_jailed,
            Status::Exiting => &mut self.operators_exiting,
            Status::Tombstoned => &mut self.operators_tombstoned,
        }
    }
}

impl Running for Network {
    type Key = ();

    async fn load(db: &mut PgConnection, (): (), until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select operators, operators_active, operators_inactive, operators_jailed, operators_exiting,
                      operators_tombstoned, models, models_retired, batches, batches_released, receipts as "receipts: Uint", vouchers,
                      units as "units: Uint", fees as "fees: Uint", slashed_stake as "slashed_stake: Uint",
                      slashed_earnings as "slashed_earnings: Uint", refunded as "refunded: Uint", faults, audits,
                      challenges, cases_open, cases_lost, uptime_rewards as "uptime_rewards: Uint",
                      open_risk as "open_risk: Uint", escrow as "escrow: Uint",
                      earnings_undrawn as "earnings_undrawn: Uint", earnings_locked as "earnings_locked: Uint",
                      earnings_claimable as "earnings_claimable: Uint", royalties as "royalties: Uint",
                      fee_credit as "fee_credit: Uint", stake_active as "stake_active: Uint",
                      stake_thawing as "stake_thawing: Uint", stake_credit as "stake_credit: Uint",
                      rewards as "rewards: Uint", reserve_pending as "reserve_pending: Uint",
                      reserve as "reserve: Uint", reward_owed as "reward_owed: Uint", unburned as "unburned: Uint",
                      bond as "bond: Uint", bond_credit as "bond_credit: Uint"
               from network_account where block_number <= $1 order by block_number desc limit 1"#,
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, (): (), block_number: i64, rows: &mut Rows) {
        row! { rows, network_account {
            block_number, operators: self.operators, operators_active: self.operators_active,
            operators_inactive: self.operators_inactive, operators_jailed: self.operators_jailed,
            operators_exiting: self.operators_exiting, operators_tombstoned: self.operators_tombstoned, models: self.models,
            models_retired: self.models_retired, batches: self.batches, batches_released: self.batches_released,
            receipts: self.receipts, vouchers: self.vouchers, units: self.units, fees: self.fees,
            slashed_stake: self.slashed_stake, slashed_earnings: self.slashed_earnings, refunded: self.refunded,
            faults: self.faults, audits: self.audits, challenges: self.challenges, cases_open: self.cases_open,
            cases_lost: self.cases_lost, uptime_rewards: self.uptime_rewards, open_risk: self.open_risk,
            escrow: self.escrow, earnings_undrawn: self.earnings_undrawn, earnings_locked: self.earnings_locked,
            earnings_claimable: self.earnings_claimable, royalties: self.royalties, fee_credit: self.fee_credit,
            stake_active: self.stake_active, stake_thawing: self.stake_thawing, stake_credit: self.stake_credit,
            rewards: self.rewards, reserve_pending: self.reserve_pending, reserve: self.reserve,
            reward_owed: self.reward_owed, unburned: self.unburned, bond: self.bond, bond_credit: self.bond_credit,
        } }
    }
}
