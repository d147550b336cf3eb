//! Slots that many operators missed together: their cause is not one operator.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;

use crate::close::Member;

/// A slot is in common mode when more than this part of the observed missed it, and not one alone.
const PART: (u64, u64) = (3, 10);
pub const THRESHOLD: f64 = PART.0 as f64 / PART.1 as f64;
const LEAST_MISSED: u64 = 2;

/// A slot in common mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommonSlot {
    pub slot: u32,
    /// Nothing for the whole network.
    pub domain: Option<B256>,
    pub observed: u64,
    pub missed: u64,
    /// The slot before was not, in the same scope.
    pub onset: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    observed: u64,
    missed: u64,
}

impl Tally {
    fn add(&mut self, up: bool) {
        self.observed += 1;
        self.missed += u64::from(!up);
    }

    fn is_common(self) -> bool {
        self.missed >= LEAST_MISSED && self.missed * PART.1 > self.observed * PART.0
    }
}

/// The slots of a period, seen across operators.
#[derive(Debug, Clone, Default)]
pub struct CommonMode {
    /// By slot, then the whole network before its domains.
    pub slots: Vec<CommonSlot>,
    /// Slots in which anybody was observed.
    pub observed_slots: u64,
    /// Sum over slots of the square of the operators that missed it.
    pub misses_squared: u64,
    scopes: BTreeSet<(u32, Option<B256>)>,
}

impl CommonMode {
    /// Looks at the slots of a period; `before` are the scopes that were in common mode in the last slot of the one before.
    pub fn of(members: &[Member], slots: u32, before: &[Option<B256>]) -> Self {
        let mut found = Self::default();
        let mut ongoing: Vec<Option<B256>> = before.to_vec();
        for slot in 0..slots {
            let mut tallies: BTreeMap<Option<B256>, Tally> = BTreeMap::new();
            for member in members {
                let Some(up) = member.seen(slot) else { continue };
                tallies.entry(None).or_default().add(up);
                if member.domain.is_some() {
                    tallies.entry(member.domain).or_default().add(up);
                }
            }
            let network = tallies.get(&None).copied().unwrap_or_default();
            found.observed_slots += u64::from(network.observed != 0);
            found.misses_squared += network.missed * network.missed;
            let common = tallies.into_iter().filter(|(_, tally)| tally.is_common());
            let mut now = Vec::new();
            for (domain, Tally { observed, missed }) in common {
                let onset = !ongoing.contains(&domain);
                found.slots.push(CommonSlot {
                    slot,
                    domain,
                    observed,
                    missed,
                    onset,
                });
                found.scopes.insert((slot, domain));
                now.push(domain);
            }
            ongoing = now;
        }
        found
    }

    /// Whether the slot counts against nobody of this domain.
    pub fn covers(&self, slot: u32, domain: Option<B256>) -> bool {
        self.scopes.contains(&(slot, None)) || (domain.is_some() && self.scopes.contains(&(slot, domain)))
    }

    /// Slots that are in common mode anywhere.
    pub fn distinct_slots(&self) -> u64 {
        let mut slots: Vec<u32> = self.slots.iter().map(|common| common.slot).collect();
        slots.dedup();
        slots.len() as u64
    }
}
