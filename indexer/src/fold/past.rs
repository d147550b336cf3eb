//! What earlier periods left: the newest row of each operator, and sums as of the ends of the windows.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use anyhow::Context;
use plumbline_drift::alarm::NetworkChannel;
use plumbline_drift::clock::{Clock, MONTH_DAYS, WEEK_DAYS};
use plumbline_drift::close::{NetworkPast, NetworkTotals, Past, Totals};
use plumbline_drift::cusum::{Channel, Counts, Detector, Rates};
use plumbline_drift::ewma::{MOST_HISTORY, Standard, WEEKS_LEFT_OUT, Watch};
use plumbline_drift::record::{Open, Record};
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use crate::sql::{Uint, address, bytes32};

/// Every operator that ever had a row, with what it left.
pub(super) async fn operators(
    db: &mut PgConnection,
    period: i64,
    clock: Clock,
) -> anyhow::Result<BTreeMap<Address, Past>> {
    let until = |days: u64| period - clock.periods_in(days);
    let records = records(db, period).await?;
    let last = totals(db, period - 1).await?;
    let week = totals(db, until(WEEK_DAYS)).await?;
    let fortnight = totals(db, until(2 * WEEK_DAYS)).await?;
    let month = totals(db, until(MONTH_DAYS)).await?;
    let of = |totals: &BTreeMap<Address, Totals>, operator| totals.get(operator).copied().unwrap_or_default();
    let past = last.keys().map(|operator| {
        let past = Past {
            record: records.get(operator).copied(),
            last: of(&last, operator),
            week: of(&week, operator),
            fortnight: of(&fortnight, operator),
            month: of(&month, operator),
        };
        (*operator, past)
    });
    Ok(past.collect())
}

fn counts(steps: i64, events: i64) -> anyhow::Result<Counts> {
    Ok(Counts {
        steps: u64::try_from(steps)?,
        events: u64::try_from(events)?,
    })
}

/// Sums of every operator as of the end of a period; one that had no row by then has none.
async fn totals(db: &mut PgConnection, last_period: i64) -> anyhow::Result<BTreeMap<Address, Totals>> {
    if last_period < 0 {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"with recursive known as (
             (select operator from operator_period order by operator limit 1)
             union all
             select (select operator from operator_period where operator > known.operator order by operator limit 1)
             from known where known.operator is not null
           )
           select t.operator::bytea as "operator!", t.expected_total as "expected!", t.observed_total as "observed!",
                  t.hit_total as "hit!", t.units_total as "units!: Uint", s.capacity_total as "capacity!: Uint",
                  r.onset_steps_total as "onset_steps!", r.onsets_total as "onsets!",
                  r.recovery_steps_total as "recovery_steps!", r.recoveries_total as "recoveries!"
           from known
           cross join lateral (select * from operator_period
                               where operator = known.operator and period <= $1 order by period desc limit 1) t
           join operator_reliability r on r.operator = t.operator and r.period = t.period
           join operator_service s on s.operator = t.operator and s.period = t.period
           where known.operator is not null"#,
        last_period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the sums of operators up to period {last_period}"))?;
    let totals = rows.into_iter().map(|row| {
        let totals = Totals {
            slots: Slots {
                expected: u64::try_from(row.expected)?,
                observed: u64::try_from(row.observed)?,
                hit: u64::try_from(row.hit)?,
            },
            units: row.units.0,
            capacity: row.capacity.0,
            onset_steps: counts(row.onset_steps, row.onsets)?,
            recovery_steps: counts(row.recovery_steps, row.recoveries)?,
        };
        Ok((address(&row.operator)?, totals))
    });
    totals.collect()
}

/// The newest record of every operator before a period.
async fn records(db: &mut PgConnection, period: i64) -> anyhow::Result<BTreeMap<Address, Record>> {
    let rows = sqlx::query!(
        r#"with recursive known as (
             (select operator from operator_reliability order by operator limit 1)
             union all
             select (select operator from operator_reliability where operator > known.operator
                     order by operator limit 1)
             from known where known.operator is not null
           )
           select r.operator::bytea as "operator!", r.period as "period!", r.first_period as "first_period!", r.up as "up?",
                  r.incidents_total as "incidents!", r.missed_total as "missed!",
                  r.common_missed_total as "common_missed!", r.open_period as "open_period?", r.open_slot as "open_slot?",
                  r.open_missed as "open_missed!", r.open_common_missed as "open_common_missed!",
                  r.onset_steps_total as "onset_steps!", r.onsets_total as "onsets!",
                  r.recovery_steps_total as "recovery_steps!", r.recoveries_total as "recoveries!",
                  r.decayed_hit as "decayed_hit!", r.decayed_missed as "decayed_missed!"
           from known
           cross join lateral (select * from operator_reliability
                               where operator = known.operator and period < $1 order by period desc limit 1) r
           where known.operator is not null"#,
        period,
    )
    .fetch_all(&mut *db)
    .await
    .with_context(|| format!("read the records before period {period}"))?;
    let detectors = detectors(db, period).await?;
    let detector = |operator: Address, channel| detectors.get(&(operator, channel)).copied().unwrap_or_default();
    let records = rows.into_iter().map(|row| {
        let operator = address(&row.operator)?;
        let open = row.open_period.zip(row.open_slot).map(|(period, slot)| Open {
            period,
            slot: slot as u32,
            missed: row.open_missed as u32,
            common_missed: row.open_common_missed as u32,
        });
        let record = Record {
            first_period: row.first_period,
            up: row.up,
            open,
            incidents: u64::try_from(row.incidents)?,
            missed: u64::try_from(row.missed)?,
            common_missed: u64::try_from(row.common_missed)?,
            onset_steps: counts(row.onset_steps, row.onsets)?,
            recovery_steps: counts(row.recovery_steps, row.recoveries)?,
            decayed_hit: row.decayed_hit,
            decayed_missed: row.decayed_missed,
            onset: detector(operator, Channel::Onset),
            duration: detector(operator, Channel::Duration),
        };
        Ok((operator, record))
    });
    records.collect()
}

/// The newest state of every detector before a period.
async fn detectors(db: &mut PgConnection, period: i64) -> anyhow::Result<BTreeMap<(Address, Channel), Detector>> {
    let rows = sqlx::query!(
        r#"with recursive known as (
             (select operator from operator_reliability order by operator limit 1)
             union all
             select (select operator from operator_reliability where operator > known.operator
                     order by operator limit 1)
             from known where known.operator is not null
           )
           select d.operator::bytea as "operator!", d.channel as "channel!", d.state as "state!",
                  d.since_period as "since_period!", d.statistic as "statistic!", d.baseline_rate as "baseline_rate?",
                  d.alternative_rate as "alternative_rate?", d.baseline_steps as "baseline_steps!",
                  d.baseline_events as "baseline_events!", d.alarm_period as "alarm_period?"
           from known
           cross join (values ('onset'), ('duration')) kind(channel)
           cross join lateral (select * from operator_drift
                               where operator = known.operator and channel = kind.channel and period < $1
                               order by period desc limit 1) d
           where known.operator is not null"#,
        period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the detectors before period {period}"))?;
    let detectors = rows.into_iter().map(|row| {
        let channel = if row.channel == Channel::Onset.as_str() {
            Channel::Onset
        } else {
            Channel::Duration
        };
        let rates = row.baseline_rate.zip(row.alternative_rate);
        let detector = Detector {
            state: row.state.parse().map_err(anyhow::Error::msg)?,
            since_period: Some(row.since_period),
            statistic: row.statistic,
            rates: rates.map(|(baseline, alternative)| Rates { baseline, alternative }),
            counts: counts(row.baseline_steps, row.baseline_events)?,
            alarm_period: row.alarm_period,
        };
        Ok(((address(&row.operator)?, channel), detector))
    });
    detectors.collect()
}

/// What the network as a whole left.
pub(super) async fn network(db: &mut PgConnection, period: i64, clock: Clock) -> anyhow::Result<NetworkPast> {
    let [effective, dependency] = NetworkChannel::WEEKLY;
    let watches = if clock.ends_week(period) {
        [
            watch(db, effective, period).await?,
            watch(db, dependency, period).await?,
        ]
    } else {
        Default::default()
    };
    Ok(NetworkPast {
        last: network_totals(db, period - 1).await?,
        week: network_totals(db, period - clock.periods_in(WEEK_DAYS)).await?,
        common: common(db, period, clock).await?,
        core: core(db, period).await?,
        watches,
    })
}

async fn network_totals(db: &mut PgConnection, last_period: i64) -> anyhow::Result<NetworkTotals> {
    let row = sqlx::query!(
        "select incidents_total, missed_total, common_missed_total, common_slots_total, onset_steps_total, onsets_total,
                recovery_steps_total, recoveries_total, slots_total, misses_squared_total, drift_alarms_total,
                expected_false_alarms_total
         from network_reliability where period <= $1 order by period desc limit 1",
        last_period,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the network's sums up to period {last_period}"))?;
    let Some(row) = row else {
        return Ok(NetworkTotals::default());
    };
    Ok(NetworkTotals {
        incidents: u64::try_from(row.incidents_total)?,
        missed: u64::try_from(row.missed_total)?,
        common_missed: u64::try_from(row.common_missed_total)?,
        common_slots: u64::try_from(row.common_slots_total)?,
        onset_steps: counts(row.onset_steps_total, row.onsets_total)?,
        recovery_steps: counts(row.recovery_steps_total, row.recoveries_total)?,
        slots: u64::try_from(row.slots_total)?,
        misses_squared: u64::try_from(row.misses_squared_total)?,
        alarms: u64::try_from(row.drift_alarms_total)?,
        expected_false_alarms: row.expected_false_alarms_total,
    })
}

/// Scopes that were in common mode at the end of the period before.
async fn common(db: &mut PgConnection, period: i64, clock: Clock) -> anyhow::Result<Vec<Option<B256>>> {
    let domains = sqlx::query_scalar!(
        r#"select domain::bytea as "domain!" from common_mode_slot where period = $1 and slot = $2 order by domain"#,
        period - 1,
        clock.slots as i32 - 1,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the common mode before period {period}"))?;
    let scopes = domains.iter().map(|domain| {
        let domain = bytes32(domain)?;
        Ok((!domain.is_zero()).then_some(domain))
    });
    scopes.collect()
}

async fn core(db: &mut PgConnection, period: i64) -> anyhow::Result<BTreeMap<Address, i64>> {
    let rows = sqlx::query!(
        r#"select operator::bytea as "operator!", since_period from core_member
           where period = (select max(period) from network_core where period < $1)"#,
        period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the core before period {period}"))?;
    let members = rows
        .into_iter()
        .map(|row| Ok((address(&row.operator)?, row.since_period)));
    members.collect()
}

/// A detector of the network and the values it saw, the oldest first.
async fn watch(db: &mut PgConnection, channel: NetworkChannel, period: i64) -> anyhow::Result<(Watch, Vec<f64>)> {
    let rows = sqlx::query!(
        r#"select state, since_period, value, mean, deviation, threshold, statistic, weeks, alarm_period
           from network_drift where channel = $1 and period < $2 order by period desc limit $3"#,
        channel.as_str(),
        period,
        (MOST_HISTORY + WEEKS_LEFT_OUT) as i64,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the network's detectors before period {period}"))?;
    let values = rows.iter().rev().filter_map(|row| row.value).collect();
    let Some(newest) = rows.into_iter().next() else {
        return Ok((Watch::default(), values));
    };
    let standard = newest.mean.zip(newest.deviation).zip(newest.threshold);
    let watch = Watch {
        state: newest.state.parse().map_err(anyhow::Error::msg)?,
        since_period: Some(newest.since_period),
        value: newest.value,
        standard: standard.map(|((mean, deviation), threshold)| Standard {
            mean,
            deviation,
            threshold,
        }),
        statistic: newest.statistic,
        weeks: usize::try_from(newest.weeks)?,
        alarm_period: newest.alarm_period,
    };
    Ok((watch, values))
}
