//! When operators are up: a two-state chain for each, and shocks that take a whole domain down.

use std::collections::BTreeMap;

use crate::population::{DOMAINS, Population};
use crate::random::{MILLION, Stream};

/// Slots whose states are drawn together. States of any slot can be had without those of all slots before it, and a
/// simulation that starts again finds every operator as it was.
const ERA_SLOTS: u64 = 1_024;
const MAX_ERAS_HELD: usize = 2;
/// Chance that a domain has a shock in an era, and that a member of the domain is hit by it.
const SHOCK_PPM: u32 = 250_000;
const HIT_PPM: u32 = 800_000;

/// Up and down over all time, a function of the seed alone.
pub struct Availability {
    seed: u64,
    slots_per_period: u64,
    operators: Vec<Chain>,
    eras: BTreeMap<u64, Vec<Vec<bool>>>,
}

/// Probabilities of a change of state in a slot, parts per million.
struct Chain {
    domain: usize,
    down: u32,
    fails: u32,
    recovers: u32,
}

impl Availability {
    pub fn new(seed: u64, population: &Population, slots_per_period: u32) -> Self {
        let slots_per_period = u64::from(slots_per_period);
        let operators = population
            .operators
            .iter()
            .map(|spec| {
                let down = u64::from(spec.down_ppm.min(950_000));
                // A geometric length with mean m ends in each slot with probability 1/m.
                let mean_percent = (spec.outage_period_percent * slots_per_period).max(100);
                let recovers = u64::from(MILLION) * 100 / mean_percent;
                let fails = recovers * down / (u64::from(MILLION) - down);
                let ppm = |value: u64| u32::try_from(value).unwrap_or(MILLION).min(MILLION);
                Chain {
                    domain: spec.domain,
                    down: ppm(down),
                    fails: ppm(fails),
                    recovers: ppm(recovers),
                }
            })
            .collect();
        Self {
            seed,
            slots_per_period,
            operators,
            eras: BTreeMap::new(),
        }
    }

    /// Who is up in a slot, counted from the ledger's genesis.
    pub fn up(&mut self, slot: u64) -> Vec<bool> {
        let era = slot / ERA_SLOTS;
        if !self.eras.contains_key(&era) {
            if self.eras.len() >= MAX_ERAS_HELD {
                self.eras.pop_first();
            }
            let drawn = self.draw(era);
            self.eras.insert(era, drawn);
        }
        let offset = (slot % ERA_SLOTS) as usize;
        self.eras
            .get(&era)
            .into_iter()
            .flatten()
            .map(|states| states[offset])
            .collect()
    }

    fn draw(&self, era: u64) -> Vec<Vec<bool>> {
        let shocks: Vec<Option<(u64, u64)>> = (0..DOMAINS.len()).map(|domain| self.shock(era, domain)).collect();
        self.operators
            .iter()
            .enumerate()
            .map(|(index, chain)| {
                let mut stream = Stream::new(self.seed, "availability", era, index as u64);
                let hit = shocks[chain.domain].filter(|_| stream.chance(HIT_PPM));
                let mut up = !stream.chance(chain.down);
                (0..ERA_SLOTS)
                    .map(|slot| {
                        let change = if up { chain.fails } else { chain.recovers };
                        up ^= stream.chance(change);
                        up && !hit.is_some_and(|(from, to)| (from..to).contains(&slot))
                    })
                    .collect()
            })
            .collect()
    }

    /// First slot of a domain's shock in an era, and the slot after its last; lengths are geometric, half a period in
    /// the mean.
    fn shock(&self, era: u64, domain: usize) -> Option<(u64, u64)> {
        let mut stream = Stream::new(self.seed, "shock", era, domain as u64);
        if !stream.chance(SHOCK_PPM) {
            return None;
        }
        let from = stream.below(ERA_SLOTS);
        let ends = u32::try_from(2 * u64::from(MILLION) / self.slots_per_period.max(2)).unwrap_or(MILLION);
        let length = (1..=2 * self.slots_per_period)
            .find(|_| stream.chance(ends))
            .unwrap_or(1);
        Some((from, from + length))
    }
}
