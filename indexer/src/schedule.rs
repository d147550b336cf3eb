//! The clock of uptime periods, and which block closes which period.

use std::collections::{BTreeMap, BTreeSet};

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
/// All are searched for at once, so that a look costs one request and not one for each period. Headers that the search
/// had to read are added to `known`.
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
    let mut searched: Vec<u64> = (next_period..)
        .take_while(|period| schedule.closes_at(*period) <= last.timestamp)
        .collect();
    for look in 0_u32.. {
        let mut guesses = BTreeSet::new();
        searched.retain(|period| {
            let bounds = Bounds::of(schedule.closes_at(*period), before, known, last);
            match bounds.guess(look) {
                None => {
                    found.push(Closing {
                        period: *period,
                        block: bounds.high.number,
                    });
                    false
                }
                Some(guess) => {
                    // Where blocks come regularly the first guess is right, and the block below it shows that.
                    guesses.extend([guess, (guess - 1).max(bounds.floor + 1)]);
                    true
                }
            }
        });
        if searched.is_empty() {
            break;
        }
        let missing: Vec<u64> = guesses
            .into_iter()
            .filter(|number| !known.contains_key(number))
            .collect();
        known.extend(chain.headers(missing).await?);
    }
    found.sort_by_key(|closing| closing.period);
    Ok(found)
}

/// Between which blocks the first one lies whose timestamp is at least `time`.
struct Bounds {
    time: u64,
    /// The highest that is too early, where its header is known.
    low: Option<Header>,
    floor: u64,
    high: Header,
}

impl Bounds {
    fn of(time: u64, before: u64, known: &BTreeMap<u64, Header>, last: Header) -> Self {
        let low = known.values().rev().find(|header| header.timestamp < time).copied();
        let high = known.values().find(|header| header.timestamp >= time);
        Self {
            time,
            low,
            floor: low.map_or(before, |header| header.number),
            high: high.copied().unwrap_or(last),
        }
    }

    /// Where to look next; nowhere when `high` is the first.
    fn guess(&self, look: u32) -> Option<u64> {
        if self.high.number <= self.floor + 1 {
            return None;
        }
        let span = self.high.number - self.floor;
        Some(match self.low {
            Some(low) if look < INTERPOLATIONS => {
                let part = u128::from(self.time - low.timestamp) * u128::from(span);
                let step = part.div_ceil(u128::from(self.high.timestamp - low.timestamp)) as u64;
                self.floor + step.clamp(1, span - 1)
            }
            Some(_) | None => self.floor + span / 2,
        })
    }
}
