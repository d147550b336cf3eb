//! Rows of the operators of a period.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use anyhow::Context;
use plumbline_drift::close::{Derived, Outcome};
use plumbline_drift::cusum::Channel;
use sqlx::PgConnection;

use super::{Deeds, Frame, Member};
use crate::rows::{Rows, row};
use crate::sql::{Uint, address};

/// Sums of what an operator did, up to a period.
#[derive(Default)]
struct Before {
    deeds: Deeds,
    rewards: Uint,
}

/// Adds the rows of every member, with its incidents and alarms.
pub(super) async fn write(
    db: &mut PgConnection,
    rows: &mut Rows,
    frame: &Frame,
    members: &[Member],
    derived: &Derived,
) -> anyhow::Result<()> {
    let mut before = before(db, frame.period).await?;
    let outcomes: BTreeMap<Address, &Outcome> = derived.outcomes.iter().map(|one| (one.operator, one)).collect();
    for member in members {
        let operator = member.operator()?;
        let outcome = outcomes.get(&operator).context("every member has an outcome")?;
        let domain = member.domain()?;
        write_period(rows, frame, member);
        write_service(
            rows,
            frame,
            member,
            outcome,
            before.remove(&operator).unwrap_or_default(),
        )?;
        write_reliability(rows, frame, outcome);
        write_course(rows, frame, outcome, domain);
        write_drift(rows, frame, outcome);
    }
    Ok(())
}

fn write_period(rows: &mut Rows, frame: &Frame, member: &Member) {
    let Member { standing, slots, .. } = member;
    let (low, high) = slots.uptime_interval().unzip();
    row! { rows, operator_period {
        period: frame.period, operator: standing.operator,
        expected: slots.expected as i32, observed: slots.observed as i32, hit: slots.hit as i32,
        missed: slots.missed() as i32, unobserved: slots.unobserved() as i32,
        observed_slots: member.observed_slots, up_slots: member.up_slots,
        uptime: slots.uptime(), uptime_low: low, uptime_high: high,
        units: standing.units, fees: standing.fees,
        stake_own: standing.stake_own, stake_delegated: standing.stake_active.0 - standing.stake_own.0,
        stake_thawing: standing.stake_thawing,
        expected_total: standing.expected_total + slots.expected as i64,
        observed_total: standing.observed_total + slots.observed as i64,
        hit_total: standing.hit_total + slots.hit as i64,
        units_total: standing.units_total.0 + standing.units.0,
        fees_total: standing.fees_total.0 + standing.fees.0,
    } }
}

fn write_service(
    rows: &mut Rows,
    frame: &Frame,
    member: &Member,
    outcome: &Outcome,
    before: Before,
) -> anyhow::Result<()> {
    let (standing, now, then) = (&member.standing, &member.standing.deeds, before.deeds);
    row! { rows, operator_service {
        period: frame.period, operator: outcome.operator, owner: member.owner()?, domain: member.domain()?,
        capacity: standing.capacity, available: outcome.available, capacity_total: outcome.totals.capacity,
        rewards: standing.rewards, rewards_total: before.rewards.0.saturating_add(standing.rewards.0),
        audits_total: then.audits + now.audits,
        audits_passed_total: then.audits_passed + now.audits_passed,
        audits_failed_total: then.audits_failed + now.audits_failed,
        audits_withheld_total: then.audits_withheld + now.audits_withheld,
        audits_undecided_total: then.audits_undecided + now.audits_undecided,
        faults_downtime_total: then.faults_downtime + now.faults_downtime,
        faults_withheld_total: then.faults_withheld + now.faults_withheld,
        faults_wrong_total: then.faults_wrong + now.faults_wrong,
        faults_equivocation_total: then.faults_equivocation + now.faults_equivocation,
        faults_report_total: then.faults_report + now.faults_report,
        faults_unrevealed_total: then.faults_unrevealed + now.faults_unrevealed,
        settle_lags_total: then.settle_lags + now.settle_lags,
        settle_lag_seconds_total: then.settle_lag_seconds + now.settle_lag_seconds,
        release_lags_total: then.release_lags + now.release_lags,
        release_lag_seconds_total: then.release_lag_seconds + now.release_lag_seconds,
    } }
    if !now.latencies.is_empty() {
        let longest = now.latencies.len().max(then.latencies.len());
        let at = |counts: &[i64], i: usize| counts.get(i).copied().unwrap_or(0);
        let counts: Vec<i64> = (0..longest)
            .map(|i| at(&then.latencies, i) + at(&now.latencies, i))
            .collect();
        row! { rows, operator_latency { period: frame.period, operator: outcome.operator, counts_total: counts } }
    }
    Ok(())
}

fn write_reliability(rows: &mut Rows, frame: &Frame, outcome: &Outcome) {
    let (record, open) = (&outcome.record, outcome.record.open);
    let (score, score_low) = record.score().unzip();
    row! { rows, operator_reliability {
        period: frame.period, operator: outcome.operator, first_period: record.first_period, up: record.up,
        incidents: outcome.course.incidents.len() as i32, incidents_total: record.incidents as i64,
        missed_total: record.missed as i64, common_missed_total: record.common_missed as i64,
        mttr_slots: record.mttr_slots(),
        open_period: open.map(|open| open.period), open_slot: open.map(|open| open.slot as i32),
        open_missed: open.map_or(0, |open| open.missed as i32),
        open_common_missed: open.map_or(0, |open| open.common_missed as i32),
        onset_steps_total: record.onset_steps.steps as i64, onsets_total: record.onset_steps.events as i64,
        recovery_steps_total: record.recovery_steps.steps as i64,
        recoveries_total: record.recovery_steps.events as i64,
        decayed_hit: record.decayed_hit, decayed_missed: record.decayed_missed, score, score_low,
        reliable: outcome.reliable,
    } }
}

/// Incidents that began or ended, and alarms.
fn write_course(rows: &mut Rows, frame: &Frame, outcome: &Outcome, domain: Option<B256>) {
    let (period, operator) = (frame.period, outcome.operator);
    for incident in &outcome.course.incidents {
        row! { rows, incident {
            operator, period, slot: incident.slot as i32, started_at: frame.slot_starts_at(incident.slot), domain,
            common_mode: incident.common_mode,
        } }
    }
    for end in &outcome.course.ends {
        row! { rows, incident_end {
            operator, period: end.incident.period, slot: end.incident.slot as i32, ended_period: period,
            ended_slot: end.slot as i32, ended_at: frame.slot_starts_at(end.slot), missed: end.incident.missed as i32,
            common_missed: end.incident.common_missed as i32,
        } }
    }
    for alarm in &outcome.course.alarms {
        row! { rows, drift_alarm {
            period, slot: alarm.slot as i32, operator, channel: alarm.channel.as_str(),
            at: frame.slot_starts_at(alarm.slot + 1), statistic: alarm.statistic, threshold: alarm.threshold,
            baseline_rate: alarm.rates.baseline, alternative_rate: alarm.rates.alternative, renewed: alarm.renewed,
        } }
    }
}

fn write_drift(rows: &mut Rows, frame: &Frame, outcome: &Outcome) {
    for channel in Channel::ALL {
        let detector = outcome.record.detector(channel);
        row! { rows, operator_drift {
            period: frame.period, operator: outcome.operator, channel: channel.as_str(),
            state: detector.state.as_str(), since_period: detector.since_period.unwrap_or(frame.period),
            statistic: detector.statistic, threshold: outcome.threshold,
            baseline_rate: detector.rates.map(|rates| rates.baseline),
            alternative_rate: detector.rates.map(|rates| rates.alternative),
            baseline_steps: detector.counts.steps as i64, baseline_events: detector.counts.events as i64,
            alarm_period: detector.alarm_period,
        } }
    }
}

/// Sums of every operator's deeds as of its newest row before a period.
async fn before(db: &mut PgConnection, period: i64) -> anyhow::Result<BTreeMap<Address, Before>> {
    let rows = sqlx::query!(
        r#"with recursive known as (
             (select operator from operator_service order by operator limit 1)
             union all
             select (select operator from operator_service where operator > known.operator order by operator limit 1)
             from known where known.operator is not null
           )
           select s.operator::bytea as "operator!", s.rewards_total as "rewards!: Uint", s.audits_total as "audits!",
                  s.audits_passed_total as "audits_passed!", s.audits_failed_total as "audits_failed!",
                  s.audits_withheld_total as "audits_withheld!", s.audits_undecided_total as "audits_undecided!",
                  s.faults_downtime_total as "faults_downtime!", s.faults_withheld_total as "faults_withheld!",
                  s.faults_wrong_total as "faults_wrong!", s.faults_equivocation_total as "faults_equivocation!",
                  s.faults_report_total as "faults_report!", s.faults_unrevealed_total as "faults_unrevealed!",
                  s.settle_lags_total as "settle_lags!", s.settle_lag_seconds_total as "settle_lag_seconds!",
                  s.release_lags_total as "release_lags!", s.release_lag_seconds_total as "release_lag_seconds!",
                  l.counts_total as "latencies?"
           from known
           cross join lateral (select * from operator_service
                               where operator = known.operator and period < $1 order by period desc limit 1) s
           left join lateral (select counts_total from operator_latency
                              where operator = known.operator and period < $1 order by period desc limit 1) l on true
           where known.operator is not null"#,
        period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the deeds before period {period}"))?;
    let before = rows.into_iter().map(|row| {
        let deeds = Deeds {
            audits: row.audits,
            audits_passed: row.audits_passed,
            audits_failed: row.audits_failed,
            audits_withheld: row.audits_withheld,
            audits_undecided: row.audits_undecided,
            faults_downtime: row.faults_downtime,
            faults_withheld: row.faults_withheld,
            faults_wrong: row.faults_wrong,
            faults_equivocation: row.faults_equivocation,
            faults_report: row.faults_report,
            faults_unrevealed: row.faults_unrevealed,
            settle_lags: row.settle_lags,
            settle_lag_seconds: row.settle_lag_seconds,
            release_lags: row.release_lags,
            release_lag_seconds: row.release_lag_seconds,
            latencies: row.latencies.unwrap_or_default(),
        };
        let before = Before {
            deeds,
            rewards: row.rewards,
        };
        Ok((address(&row.operator)?, before))
    });
    before.collect()
}
