//! The reserve's keeper: enrols operators in turns, reports their availability, closes periods and has rewards paid.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256};
use anyhow::Result;
use plumbline_protocol::{RewardReserve, TestToken};

use crate::accounts::Keyring;
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::purse::{Desk, Duty};
use crate::results::Results;

/// Operators that are enrolled for a period: a window that moves on with each.
const MAX_ENROLLED: usize = 12;
/// Ended periods that are looked at for reports and claims.
const PERIODS_BACK: u64 = 6;
/// Periods behind from which on those that nobody was paid for are passed over, and how many at most, as in the contract.
const MAX_LAG: u64 = 8;
const MAX_SKIPPED: u64 = 256;
const BURN_PERIODS: u64 = 10;
/// Fee tokens that the reserve is given at set-up, so that it has something to release.
const GIFT: u64 = 1_000_000;

pub(crate) struct Rewards {
    desk: Desk,
    claim_seconds: u64,
    report_seconds: u64,
    looked_at_slot: Option<u64>,
    is_funded: bool,
    /// Periods whose rewards were claimed, or which had none.
    paid: BTreeSet<u64>,
}

impl Rewards {
    pub(crate) async fn new(network: &Network, keyring: &Keyring, outbox: &mut Outbox) -> Result<Self> {
        let reserve = network.addresses.reward_reserve;
        Ok(Self {
            desk: Desk::new(keyring, Duty::Reward, outbox)?,
            claim_seconds: network.read(reserve, RewardReserve::CLAIM_SECONDSCall {}).await?,
            report_seconds: network.read(reserve, RewardReserve::REPORT_SECONDSCall {}).await?,
            looked_at_slot: None,
            is_funded: true,
            paid: BTreeSet::new(),
        })
    }

    pub(crate) fn coins(&self) -> (Address, U256) {
        self.desk.coins()
    }

    pub(crate) fn forget(&mut self) {
        self.looked_at_slot = None;
        self.paid.clear();
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        self.desk.refresh(network).await?;
        let account = network.addresses.reward_reserve;
        let held = TestToken::balanceOfCall { account };
        self.is_funded = !network.read(network.fee_token.address, held).await?.is_zero();
        Ok(())
    }

    /// Gives the reserve something to begin with, where tokens cost nothing.
    pub(crate) fn plan_setup(&self, network: &Network, calls: &mut Vec<Call>) {
        if self.is_funded || !self.desk.is_open() || !network.fee_token.mintable {
            return;
        }
        let mint = TestToken::mintCall {
            to: network.addresses.reward_reserve,
            amount: U256::from(GIFT) * U256::from(network.fee_unit),
        };
        let token = network.fee_token.address;
        calls.push(Call::new(self.desk.account, token, "give to the reserve", &mint));
    }

    /// Once a slot: what is due for the next period, and for those that have ended.
    pub(crate) async fn plan(
        &mut self,
        network: &Network,
        operators: &[Operator],
        results: &mut Results,
        outbox: &Outbox,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let slot = Some(moment.slot);
        if self.looked_at_slot == slot || !self.desk.is_open() || outbox.is_busy(self.desk.account) {
            return Ok(());
        }
        let next = if moment.begun { moment.period + 1 } else { 0 };
        self.plan_enrolments(network, operators, next, calls).await?;
        self.plan_close(network, moment, calls).await?;
        for period in moment.period.saturating_sub(PERIODS_BACK)..moment.period {
            self.plan_reports(network, operators, results, period, moment, calls)
                .await?;
            self.plan_claims(network, operators, period, calls).await?;
        }
        self.plan_ends(network, moment, calls).await?;
        self.looked_at_slot = slot;
        Ok(())
    }

    async fn plan_enrolments(
        &self,
        network: &Network,
        operators: &[Operator],
        period: u64,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let reserve = network.addresses.reward_reserve;
        for operator in enrolled(operators, period).filter(|operator| operator.is_active()) {
            let operator = operator.address();
            let entry = RewardReserve::entryOfCall { period, operator };
            if network.read(reserve, entry).await?.enrolled == 0 {
                let enrol = RewardReserve::enrolCall { operator };
                calls.push(Call::new(self.desk.account, reserve, "enrol an operator", &enrol));
            }
        }
        Ok(())
    }

    async fn plan_reports(
        &self,
        network: &Network,
        operators: &[Operator],
        results: &mut Results,
        period: u64,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        if moment.head.timestamp >= self.closes_at(network, period) {
            return Ok(());
        }
        let Some(outcome) = results.of(network, period, moment).await? else {
            return Ok(());
        };
        let reserve = network.addresses.reward_reserve;
        for operator in enrolled(operators, period).filter(|operator| operator.is_active()) {
            let operator = operator.address();
            let entry = network
                .read(reserve, RewardReserve::entryOfCall { period, operator })
                .await?;
            if entry.enrolled == 0 || entry.weight != 0 {
                continue;
            }
            let report = RewardReserve::reportCall {
                period,
                operator,
                observed: outcome.observed.clone(),
                up: outcome.up.clone(),
            };
            // Who was down too long earned nothing, and only the contract knows.
            if network.read_unless_reverted(reserve, report.clone()).await?.is_some() {
                calls.push(Call::new(self.desk.account, reserve, "report availability", &report));
            }
        }
        Ok(())
    }

    /// Closes the next period; far behind, as many at once as nobody was paid for.
    async fn plan_close(&self, network: &Network, moment: Moment, calls: &mut Vec<Call>) -> Result<()> {
        let reserve = network.addresses.reward_reserve;
        let next = network.read(reserve, RewardReserve::nextPeriodCall {}).await?;
        if !moment.begun || moment.head.timestamp < self.closes_at(network, next) {
            return Ok(());
        }
        let mut close = RewardReserve::closeCall { period: next };
        let latest = (next..moment.period)
            .take_while(|period| moment.head.timestamp >= self.closes_at(network, *period))
            .last();
        if let Some(far) = latest.filter(|latest| *latest > next + MAX_LAG) {
            let period = far.min(next + MAX_SKIPPED);
            let skip = RewardReserve::closeCall { period };
            if network.read_unless_reverted(reserve, skip.clone()).await?.is_some() {
                close = skip;
            }
        }
        calls.push(Call::new(self.desk.account, reserve, "close a period", &close));
        Ok(())
    }

    async fn plan_claims(
        &mut self,
        network: &Network,
        operators: &[Operator],
        period: u64,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let reserve = network.addresses.reward_reserve;
        if self.paid.contains(&period) {
            return Ok(());
        }
        let stored = network.read(reserve, RewardReserve::periodOfCall { period }).await?;
        if stored.expiresAt == 0 {
            return Ok(());
        }
        let before = calls.len();
        for operator in enrolled(operators, period) {
            let operator = operator.address();
            let reward = RewardReserve::rewardCall { period, operator };
            if !network.read(reserve, reward).await?.is_zero() {
                let claim = RewardReserve::claimCall { period, operator };
                calls.push(Call::new(self.desk.account, reserve, "claim a reward", &claim));
            }
        }
        if calls.len() == before {
            self.paid.insert(period);
            while self.paid.len() as u64 > 2 * PERIODS_BACK {
                self.paid.pop_first();
            }
        }
        Ok(())
    }

    /// Takes back what nobody claimed, and burns what is set aside for it.
    async fn plan_ends(&self, network: &Network, moment: Moment, calls: &mut Vec<Call>) -> Result<()> {
        let reserve = network.addresses.reward_reserve;
        let age = self.claim_seconds / network.schedule.period_seconds() + PERIODS_BACK;
        if let Some(period) = moment.period.checked_sub(age) {
            let stored = network.read(reserve, RewardReserve::periodOfCall { period }).await?;
            let is_over = stored.expiresAt != 0 && moment.head.timestamp >= stored.expiresAt;
            if is_over && stored.release > stored.paid {
                let expire = RewardReserve::expireCall { period };
                calls.push(Call::new(self.desk.account, reserve, "expire rewards", &expire));
            }
        }
        let burns = moment.period.is_multiple_of(BURN_PERIODS);
        if burns && !network.read(reserve, RewardReserve::unburnedCall {}).await?.is_zero() {
            let burn = RewardReserve::burnCall {};
            calls.push(Call::new(self.desk.account, reserve, "burn the surplus", &burn));
        }
        Ok(())
    }

    fn closes_at(&self, network: &Network, period: u64) -> u64 {
        network.schedule.period_start(period + 1) + network.schedule.report_window + self.report_seconds
    }
}

/// Operators whose turn a period is.
fn enrolled(operators: &[Operator], period: u64) -> impl Iterator<Item = &Operator> {
    let first = (period as usize * MAX_ENROLLED) % operators.len();
    let count = MAX_ENROLLED.min(operators.len());
    operators.iter().cycle().skip(first).take(count)
}
