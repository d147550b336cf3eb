//! One case: the receipt that is judged, the leaf that was asked for, and everything that happened.

use serde::Serialize;
use utoipa::ToSchema;

use super::audits::{Case, find};
use super::tokens::Tokens;
use crate::error::{Error, Problems, Result};
use crate::extract::Path;
use crate::value::{Address, Amount, Hash, Number, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, PastOne, View};

/// An audit or a challenge with its receipt and its course.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseDetail {
    #[serde(flatten)]
    case: Case,
    /// What is judged; null before it is known.
    receipt: Option<Receipt>,
    /// Null in a challenge, and before a seed decided which it is.
    leaf: Option<Leaf>,
    /// Logs of the case, oldest first.
    events: Vec<CaseEvent>,
}

/// A receipt as its operator signed it.
#[derive(Debug, Serialize, ToSchema)]
struct Receipt {
    request: Hash,
    model: Hash,
    version: i64,
    input: Hash,
    output: Hash,
    payer: Address,
    served_at: Timestamp,
    latency_ms: i64,
    fee: TokenAmount,
    /// Key that signed it.
    signer: Address,
}

/// A leaf of the batch's tree.
#[derive(Debug, Serialize, ToSchema)]
struct Leaf {
    /// Bit i from the lowest says where to go at depth i: 1 to the larger hash.
    path: Hash,
    /// Who showed it; null while nobody did.
    responder: Option<Address>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CaseEvent {
    #[schema(example = "JudgementBegun")]
    event: String,
    /// Who challenged, answered, judged, was punished or was credited; null where it was nobody in particular.
    account: Option<Address>,
    /// Of the bond; null where none moved.
    amount: Option<TokenAmount>,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// One audit or challenge.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/audits/{id}", operation_id = "show_audit", tag = "audits",
    params(("id" = String, Path, description = "The case's number, a decimal string", pattern = "^[0-9]+$"), History),
    responses((status = 200, body = Envelope<CaseDetail>), Problems)
)]
pub(super) async fn one(Path(Number(id)): Path<Number>, mut view: View<PastOne>) -> Result<Answer<CaseDetail>> {
    let case = find(&mut view, &id).await?;
    let case = case.ok_or_else(|| Error::NotFound(format!("no case {id} was opened as of this block")))?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let data = CaseDetail {
        case,
        receipt: receipt(&mut view, &id, &tokens).await?,
        leaf: leaf(&mut view, &id).await?,
        events: events(&mut view, &id, &tokens).await?,
    };
    Ok(view.answer(data))
}

async fn receipt(view: &mut View<PastOne>, id: &Amount, tokens: &Tokens) -> Result<Option<Receipt>> {
    let row = sqlx::query!(
        r#"select request_id as "request: Hash", model_id as "model: Hash", version, input_hash as "input: Hash",
                  output_hash as "output: Hash", payer as "payer: Address",
                  least(served_at, 253402300799)::bigint as "served_at!: Timestamp", latency_ms, fee as "fee: Amount",
                  signer as "signer: Address"
           from judgement_begun where case_id = $1 and block_number <= $2"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row.map(|row| Receipt {
        request: row.request,
        model: row.model,
        version: row.version,
        input: row.input,
        output: row.output,
        payer: row.payer,
        served_at: row.served_at,
        latency_ms: row.latency_ms,
        fee: tokens.in_fees(row.fee),
        signer: row.signer,
    }))
}

async fn leaf(view: &mut View<PastOne>, id: &Amount) -> Result<Option<Leaf>> {
    let leaf = sqlx::query_as!(
        Leaf,
        r#"select r.path as "path: Hash", a.responder as "responder?: Address"
           from leaf_requested r
           left join leaf_answered a on a.case_id = r.case_id and a.block_number <= $2
           where r.case_id = $1 and r.block_number <= $2"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(leaf)
}

/// A case has few logs: one for each step, judge and extension.
async fn events(view: &mut View<PastOne>, id: &Amount, tokens: &Tokens) -> Result<Vec<CaseEvent>> {
    let rows = sqlx::query!(
        r#"with log as (
               select 'AuditOpened' as event, null::bytea as account, null::numeric as amount,
                      block_number, log_index, tx_hash from audit_opened where case_id = $1
               union all
               select 'ChallengeOpened', challenger, bond, block_number, log_index, tx_hash
               from challenge_opened where case_id = $1
               union all
               select 'LeafRequested', null, null, block_number, log_index, tx_hash from leaf_requested where case_id = $1
               union all
               select 'DeadlineExtended', null, null, block_number, log_index, tx_hash
               from deadline_extended where case_id = $1
               union all
               select 'LeafAnswered', responder, null, block_number, log_index, tx_hash
               from leaf_answered where case_id = $1
               union all
               select 'JudgementBegun', null, null, block_number, log_index, tx_hash
               from judgement_begun where case_id = $1
               union all
               select 'CommitteeRequested', null, null, block_number, log_index, tx_hash
               from committee_requested where case_id = $1
               union all
               select 'JudgesDrawn', null, null, block_number, log_index, tx_hash from judges_drawn where case_id = $1
               union all
               select 'VerdictCommitted', member, null, block_number, log_index, tx_hash
               from verdict_committed where case_id = $1
               union all
               select 'VerdictRevealed', member, null, block_number, log_index, tx_hash
               from verdict_revealed where case_id = $1
               union all
               select 'CaseDecided', null, null, block_number, log_index, tx_hash from case_decided where case_id = $1
               union all
               select 'CanaryRevealed', planter, null, block_number, log_index, tx_hash
               from canary_revealed where case_id = $1
               union all
               select 'BondCredited', account, amount, block_number, log_index, tx_hash
               from bond_credited where case_id = $1
               union all
               select 'JudgePunished', member, null, block_number, log_index, tx_hash
               from judge_punished where case_id = $1
               union all
               select 'CaseClosed', null, null, block_number, log_index, tx_hash from case_closed where case_id = $1
           )
           select l.event as "event!", l.account as "account: Address", l.amount as "amount: Amount",
                  l.block_number as "block_number!", b.timestamp as "block_time: Timestamp",
                  l.log_index as "log_index!", l.tx_hash as "tx_hash!: Hash"
           from log l join block b on b.number = l.block_number
           where l.block_number <= $2
           order by l.block_number, l.log_index"#,
        id as &Amount,
        view.at.block(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let events = rows.into_iter().map(|row| CaseEvent {
        event: row.event,
        account: row.account,
        amount: row.amount.map(|amount| tokens.in_fees(amount)),
        block_number: row.block_number,
        block_time: row.block_time,
        log_index: row.log_index,
        tx_hash: row.tx_hash,
    });
    Ok(events.collect())
}
