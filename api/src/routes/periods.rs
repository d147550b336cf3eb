//! Periods: what the committees reported, and the network's figures of each.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};

use super::network::{Concentration, concentration};
use super::tokens::Tokens;
use super::uptime::Uptime;
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Order, Parameters, Path};
use crate::value::{Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, PastOne, View};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// By number; default `desc`, newest first.
    #[param(inline)]
    order: Option<Order>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            order: fields.take("order")?,
        })
    }
}

/// A closed period: its result can no longer be replaced.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Period {
    pub(super) period: i64,
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// First block past the report window.
    pub(super) closed_by_block: i64,
    slots: i32,
    /// A committee was drawn for it.
    drawn: bool,
    /// Reports behind the result; 0 when none was posted.
    reports: i32,
    /// Operators that an answer was due from.
    operators: i64,
    uptime: Uptime,
    /// Settled in it.
    units: Amount,
    /// Settled in it.
    fees: TokenAmount,
    /// Active stake of all operators at its end.
    stake: TokenAmount,
}

/// A period with its committee, its result and how concentrated the network was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PeriodDetail {
    #[serde(flatten)]
    period: Period,
    /// Null when none was drawn.
    committee: Option<Committee>,
    /// Null when none was posted.
    result: Option<PeriodResult>,
    concentration: Vec<Concentration>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Committee {
    seed: Hash,
    /// In the order of their seats.
    members: Vec<Address>,
    tx_hash: Hash,
}

/// What the ledger keeps of the reports.
#[derive(Debug, Serialize, ToSchema)]
struct PeriodResult {
    /// `keccak256(abi.encode(observed, up))` of the result words, as the ledger stores it.
    result_hash: Hash,
    /// Positions in the committee whose reports were counted.
    seats: Vec<u8>,
    posted_by: Address,
    tx_hash: Hash,
}

struct Row {
    period: i64,
    closed_by_block: i64,
    starts_at: Timestamp,
    ends_at: Timestamp,
    slots: i32,
    drawn: bool,
    reports: i32,
    operators: i64,
    expected: i64,
    observed: i64,
    hit: i64,
    units: Amount,
    fees: Amount,
    stake: Amount,
}

impl Row {
    fn into_period(self, tokens: &Tokens) -> Period {
        Period {
            period: self.period,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            closed_by_block: self.closed_by_block,
            slots: self.slots,
            drawn: self.drawn,
            reports: self.reports,
            operators: self.operators,
            uptime: Uptime::new(self.expected, self.observed, self.hit),
            units: self.units,
            fees: tokens.in_fees(self.fees),
            stake: tokens.in_stake(self.stake),
        }
    }
}

/// One query for each order and for one period.
macro_rules! select {
    ($db:expr, $filter:literal $(, $value:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"select period, closed_by_block, starts_at as "starts_at: Timestamp", ends_at as "ends_at: Timestamp", slots,
                      drawn, reports, operators, expected, observed, hit, units as "units: Amount",
                      fees as "fees: Amount", stake as "stake: Amount"
               from network_period where "# + $filter
            $(, $value)*
        )
        .fetch_all($db)
        .await?
    };
}

/// Periods by their numbers, in order.
pub(super) async fn numbered(db: &mut PgConnection, numbers: &[i64], tokens: &Tokens) -> Result<Vec<Period>> {
    let rows = select!(db, "period = any($1) order by period", numbers);
    Ok(rows.into_iter().map(|row| row.into_period(tokens)).collect())
}

/// Closed periods.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/periods", operation_id = "list_periods", tag = "network",
    params(List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Period>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Period>>> {
    let Some(newest) = view.at.period else {
        return Ok(view.answer(Vec::new()));
    };
    let after = view.key::<i64>()?;
    let limit = view.limit.probe();
    let mut rows = match view.parameters.order.unwrap_or_default() {
        Order::Asc => select!(
            &mut *view.db,
            "period > $1 and period <= $2 order by period limit $3",
            after.unwrap_or(-1),
            newest,
            limit
        ),
        Order::Desc => select!(
            &mut *view.db,
            "period < $1 order by period desc limit $2",
            after.unwrap_or(newest.saturating_add(1)),
            limit
        ),
    };
    let next = view.cut(&mut rows, |row| row.period)?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let periods = rows.into_iter().map(|row| row.into_period(&tokens)).collect();
    Ok(view.answer(periods).next(next))
}

/// A period's number, as the ledger counts from its genesis.
pub(super) struct Number(pub(super) i64);

impl std::str::FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| *number >= 0);
        number
            .map(Self)
            .ok_or_else(|| "a period is a whole number from 0".to_owned())
    }
}

pub(super) fn not_closed(number: i64, newest: Option<i64>) -> Error {
    Error::NotFound(match newest {
        Some(newest) => format!("period {number} is not closed as of this block; the last closed one is {newest}"),
        None => "no period is closed as of this block".to_owned(),
    })
}

/// One closed period.
///
/// History: `finalized` defaults to true; then the answer never changes.
#[utoipa::path(
    get, path = "/v1/periods/{n}", operation_id = "show_period", tag = "network",
    params(("n" = i64, Path, description = "The period's number", minimum = 0), History),
    responses((status = 200, body = Envelope<PeriodDetail>), Problems)
)]
pub(super) async fn one(Path(Number(number)): Path<Number>, mut view: View<PastOne>) -> Result<Answer<PeriodDetail>> {
    let newest = view.at.period;
    let row = match newest {
        Some(newest) if number <= newest => select!(&mut *view.db, "period = $1", number).pop(),
        Some(_) | None => None,
    };
    let row = row.ok_or_else(|| not_closed(number, newest))?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let finalized = row.closed_by_block <= view.at.finalized_number;
    let closed_by_block = row.closed_by_block;
    let period = row.into_period(&tokens);
    let coverage = period.uptime.coverage;
    let data = PeriodDetail {
        period,
        committee: committee(&mut view, number).await?,
        result: result(&mut view, number, closed_by_block).await?,
        concentration: concentration(&mut view, number).await?,
    };
    Ok(view.answer(data).coverage(coverage).immutable(finalized))
}

async fn committee(view: &mut View<PastOne>, period: i64) -> Result<Option<Committee>> {
    let rows = sqlx::query!(
        r#"select d.seed as "seed: Hash", d.tx_hash as "tx_hash: Hash", r.operator as "operator: Address"
           from committee_drawn d
           cross join lateral unnest(d.members) with ordinality as member(index, seat)
           join operator_registered r on r.operator_index = member.index
           where d.period = $1 and d.block_number <= $2
           order by member.seat"#,
        period,
        view.at.block(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let first = rows.first().map(|row| (row.seed, row.tx_hash));
    Ok(first.map(|(seed, tx_hash)| Committee {
        seed,
        tx_hash,
        members: rows.into_iter().map(|row| row.operator).collect(),
    }))
}

/// The newest report up to the block that closed the period is its result.
async fn result(view: &mut View<PastOne>, period: i64, closed_by_block: i64) -> Result<Option<PeriodResult>> {
    let row = sqlx::query!(
        r#"select result_hash as "result_hash: Hash", seats, poster as "posted_by: Address", tx_hash as "tx_hash: Hash"
           from period_reported where period = $1 and block_number <= $2
           order by block_number desc, log_index desc limit 1"#,
        period,
        closed_by_block,
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row.map(|row| PeriodResult {
        result_hash: row.result_hash,
        seats: (0..8).filter(|seat| row.seats >> seat & 1 == 1).collect(),
        posted_by: row.posted_by,
        tx_hash: row.tx_hash,
    }))
}
