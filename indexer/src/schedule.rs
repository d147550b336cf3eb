//! The clock of uptime periods, and which block closes which period.

use std::collections::BTreeMap;

use crate::chain::{Chain, Header};

/// Interpolation almost always hits within a few looks; after these, halving guarantees the end.
const INTERPOLATIONS: u32 = 6;

/// Schedule of the uptime ledger, from its `UptimeLedgerConfigured`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Unix seconds at which period 0 begins.
    pub(crate) genesis: u64,
    pub(crate) period_seconds: u64,
    pub(crate) slots: u32,
    /// Seconds after a period's end in which its result can still be posted or replaced.
    pub(crate) report_window: u64,
    /// Unix seconds of the ledger's deployment: a period that began by then can never have a committee.
    pub(crate) deployed_at: u64,
}

impl Schedule {
    pub(crate) fn start(&self, period: u64) -> u64 {
        self.genesis.saturating_add(period.saturating_mul(self.period_seconds))
    }

    pub(crate) fn end(&self, period: u64) -> u64 {
        self.start(period.saturating_add(1))
    }

    /// A block with this timestamp, or a later one, comes too late to change the period's result.
    pub(crate) fn closes_at(&self, period: u64) -> u64 {
        self.end(period).saturating_add(self.report_window)
    }

    /// The first period that is told of: the first that began after the ledger was deployed.
    pub(crate) fn first_period(&self) -> u64 {
        if self.deployed_at < self.genesis {
            0
        } else {
            (self.deployed_at - self.genesis) / self.period_seconds + 1
        }
    }
}

/// A period and the first block whose timestamp is past its report window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) period: u64,
    pub(crate) block: u64,
}

/// Periods that close after block `before` and by the last of the `known` headers, in order.
///
/// Headers that the search had to read are added to `known`.
pub(crate) async fn closings(
    chain: &Chain,
    schedule: &Schedule,
    next_period: u64,
    before: u64,
    known: &mut BTreeMap<u64, Header>,
) -> anyhow::Result<Vec<Closing>> {
    let Some(last) = known.values().next_back().copied() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut period = next_period;
    while schedule.closes_at(period) <= last.timestamp {
        let block = first_block_at(chain, schedule.closes_at(period), before, known, last).await?;
        found.push(Closing { period, block });
        period += 1;
    }
    Ok(found)
}

/// The first block after `before` whose timestamp is at least `time`; `last` is one.
async fn first_block_at(
    chain: &Chain,
    time: u64,
    before: u64,
    known: &mut BTreeMap<u64, Header>,
    last: Header,
) -> anyhow::Result<u64> {
    let mut low = known.values().rev().find(|header| header.timestamp < time).copied();
    let mut high = known
        .values()
        .find(|header| header.timestamp >= time)
        .copied()
        .unwrap_or(last);
    for look in 0_u32.. {
        let floor = low.map_or(before, |header| header.number);
        if high.number <= floor + 1 {
            break;
        }
        let span = high.number - floor;
        let guess = match low {
            Some(low) if look < INTERPOLATIONS => {
                let part = u128::from(time - low.timestamp) * u128::from(span);
                let step = (part / u128::from(high.timestamp - low.timestamp)) as u64;
                floor + step.clamp(1, span - 1)
            }
            Some(_) | None => floor + span / 2,
        };
        let header = chain.existing_header(guess).await?;
        known.insert(guess, header);
        if header.timestamp < time {
            low = Some(header);
        } else {
            high = header;
        }
    }
    Ok(high.number)
}
