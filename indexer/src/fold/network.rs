//! Rows of the network as a whole.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use anyhow::Context;
use plumbline_drift::close::{Derived, Member as Told, NetworkPast};
use plumbline_drift::concentration::{Distribution, Grouped, Threshold, theil_by_group};
use plumbline_drift::cusum::State;
use plumbline_drift::dependency::available;
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use super::{Frame, METHOD_VERSION, Member, Verdict, sum};
use crate::rows::{Rows, row};
use crate::sql::Uint;

/// Sums over all periods before.
#[derive(Default)]
struct Totals {
    expected: i64,
    observed: i64,
    hit: i64,
    units: Uint,
    fees: Uint,
}

/// Adds the row of the period itself.
pub(super) async fn write_period(
    db: &mut PgConnection,
    rows: &mut Rows,
    frame: &Frame,
    verdict: &Verdict,
    closed_by_block: i64,
    members: &[Member],
) -> anyhow::Result<()> {
    let totals = totals(db, frame).await?;
    let slots: Slots = members.iter().map(|member| member.slots).sum();
    let units = sum(members.iter().map(|member| member.standing.units));
    let fees = sum(members.iter().map(|member| member.standing.fees));
    row! { rows, network_period {
        period: frame.period, closed_by_block, starts_at: frame.starts_at, ends_at: frame.ends_at, slots: frame.slots,
        drawn: verdict.drawn.is_some(), reports: verdict.reports,
        operators: members.iter().filter(|member| member.slots.expected != 0).count() as i64,
        expected: slots.expected as i64, observed: slots.observed as i64, hit: slots.hit as i64,
        missed: slots.missed() as i64, uptime: slots.uptime(), coverage: slots.coverage(),
        units, fees, stake: sum(members.iter().map(|member| member.standing.stake_active)),
        expected_total: totals.expected + slots.expected as i64,
        observed_total: totals.observed + slots.observed as i64,
        hit_total: totals.hit + slots.hit as i64,
        units_total: totals.units.0 + units, fees_total: totals.fees.0 + fees,
    } }
    Ok(())
}

async fn totals(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Totals> {
    let totals = sqlx::query_as!(
        Totals,
        r#"select expected_total as expected, observed_total as observed, hit_total as hit,
                  units_total as "units: Uint", fees_total as "fees: Uint"
           from network_period where period < $1 order by period desc limit 1"#,
        frame.period,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the totals before period {}", frame.period))?;
    Ok(totals.unwrap_or_default())
}

/// Adds everything that was derived of the network.
pub(super) fn write(rows: &mut Rows, frame: &Frame, members: &[Told], past: &NetworkPast, derived: &Derived) {
    write_reliability(rows, frame, past, derived);
    write_common_mode(rows, frame, derived);
    write_dependency(rows, frame, derived);
    write_core(rows, frame, derived);
    write_week(rows, frame, derived);
    write_alarms(rows, frame, derived);
    write_concentration(rows, frame, members);
}

fn write_reliability(rows: &mut Rows, frame: &Frame, past: &NetworkPast, derived: &Derived) {
    let (totals, before) = (&derived.totals, &past.last);
    let in_state = |state| {
        derived
            .outcomes
            .iter()
            .filter(|one| one.record.state() == state)
            .count() as i32
    };
    row! { rows, network_reliability {
        period: frame.period, method_version: METHOD_VERSION,
        incidents: (totals.incidents - before.incidents) as i32, incidents_total: totals.incidents as i64,
        incidents_open: derived.outcomes.iter().filter(|one| one.record.open.is_some()).count() as i32,
        missed_total: totals.missed as i64, common_missed_total: totals.common_missed as i64,
        mttr_slots: (totals.incidents != 0).then(|| totals.missed as f64 / totals.incidents as f64),
        common_slots: (totals.common_slots - before.common_slots) as i32,
        common_slots_total: totals.common_slots as i64,
        onset_steps_total: totals.onset_steps.steps as i64, onsets_total: totals.onset_steps.events as i64,
        recovery_steps_total: totals.recovery_steps.steps as i64,
        recoveries_total: totals.recovery_steps.events as i64,
        slots_total: totals.slots as i64, misses_squared_total: totals.misses_squared as i64,
        variance_ratio: derived.variance_ratio,
        warming_up: in_state(State::WarmingUp), watching: in_state(State::Watching), alarmed: in_state(State::Alarmed),
        drift_alarms: (totals.alarms - before.alarms) as i32, drift_alarms_total: totals.alarms as i64,
        expected_false_alarms_total: totals.expected_false_alarms,
    } }
}

fn write_common_mode(rows: &mut Rows, frame: &Frame, derived: &Derived) {
    for common in &derived.common.slots {
        row! { rows, common_mode_slot {
            period: frame.period, slot: common.slot as i32, domain: common.domain.unwrap_or_default(),
            observed: common.observed as i32, missed: common.missed as i32, onset: common.onset,
        } }
    }
}

fn write_dependency(rows: &mut Rows, frame: &Frame, derived: &Derived) {
    let figures = &derived.dependency;
    row! { rows, network_dependency {
        period: frame.period, first_period: derived.first_period,
        effective_capacity: figures.effective_capacity, effective_available: figures.effective_available,
        effective_served: figures.effective_served, dependency: figures.delta,
        dependency_reliability: figures.by_reliability, dependency_routing: figures.by_routing,
        operators: figures.operators as i32, reliable_operators: figures.reliable_operators as i32,
        reliable_share: figures.reliable_share, reliable_effective: figures.reliable_effective,
        demand: figures.demand, liveness_nakamoto: figures.liveness_nakamoto.map(|k| k as i32),
        left_shares: figures.left_shares.clone(), quorum_availability: figures.quorum_availability,
        shock_domain: figures.shock_domain, quorum_availability_shocked: figures.quorum_availability_shocked,
    } }
}

fn write_core(rows: &mut Rows, frame: &Frame, derived: &Derived) {
    let (core, churn) = (&derived.core, derived.core.churn);
    row! { rows, network_core {
        period: frame.period, size: core.members.len() as i32, share: core.share,
        entered: churn.map(|churn| churn.entered as i32), left_core: churn.map(|churn| churn.left as i32),
        jaccard: churn.and_then(|churn| churn.jaccard), rbo: churn.and_then(|churn| churn.rank_biased_overlap),
        tenure_periods: core.tenure_periods,
    } }
    for (position, member) in core.members.iter().enumerate() {
        row! { rows, core_member {
            period: frame.period, operator: member.operator, rank: position as i32 + 1, units: member.units,
            share: member.share, since_period: member.since_period,
        } }
    }
}

fn write_week(rows: &mut Rows, frame: &Frame, derived: &Derived) {
    for end in &derived.week_ends {
        let (watch, standard) = (&end.watch, end.watch.standard);
        let (low, high) = end.slope.and_then(|slope| slope.interval).unzip();
        row! { rows, network_drift {
            period: frame.period, channel: end.channel.as_str(), state: watch.state.as_str(),
            since_period: watch.since_period.unwrap_or(frame.period), value: watch.value,
            mean: standard.map(|standard| standard.mean), deviation: standard.map(|standard| standard.deviation),
            threshold: standard.map(|standard| standard.threshold), statistic: watch.statistic,
            weeks: watch.weeks as i32, slope: end.slope.map(|slope| slope.slope), slope_low: low, slope_high: high,
            alarm_period: watch.alarm_period,
        } }
    }
}

fn write_alarms(rows: &mut Rows, frame: &Frame, derived: &Derived) {
    for (ordinal, alarm) in derived.alarms.iter().enumerate() {
        let at = alarm.slot.map_or(frame.ends_at, |slot| frame.slot_starts_at(slot + 1));
        row! { rows, network_alarm {
            period: frame.period, ordinal: ordinal as i16, channel: alarm.channel.as_str(),
            direction: if alarm.upwards { "up" } else { "down" }, at, slot: alarm.slot.map(|slot| slot as i32),
            domain: alarm.domain, value: alarm.value, statistic: alarm.statistic, threshold: alarm.threshold,
            renewed: alarm.renewed,
        } }
    }
}

/// What concentration is measured by, as each member holds it.
fn bases(members: &[Told]) -> Vec<(&'static str, Option<Vec<U256>>)> {
    let network: Slots = members.iter().map(|member| member.slots).sum();
    let by = |amount: fn(&Told) -> U256| Some(members.iter().map(amount).collect());
    let up = members
        .iter()
        .map(|member| available(member.capacity, member.slots, network));
    vec![
        ("stake", by(|member| member.stake)),
        ("capacity", by(|member| member.capacity)),
        ("available", up.collect()),
        ("units", by(|member| member.units)),
        ("fees", by(|member| member.fees)),
        ("rewards", by(|member| member.rewards)),
    ]
}

/// A group of members; who belongs to none stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Owner(Address),
    Domain(B256),
    Alone(Address),
}

fn write_concentration(rows: &mut Rows, frame: &Frame, members: &[Told]) {
    let owner = |member: &Told| Group::Owner(member.owner);
    let domain = |member: &Told| member.domain.map_or(Group::Alone(member.operator), Group::Domain);
    for (basis, amounts) in bases(members) {
        // Where nothing was observed nobody is known to hold anything.
        let amounts = amounts.unwrap_or_default();
        write_level(rows, frame, basis, "operator", &amounts, None);
        for (level, group) in [("owner", &owner as &dyn Fn(&Told) -> Group), ("domain", &domain)] {
            let mut groups: BTreeMap<Group, Vec<U256>> = BTreeMap::new();
            for (member, amount) in members.iter().zip(&amounts) {
                groups.entry(group(member)).or_default().push(*amount);
            }
            let sums: Vec<U256> = groups
                .values()
                .map(|held| sum(held.iter().map(|held| Uint(*held))))
                .collect();
            let theil = theil_by_group(groups.values().map(Vec::as_slice));
            write_level(rows, frame, basis, level, &sums, theil);
        }
    }
}

fn write_level(
    rows: &mut Rows,
    frame: &Frame,
    basis: &'static str,
    level: &'static str,
    amounts: &[U256],
    grouped: Option<Grouped>,
) {
    let shares = Distribution::new(amounts.iter().copied());
    let nakamoto = |threshold| shares.nakamoto(threshold).map(|k| k as i32);
    row! { rows, network_concentration {
        period: frame.period, level, basis, total: sum(amounts.iter().map(|amount| Uint(*amount))),
        holders: shares.holders() as i32,
        top1_share: shares.top_share(1), top3_share: shares.top_share(3), top10_share: shares.top_share(10),
        hhi: shares.hhi(), effective_operators: shares.effective_members(),
        entropy_effective: shares.entropy_effective(), gini: shares.gini(), theil: shares.theil(),
        theil_between: grouped.map(|grouped| grouped.between), theil_within: grouped.map(|grouped| grouped.within),
        nakamoto_third: nakamoto(Threshold::THIRD), nakamoto_half: nakamoto(Threshold::HALF),
        nakamoto_two_thirds: nakamoto(Threshold::TWO_THIRDS),
    } }
}
