//! The core: the fewest operators that serve more than half of the work, and how it changes.

use serde::Serialize;
use utoipa::ToSchema;

use super::periods::{Number, not_closed};
use crate::error::{Problems, Result};
use crate::extract::Path;
use crate::value::{Address, Amount};
use crate::view::{Answer, Envelope, History, Paging, PastOne, View};
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
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CoreDetail {
    #[serde(flatten)]
    core: Core,
    /// By units, the first 1,000 of them.
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

impl Row {
    fn into_core(self) -> Core {
        Core {
            period: self.period,
            size: self.size,
            share: self.share,
            churn: Churn {
                entered: self.entered,
                left: self.left_core,
                jaccard: self.jaccard,
                rank_biased_overlap: self.rbo,
                tenure_periods: self.tenure_periods,
            },
        }
    }
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
    let cores = rows.into_iter().map(Row::into_core).collect();
    Ok(view.answer(cores).window(range.window).next(next))
}

/// The core at the end of one closed period, with its members.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/network/core/{n}", operation_id = "show_core", tag = "network",
    params(("n" = i64, Path, description = "The period's number", minimum = 0), History),
    responses((status = 200, body = Envelope<CoreDetail>), Problems)
)]
pub(super) async fn one(Path(Number(number)): Path<Number>, mut view: View<PastOne>) -> Result<Answer<CoreDetail>> {
    let closed = view.at.period.is_some_and(|newest| number <= newest);
    let row = sqlx::query_as!(
        Row,
        r#"select period, size, share, entered, left_core, jaccard, rbo, tenure_periods
           from network_core where period = $1 and $2"#,
        number,
        closed,
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let row = row.ok_or_else(|| not_closed(number, view.at.period))?;
    let data = CoreDetail {
        core: row.into_core(),
        members: members(&mut view, number).await?,
    };
    Ok(view.answer(data))
}

async fn members(view: &mut View<PastOne>, period: i64) -> Result<Vec<Member>> {
    let members = sqlx::query_as!(
        Member,
        r#"select operator as "operator: Address", rank, units as "units: Amount", share, since_period
           from core_member where period = $1 order by rank limit 1000"#,
        period,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(members)
}
