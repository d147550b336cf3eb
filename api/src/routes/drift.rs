//! Drift: whether an operator, or the network, gets worse: detectors, their alarms, and how many false ones to expect.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operators;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Address, Timestamp};
use crate::view::{Answer, Envelope, History, Live, One, Paging, View};
use crate::window::{Length, Schedule, Span, Windowed};

/// Alarms listed with one operator, newest first.
const MAX_LISTED: i64 = 50;
/// Time that a detector is set to have one false alarm in.
const DESIGN_SECONDS: i64 = 30 * 86_400;

/// `onset`: outages begin more often. `duration`: outages last longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum DriftChannel {
    Onset,
    Duration,
}

/// `warming_up`: not enough was observed yet. `watching`: nothing unusual. `alarmed`: it drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum DriftState {
    WarmingUp,
    Watching,
    Alarmed,
}

impl DriftState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::WarmingUp => "warming_up",
            Self::Watching => "watching",
            Self::Alarmed => "alarmed",
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only alarms of this operator.
    #[param(value_type = Option<String>)]
    operator: Option<Address>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        let operator = fields.take("operator")?;
        let span = match Span::read(fields)? {
            Span::Unset => Span::Length(Length::default()),
            span @ (Span::Length(_) | Span::Between(..)) => span,
        };
        Ok(Self { operator, span })
    }
}

/// Both detectors of an operator, as of the last closed period.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperatorDrift {
    operator: Address,
    /// Null before it has a closed period.
    state: Option<DriftState>,
    detectors: Vec<Detector>,
    /// Newest first, at most 50; `/v1/drift/alarms?operator=` pages through all.
    alarms: Vec<Alarm>,
}

/// A cumulative sum of evidence that a rate is worse than its baseline.
#[derive(Debug, Serialize, ToSchema)]
struct Detector {
    channel: DriftChannel,
    state: DriftState,
    /// First period of the uninterrupted run of this state.
    since_period: i64,
    since: Option<Timestamp>,
    /// Log-likelihood; never below zero.
    statistic: f64,
    /// At which it is an alarm.
    threshold: f64,
    /// False alarms to expect of this channel of this operator in 30 days, at most; null before the schedule is known.
    expected_false_alarms_30d: Option<f64>,
    baseline: Baseline,
    /// Of the newest alarm; null when there was none.
    alarm_period: Option<i64>,
}

/// What is usual for the operator, from its history without the last week.
#[derive(Debug, Serialize, ToSchema)]
struct Baseline {
    /// Null while warming up, as the next.
    rate: Option<f64>,
    /// That is looked for.
    alternative_rate: Option<f64>,
    steps: i64,
    events: i64,
}

/// A detector of an operator crossed its threshold.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alarm {
    operator: Address,
    channel: DriftChannel,
    period: i64,
    /// Whose step crossed it, position in the period from 0.
    slot: i32,
    at: Timestamp,
    statistic: f64,
    threshold: f64,
    baseline_rate: f64,
    alternative_rate: f64,
    /// The channel was alarmed already: the same drift, still there.
    renewed: bool,
}

/// Alarms of operators, with what chance alone would have made of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alarms {
    /// Alarms of all operators in the window.
    total: i64,
    /// Of these, at most so many were expected without any drift; null before the first period is closed.
    expected_false: Option<f64>,
    alarms: Vec<Alarm>,
}

struct DetectorRow {
    channel: DriftChannel,
    state: DriftState,
    since_period: i64,
    statistic: f64,
    threshold: f64,
    baseline_rate: Option<f64>,
    alternative_rate: Option<f64>,
    baseline_steps: i64,
    baseline_events: i64,
    alarm_period: Option<i64>,
}

impl DetectorRow {
    fn into_detector(self, schedule: Option<&Schedule>) -> Detector {
        // The threshold is the logarithm of the steps in which one false alarm is expected.
        let expected =
            schedule.map(|schedule| DESIGN_SECONDS as f64 / schedule.slot_seconds as f64 * (-self.threshold).exp());
        let since = schedule.map(|schedule| Timestamp::from_unix(schedule.period_start(self.since_period)));
        Detector {
            channel: self.channel,
            state: self.state,
            since_period: self.since_period,
            since,
            statistic: self.statistic,
            threshold: self.threshold,
            expected_false_alarms_30d: expected,
            baseline: Baseline {
                rate: self.baseline_rate,
                alternative_rate: self.alternative_rate,
                steps: self.baseline_steps,
                events: self.baseline_events,
            },
            alarm_period: self.alarm_period,
        }
    }
}

/// The worst of two detectors; warming up only as long as neither has a baseline.
pub(super) fn overall(states: impl IntoIterator<Item = DriftState> + Clone) -> Option<DriftState> {
    let any = |wanted| states.clone().into_iter().any(|state| state == wanted);
    [DriftState::Alarmed, DriftState::Watching, DriftState::WarmingUp]
        .into_iter()
        .find(|state| any(*state))
}

/// Whether one operator drifts.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/operators/{id}/drift", operation_id = "show_operator_drift", tag = "drift",
    params(("id" = Address, Path, description = "The operator's address"), Live),
    responses((status = 200, body = Envelope<OperatorDrift>), Problems)
)]
pub(super) async fn one(Path(id): Path<Address>, mut view: View<One>) -> Result<Answer<OperatorDrift>> {
    operators::require(&mut view, id).await?;
    let newest = view.at.period.unwrap_or(-1);
    let schedule = view.schedule().await?;
    let rows = sqlx::query_as!(
        DetectorRow,
        r#"select d.channel as "channel!: DriftChannel", d.state as "state!: DriftState",
                  d.since_period as "since_period!", d.statistic as "statistic!", d.threshold as "threshold!",
                  d.baseline_rate, d.alternative_rate, d.baseline_steps as "baseline_steps!",
                  d.baseline_events as "baseline_events!", d.alarm_period
           from (values ('onset'), ('duration')) c(channel)
           cross join lateral (
               select * from operator_drift where operator = $1 and channel = c.channel and period <= $2
               order by period desc limit 1
           ) d
           order by d.channel desc"#,
        id.as_bytes(),
        newest,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let alarms = sqlx::query_as!(
        Alarm,
        r#"select operator as "operator: Address", channel as "channel: DriftChannel", period, slot,
                  at as "at: Timestamp", statistic, threshold, baseline_rate, alternative_rate, renewed
           from drift_alarm where operator = $1 and period <= $2
           order by period desc, slot desc, channel desc limit $3"#,
        id.as_bytes(),
        newest,
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let states: Vec<DriftState> = rows.iter().map(|row| row.state).collect();
    let detectors = rows.into_iter().map(|row| row.into_detector(schedule.as_ref()));
    let data = OperatorDrift {
        operator: id,
        state: overall(states),
        detectors: detectors.collect(),
        alarms,
    };
    Ok(view.answer(data))
}

type Key = (i64, i32, Address, String);

/// One query for all operators and for one.
macro_rules! select {
    ($view:ident, $range:ident, $filter:literal $(, $value:expr)*) => {{
        let (period, slot, operator, channel) = match $view.key::<Key>()? {
            Some((period, slot, operator, channel)) => (period, slot, operator.as_bytes().to_vec(), channel),
            None => ($range.end, -1, Vec::new(), String::new()),
        };
        sqlx::query_as!(
            Alarm,
            r#"select operator as "operator: Address", channel as "channel: DriftChannel", period, slot,
                      at as "at: Timestamp", statistic, threshold, baseline_rate, alternative_rate, renewed
               from drift_alarm
               where period >= $1 and (period, slot, operator, channel) < ($2, $3, $4::bytea, $5) "# + $filter + r#"
               order by period desc, slot desc, operator desc, channel desc limit $6"#,
            $range.first,
            period,
            slot,
            operator,
            channel,
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// Alarms of operators, newest first, beside the number of false ones to expect.
///
/// History: `finalized` defaults to true. The default window is 30 days. `total` and `expected_false` are of all operators,
/// whichever is asked for.
#[utoipa::path(
    get, path = "/v1/drift/alarms", operation_id = "list_drift_alarms", tag = "drift",
    params(List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Alarms>), Problems)
)]
pub(super) async fn alarms(mut view: View<List>) -> Result<Answer<Alarms>> {
    let span = view.parameters.span;
    let range = view.range(span).await?;
    let mut alarms = match view.parameters.operator {
        None => select!(view, range, ""),
        Some(operator) => select!(view, range, "and operator = $7", operator.as_bytes()),
    };
    let next = view.cut(&mut alarms, |alarm| {
        let channel = match alarm.channel {
            DriftChannel::Onset => "onset",
            DriftChannel::Duration => "duration",
        };
        (alarm.period, alarm.slot, alarm.operator, channel)
    })?;
    let counts = sqlx::query!(
        r#"select coalesce(l.drift_alarms_total - coalesce(b.drift_alarms_total, 0), 0) as "total!",
                  l.expected_false_alarms_total - coalesce(b.expected_false_alarms_total, 0) as expected
           from (values (1)) one
           left join lateral (
               select * from network_reliability where period < $2 order by period desc limit 1
           ) l on true
           left join lateral (
               select * from network_reliability where period < $1 order by period desc limit 1
           ) b on true"#,
        range.first,
        range.end,
    )
    .fetch_one(&mut *view.db)
    .await?;
    let data = Alarms {
        total: counts.total,
        expected_false: counts.expected,
        alarms,
    };
    Ok(view.answer(data).window(range.window).next(next))
}
