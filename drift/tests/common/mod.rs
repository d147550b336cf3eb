//! A network lived through period after period: members that fail in bursts, and what closing their periods says.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use plumbline_drift::alarm::{DriftAlarm, NetworkAlarm};
use plumbline_drift::clock::{Clock, MONTH_DAYS, WEEK_DAYS};
use plumbline_drift::close::{Derived, Member, NetworkPast, NetworkTotals, Past, Period, Totals, close};
use plumbline_drift::cusum::{Channel, Rates, threshold};
use plumbline_drift::ewma::Watch;
use plumbline_drift::record::Record;
use plumbline_drift::uptime::Slots;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A test network's: a period is a day of 24 hours.
pub const CLOCK: Clock = Clock {
    slot_seconds: 3_600,
    slots: 24,
};

/// An operator of a simulated network: a chain of two states, up and down.
#[derive(Debug, Clone)]
pub struct Actor {
    pub operator: Address,
    pub domain: Option<B256>,
    pub capacity: u64,
    /// Units of a period.
    pub units: u64,
    /// Probability that an outage begins in a slot.
    pub onset: f64,
    /// Probability that one ends in a slot.
    pub recovery: f64,
    /// Whatever the chain says.
    pub forced_down: bool,
    pub exited: bool,
    down: bool,
}

impl Actor {
    pub fn new(index: u64, capacity: u64, onset: f64, outage_slots: f64) -> Self {
        let mut address = [0; 20];
        address[12..].copy_from_slice(&(index + 1).to_be_bytes());
        Self {
            operator: Address::from(address),
            domain: None,
            capacity,
            units: capacity,
            onset,
            recovery: 1.0 / outage_slots,
            forced_down: false,
            exited: false,
            down: false,
        }
    }

    fn member(&mut self, random: &mut ChaCha8Rng) -> Member {
        let up: Vec<bool> = (0..CLOCK.slots)
            .map(|_| {
                let turn = if self.down { self.recovery } else { self.onset };
                self.down ^= random.random_bool(turn);
                !self.down && !self.forced_down
            })
            .collect();
        let units = (self.units as f64 * random.random_range(0.9..1.1)) as u64;
        self.told(up, units)
    }

    fn told(&self, up: Vec<bool>, units: u64) -> Member {
        let slots = up.len() as u64;
        let capacity = U256::from(self.capacity);
        Member {
            operator: self.operator,
            owner: self.operator,
            domain: self.domain,
            slots: Slots {
                expected: slots,
                observed: slots,
                hit: up.iter().filter(|up| **up).count() as u64,
            },
            observed: vec![true; up.len()],
            up,
            stake: capacity,
            capacity,
            units: U256::from(units),
            fees: U256::from(units),
            rewards: U256::ZERO,
        }
    }
}

/// What is remembered of closed periods, as rows would be.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub period: i64,
    rows: BTreeMap<Address, Vec<(i64, Record, Totals)>>,
    network: Vec<NetworkTotals>,
    core: BTreeMap<Address, i64>,
    common: Vec<Option<B256>>,
    watches: [(Watch, Vec<f64>); 2],
}

impl History {
    /// Closes the next period.
    pub fn close(&mut self, members: &[Member]) -> Derived {
        let past = self.past();
        let network = self.network_past();
        let derived = close(&Period {
            period: self.period,
            clock: CLOCK,
            members,
            past: &past,
            network: &network,
            demand: None,
        });
        self.remember(&derived);
        derived
    }

    fn past(&self) -> BTreeMap<Address, Past> {
        let past = self.rows.iter().map(|(operator, rows)| {
            let until = |days| {
                let last = self.period - CLOCK.periods_in(days);
                let row = rows.iter().rev().find(|(period, _, _)| *period <= last);
                row.map(|(_, _, totals)| *totals).unwrap_or_default()
            };
            let newest = rows.last();
            let past = Past {
                record: newest.map(|(_, record, _)| *record),
                last: newest.map(|(_, _, totals)| *totals).unwrap_or_default(),
                week: until(WEEK_DAYS),
                fortnight: until(2 * WEEK_DAYS),
                month: until(MONTH_DAYS),
            };
            (*operator, past)
        });
        past.collect()
    }

    fn network_past(&self) -> NetworkPast {
        let week = self.network.len().checked_sub(CLOCK.periods_in(WEEK_DAYS) as usize);
        NetworkPast {
            last: self.network.last().copied().unwrap_or_default(),
            week: week.map(|index| self.network[index]).unwrap_or_default(),
            common: self.common.clone(),
            core: self.core.clone(),
            watches: self.watches.clone(),
        }
    }

    fn remember(&mut self, derived: &Derived) {
        for outcome in &derived.outcomes {
            let row = (self.period, outcome.record, outcome.totals);
            self.rows.entry(outcome.operator).or_default().push(row);
        }
        self.network.push(derived.totals);
        let members = derived.core.members.iter();
        self.core = members.map(|member| (member.operator, member.since_period)).collect();
        let last = derived.common.slots.iter().filter(|slot| slot.slot + 1 == CLOCK.slots);
        self.common = last.map(|slot| slot.domain).collect();
        for (end, (watch, values)) in derived.week_ends.iter().zip(&mut self.watches) {
            *watch = end.watch;
            values.extend(end.watch.value);
        }
        self.period += 1;
    }

    pub fn totals(&self) -> NetworkTotals {
        self.network.last().copied().unwrap_or_default()
    }
}

/// A network, and every alarm so far.
pub struct Simulation {
    pub actors: Vec<Actor>,
    pub history: History,
    pub alarms: Vec<(i64, DriftAlarm)>,
    pub network_alarms: Vec<(i64, NetworkAlarm)>,
    random: ChaCha8Rng,
}

impl Simulation {
    pub fn new(actors: Vec<Actor>, seed: u64) -> Self {
        Self {
            actors,
            history: History::default(),
            alarms: Vec::new(),
            network_alarms: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    pub fn period(&mut self) -> Derived {
        let random = &mut self.random;
        let living = self.actors.iter_mut().filter(|actor| !actor.exited);
        let members: Vec<Member> = living.map(|actor| actor.member(random)).collect();
        let period = self.history.period;
        let derived = self.history.close(&members);
        let alarms = derived.outcomes.iter().flat_map(|outcome| &outcome.course.alarms);
        self.alarms.extend(alarms.map(|alarm| (period, *alarm)));
        self.network_alarms
            .extend(derived.alarms.iter().map(|alarm| (period, *alarm)));
        derived
    }

    pub fn periods(&mut self, count: u32) {
        for _ in 0..count {
            self.period();
        }
    }

    /// Between which rates the onset detector of an operator decides.
    pub fn rates(&self, index: usize) -> Option<Rates> {
        let rows = self.history.rows.get(&self.actors[index].operator)?;
        rows.last()?.1.onset.rates
    }
}

/// Operators as a live network has them: capacity lognormal, most near perfect, a third down now and then, some often.
pub fn live_network(operators: u64, seed: u64) -> Vec<Actor> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..operators)
        .map(|index| {
            // A sum of twelve uniform numbers is close enough to normal.
            let normal: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            let capacity = (1_000_000.0 * (1.2 * normal).exp()) as u64 + 1;
            let (down, outage_slots) = match index % 10 {
                0..6 => (0.000_5, 4.0),
                6..9 => (random.random_range(0.005..0.03), random.random_range(6.0..24.0)),
                _ => (random.random_range(0.1..0.3), random.random_range(6.0..48.0)),
            };
            // The stationary part of slots that are down is onset / (onset + recovery).
            let recovery = 1.0 / outage_slots;
            Actor::new(index, capacity, recovery * down / (1.0 - down), outage_slots)
        })
        .collect()
}

/// How long a drift went unnoticed, in periods.
#[derive(Debug, Clone, Copy)]
pub struct Delay {
    /// Infinite when it was never noticed.
    pub measured: f64,
    /// Wald: what the threshold and one overshoot take at the mean increment.
    pub design: f64,
}

/// Operators whose onset rate becomes five-fold, and how long they are watched before and after.
const DRIFTED: usize = 8;
const WARM_UP: u32 = 120;
const WATCHED: u32 = 120;
const OUTAGE_SLOTS: f64 = 6.0;

/// The delays of operators whose outages begin five times as often from one period on, of a network with this onset rate.
pub fn fivefold(operators: u64, onset: f64, seed: u64) -> Vec<Delay> {
    let actors = (0..operators).map(|index| Actor::new(index, 1_000, onset, OUTAGE_SLOTS));
    let mut simulation = Simulation::new(actors.collect(), seed);
    simulation.periods(WARM_UP);
    let before = simulation.alarms.len();
    let baselines: Vec<Option<Rates>> = (0..DRIFTED).map(|index| simulation.rates(index)).collect();
    for actor in &mut simulation.actors[..DRIFTED] {
        actor.onset = 5.0 * onset;
    }
    simulation.periods(WATCHED);
    let threshold = threshold(operators as usize, CLOCK);
    let delays = simulation.actors[..DRIFTED]
        .iter()
        .zip(baselines)
        .map(|(actor, rates)| {
            let found = simulation.alarms[before..]
                .iter()
                .find(|(_, alarm)| alarm.operator == actor.operator && alarm.channel == Channel::Onset);
            let since = |period: i64, slot: u32| {
                (period - i64::from(WARM_UP)) as f64 + f64::from(slot) / f64::from(CLOCK.slots)
            };
            Delay {
                measured: found.map_or(f64::INFINITY, |(period, alarm)| since(*period, alarm.slot + 1)),
                design: rates.map_or(0.0, |rates| design_periods(rates, actor.onset, threshold)),
            }
        });
    delays.collect()
}

/// Periods to an alarm at a true onset rate, slots of outages included.
fn design_periods(rates: Rates, onset: f64, threshold: f64) -> f64 {
    let (on_event, otherwise) = (rates.log_likelihood_ratio(true), rates.log_likelihood_ratio(false));
    let up_slots = (threshold + on_event) / (onset * on_event + (1.0 - onset) * otherwise);
    up_slots * (1.0 + onset * OUTAGE_SLOTS) / f64::from(CLOCK.slots)
}
