//! Uptime of an operator over a window, and slot by slot, period by period or day by day.

use plumbline_drift::uptime::wilson95;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operators;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Order, Parameters, Path};
use crate::value::{Address, Ratio, Timestamp};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{Periods, Schedule, Span, Windowed};

const DAY_SECONDS: i64 = 86_400;

/// Slots counted: `expected = observed + unobserved`, `observed = hit + missed`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Uptime {
    expected: i64,
    observed: i64,
    hit: i64,
    missed: i64,
    unobserved: i64,
    /// Hit of observed; the value is null when nothing was observed.
    uptime: Ratio,
    /// Null when nothing was observed.
    interval: Option<Interval>,
    /// Observed of expected.
    pub(crate) coverage: Ratio,
}

/// Where the true rate lies, if slots were independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
struct Interval {
    low: f64,
    high: f64,
    #[schema(example = 0.95)]
    level: f64,
    #[schema(example = "wilson")]
    method: &'static str,
}

impl Uptime {
    pub(crate) fn new(expected: i64, observed: i64, hit: i64) -> Self {
        let interval = u64::try_from(hit)
            .ok()
            .zip(u64::try_from(observed).ok())
            .and_then(|(hit, observed)| {
                wilson95(hit, observed).map(|(low, high)| Interval {
                    low,
                    high,
                    level: 0.95,
                    method: "wilson",
                })
            });
        Self {
            expected,
            observed,
            hit,
            missed: observed - hit,
            unobserved: expected - observed,
            uptime: Ratio::new(hit, observed),
            interval,
            coverage: Ratio::new(observed, expected),
        }
    }
}

/// Length of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) enum Bucket {
    #[serde(rename = "slot")]
    Slot,
    #[default]
    #[serde(rename = "period")]
    Period,
    /// A day in UTC, with the periods that begin in it.
    #[serde(rename = "1d")]
    Day,
}

/// Slots of one bucket; a heat strip is drawn from them in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UptimeBucket {
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// Null in buckets of a day.
    period: Option<i64>,
    /// Position in the period, from 0; null in longer buckets.
    slot: Option<i64>,
    #[serde(flatten)]
    slots: Uptime,
}

/// Uptime over the window, and its course.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UptimeSeries {
    operator: Address,
    bucket: Bucket,
    /// Sum over the whole window, whatever page this is.
    total: Uptime,
    series: Vec<UptimeBucket>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Series {
    /// Length of a bucket; default `period`.
    #[param(inline)]
    bucket: Option<Bucket>,
    /// By time; default `desc`, newest first.
    #[param(inline)]
    order: Option<Order>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for Series {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            bucket: fields.take("bucket")?,
            order: fields.take("order")?,
            span: Span::read(fields)?,
        })
    }
}

/// Uptime of an operator, as the committees of other operators saw it.
///
/// A slot counts as up or down only with an absolute majority of the committee; any other slot is unobserved, which is
/// neither. Sums are over whole closed periods; the default window is 30 days.
#[utoipa::path(
    get, path = "/v1/operators/{id}/uptime", operation_id = "show_operator_uptime", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), Series, Windowed, Paging, History),
    responses((status = 200, body = Envelope<UptimeSeries>), Problems)
)]
pub(super) async fn series(Path(id): Path<Address>, mut view: View<Series>) -> Result<Answer<UptimeSeries>> {
    operators::require(&mut view, id).await?;
    let periods = view.periods(view.parameters.span).await?;
    let total = total(&mut view, id, &periods).await?;
    let bucket = view.parameters.bucket.unwrap_or_default();
    let mut series = match (bucket, periods.schedule) {
        (_, None) => Vec::new(),
        (Bucket::Slot, Some(schedule)) => by_slot(&mut view, id, &periods, &schedule).await?,
        (Bucket::Period, Some(schedule)) => by_period(&mut view, id, &periods, &schedule).await?,
        (Bucket::Day, Some(schedule)) => by_day(&mut view, id, &periods, &schedule).await?,
    };
    let next = view.cut(&mut series, |bucket| {
        (bucket.starts_at.unix(), bucket.period, bucket.slot)
    })?;
    let data = UptimeSeries {
        operator: id,
        bucket,
        total,
        series,
    };
    Ok(view
        .answer(data)
        .window(Some(periods.window()))
        .coverage(total.coverage)
        .next(next))
}

async fn total(view: &mut View<Series>, operator: Address, periods: &Periods) -> Result<Uptime> {
    let row = sqlx::query!(
        r#"select coalesce(e.expected_total, 0) - coalesce(b.expected_total, 0) as "expected!",
                  coalesce(e.observed_total, 0) - coalesce(b.observed_total, 0) as "observed!",
                  coalesce(e.hit_total, 0) - coalesce(b.hit_total, 0) as "hit!"
           from (values (1)) one
           left join lateral (select * from operator_period where (operator, period) < ($1, $2)
                              order by operator desc, period desc limit 1) e on e.operator = $1
           left join lateral (select * from operator_period where (operator, period) < ($1, $3)
                              order by operator desc, period desc limit 1) b on b.operator = $1"#,
        operator.as_bytes(),
        periods.end,
        periods.first,
    )
    .fetch_one(&mut *view.db)
    .await?;
    Ok(Uptime::new(row.expected, row.observed, row.hit))
}

/// Where a page begins, by its sort key: start, period, slot of the last bucket before it.
type Key = (i64, Option<i64>, Option<i64>);

struct PeriodRow {
    period: i64,
    expected: i32,
    observed: i32,
    hit: i32,
    observed_slots: String,
    up_slots: String,
}

/// Rows of closed periods from `first` on and before `end`, in the order asked for; only those in which an answer was
/// due, if `due`.
async fn rows(
    view: &mut View<Series>,
    operator: Address,
    (first, end): (i64, i64),
    due: bool,
    limit: i64,
) -> Result<Vec<PeriodRow>> {
    let operator = operator.as_bytes();
    let rows = match view.parameters.order.unwrap_or_default() {
        Order::Asc => {
            sqlx::query_as!(
                PeriodRow,
                r#"select period, expected, observed, hit,
                      observed_slots::text as "observed_slots!", up_slots::text as "up_slots!"
               from operator_period
               where operator = $1 and period >= $2 and period < $3 and (expected > 0 or not $4)
               order by period limit $5"#,
                operator,
                first,
                end,
                due,
                limit,
            )
            .fetch_all(&mut *view.db)
            .await?
        }
        Order::Desc => {
            sqlx::query_as!(
                PeriodRow,
                r#"select period, expected, observed, hit,
                      observed_slots::text as "observed_slots!", up_slots::text as "up_slots!"
               from operator_period
               where operator = $1 and period >= $2 and period < $3 and (expected > 0 or not $4)
               order by period desc limit $5"#,
                operator,
                first,
                end,
                due,
                limit,
            )
            .fetch_all(&mut *view.db)
            .await?
        }
    };
    Ok(rows)
}

/// The part of the window that the page begins with: behind the last period of the page before.
fn rest(view: &View<Series>, periods: &Periods, last: Option<i64>) -> (i64, i64) {
    match (view.parameters.order.unwrap_or_default(), last) {
        (_, None) => (periods.first, periods.end),
        (Order::Asc, Some(last)) => (periods.first.max(last), periods.end),
        (Order::Desc, Some(last)) => (periods.first, periods.end.min(last.saturating_add(1))),
    }
}

async fn by_period(
    view: &mut View<Series>,
    operator: Address,
    periods: &Periods,
    schedule: &Schedule,
) -> Result<Vec<UptimeBucket>> {
    let last = view.key::<Key>()?.and_then(|(_, period, _)| period);
    let range = rest(view, periods, last);
    // The last period of the page before comes along and is dropped.
    let limit = view.limit.probe() + i64::from(last.is_some());
    let rows = rows(view, operator, range, false, limit).await?;
    let rows = rows.into_iter().filter(|row| Some(row.period) != last);
    Ok(rows
        .map(|row| {
            let start = schedule.period_start(row.period);
            UptimeBucket {
                starts_at: Timestamp::from_unix(start),
                ends_at: Timestamp::from_unix(start + schedule.period_seconds()),
                period: Some(row.period),
                slot: None,
                slots: Uptime::new(row.expected.into(), row.observed.into(), row.hit.into()),
            }
        })
        .collect())
}

async fn by_slot(
    view: &mut View<Series>,
    operator: Address,
    periods: &Periods,
    schedule: &Schedule,
) -> Result<Vec<UptimeBucket>> {
    let last = view.key::<Key>()?.and_then(|(_, period, slot)| period.zip(slot));
    let order = view.parameters.order.unwrap_or_default();
    let range = rest(view, periods, last.map(|(period, _)| period));
    // A page may begin in the middle of a period.
    let limit = view.limit.probe() / schedule.slots.max(1) + 2;
    let rows = rows(view, operator, range, true, limit).await?;
    let behind = |key: (i64, i64)| match order {
        Order::Asc => last.is_none_or(|last| key > last),
        Order::Desc => last.is_none_or(|last| key < last),
    };
    let mut buckets = Vec::new();
    for row in rows {
        let states = row
            .observed_slots
            .bytes()
            .zip(row.up_slots.bytes())
            .map(|(seen, up)| (seen == b'1', up == b'1'));
        let mut slots: Vec<(i64, (bool, bool))> = (0..).zip(states).collect();
        if order == Order::Desc {
            slots.reverse();
        }
        let slots = slots.into_iter().filter(|(slot, _)| behind((row.period, *slot)));
        buckets.extend(slots.map(|(slot, (observed, up))| {
            let start = schedule.period_start(row.period) + slot * schedule.slot_seconds;
            UptimeBucket {
                starts_at: Timestamp::from_unix(start),
                ends_at: Timestamp::from_unix(start + schedule.slot_seconds),
                period: Some(row.period),
                slot: Some(slot),
                slots: Uptime::new(1, observed.into(), up.into()),
            }
        }));
    }
    // One more than the page holds tells that there is a next.
    buckets.truncate(view.limit.rows() + 1);
    Ok(buckets)
}

async fn by_day(
    view: &mut View<Series>,
    operator: Address,
    periods: &Periods,
    schedule: &Schedule,
) -> Result<Vec<UptimeBucket>> {
    if periods.first >= periods.end {
        return Ok(Vec::new());
    }
    let day_of = |period| schedule.period_start(period).div_euclid(DAY_SECONDS);
    let (mut first, mut last) = (day_of(periods.first), day_of(periods.end - 1));
    let before = view.key::<Key>()?.map(|(start, _, _)| start.div_euclid(DAY_SECONDS));
    let ascending = view.parameters.order == Some(Order::Asc);
    match before {
        Some(before) if ascending => first = first.max(before.saturating_add(1)),
        Some(before) => last = last.min(before.saturating_sub(1)),
        None => {}
    }
    let probe = view.limit.rows() + 1;
    let days: Vec<i64> = if ascending {
        (first..=last).take(probe).collect()
    } else {
        (first..=last).rev().take(probe).collect()
    };
    let ranges = days
        .iter()
        .map(|day| periods.between(schedule, day * DAY_SECONDS, (day + 1) * DAY_SECONDS));
    let (firsts, ends): (Vec<i64>, Vec<i64>) = ranges.unzip();
    let rows = sqlx::query!(
        r#"select coalesce(e.expected_total, 0) - coalesce(b.expected_total, 0) as "expected!",
                  coalesce(e.observed_total, 0) - coalesce(b.observed_total, 0) as "observed!",
                  coalesce(e.hit_total, 0) - coalesce(b.hit_total, 0) as "hit!"
           from unnest($2::bigint[], $3::bigint[]) with ordinality as day(first, until, place)
           left join lateral (select * from operator_period where (operator, period) < ($1, day.until)
                              order by operator desc, period desc limit 1) e on e.operator = $1
           left join lateral (select * from operator_period where (operator, period) < ($1, day.first)
                              order by operator desc, period desc limit 1) b on b.operator = $1
           order by day.place"#,
        operator.as_bytes(),
        &firsts,
        &ends,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let buckets = days.into_iter().zip(rows).map(|(day, row)| UptimeBucket {
        starts_at: Timestamp::from_unix(day * DAY_SECONDS),
        ends_at: Timestamp::from_unix((day + 1) * DAY_SECONDS),
        period: None,
        slot: None,
        slots: Uptime::new(row.expected, row.observed, row.hit),
    });
    Ok(buckets.collect())
}
