//! Drift of the network as a whole: its detectors, its alarms, and how its outages hang together.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Problems, Result};
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, Live, One, View};

use super::drift::DriftState;

/// Alarms and pairs that are listed.
const MAX_LISTED: i64 = 50;

/// `effective_operators`: ln D2 of served units. `dependency`: Δ, see /v1/network/dependency. `common_mode`: operators that
/// go down together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum NetworkChannel {
    EffectiveOperators,
    Dependency,
    CommonMode,
}

/// Which way a value went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Direction {
    Up,
    Down,
}

/// Drift of the network as of the last closed period.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NetworkDrift {
    /// As of the last week that ended.
    detectors: Vec<NetworkDetector>,
    /// Null before the first period is closed.
    reliability: Option<NetworkReliability>,
    /// Newest first, at most 50.
    alarms: Vec<NetworkAlarm>,
    /// Operators that were down together in the last week that ended, those of the highest lift first, at most 50.
    correlated: Vec<CorrelatedPair>,
}

/// A two-sided moving average of weekly values against their history.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkDetector {
    channel: NetworkChannel,
    state: DriftState,
    period: i64,
    since_period: i64,
    /// Of the week; null when it has none.
    value: Option<f64>,
    /// Of the history; null while warming up, as the next two.
    mean: Option<f64>,
    deviation: Option<f64>,
    /// Absolute statistic from which on it is an alarm.
    threshold: Option<f64>,
    statistic: f64,
    weeks: i32,
    trend: Trend,
    alarm_period: Option<i64>,
}

/// Slope of the weekly values, per week (Theil–Sen).
#[derive(Debug, Serialize, ToSchema)]
struct Trend {
    slope: Option<f64>,
    /// 95 % interval.
    low: Option<f64>,
    high: Option<f64>,
}

/// Outages of all operators together.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkReliability {
    period: i64,
    incidents: i64,
    incidents_open: i32,
    /// Mean slots to recovery; null without incidents.
    mttr_slots: Option<f64>,
    /// Slots in which much of the network, or of a failure domain, was down.
    common_slots: i64,
    /// Variance of the misses of a slot over that of independent outages, 7 days: 1 when they are independent.
    variance_ratio: Option<f64>,
    operators_warming_up: i32,
    operators_watching: i32,
    operators_alarmed: i32,
}

#[derive(Debug, Serialize, ToSchema)]
struct NetworkAlarm {
    channel: NetworkChannel,
    direction: Direction,
    period: i64,
    at: Timestamp,
    /// Failure domain in common mode; null for the whole network.
    domain: Option<String>,
    /// Of the week; in common mode the part of the observed operators that missed.
    value: f64,
    statistic: f64,
    threshold: f64,
    /// The channel was alarmed already.
    renewed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct CorrelatedPair {
    operators: [Address; 2],
    /// Slots in which both were observed.
    observed_slots: i32,
    both_missed: i32,
    /// How many times more often than if they failed independently.
    lift: f64,
}

/// Whether the network drifts.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/network/drift", operation_id = "show_network_drift", tag = "drift",
    params(Live),
    responses((status = 200, body = Envelope<NetworkDrift>), Problems)
)]
pub(super) async fn one(mut view: View<One>) -> Result<Answer<NetworkDrift>> {
    let newest = view.at.period.unwrap_or(-1);
    let data = NetworkDrift {
        detectors: detectors(&mut view, newest).await?,
        reliability: reliability(&mut view, newest).await?,
        alarms: alarms(&mut view, newest).await?,
        correlated: correlated(&mut view, newest).await?,
    };
    Ok(view.answer(data))
}

async fn detectors(view: &mut View<One>, newest: i64) -> Result<Vec<NetworkDetector>> {
    let rows = sqlx::query!(
        r#"select d.channel as "channel!: NetworkChannel", d.state as "state!: DriftState", d.period as "period!",
                  d.since_period as "since_period!", d.value, d.mean, d.deviation, d.threshold,
                  d.statistic as "statistic!", d.weeks as "weeks!", d.slope, d.slope_low, d.slope_high, d.alarm_period
           from (values ('effective_operators'), ('dependency')) c(channel)
           cross join lateral (
               select * from network_drift where channel = c.channel and period <= $1 order by period desc limit 1
           ) d
           order by d.channel desc"#,
        newest,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let detectors = rows.into_iter().map(|row| NetworkDetector {
        channel: row.channel,
        state: row.state,
        period: row.period,
        since_period: row.since_period,
        value: row.value,
        mean: row.mean,
        deviation: row.deviation,
        threshold: row.threshold,
        statistic: row.statistic,
        weeks: row.weeks,
        trend: Trend {
            slope: row.slope,
            low: row.slope_low,
            high: row.slope_high,
        },
        alarm_period: row.alarm_period,
    });
    Ok(detectors.collect())
}

async fn reliability(view: &mut View<One>, newest: i64) -> Result<Option<NetworkReliability>> {
    let row = sqlx::query_as!(
        NetworkReliability,
        r#"select period, incidents_total as incidents, incidents_open, mttr_slots, common_slots_total as common_slots,
                  variance_ratio, warming_up as operators_warming_up, watching as operators_watching,
                  alarmed as operators_alarmed
           from network_reliability where period <= $1 order by period desc limit 1"#,
        newest,
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row)
}

async fn alarms(view: &mut View<One>, newest: i64) -> Result<Vec<NetworkAlarm>> {
    let rows = sqlx::query!(
        r#"select channel as "channel: NetworkChannel", direction as "direction: Direction", period,
                  at as "at: Timestamp", domain as "domain: Hash", value, statistic, threshold, renewed
           from network_alarm where period <= $1 order by period desc, ordinal desc limit $2"#,
        newest,
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let alarms = rows.into_iter().map(|row| NetworkAlarm {
        channel: row.channel,
        direction: row.direction,
        period: row.period,
        at: row.at,
        domain: row.domain.map(|domain| domain.label()),
        value: row.value,
        statistic: row.statistic,
        threshold: row.threshold,
        renewed: row.renewed,
    });
    Ok(alarms.collect())
}

async fn correlated(view: &mut View<One>, newest: i64) -> Result<Vec<CorrelatedPair>> {
    let rows = sqlx::query!(
        r#"select p.operator as "operator!: Address", p.other as "other!: Address", p.observed as "observed!",
                  p.both_missed as "both_missed!", p.lift as "lift!"
           from (select period from correlated_pair where period <= $1 order by period desc limit 1) last
           cross join lateral (select * from correlated_pair where period = last.period order by operator, other limit 1000) p
           order by p.lift desc, p.operator, p.other limit $2"#,
        newest,
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let pairs = rows.into_iter().map(|row| CorrelatedPair {
        operators: [row.operator, row.other],
        observed_slots: row.observed,
        both_missed: row.both_missed,
        lift: row.lift,
    });
    Ok(pairs.collect())
}
