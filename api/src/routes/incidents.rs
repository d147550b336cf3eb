//! Incidents: outages of operators, from the first slot that was missed to the first in which it was up again.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::operators;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Flag, Parameters, Path};
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{Range, Span, Windowed};

/// Incidents looked at for one page; where a filter leaves fewer of them than fill it, the page is short and the next goes on.
const MAX_EXAMINED: i64 = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only incidents that go on, or only those that are over.
    #[param(value_type = Option<bool>)]
    open: Option<Flag>,
    /// Only incidents that began in common mode, or only the others.
    #[param(value_type = Option<bool>)]
    common_mode: Option<Flag>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            open: fields.take("open")?,
            common_mode: fields.take("common_mode")?,
            span: Span::read(fields)?,
        })
    }
}

/// A maximal run of slots that an operator missed; slots that nobody observed neither end nor lengthen it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Incident {
    operator: Address,
    /// Failure domain as declared; null when none was.
    domain: Option<String>,
    /// Of the first slot that was missed.
    period: i64,
    /// Position of that slot in the period, from 0.
    slot: i32,
    started_at: Timestamp,
    /// Begin of the slot in which it was up again; null while it goes on.
    ended_at: Option<Timestamp>,
    open: bool,
    /// Slots that were missed, so far.
    missed_slots: i64,
    /// Of these, in common mode.
    common_missed_slots: i64,
    /// Much of the network, or of the domain, went down with it.
    common_mode: bool,
}

struct Row {
    matches: bool,
    operator: Address,
    domain: Option<Hash>,
    period: i64,
    slot: i32,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    missed: i64,
    common_missed: i64,
    common_mode: bool,
}

impl From<Row> for Incident {
    fn from(row: Row) -> Self {
        Self {
            operator: row.operator,
            domain: row.domain.map(|domain| domain.label()),
            period: row.period,
            slot: row.slot,
            started_at: row.started_at,
            ended_at: row.ended_at,
            open: row.ended_at.is_none(),
            missed_slots: row.missed,
            common_missed_slots: row.common_missed,
            common_mode: row.common_mode,
        }
    }
}

type Key = (i64, i32, Address);

/// One query for all operators and for one. Of an incident that goes on, the operator's newest row knows the slots.
macro_rules! select {
    ($view:ident, $range:ident, $filter:literal $(, $value:expr)*) => {{
        let key = $view.key::<Key>()?;
        let (period, slot, operator) = match key {
            Some((period, slot, operator)) => (period, slot, operator.as_bytes().to_vec()),
            None => ($range.end, -1, Vec::new()),
        };
        let filtered = $view.parameters.open.is_some() || $view.parameters.common_mode.is_some();
        let examined = if filtered { MAX_EXAMINED } else { $view.limit.probe() };
        sqlx::query_as!(
            Row,
            r#"with examined as (
                   select i.*, row_number() over (order by i.period desc, i.slot desc, i.operator desc) as place
                   from (
                       select * from incident
                       where period >= $1 and (period, slot, operator) < ($2, $3, $4::bytea) "# + $filter + r#"
                       order by period desc, slot desc, operator desc limit $5
                   ) i
               ), kept as (
                   select x.*, e.ended_at, e.missed, e.common_missed,
                          ($6::boolean is null or $6 = (e.ended_at is null))
                          and ($7::boolean is null or $7 = x.common_mode) as matches
                   from examined x
                   left join lateral (
                       select * from incident_end
                       where operator = x.operator and period = x.period and slot = x.slot and ended_period <= $8
                       offset 0
                   ) e on true
               )
               select k.matches as "matches!", k.operator as "operator!: Address", k.domain as "domain: Hash",
                      k.period as "period!", k.slot as "slot!", k.started_at as "started_at!: Timestamp",
                      k.ended_at as "ended_at?: Timestamp",
                      coalesce(k.missed, r.open_missed, 0)::bigint as "missed!",
                      coalesce(k.common_missed, r.open_common_missed, 0)::bigint as "common_missed!",
                      k.common_mode as "common_mode!"
               from (select * from kept where matches or place = $5 order by place limit $9) k
               left join lateral (
                   select open_missed, open_common_missed from operator_reliability
                   where (operator, period) <= (k.operator, $8) and operator >= k.operator
                   order by operator desc, period desc limit 1
               ) r on k.ended_at is null
               order by k.place"#,
            $range.first,
            period,
            slot,
            operator,
            examined,
            $view.parameters.open.map(|flag| flag.0),
            $view.parameters.common_mode.map(|flag| flag.0),
            $range.newest,
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// Outages of all operators, newest first.
///
/// History: `finalized` defaults to true. A page can hold fewer incidents than `limit` while `next_cursor` says that there
/// may be more: at most 1,000 are looked at for one page.
#[utoipa::path(
    get, path = "/v1/incidents", operation_id = "list_incidents", tag = "operators",
    params(List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Incident>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Incident>>> {
    let span = view.parameters.span;
    let range = view.range(span).await?;
    let rows = select!(view, range, "");
    page(view, range, rows)
}

/// Outages of one operator, newest first.
///
/// History: `finalized` defaults to true. A page can be short as that of all incidents.
#[utoipa::path(
    get, path = "/v1/operators/{id}/incidents", operation_id = "list_operator_incidents", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Incident>>), Problems)
)]
pub(super) async fn of_operator(Path(id): Path<Address>, mut view: View<List>) -> Result<Answer<Vec<Incident>>> {
    operators::require(&mut view, id).await?;
    let span = view.parameters.span;
    let range = view.range(span).await?;
    let rows = select!(view, range, "and operator = $10", id.as_bytes());
    page(view, range, rows)
}

/// The last one looked at is kept whether it matches or not, so that the next page goes on after it.
fn page(view: View<List>, range: Range, mut rows: Vec<Row>) -> Result<Answer<Vec<Incident>>> {
    let key = |row: &Row| (row.period, row.slot, row.operator);
    let next = match rows.pop_if(|last| !last.matches) {
        Some(last) => Some(view.after(&key(&last))?),
        None => view.cut(&mut rows, key)?,
    };
    let incidents = rows.into_iter().map(Incident::from).collect();
    Ok(view.answer(incidents).window(range.window).next(next))
}
