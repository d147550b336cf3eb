//! The keeper: reads final results, punishes downtime, and collects what is credited.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256};
use alloy::signers::local::PrivateKeySigner;
use anyhow::Result;
use plumbline_protocol::OperatorRegistry;
use plumbline_protocol::{ChallengeManager, InferenceSettlement, Slasher, StakeVault};

use crate::accounts::{Keyring, Role};
use crate::network::{Moment, Network};
use crate::outbox::{Call, Outbox};
use crate::purse::coins;
use crate::results::{Outcome, Results};

/// Ended periods that are looked at after a start.
const MAX_PERIODS_BACK: u64 = 16;
/// Periods before the present one that can still be weighed, as in the contract.
const MAX_PERIODS_WEIGHED: u64 = 64;
const COLLECT_PERIODS: u64 = 5;
/// Accounts that are looked at in one collection.
const MAX_COLLECTIONS: usize = 64;

pub(crate) struct Keeper {
    account: PrivateKeySigner,
    pub(crate) coins: U256,
    /// Final periods with nothing left to punish.
    done: BTreeSet<u64>,
    looked_at_slot: Option<u64>,
}

impl Keeper {
    pub(crate) fn new(keyring: &Keyring, outbox: &mut Outbox) -> Result<Self> {
        let account = keyring.signer(Role::Keeper, 0)?;
        outbox.add_account(&account);
        Ok(Self {
            account,
            coins: U256::ZERO,
            done: BTreeSet::new(),
            looked_at_slot: None,
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.account.address()
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        self.coins = coins(network, self.account.address()).await?;
        Ok(())
    }

    /// After a reorg a period may have another result.
    pub(crate) fn forget(&mut self) {
        self.done.clear();
        self.looked_at_slot = None;
    }

    /// Weighs final periods in their order, and punishes every fault of those whose evidence still counts.
    pub(crate) async fn plan(
        &mut self,
        network: &Network,
        results: &mut Results,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let slot = Some(moment.slot);
        if self.looked_at_slot == slot || self.coins.is_zero() {
            return Ok(());
        }
        let next = self.plan_weighing(network, results, moment, calls).await?;
        let oldest = moment.period.saturating_sub(MAX_PERIODS_BACK);
        self.done.retain(|period| *period >= oldest);
        // A penalty depends on how its period was weighed.
        for period in oldest..moment.period.min(next) {
            let ended = network.schedule.period_start(period + 1);
            if self.done.contains(&period) || moment.head.timestamp >= ended + network.evidence_window {
                continue;
            }
            let Some(outcome) = results.of(network, period, moment).await? else {
                continue;
            };
            let before = calls.len();
            self.punish(network, outcome, calls).await?;
            if calls.len() == before {
                self.done.insert(period);
            }
        }
        self.looked_at_slot = slot;
        Ok(())
    }

    /// Weighs the first period with a result that was not weighed. Gives the first period that can still be weighed.
    async fn plan_weighing(
        &self,
        network: &Network,
        results: &mut Results,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<u64> {
        let slasher = network.addresses.slasher;
        let next = network.read(slasher, Slasher::nextPeriodCall {}).await?;
        let oldest = next.max(moment.period.saturating_sub(MAX_PERIODS_WEIGHED));
        for period in oldest..moment.period {
            if let Some(outcome) = results.of(network, period, moment).await? {
                let weigh = Slasher::weighPeriodCall {
                    period,
                    observed: outcome.observed.clone(),
                    up: outcome.up.clone(),
                };
                calls.push(Call::new(self.account.address(), slasher, "weigh a period", &weigh));
                break;
            }
        }
        Ok(next)
    }

    async fn punish(&self, network: &Network, outcome: &Outcome, calls: &mut Vec<Call>) -> Result<()> {
        let (registry, slasher) = (network.addresses.operator_registry, network.addresses.slasher);
        let enough = network.schedule.slots_per_period.div_ceil(2);
        for index in 0..outcome.operators {
            let (observed, missed) = outcome.tally(index);
            if observed < enough || missed * 3 <= observed {
                continue;
            }
            let operator = network
                .read(registry, OperatorRegistry::operatorAtCall { index })
                .await?;
            let (period, words) = (outcome.period, (outcome.observed.clone(), outcome.up.clone()));
            if network
                .read(slasher, Slasher::punishedCall { operator, period })
                .await?
            {
                continue;
            }
            let punish = Slasher::punishDowntimeCall {
                operator,
                period,
                observed: words.0,
                up: words.1,
            };
            // Who was not in service for the whole period is not punished, and only the contract knows.
            if network.read_unless_reverted(slasher, punish.clone()).await?.is_some() {
                calls.push(Call::new(self.account.address(), slasher, "punish downtime", &punish));
            }
        }
        Ok(())
    }

    /// Collects what fees, penalties and bonds credited to accounts; anyone may.
    pub(crate) async fn plan_collections(
        &self,
        network: &Network,
        creditors: &BTreeSet<Address>,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        if !moment.period.is_multiple_of(COLLECT_PERIODS) || self.coins.is_zero() {
            return Ok(());
        }
        let (vault, settlement) = (network.addresses.stake_vault, network.addresses.inference_settlement);
        let challenges = network.courts.challenges;
        let keeper = self.account.address();
        let sink = network.read(vault, StakeVault::SINKCall {}).await?;
        let known = creditors.iter().copied().filter(|account| !account.is_zero());
        // Where there are many, each has its turn.
        let turn = (moment.period / COLLECT_PERIODS) as usize % creditors.len().div_ceil(MAX_COLLECTIONS).max(1);
        let known = known.skip(turn * MAX_COLLECTIONS).take(MAX_COLLECTIONS);
        let accounts: BTreeSet<Address> = known.chain([keeper, sink]).collect();
        for account in accounts {
            let credited = InferenceSettlement::creditedCall { account };
            if !network.read(settlement, credited).await?.is_zero() {
                let collect = InferenceSettlement::collectCall { account };
                calls.push(Call::new(keeper, settlement, "collect credited fees", &collect));
            }
            let credited = ChallengeManager::creditedCall { account };
            if !network.read(challenges, credited).await?.is_zero() {
                let collect = ChallengeManager::collectCall { account };
                calls.push(Call::new(keeper, challenges, "collect a bond", &collect));
            }
            let credited = StakeVault::creditedCall { account };
            if !network.read(vault, credited).await?.is_zero() {
                let collect = StakeVault::collectSlashedCall { account };
                calls.push(Call::new(keeper, vault, "collect slashed stake", &collect));
            }
        }
        Ok(())
    }
}
