//! Final results of periods, as anybody can take them from the ledger's events.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use alloy::primitives::{B256, U256};
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use anyhow::Result;
use plumbline_protocol::UptimeLedger;

use crate::network::{Moment, Network};

/// Results that are kept.
const MAX_KEPT: usize = 96;

/// Results of periods that can no longer be replaced.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<u64, Option<Outcome>>);

/// Result words of a final period.
pub(crate) struct Outcome {
    pub(crate) period: u64,
    pub(crate) operators: u32,
    pub(crate) observed: Vec<U256>,
    pub(crate) up: Vec<U256>,
}

impl Results {
    /// After a reorg a period may have another result.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }

    /// The result of a period; none when nothing was reported in time, or it can still be replaced.
    pub(crate) async fn of(&mut self, network: &Network, period: u64, moment: Moment) -> Result<Option<&Outcome>> {
        let closed = network.schedule.period_start(period + 1) + network.schedule.report_window;
        if moment.head.timestamp < closed {
            return Ok(None);
        }
        while self.0.len() > MAX_KEPT {
            self.0.pop_first();
        }
        let result = match self.0.entry(period) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(outcome(network, period, moment.head.number).await?),
        };
        Ok(result.as_ref())
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
    pub(crate) fn tally(&self, index: u32) -> (u64, u64) {
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
