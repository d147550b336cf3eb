//! Slashes: who was punished for what, what it cost, and where the money went.

use serde::Serialize;
use utoipa::ToSchema;

use super::flows::Class;
use super::operators;
use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Account, Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, View};

pub(super) struct List;

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(_: &mut Fields) -> Result<Self> {
        Ok(Self)
    }
}

/// What an operator was punished for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Fault {
    /// More than a third of a period's observed slots were missed.
    Downtime,
}

/// A punishment. Its evidence is the result of the period, at /v1/periods/{period}.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Slash {
    operator: Address,
    fault: Fault,
    period: i64,
    observed_slots: i64,
    missed_slots: i64,
    /// Faults of this operator that counted, this one included; repeated ones reach the stake.
    strikes: i64,
    /// Taken from earnings in escrow.
    earnings_taken: TokenAmount,
    /// Taken from the stake pool, own and delegated pro rata.
    principal_taken: TokenAmount,
    /// Who brought the evidence.
    reporter: Address,
    /// Null when the operator was not jailed for it.
    jailed_until: Option<Timestamp>,
    /// Every part of what was taken: where it came from and whom it is credited to.
    movements: Vec<Movement>,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// A part of what was taken.
#[derive(Debug, Serialize, ToSchema)]
struct Movement {
    from: Class,
    to: Class,
    /// Whom it is credited to.
    account: Account,
    /// The reporter's reward, rather than the reserve's or the sink's part.
    cut: bool,
    amount: TokenAmount,
}

struct Row {
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
    operator: Address,
    period: i64,
    reporter: Address,
    observed_slots: i64,
    missed_slots: i64,
    strikes: i64,
    earnings_taken: Amount,
    principal_taken: Amount,
    jailed_until: Timestamp,
}

type Key = (i64, i32);

/// The newest row that a page can begin with: the whole of the last block.
fn start(view: &View<List>) -> Result<Key> {
    Ok(view.key()?.unwrap_or((view.at.block(), i32::MAX)))
}

/// Every slash, newest first.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/slashes", operation_id = "list_slashes", tag = "operators",
    params(Paging, History),
    responses((status = 200, body = Envelope<Vec<Slash>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Slash>>> {
    let (block_number, log_index) = start(&view)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select p.block_number, b.timestamp as "block_time: Timestamp", p.log_index, p.tx_hash as "tx_hash: Hash",
                  p.operator as "operator: Address", p.period, p.reporter as "reporter: Address", p.observed_slots,
                  p.missed_slots, p.strikes, p.earnings_taken as "earnings_taken: Amount",
                  p.principal_taken as "principal_taken: Amount",
                  least(p.jailed_until, 253402300799)::bigint as "jailed_until!: Timestamp"
           from downtime_punished p join block b on b.number = p.block_number
           where (p.block_number, p.log_index) < ($1, $2)
           order by p.block_number desc, p.log_index desc limit $3"#,
        block_number,
        log_index,
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    page(view, rows).await
}

/// Slashes of one operator, newest first.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/operators/{id}/slashes", operation_id = "list_operator_slashes", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), Paging, History),
    responses((status = 200, body = Envelope<Vec<Slash>>), Problems)
)]
pub(super) async fn of_operator(Path(id): Path<Address>, mut view: View<List>) -> Result<Answer<Vec<Slash>>> {
    operators::require(&mut view, id).await?;
    let (block_number, log_index) = start(&view)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select p.block_number, b.timestamp as "block_time: Timestamp", p.log_index, p.tx_hash as "tx_hash: Hash",
                  p.operator as "operator: Address", p.period, p.reporter as "reporter: Address", p.observed_slots,
                  p.missed_slots, p.strikes, p.earnings_taken as "earnings_taken: Amount",
                  p.principal_taken as "principal_taken: Amount",
                  least(p.jailed_until, 253402300799)::bigint as "jailed_until!: Timestamp"
           from downtime_punished p join block b on b.number = p.block_number
           where p.operator = $4 and (p.block_number, p.log_index) < ($1, $2)
           order by p.block_number desc, p.log_index desc limit $3"#,
        block_number,
        log_index,
        view.limit.probe(),
        id.as_bytes(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    page(view, rows).await
}

async fn page(mut view: View<List>, mut rows: Vec<Row>) -> Result<Answer<Vec<Slash>>> {
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index))?;
    if rows.is_empty() {
        return Ok(view.answer(Vec::new()));
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let mut movements = movements(&mut view, &rows).await?;
    let slashes = rows.into_iter().zip(1..).map(|(row, place)| Slash {
        operator: row.operator,
        fault: Fault::Downtime,
        period: row.period,
        observed_slots: row.observed_slots,
        missed_slots: row.missed_slots,
        strikes: row.strikes,
        earnings_taken: tokens.in_fees(row.earnings_taken),
        principal_taken: tokens.in_stake(row.principal_taken),
        reporter: row.reporter,
        jailed_until: (row.jailed_until.unix() != 0).then_some(row.jailed_until),
        movements: movements
            .extract_if(.., |(owner, _)| *owner == place)
            .map(|(_, movement)| movement)
            .collect(),
        block_number: row.block_number,
        block_time: row.block_time,
        log_index: row.log_index,
        tx_hash: row.tx_hash,
    });
    let slashes = slashes.collect();
    Ok(view.answer(slashes).next(next))
}

/// The movements of tokens that belong to punishments, by the place of the punishment in `rows`, from 1: a slash moves
/// tokens first and is told last, so they are the operator's between this log and its punishment before.
async fn movements(view: &mut View<List>, rows: &[Row]) -> Result<Vec<(i64, Movement)>> {
    let blocks: Vec<i64> = rows.iter().map(|row| row.block_number).collect();
    let logs: Vec<i32> = rows.iter().map(|row| row.log_index).collect();
    let operators: Vec<&[u8]> = rows.iter().map(|row| row.operator.as_bytes()).collect();
    let found = sqlx::query!(
        r#"select p.place as "place!", f.kind = 'slash_cut' as "cut!", f.from_class as "from: Class",
                  f.to_class as "to: Class", f.to_account as "account: Account", f.amount as "amount: Amount",
                  t.token as "token: Address", t.symbol, t.decimals
           from unnest($1::bigint[], $2::int[], $3::bytea[]) with ordinality as p(block_number, log_index, operator, place)
           join flow f on f.operator = p.operator and f.block_number = p.block_number and f.log_index < p.log_index
                      and f.kind in ('slash', 'slash_cut')
           join token t on t.token = f.token
           where not exists (
               select from downtime_punished other
               where other.operator = p.operator and other.block_number = p.block_number
                 and other.log_index < p.log_index and other.log_index > f.log_index
           )
           order by p.place, f.log_index, f.part"#,
        &blocks,
        &logs,
        &operators as &[&[u8]],
    )
    .fetch_all(&mut *view.db)
    .await?;
    let movements = found.into_iter().map(|row| {
        let amount = TokenAmount {
            amount: row.amount,
            token: row.token,
            symbol: row.symbol,
            decimals: row.decimals,
        };
        (
            row.place,
            Movement {
                from: row.from,
                to: row.to,
                account: row.account,
                cut: row.cut,
                amount,
            },
        )
    });
    Ok(movements.collect())
}
