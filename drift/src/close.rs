//! A closed period becomes figures: what every source of operators has in common, from members to alarms.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};

use crate::alarm::{NetworkAlarm, NetworkChannel};
use crate::clock::{Clock, WEEK_DAYS};
use crate::common_mode::CommonMode;
use crate::core::{Core, Ranking};
use crate::cusum::{Counts, Ground, State, threshold};
use crate::dependency::{Carrier, Dependency, Standing, available, is_reliable};
use crate::ewma::{Watch, Week};
use crate::record::{Course, Record, Walk};
use crate::trend::{Slope, theil_sen};
use crate::uptime::Slots;

/// Weekly values that a trend is drawn through.
const TREND_WEEKS: usize = 26;

/// An operator in a closed period, as its source tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub operator: Address,
    /// Who is paid for it.
    pub owner: Address,
    /// Declared failure domain.
    pub domain: Option<B256>,
    pub slots: Slots,
    /// One for each expected slot.
    pub observed: Vec<bool>,
    /// Likewise; set only where observed.
    pub up: Vec<bool>,
    pub stake: U256,
    /// What it can carry, in any unit that all members share; zero out of service.
    pub capacity: U256,
    pub units: U256,
    pub fees: U256,
    pub rewards: U256,
}

impl Member {
    /// Whether it was up in the slot; nothing when nobody observed it.
    pub fn seen(&self, slot: u32) -> Option<bool> {
        let slot = slot as usize;
        let observed = self.observed.get(slot).copied().unwrap_or(false);
        observed.then(|| self.up.get(slot).copied().unwrap_or(false))
    }
}

/// Sums of an operator, or of all, over all periods up to one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub slots: Slots,
    pub units: U256,
    pub capacity: U256,
    pub onset_steps: Counts,
    pub recovery_steps: Counts,
}

impl Totals {
    /// Slots since an earlier row.
    fn slots_since(&self, before: &Self) -> Slots {
        Slots {
            expected: self.slots.expected - before.slots.expected,
            observed: self.slots.observed - before.slots.observed,
            hit: self.slots.hit - before.slots.hit,
        }
    }
}

/// What is known of an operator before the period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Past {
    /// Nothing of an operator that is new.
    pub record: Option<Record>,
    /// Up to the period before.
    pub last: Totals,
    /// Up to the end of the period 7 days before the end of this one, and 14, and 30.
    pub week: Totals,
    pub fortnight: Totals,
    pub month: Totals,
}

/// Sums over all operators and periods up to one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NetworkTotals {
    pub incidents: u64,
    pub missed: u64,
    pub common_missed: u64,
    pub common_slots: u64,
    pub onset_steps: Counts,
    pub recovery_steps: Counts,
    /// Slots in which anybody was observed.
    pub slots: u64,
    pub misses_squared: u64,
    pub alarms: u64,
    pub expected_false_alarms: f64,
}

/// What is known of the network before the period.
#[derive(Debug, Clone, Default)]
pub struct NetworkPast {
    pub last: NetworkTotals,
    /// Up to the end of the period 7 days before the end of this one.
    pub week: NetworkTotals,
    /// Scopes that were in common mode in the last slot of the period before.
    pub common: Vec<Option<B256>>,
    /// Members of the core of the period before, and since when.
    pub core: BTreeMap<Address, i64>,
    /// Detectors of [`NetworkChannel::WEEKLY`], and their weekly values, the oldest first; only needed where a week ends.
    pub watches: [(Watch, Vec<f64>); 2],
}

/// A period to be closed.
#[derive(Debug, Clone)]
pub struct Period<'a> {
    pub period: i64,
    pub clock: Clock,
    /// In any order.
    pub members: &'a [Member],
    /// Every operator that ever had a row.
    pub past: &'a BTreeMap<Address, Past>,
    pub network: &'a NetworkPast,
    /// Capacity that open work takes at the end; nothing where the source tells none.
    pub demand: Option<U256>,
}

/// What a period made of one of its members.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub operator: Address,
    pub record: Record,
    pub totals: Totals,
    pub course: Course,
    /// Of its detectors.
    pub threshold: f64,
    /// Capacity times uptime of the period.
    pub available: Option<U256>,
    pub reliable: Option<bool>,
}

/// A detector of the network at the end of a week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeekEnd {
    pub channel: NetworkChannel,
    pub watch: Watch,
    pub slope: Option<Slope>,
}

/// All figures of a closed period.
#[derive(Debug, Clone)]
pub struct Derived {
    /// By operator.
    pub outcomes: Vec<Outcome>,
    pub common: CommonMode,
    pub totals: NetworkTotals,
    /// Of misses over the week: 1 when outages are independent.
    pub variance_ratio: Option<f64>,
    /// First of the week that the dependency is over.
    pub first_period: i64,
    pub dependency: Dependency,
    pub core: Core,
    /// Only where a week ends.
    pub week_ends: Vec<WeekEnd>,
    pub alarms: Vec<NetworkAlarm>,
}

/// Derives the period's figures. Costs a step for each slot of each member and a look at each operator there ever was.
pub fn close(period: &Period<'_>) -> Derived {
    let mut members: Vec<&Member> = period.members.iter().collect();
    members.sort_unstable_by_key(|member| member.operator);
    let common = CommonMode::of(period.members, period.clock.slots, &period.network.common);
    let outcomes = walk_all(period, &members, &common);
    let totals = sum(period, &outcomes, &common);
    let carriers = carriers(period, &members, &outcomes);
    let dependency = Dependency::of(&carriers, period.demand);
    let core = core(period, &outcomes);
    let (week_ends, mut alarms) = end_week(period, &dependency);
    alarms.splice(0..0, common_alarms(&common));
    Derived {
        variance_ratio: variance_ratio(period, &totals, &carriers),
        outcomes,
        common,
        totals,
        first_period: (period.period - period.clock.periods_in(WEEK_DAYS) + 1).max(0),
        dependency,
        core,
        week_ends,
        alarms,
    }
}

fn walk_all(period: &Period<'_>, members: &[&Member], common: &CommonMode) -> Vec<Outcome> {
    let expected = members.iter().filter(|member| member.slots.expected != 0).count();
    let walk = Walk {
        period: period.period,
        clock: period.clock,
        threshold: threshold(expected, period.clock),
        common,
    };
    let network: Slots = members.iter().map(|member| member.slots).sum();
    members
        .iter()
        .map(|member| {
            let past = period.past.get(&member.operator).copied().unwrap_or_default();
            outcome(member, &past, &period.network.week, &walk, network)
        })
        .collect()
}

fn outcome(member: &Member, past: &Past, network_week: &NetworkTotals, walk: &Walk<'_>, network: Slots) -> Outcome {
    let mut record = past.record.unwrap_or(Record {
        first_period: walk.period,
        ..Record::default()
    });
    let ground = |own, network| Ground {
        period: walk.period,
        clock: walk.clock,
        observed: past.week.slots.observed,
        own,
        network,
    };
    record.enter(
        &ground(past.week.onset_steps, network_week.onset_steps),
        &ground(past.week.recovery_steps, network_week.recovery_steps),
    );
    let course = record.walk(member, walk);
    let totals = Totals {
        slots: past.last.slots + member.slots,
        units: past.last.units.saturating_add(member.units),
        capacity: past.last.capacity.saturating_add(member.capacity),
        onset_steps: record.onset_steps,
        recovery_steps: record.recovery_steps,
    };
    Outcome {
        operator: member.operator,
        threshold: walk.threshold,
        available: available(member.capacity, member.slots, network),
        reliable: is_reliable(totals.slots_since(&past.month)),
        record,
        totals,
        course,
    }
}

fn sum(period: &Period<'_>, outcomes: &[Outcome], common: &CommonMode) -> NetworkTotals {
    let mut totals = period.network.last;
    for outcome in outcomes {
        let before = period
            .past
            .get(&outcome.operator)
            .and_then(|past| past.record)
            .unwrap_or_default();
        let record = &outcome.record;
        let since = |now: Counts, before: Counts| Counts {
            steps: now.steps - before.steps,
            events: now.events - before.events,
        };
        totals.incidents += record.incidents - before.incidents;
        totals.missed += record.missed - before.missed;
        totals.common_missed += record.common_missed - before.common_missed;
        totals.onset_steps += since(record.onset_steps, before.onset_steps);
        totals.recovery_steps += since(record.recovery_steps, before.recovery_steps);
        totals.alarms += outcome.course.alarms.len() as u64;
        totals.expected_false_alarms += outcome.course.expected_false_alarms;
    }
    totals.common_slots += common.distinct_slots();
    totals.slots += common.observed_slots;
    totals.misses_squared += common.misses_squared;
    totals
}

/// Every operator over the week, the members as they are now.
fn carriers(period: &Period<'_>, members: &[&Member], outcomes: &[Outcome]) -> Vec<Carrier> {
    let mut carriers = BTreeMap::new();
    for (operator, past) in period.past {
        carriers.insert(*operator, carrier(&past.last, past, None));
    }
    for (member, outcome) in members.iter().zip(outcomes) {
        let past = period.past.get(&member.operator).copied().unwrap_or_default();
        let standing = Standing {
            capacity: member.capacity,
            domain: member.domain,
            slots: outcome.totals.slots_since(&past.month),
        };
        carriers.insert(member.operator, carrier(&outcome.totals, &past, Some(standing)));
    }
    carriers.into_values().collect()
}

fn carrier(now: &Totals, past: &Past, standing: Option<Standing>) -> Carrier {
    Carrier {
        capacity: now.capacity.saturating_sub(past.week.capacity),
        slots: now.slots_since(&past.week),
        units: now.units.saturating_sub(past.week.units),
        standing,
    }
}

fn core(period: &Period<'_>, outcomes: &[Outcome]) -> Core {
    let mut now: BTreeMap<Address, U256> = period.past.iter().map(|(key, past)| (*key, past.last.units)).collect();
    now.extend(outcomes.iter().map(|outcome| (outcome.operator, outcome.totals.units)));
    let served = now.into_iter().map(|(operator, units)| {
        let before = period.past.get(&operator).map_or(U256::ZERO, |past| past.week.units);
        (operator, units.saturating_sub(before))
    });
    let before = period.past.iter().map(|(operator, past)| {
        let units = past.week.units.saturating_sub(past.fortnight.units);
        (*operator, units)
    });
    Core::of(
        &Ranking::new(served),
        &Ranking::new(before),
        &period.network.core,
        period.period,
    )
}

/// `Var(misses of a slot) / Σ p(1−p)` over the week; nothing when nobody missed, or all missed all.
fn variance_ratio(period: &Period<'_>, totals: &NetworkTotals, carriers: &[Carrier]) -> Option<f64> {
    let week = &period.network.week;
    let slots = (totals.slots - week.slots) as f64;
    let mean = (totals.missed - week.missed) as f64 / slots;
    let variance = (totals.misses_squared - week.misses_squared) as f64 / slots - mean * mean;
    let independent: f64 = carriers
        .iter()
        .filter_map(|carrier| {
            let up = carrier.slots.uptime()?;
            Some(carrier.slots.observed as f64 / slots * up * (1.0 - up))
        })
        .sum();
    (independent > 0.0).then(|| variance / independent)
}

fn end_week(period: &Period<'_>, dependency: &Dependency) -> (Vec<WeekEnd>, Vec<NetworkAlarm>) {
    let (mut ends, mut alarms) = (Vec::new(), Vec::new());
    if !period.clock.ends_week(period.period) {
        return (ends, alarms);
    }
    let values = [dependency.effective_served.map(f64::ln), dependency.delta];
    let channels = NetworkChannel::WEEKLY.into_iter().zip(values);
    for ((channel, value), (watch, history)) in channels.zip(&period.network.watches) {
        let week = Week {
            period: period.period,
            periods_per_week: period.clock.periods_in(WEEK_DAYS),
            value,
            history,
        };
        let (next, crossed) = watch.after(&week);
        if let (Some(statistic), Some(standard), Some(value)) = (crossed, next.standard, value) {
            alarms.push(NetworkAlarm {
                channel,
                upwards: statistic > 0.0,
                slot: None,
                domain: None,
                value,
                statistic,
                threshold: standard.threshold,
                renewed: watch.state == State::Alarmed,
            });
        }
        let slope = trend(history, value);
        ends.push(WeekEnd {
            channel,
            watch: next,
            slope,
        });
    }
    (ends, alarms)
}

fn trend(history: &[f64], newest: Option<f64>) -> Option<Slope> {
    let values: Vec<f64> = history.iter().copied().chain(newest).collect();
    let recent = &values[values.len().saturating_sub(TREND_WEEKS)..];
    let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(recent.iter().copied()).collect();
    if points.len() < 3 { None } else { theil_sen(&points) }
}

fn common_alarms(common: &CommonMode) -> impl Iterator<Item = NetworkAlarm> + '_ {
    common.slots.iter().filter(|slot| slot.onset).map(|slot| {
        let part = slot.missed as f64 / slot.observed as f64;
        NetworkAlarm {
            channel: NetworkChannel::CommonMode,
            upwards: true,
            slot: Some(slot.slot),
            domain: slot.domain,
            value: part,
            statistic: part,
            threshold: crate::common_mode::THRESHOLD,
            renewed: false,
        }
    })
}
