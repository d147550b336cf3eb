//! Verification of the network: what was drawn, what came of audits and challenges, and how hard it is looked.

use serde::Serialize;
use utoipa::ToSchema;

use super::audits::{CaseKind, Verdict};
use super::flows::{Blocks, blocks};
use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::value::{Amount, Ratio, Share, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, Live, View};
use crate::window::{Span, Windowed};

const BPS: i64 = 10_000;
/// Cases of a window that are counted at most, newest first.
const MAX_COUNTED: i64 = 5_000;

/// How the work of the network is verified; `batches`, `audits` and `challenges` are of the window, the rest of the block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NetworkVerification {
    batches: BatchCounts,
    audits: AuditCounts,
    challenges: ChallengeCounts,
    /// False when so much happened in the window that only the newest 5,000 cases are counted; a shorter window tells all.
    complete: bool,
    /// What operators earned by the batches whose audit was opened in the window, of all that they earned in it.
    audited_earnings: Option<Share>,
    /// Audits and challenges that are open now.
    cases_open: i64,
    /// Value of all open batches; null before the contracts' deployment is indexed.
    open_risk: Option<TokenAmount>,
    /// By the mode of the models, as of the last closed period.
    modes: Vec<ModeVerification>,
    /// What the probability of audits is multiplied by; null before it was ever measured, when it is 1.
    multiplier: Option<Multiplier>,
}

/// How a version's outputs are checked; `unknown` is of cases that ended before the model was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum CheckMode {
    Reexecution,
    Tolerance,
    Attested,
    Proof,
    Unknown,
}

/// Work of verification since the start, and what it comes to.
#[derive(Debug, Serialize, ToSchema)]
struct ModeVerification {
    mode: CheckMode,
    units: Amount,
    fees: TokenAmount,
    /// Receipts judged, of audits and challenges.
    judgements: i64,
    /// Revealed by members of committees.
    verdicts: i64,
    /// Cases in which the receipt was wrong.
    failed: i64,
    /// Cases in which it was not shown.
    withheld: i64,
    /// Over 30 days; null when nothing was settled, as the next.
    judgements_per_1000_units: Option<f64>,
    verdicts_per_1000_units: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct BatchCounts {
    settled: i64,
    /// Released or audited; null where not all cases of the window are counted.
    drawn: Option<i64>,
    released: i64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct AuditCounts {
    opened: i64,
    passed: i64,
    failed: i64,
    withheld: i64,
    inconclusive: i64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct ChallengeCounts {
    opened: i64,
    /// The receipt was wrong.
    won: i64,
    /// The receipt was right.
    lost: i64,
    inconclusive: i64,
    /// The receipt was a planted canary.
    voided: i64,
}

/// Stress of the network as it was measured last, each sign in basis points.
#[derive(Debug, Serialize, ToSchema)]
struct Multiplier {
    /// From 1 to 5.
    current: Ratio,
    /// The worst of the signs, each scaled.
    stress_bps: Amount,
    /// Open risk over what coverage admits.
    utilisation_bps: Amount,
    /// Of the stake's price below its average.
    price_fall_bps: Amount,
    /// Thawing stake over all stake.
    exit_queue_bps: Amount,
    /// Operator-slots missed over those observed.
    missed_bps: Amount,
    /// Open cases over what auditors keep up with.
    backlog_bps: Amount,
    /// Cases lost over cases closed and batches drawn.
    lost_disputes_bps: Amount,
    measured_at: Timestamp,
}

/// How the work of the network is verified.
///
/// Live view: `finalized` defaults to false. The default window is 30 days.
#[utoipa::path(
    get, path = "/v1/network/verification", operation_id = "summarize_verification", tag = "network",
    params(Windowed, Live),
    responses((status = 200, body = Envelope<NetworkVerification>), Problems)
)]
pub(super) async fn summary(mut view: View<Span>) -> Result<Answer<NetworkVerification>> {
    let span = view.parameters.or_month();
    let blocks = blocks(&mut view, span).await?;
    let tokens = Tokens::load(&mut view.db, &view.at).await?;
    let totals = totals(&mut view, &blocks).await?;
    let mut audits = AuditCounts {
        opened: totals.audits,
        ..AuditCounts::default()
    };
    let mut challenges = ChallengeCounts {
        opened: totals.challenges,
        ..ChallengeCounts::default()
    };
    let verdicts = verdicts(&mut view, &blocks).await?;
    let closed: i64 = verdicts.iter().map(|row| row.cases).sum();
    let complete = closed < MAX_COUNTED && totals.audits < MAX_COUNTED;
    let audits_closed: i64 = verdicts
        .iter()
        .filter(|row| row.kind == CaseKind::Audit)
        .map(|row| row.cases)
        .sum();
    for row in verdicts {
        match row.kind {
            CaseKind::Audit => audits.count(row.verdict, row.cases),
            CaseKind::Challenge => challenges.count(row.verdict, row.cases),
        }
    }
    let audited_earnings = match &tokens {
        Some(tokens) if complete => Some(audited_earnings(&mut view, &blocks, tokens).await?),
        Some(_) | None => None,
    };
    let modes = match &tokens {
        Some(tokens) => modes(&mut view, tokens).await?,
        None => Vec::new(),
    };
    let data = NetworkVerification {
        batches: BatchCounts {
            settled: totals.batches,
            // A batch is released when it is spared and when its audit is closed.
            drawn: complete.then_some(totals.released - audits_closed + totals.audits),
            released: totals.released,
        },
        audits,
        challenges,
        complete,
        audited_earnings,
        cases_open: totals.cases_open,
        modes,
        open_risk: tokens.map(|tokens| tokens.in_fees(totals.open_risk)),
        multiplier: multiplier(&mut view).await?,
    };
    Ok(view.answer(data).window(blocks.window))
}

impl AuditCounts {
    fn count(&mut self, verdict: Verdict, cases: i64) {
        match verdict {
            Verdict::Passed => self.passed += cases,
            Verdict::Failed => self.failed += cases,
            Verdict::Withheld => self.withheld += cases,
            Verdict::Inconclusive => self.inconclusive += cases,
            // No audit ends undecided or as a canary.
            Verdict::None | Verdict::Voided => {}
        }
    }
}

impl ChallengeCounts {
    fn count(&mut self, verdict: Verdict, cases: i64) {
        match verdict {
            Verdict::Failed => self.won += cases,
            Verdict::Passed => self.lost += cases,
            Verdict::Inconclusive => self.inconclusive += cases,
            Verdict::Voided => self.voided += cases,
            // No challenge ends undecided or asks for a leaf.
            Verdict::None | Verdict::Withheld => {}
        }
    }
}

struct Totals {
    batches: i64,
    released: i64,
    audits: i64,
    challenges: i64,
    cases_open: i64,
    open_risk: Amount,
}

/// Sums of the window as differences of running totals, and the state of the block.
async fn totals(view: &mut View<Span>, blocks: &Blocks) -> Result<Totals> {
    let totals = sqlx::query_as!(
        Totals,
        r#"select coalesce(e.batches, 0) - coalesce(b.batches, 0) as "batches!",
                  coalesce(e.batches_released, 0) - coalesce(b.batches_released, 0) as "released!",
                  coalesce(e.audits, 0) - coalesce(b.audits, 0) as "audits!",
                  coalesce(e.challenges, 0) - coalesce(b.challenges, 0) as "challenges!",
                  coalesce(now.cases_open, 0) as "cases_open!", coalesce(now.open_risk, 0) as "open_risk!: Amount"
           from (values (1)) one
           left join lateral (
               select * from network_account where block_number <= $2 order by block_number desc limit 1
           ) e on true
           left join lateral (
               select * from network_account where block_number < least($1, $2 + 1) order by block_number desc limit 1
           ) b on true
           left join lateral (
               select * from network_account where block_number <= $3 order by block_number desc limit 1
           ) now on true"#,
        blocks.first,
        blocks.last,
        view.at.block(),
    )
    .fetch_one(&mut *view.db)
    .await?;
    Ok(totals)
}

struct VerdictCount {
    kind: CaseKind,
    verdict: Verdict,
    cases: i64,
}

/// Cases closed in the window.
async fn verdicts(view: &mut View<Span>, blocks: &Blocks) -> Result<Vec<VerdictCount>> {
    let verdicts = sqlx::query_as!(
        VerdictCount,
        r#"with closed as (
               select c.verdict, (
                   select kind from case_account a where a.case_id = c.case_id order by a.block_number desc limit 1
               ) as kind
               from (
                   select case_id, verdict from case_closed where block_number between $1 and $2
                   order by block_number desc, log_index desc limit $3
               ) c
           )
           select kind as "kind!: CaseKind", verdict as "verdict!: Verdict", count(*) as "cases!"
           from closed group by kind, verdict"#,
        blocks.first,
        blocks.last,
        MAX_COUNTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(verdicts)
}

async fn audited_earnings(view: &mut View<Span>, blocks: &Blocks, tokens: &Tokens) -> Result<Share> {
    let row = sqlx::query!(
        r#"with edge as not materialized (
               select block_number, amount from flow_total
               where token = $4 and kind = 'fee' and from_class = 'escrow' and to_class = 'earnings_undrawn'
           )
           select coalesce((
                      select sum((select earned from batch_settled s where s.batch_id = a.batch_id limit 1))
                      from (
                          select batch_id from audit_opened where block_number between $1 and $2
                          order by block_number desc, log_index desc limit $3
                      ) a
                  ), 0) as "audited!: Amount",
                  coalesce((select amount from edge where block_number <= $2 order by block_number desc limit 1), 0)
                  - coalesce((select amount from edge where block_number < least($1, $2 + 1)
                              order by block_number desc limit 1), 0) as "earned!: Amount""#,
        blocks.first,
        blocks.last,
        MAX_COUNTED,
        tokens.fee.address.as_bytes(),
    )
    .fetch_one(&mut *view.db)
    .await?;
    Ok(Share::new(row.audited, row.earned))
}

async fn modes(view: &mut View<Span>, tokens: &Tokens) -> Result<Vec<ModeVerification>> {
    let rows = sqlx::query!(
        r#"select mode as "mode: CheckMode", units_total as "units: Amount", fees_total as "fees: Amount", judgements_total,
                  verdicts_total, failed_total, withheld_total, judgements_per_1000_units, verdicts_per_1000_units
           from network_verification where period = $1 order by mode"#,
        view.at.period.unwrap_or(-1)
    )
    .fetch_all(&mut *view.db)
    .await?;
    let modes = rows.into_iter().map(|row| ModeVerification {
        mode: row.mode,
        units: row.units,
        fees: tokens.in_fees(row.fees),
        judgements: row.judgements_total,
        verdicts: row.verdicts_total,
        failed: row.failed_total,
        withheld: row.withheld_total,
        judgements_per_1000_units: row.judgements_per_1000_units,
        verdicts_per_1000_units: row.verdicts_per_1000_units,
    });
    Ok(modes.collect())
}

async fn multiplier(view: &mut View<Span>) -> Result<Option<Multiplier>> {
    let row = sqlx::query!(
        r#"select m.current_bps::bigint as "current_bps!", m.stress_bps as "stress_bps: Amount",
                  m.utilisation as "utilisation: Amount", m.price_fall as "price_fall: Amount",
                  m.exit_queue as "exit_queue: Amount", m.missed as "missed: Amount", m.backlog as "backlog: Amount",
                  m.lost_disputes as "lost_disputes: Amount", b.timestamp as "measured_at: Timestamp"
           from multiplier_updated m join block b on b.number = m.block_number
           where m.block_number <= $1 order by m.block_number desc, m.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row.map(|row| Multiplier {
        current: Ratio::new(row.current_bps, BPS),
        stress_bps: row.stress_bps,
        utilisation_bps: row.utilisation,
        price_fall_bps: row.price_fall,
        exit_queue_bps: row.exit_queue,
        missed_bps: row.missed,
        backlog_bps: row.backlog,
        lost_disputes_bps: row.lost_disputes,
        measured_at: row.measured_at,
    }))
}
