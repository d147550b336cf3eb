//! The core: the fewest operators that serve more than half of the work, and how it changes.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Problems, Result};
use crate::value::{Address, Amount};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{OfPeriods, Windowed};

/// The core of the 7 days up to a period's end.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Core {
    period: i64,
    /// 0 when nothing was served.
    size: i32,
    /// Of all units; null when nothing was served.
    share: Option<f64>,
    churn: Churn,
    /// By units.
    members: Vec<Member>,
}

/// Against the core of 7 days before; null before there is one.
#[derive(Debug, Serialize, ToSchema)]
struct Churn {
    entered: Option<i32>,
    left: Option<i32>,
    /// Common members of all members.
    jaccard: Option<f64>,
    /// Rank-biased overlap of the whole ranking by units, p = 0.9.
    rank_biased_overlap: Option<f64>,
    /// Mean periods for which the members have been in it without interruption.
    tenure_periods: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Member {
    operator: Address,
    rank: i32,
    units: Amount,
    share: f64,
    /// From which on it has been in the core.
    since_period: i64,
}

struct Row {
    period: i64,
    size: i32,
    share: Option<f64>,
    entered: Option<i32>,
    left_core: Option<i32>,
    jaccard: Option<f64>,
    rbo: Option<f64>,
    tenure_periods: Option<f64>,
}

/// The core at the end of each closed period, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/network/core", operation_id = "list_cores", tag = "network",
    params(Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Core>>), Problems)
)]
pub(super) async fn list(mut view: View<OfPeriods>) -> Result<Answer<Vec<Core>>> {
    let range = view.range(view.parameters.span).await?;
    let mut rows = sqlx::query_as!(
        Row,
        r#"select period, size, share, entered, left_core, jaccard, rbo, tenure_periods
           from network_core where period >= $1 and period < $2 order by period desc limit $3"#,
        range.first,
        view.key::<i64>()?.unwrap_or(range.end),
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let next = view.cut(&mut rows, |row| row.period)?;
    let mut members = members(&mut view, &rows).await?;
    let cores = rows.into_iter().map(|row| Core {
        members: members.remove(&row.period).unwrap_or_default(),
        period: row.period,
        size: row.size,
        share: row.share,
        churn: Churn {
            entered: row.entered,
            left: row.left_core,
            jaccard: row.jaccard,
            rank_biased_overlap: row.rbo,
            tenure_periods: row.tenure_periods,
        },
    });
    let data = cores.collect();
    Ok(view.answer(data).window(range.window).next(next))
}

async fn members(view: &mut View<OfPeriods>, cores: &[Row]) -> Result<HashMap<i64, Vec<Member>>> {
    let periods: Vec<i64> = cores.iter().map(|core| core.period).collect();
    let rows = sqlx::query!(
        r#"select m.period as "period!", m.operator as "operator!: Address", m.rank as "rank!",
                  m.units as "units!: Amount", m.share as "share!", m.since_period as "since_period!"
           from unnest($1::bigint[]) asked(period)
           cross join lateral (select * from core_member where period = asked.period order by operator limit 1000) m
           order by m.period, m.rank"#,
        &periods,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let mut members: HashMap<i64, Vec<Member>> = HashMap::new();
    for row in rows {
        members.entry(row.period).or_default().push(Member {
            operator: row.operator,
            rank: row.rank,
            units: row.units,
            share: row.share,
            since_period: row.since_period,
        });
    }
    Ok(members)
}
