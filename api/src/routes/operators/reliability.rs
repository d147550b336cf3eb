//! How reliable the operators of a page are: incidents, score, latencies, detectors.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::routes::drift::{DriftState, overall};
use crate::value::Address;
use crate::view::View;
use crate::window::Periods;

/// What closed periods tell of an operator's reliability; null what was never observed.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Reliability {
    /// Outages that began in the window.
    incidents: i64,
    /// It is down as of the last closed period.
    incident_open: bool,
    /// Mean time to recovery since registration; null without incidents.
    mttr_seconds: Option<f64>,
    /// Hits of observed slots with a half-life of 14 days.
    score: Option<f64>,
    /// Lower 95 % bound of the score.
    score_low: Option<f64>,
    /// Uptime of 30 days is at least 0.95 at its lower 95 % bound, with a coverage of at least 0.8.
    reliable: Option<bool>,
    /// The worst of its detectors; see /v1/operators/{id}/drift.
    drift: Option<DriftState>,
    latency: Latency,
}

/// What the judged receipts of the window claim, in milliseconds; upper bounds of steps of 19 %. Null when none was judged.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Latency {
    receipts: i64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl Latency {
    /// Element `i` of the counts, from 0, is of latencies below 2^((i + 1) / 4) ms.
    fn new(until: &[i64], before: &[i64]) -> Self {
        let count = |at: usize| until[at] - before.get(at).copied().unwrap_or(0);
        let receipts: i64 = (0..until.len()).map(count).sum();
        let quantile = |percent: i64| {
            let wanted = (receipts * percent + 99) / 100;
            let mut seen = 0;
            let place = (0..until.len()).find(|at| {
                seen += count(*at);
                seen >= wanted
            })?;
            (receipts > 0).then(|| 2_f64.powf((place + 1) as f64 / 4.0))
        };
        Self {
            receipts,
            p50_ms: quantile(50),
            p95_ms: quantile(95),
            p99_ms: quantile(99),
        }
    }
}

/// Of each operator that has a closed period, by its address: the newest rows, and those before the window.
pub(crate) async fn load<P>(
    view: &mut View<P>,
    operators: &[Address],
    periods: &Periods,
) -> Result<HashMap<Address, Reliability>> {
    let newest = view.at.period.unwrap_or(-1);
    let addresses: Vec<&[u8]> = operators.iter().map(Address::as_bytes).collect();
    let rows = sqlx::query!(
        r#"select asked.operator as "operator!: Address", now.open_period, now.mttr_slots, now.score, now.score_low,
                  now.reliable, coalesce(e.incidents_total, 0) - coalesce(b.incidents_total, 0) as "incidents!",
                  (select state from operator_drift d
                   where (d.operator, d.channel, d.period) <= (asked.operator, 'onset', $4)
                     and (d.operator, d.channel) = (asked.operator, 'onset')
                   order by d.period desc limit 1) as "onset: DriftState",
                  (select state from operator_drift d
                   where (d.operator, d.channel, d.period) <= (asked.operator, 'duration', $4)
                     and (d.operator, d.channel) = (asked.operator, 'duration')
                   order by d.period desc limit 1) as "duration: DriftState",
                  coalesce((select counts_total from operator_latency l
                            where (l.operator, l.period) < (asked.operator, $2) and l.operator >= asked.operator
                            order by l.operator desc, l.period desc limit 1), '{}') as "until!",
                  coalesce((select counts_total from operator_latency l
                            where (l.operator, l.period) < (asked.operator, $3) and l.operator >= asked.operator
                            order by l.operator desc, l.period desc limit 1), '{}') as "before!"
           from unnest($1::bytea[]) asked(operator)
           cross join lateral (
               select * from operator_reliability r
               where (r.operator, r.period) <= (asked.operator, $4) and r.operator >= asked.operator
               order by r.operator desc, r.period desc limit 1
           ) now
           left join lateral (
               select * from operator_reliability r
               where (r.operator, r.period) < (asked.operator, $2) and r.operator >= asked.operator
               order by r.operator desc, r.period desc limit 1
           ) e on true
           left join lateral (
               select * from operator_reliability r
               where (r.operator, r.period) < (asked.operator, $3) and r.operator >= asked.operator
               order by r.operator desc, r.period desc limit 1
           ) b on true"#,
        &addresses as &[&[u8]],
        periods.end,
        periods.first,
        newest,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let slot_seconds = periods.schedule.map(|schedule| schedule.slot_seconds as f64);
    let found = rows.into_iter().map(|row| {
        let states: Vec<DriftState> = row.onset.into_iter().chain(row.duration).collect();
        let reliability = Reliability {
            incidents: row.incidents,
            incident_open: row.open_period.is_some(),
            mttr_seconds: row.mttr_slots.zip(slot_seconds).map(|(slots, seconds)| slots * seconds),
            score: row.score,
            score_low: row.score_low,
            reliable: row.reliable,
            drift: overall(states),
            latency: Latency::new(&row.until, &row.before),
        };
        (row.operator, reliability)
    });
    Ok(found.collect())
}
