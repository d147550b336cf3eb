//! What happened, log by log, as readers of the stream are told it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::alerts::{self, Alert};
use super::audits::{CaseKind, Verdict};
use super::flows::{self, Class, Flow, Kind};
use super::periods::{self, Period};
use super::slashes::Fault;
use super::tokens::Tokens;
use crate::error::Result;
use crate::stream::{Event, Place};
use crate::value::{Account, Address, Amount, Hash, Timestamp, TokenAmount};

/// Rows of each kind that are read at once.
const MAX_ROWS: i64 = 1_000;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// Tokens moved.
    Flow,
    /// An operator was punished.
    Slash,
    /// An audit or a challenge was opened, decided or closed.
    Case,
    /// A period was closed.
    Period,
    /// Something that somebody may want to be woken for, as at /v1/alerts.
    Alert,
}

impl EventKind {
    pub(crate) const ALL: [Self; 5] = [Self::Flow, Self::Slash, Self::Case, Self::Period, Self::Alert];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Slash => "slash",
            Self::Case => "case",
            Self::Period => "period",
            Self::Alert => "alert",
        }
    }
}

/// A punishment; `/v1/operators/{id}/slashes` tells where the money went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlashNews {
    operator: Address,
    fault: Fault,
    /// That was missed; null unless the fault is downtime.
    period: Option<i64>,
    earnings_taken: TokenAmount,
    principal_taken: TokenAmount,
    /// The operator can never serve again.
    tombstoned: bool,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// How far a case came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum CaseStep {
    Opened,
    Decided,
    Closed,
}

/// A step of an audit or a challenge, which is at /v1/audits/{case}.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseNews {
    case: Amount,
    kind: CaseKind,
    step: CaseStep,
    operator: Address,
    /// `none` when it was opened.
    verdict: Verdict,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// The message of an event of the stream, by its `event` field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StreamMessage {
    Flow(Flow),
    Slash(SlashNews),
    Case(CaseNews),
    Period(Period),
    Alert(Alert),
    Head(Head),
    Reorg(Reorg),
}

/// Everything up to this block was told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Head {
    pub(super) block_number: i64,
    pub(super) block_hash: Hash,
    pub(super) block_time: Timestamp,
    pub(super) finalized_number: i64,
}

/// Blocks above `block_number` were replaced: forget what was told of them. What follows is told anew.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reorg {
    pub(super) block_number: i64,
}

/// An event before it is written down.
struct Draft {
    place: Place,
    hash: Hash,
    kind: EventKind,
    operator: Option<Address>,
    message: StreamMessage,
}

/// Events behind a place and up to a block, in order: all of them, or as many as were read at once.
pub(crate) async fn load(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Event>> {
    let mut drafts = Vec::new();
    // Where a kind has more rows than were read, the others are told no further either. A log is read whole.
    let mut end = Place::end_of(last);
    for found in [
        flows(&mut *db, after, last).await?,
        slashes(&mut *db, after, last).await?,
        cases(&mut *db, after, last).await?,
        periods(&mut *db, after, last).await?,
    ] {
        if let Some(last) = found.last().filter(|_| found.len() as i64 >= MAX_ROWS) {
            end = end.min(last.place);
        }
        drafts.extend(found);
    }
    let (found, readable) = alerts(db, after, last).await?;
    end = end.min(Place::end_of(readable));
    drafts.extend(found);
    drafts.retain(|draft| draft.place <= end);
    drafts.sort_by_key(|draft| draft.place);
    drafts.into_iter().map(Draft::write).collect()
}

impl Draft {
    fn write(self) -> Result<Event> {
        let json = serde_json::to_string(&self.message).map_err(|error| crate::error::Error::internal(&error))?;
        Ok(Event {
            place: self.place,
            hash: self.hash,
            kind: self.kind,
            operator: self.operator,
            json,
        })
    }
}

async fn flows(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Draft>> {
    let mut rows = sqlx::query_as!(
        flows::Row,
        r#"select f.block_number, f.log_index, f.part, b.hash as "block_hash: Hash",
                  b.timestamp as "block_time: Timestamp", f.kind as "kind: Kind",
                  f.from_class as "from_class: Class", f.from_account as "from_account: Account",
                  f.to_class as "to_class: Class", f.to_account as "to_account: Account",
                  f.operator as "operator: Address", f.amount as "amount: Amount",
                  t.token as "token: Address", t.symbol, t.decimals
           from flow f join block b on b.number = f.block_number join token t on t.token = f.token
           where (f.block_number, f.log_index) > ($1, $2) and f.block_number <= $3
           order by f.block_number, f.log_index fetch first ($4) rows with ties"#,
        after.block,
        after.log,
        last,
        MAX_ROWS,
    )
    .fetch_all(db)
    .await?;
    rows.sort_by_key(|row| (row.block_number, row.log_index, row.part));
    let drafts = rows.into_iter().map(|row| Draft {
        place: Place::new(row.block_number, row.log_index),
        hash: row.block_hash,
        kind: EventKind::Flow,
        operator: row.operator,
        message: StreamMessage::Flow(row.into()),
    });
    Ok(drafts.collect())
}

async fn slashes(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Draft>> {
    let rows = sqlx::query!(
        r#"select p.block_number as "block_number!", b.hash as "block_hash: Hash", b.timestamp as "block_time: Timestamp",
                  p.log_index as "log_index!", p.tx_hash as "tx_hash!: Hash", p.operator as "operator!: Address",
                  p.fault as "fault!: Fault", p.period, p.earnings_taken as "earnings_taken!: Amount",
                  p.principal_taken as "principal_taken!: Amount", p.tombstoned as "tombstoned!"
           from (
               (select block_number, log_index, tx_hash, operator, 'downtime' as fault, period, earnings_taken,
                       principal_taken, false as tombstoned
                from downtime_punished where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
               union all
               (select block_number, log_index, tx_hash, operator, fault, null, earnings_taken, principal_taken, tombstoned
                from fault_punished where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
           ) p
           join block b on b.number = p.block_number
           order by p.block_number, p.log_index limit $4"#,
        after.block,
        after.log,
        last,
        MAX_ROWS,
    )
    .fetch_all(&mut *db)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = Tokens::must_be_at(db, last).await?;
    let drafts = rows.into_iter().map(|row| Draft {
        place: Place::new(row.block_number, row.log_index),
        hash: row.block_hash,
        kind: EventKind::Slash,
        operator: Some(row.operator),
        message: StreamMessage::Slash(SlashNews {
            operator: row.operator,
            fault: row.fault,
            period: row.period,
            earnings_taken: tokens.in_fees(row.earnings_taken),
            principal_taken: tokens.in_stake(row.principal_taken),
            tombstoned: row.tombstoned,
            block_number: row.block_number,
            block_time: row.block_time,
            log_index: row.log_index,
            tx_hash: row.tx_hash,
        }),
    });
    Ok(drafts.collect())
}

async fn cases(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Draft>> {
    let rows = sqlx::query!(
        r#"select c.block_number as "block_number!", b.hash as "block_hash: Hash", b.timestamp as "block_time: Timestamp",
                  c.log_index as "log_index!", c.tx_hash as "tx_hash!: Hash", c.operator as "operator!: Address",
                  c.case_id as "case_id!: Amount", c.step as "step!: CaseStep", c.verdict as "verdict!: Verdict",
                  (select kind from case_account a where a.case_id = c.case_id order by a.block_number desc limit 1)
                      as "kind!: CaseKind"
           from (
               (select block_number, log_index, tx_hash, operator, case_id, 'opened' as step, 'none' as verdict
                from audit_opened where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
               union all
               (select block_number, log_index, tx_hash, operator, case_id, 'opened', 'none'
                from challenge_opened where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
               union all
               (select block_number, log_index, tx_hash, operator, case_id, 'decided', verdict
                from case_decided where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
               union all
               (select block_number, log_index, tx_hash, operator, case_id, 'closed', verdict
                from case_closed where (block_number, log_index) > ($1, $2) and block_number <= $3
                order by block_number, log_index limit $4)
           ) c
           join block b on b.number = c.block_number
           order by c.block_number, c.log_index limit $4"#,
        after.block,
        after.log,
        last,
        MAX_ROWS,
    )
    .fetch_all(db)
    .await?;
    let drafts = rows.into_iter().map(|row| Draft {
        place: Place::new(row.block_number, row.log_index),
        hash: row.block_hash,
        kind: EventKind::Case,
        operator: Some(row.operator),
        message: StreamMessage::Case(CaseNews {
            case: row.case_id,
            kind: row.kind,
            step: row.step,
            operator: row.operator,
            verdict: row.verdict,
            block_number: row.block_number,
            block_time: row.block_time,
            log_index: row.log_index,
            tx_hash: row.tx_hash,
        }),
    });
    Ok(drafts.collect())
}

/// Periods are closed by a block, not by a log: they are told at its end.
async fn periods(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Draft>> {
    let rows = sqlx::query!(
        r#"select p.period, b.hash as "block_hash: Hash"
           from network_period p join block b on b.number = p.closed_by_block
           where p.closed_by_block >= $1 and p.closed_by_block <= $2
           order by p.closed_by_block fetch first ($3) rows with ties"#,
        after.following_block(),
        last,
        MAX_ROWS,
    )
    .fetch_all(&mut *db)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = Tokens::must_be_at(db, last).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.period).collect();
    let hashes: HashMap<i64, Hash> = rows.iter().map(|row| (row.period, row.block_hash)).collect();
    let periods = periods::numbered(db, &numbers, &tokens).await?;
    let drafts = periods.into_iter().map(|period| Draft {
        place: Place::end_of(period.closed_by_block),
        hash: hashes[&period.period],
        kind: EventKind::Period,
        operator: None,
        message: StreamMessage::Period(period),
    });
    Ok(drafts.collect())
}

/// The alerts of as many blocks as are read at once, and the last of these blocks.
async fn alerts(db: &mut PgConnection, after: Place, last: i64) -> Result<(Vec<Draft>, i64)> {
    let last = alerts::readable_until(db, after, last).await?;
    let drafts = alerts::behind(db, after, last).await?.into_iter().map(|alert| Draft {
        place: alert.place(),
        hash: alert.block_hash,
        kind: EventKind::Alert,
        operator: alert.operator,
        message: StreamMessage::Alert(alert),
    });
    Ok((drafts.collect(), last))
}
