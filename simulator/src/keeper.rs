//! The keeper: reads final results, punishes downtime, and collects what is credited.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Filter;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolEvent;
use anyhow::Result;
use plumbline_protocol::OperatorRegistry;
use plumbline_protocol::{InferenceSettlement, Slasher, StakeVault, UptimeLedger};

use crate::accounts::{Keyring, Role};
use crate::network::{Moment, Network};
use crate::outbox::{Call, Outbox};
use crate::purse::coins;

/// Ended periods that are looked at after a start.
const MAX_PERIODS_BACK: u64 = 16;
const COLLECT_PERIODS: u64 = 5;

pub(crate) struct Keeper {
    account: PrivateKeySigner,
    pub(crate) coins: U256,
    /// Final periods with nothing left to punish.
    done: BTreeSet<u64>,
    looked_at_slot: Option<u64>,
}

/// Result words of a final period.
struct Outcome {
    period: u64,
    operators: u32,
    observed: Vec<U256>,
    up: Vec<U256>,
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

    /// Punishes every fault of final periods whose evidence still counts.
    pub(crate) async fn plan(&mut self, network: &Network, moment: Moment, calls: &mut Vec<Call>) -> Result<()> {
        let slot = Some(moment.slot);
        if self.looked_at_slot == slot || self.coins.is_zero() {
            return Ok(());
        }
        let oldest = moment.period.saturating_sub(MAX_PERIODS_BACK);
        self.done.retain(|period| *period >= oldest);
        for period in oldest..moment.period {
            let ended = network.schedule.period_start(period + 1);
            let closed = ended + network.schedule.report_window;
            let judged = closed <= moment.head.timestamp && moment.head.timestamp < ended + network.evidence_window;
            if !judged || self.done.contains(&period) {
                continue;
            }
            let before = calls.len();
            if let Some(outcome) = outcome(network, period, moment.head.number).await? {
                self.punish(network, &outcome, calls).await?;
            }
            if calls.len() == before {
                self.done.insert(period);
            }
        }
        self.looked_at_slot = slot;
        Ok(())
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

    /// Collects what fees and penalties credited to accounts; anyone may.
    pub(crate) async fn plan_collections(
        &self,
        network: &Network,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        if !moment.period.is_multiple_of(COLLECT_PERIODS) || self.coins.is_zero() {
            return Ok(());
        }
        let (vault, settlement) = (network.addresses.stake_vault, network.addresses.inference_settlement);
        let keeper = self.account.address();
        let reserve = network.read(settlement, InferenceSettlement::RESERVECall {}).await?;
        let sink = network.read(vault, StakeVault::SINKCall {}).await?;
        for account in BTreeSet::from([keeper, reserve]) {
            if !network
                .read(settlement, InferenceSettlement::creditedCall { account })
                .await?
                .is_zero()
            {
                let collect = InferenceSettlement::collectCall { account };
                calls.push(Call::new(keeper, settlement, "collect credited fees", &collect));
            }
        }
        for account in BTreeSet::from([keeper, sink]) {
            if !network
                .read(vault, StakeVault::creditedCall { account })
                .await?
                .is_zero()
            {
                let collect = StakeVault::collectSlashedCall { account };
                calls.push(Call::new(keeper, vault, "collect slashed stake", &collect));
            }
        }
        Ok(())
    }
}

/// The result of a period that can no longer be replaced; none when none was posted.
async fn outcome(network: &Network, period: u64, head: u64) -> Result<Option<Outcome>> {
    let ledger = network.addresses.uptime_ledger;
    let stored = network.read(ledger, UptimeLedger::periodOfCall { period }).await?;
    if stored.reports == 0 {
        return Ok(None);
    }
    let filter = Filter::new()
        .address(ledger)
        .event_signature(UptimeLedger::PeriodReported::SIGNATURE_HASH)
        .topic1(B256::from(U256::from(period)));
    for log in network.logs(&filter, stored.drawBlock, head).await?.into_iter().rev() {
        let reported = UptimeLedger::PeriodReported::decode_log(&log.inner)?;
        if reported.resultHash == stored.resultHash {
            let (observed, up) = (reported.observed.clone(), reported.up.clone());
            return Ok(Some(Outcome {
                period,
                operators: stored.operatorCount,
                observed,
                up,
            }));
        }
    }
    tracing::warn!(
        period,
        "the log of a period's result was not found; its downtime is not punished"
    );
    Ok(None)
}

impl Outcome {
    /// Slots in which an operator was observed, and in which it was observed and down.
    fn tally(&self, index: u32) -> (u64, u64) {
        let words = self.operators.div_ceil(256) as usize;
        let (word, bit) = ((index / 256) as usize, (index % 256) as usize);
        let slots = self.observed.iter().zip(&self.up).skip(word).step_by(words);
        slots.fold((0, 0), |(observed, missed), (seen, up)| {
            let seen = u64::from(seen.bit(bit));
            (observed + seen, missed + (seen & u64::from(!up.bit(bit))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_reads_its_own_bit_in_every_slot() {
        let bit = |index: usize| U256::from(1) << index;
        // Two words a slot, three slots.
        let observed = vec![U256::ZERO, bit(1), U256::ZERO, bit(1) | bit(2), U256::MAX, bit(1)];
        let up = vec![U256::ZERO, bit(1), U256::ZERO, bit(2), U256::MAX, U256::ZERO];
        let outcome = Outcome {
            period: 0,
            operators: 300,
            observed,
            up,
        };
        assert_eq!(outcome.tally(257), (3, 2));
        assert_eq!(outcome.tally(258), (1, 0));
        assert_eq!(outcome.tally(1), (1, 0));
    }
}
