//! Batches: what was committed with a settlement, and whether it was audited.

use serde::Serialize;
use utoipa::ToSchema;

use super::audits::{Draw, Verdict, find};
use super::tokens::Tokens;
use crate::error::{Error, Problems, Result};
use crate::extract::Path;
use crate::value::{Address, Amount, Hash, Number, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, PastOne, View};

/// `open`: not drawn yet. `audited`: drawn, and its audit is open. `released`: its risk is closed, and what is left of its
/// earnings waits out the dispute window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BatchState {
    Open,
    Audited,
    Released,
}

/// A settled batch of receipts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Batch {
    id: Amount,
    operator: Address,
    state: BatchState,
    /// Root of the OpenZeppelin standard Merkle tree over the receipts.
    receipts_root: Hash,
    receipt_count: i64,
    /// Where the operator says that the receipts can be had; nobody vouches for it.
    evidence_uri: String,
    /// Vouchers that were paid with it, in full or in part.
    vouchers: i64,
    units: Amount,
    /// As paid by payers, protocol fee and royalty included.
    fees: TokenAmount,
    /// The operator's net.
    earned: TokenAmount,
    /// Value at risk, which the operator's collateral must cover: the fees paid or, where higher, what it declared.
    risk: TokenAmount,
    /// Null before it was drawn.
    draw: Option<BatchDraw>,
    /// Null before it is released.
    release: Option<Release>,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// How the batch was drawn, and what for.
#[derive(Debug, Serialize, ToSchema)]
struct BatchDraw {
    #[serde(flatten)]
    draw: Draw,
    /// Not audited: it was released at once.
    spared: bool,
    /// The audit, at /v1/audits/{case}; null when the batch was spared.
    case: Option<Amount>,
    /// Of the audit; `none` while it goes on, null when the batch was spared.
    verdict: Option<Verdict>,
    drawn_at: Timestamp,
    tx_hash: Hash,
}

#[derive(Debug, Serialize, ToSchema)]
struct Release {
    released_at: Timestamp,
    /// Less than what it earned where a fault has taken the rest.
    locked: TokenAmount,
    tx_hash: Hash,
}

struct Row {
    operator: Address,
    receipts_root: Hash,
    receipt_count: i64,
    evidence_uri: String,
    vouchers: i64,
    units: Amount,
    fees: Amount,
    earned: Amount,
    risk: Amount,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// One batch.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/batches/{id}", operation_id = "show_batch", tag = "audits",
    params(("id" = String, Path, description = "The batch's number, a decimal string", pattern = "^[0-9]+$"), History),
    responses((status = 200, body = Envelope<Batch>), Problems)
)]
pub(super) async fn one(Path(Number(id)): Path<Number>, mut view: View<PastOne>) -> Result<Answer<Batch>> {
    let row = settled(&mut view, &id).await?;
    let row = row.ok_or_else(|| Error::NotFound(format!("no batch {id} was settled as of this block")))?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let draw = draw(&mut view, &id).await?;
    let release = release(&mut view, &id, &tokens).await?;
    let state = match (&draw, &release) {
        (_, Some(_)) => BatchState::Released,
        (Some(_), None) => BatchState::Audited,
        (None, None) => BatchState::Open,
    };
    let batch = Batch {
        id,
        operator: row.operator,
        state,
        receipts_root: row.receipts_root,
        receipt_count: row.receipt_count,
        evidence_uri: row.evidence_uri,
        vouchers: row.vouchers,
        units: row.units,
        fees: tokens.in_fees(row.fees),
        earned: tokens.in_fees(row.earned),
        risk: tokens.in_fees(row.risk),
        draw,
        release,
        block_number: row.block_number,
        block_time: row.block_time,
        log_index: row.log_index,
        tx_hash: row.tx_hash,
    };
    Ok(view.answer(batch))
}

/// The contract bounds the vouchers of a batch.
async fn settled(view: &mut View<PastOne>, id: &Amount) -> Result<Option<Row>> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.operator as "operator: Address", s.receipts_root as "receipts_root: Hash", s.receipt_count,
                  s.evidence_uri, f.vouchers as "vouchers!", f.units as "units!: Amount", f.fees as "fees!: Amount",
                  s.earned as "earned: Amount", s.risk as "risk: Amount", s.block_number,
                  b.timestamp as "block_time: Timestamp", s.log_index, s.tx_hash as "tx_hash: Hash"
           from batch_settled s
           join block b on b.number = s.block_number
           cross join lateral (
               select count(*) as vouchers, coalesce(sum(units), 0) as units, coalesce(sum(fee), 0) as fees
               from fees_settled where batch_id = s.batch_id
           ) f
           where s.batch_id = $1 and s.block_number <= $2"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row)
}

async fn draw(view: &mut View<PastOne>, id: &Amount) -> Result<Option<BatchDraw>> {
    let row = sqlx::query!(
        r#"select d.case_id as "case_id: Amount", d.probability as "probability: Amount", d.seed as "seed: Hash",
                  d.round as "round: Amount", d.tx_hash as "tx_hash: Hash", b.timestamp as "drawn_at: Timestamp"
           from batch_drawn d join block b on b.number = d.block_number
           where d.batch_id = $1 and d.block_number <= $2"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let spared = row.case_id.is_zero();
    let case = if spared { None } else { find(view, &row.case_id).await? };
    Ok(Some(BatchDraw {
        draw: Draw::new(row.probability, row.seed, row.round),
        spared,
        verdict: case.as_ref().map(|case| case.verdict),
        case: (!spared).then_some(row.case_id),
        drawn_at: row.drawn_at,
        tx_hash: row.tx_hash,
    }))
}

async fn release(view: &mut View<PastOne>, id: &Amount, tokens: &Tokens) -> Result<Option<Release>> {
    let row = sqlx::query!(
        r#"select r.locked as "locked: Amount", r.tx_hash as "tx_hash: Hash", b.timestamp as "released_at: Timestamp"
           from batch_released r join block b on b.number = r.block_number
           where r.batch_id = $1 and r.block_number <= $2"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row.map(|row| Release {
        released_at: row.released_at,
        locked: tokens.in_fees(row.locked),
        tx_hash: row.tx_hash,
    }))
}
