//! Cases: random audits of batches and challenges of receipts, how far they are and who judges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters};
use crate::value::{Address, Amount, Hash, Share, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, View};

/// Cases looked at for one page; where a filter leaves fewer of them than fill it, the page is short and the next goes on.
const MAX_EXAMINED: i64 = 1_000;

/// `audit`: a batch that was drawn at random. `challenge`: a receipt that somebody doubts, against a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum CaseKind {
    Audit,
    Challenge,
}

/// `seeding`: waits for the seed that decides which leaf is audited. `answering`: the leaf must be shown. `proving`: the
/// version's verifier must be convinced. `judging`: a committee is at work. `decided`: the verdict waits to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Stage {
    Seeding,
    Answering,
    Proving,
    Judging,
    Decided,
    Closed,
}

/// `none`: not yet. `passed`: the receipt is right. `failed`: it is wrong. `inconclusive`: nobody could tell, and nobody
/// pays. `withheld`: the receipt was not shown in time. `voided`: the receipt was a planted canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Verdict {
    None,
    Passed,
    Failed,
    Inconclusive,
    Withheld,
    Voided,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only cases against this operator.
    #[param(value_type = Option<String>)]
    operator: Option<Address>,
    /// Only audits, or only challenges.
    #[param(inline)]
    kind: Option<CaseKind>,
    /// Only cases at this stage.
    #[param(inline)]
    stage: Option<Stage>,
    /// Only cases with this verdict.
    #[param(inline)]
    verdict: Option<Verdict>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            operator: fields.take("operator")?,
            kind: fields.take("kind")?,
            stage: fields.take("stage")?,
            verdict: fields.take("verdict")?,
        })
    }
}

/// An audit or a challenge as of a block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Case {
    /// Its number: audits and challenges are counted together.
    pub(super) id: Amount,
    kind: CaseKind,
    /// Who is accused.
    operator: Address,
    stage: Stage,
    pub(super) verdict: Verdict,
    /// The verdict cost the operator something; one whose deed had been punished already did not.
    pub(super) punished: bool,
    opened_at: Timestamp,
    /// Until when to answer or to prove, or from when on to execute the verdict; null at the other stages. Judges have
    /// their own, in `committee`.
    deadline: Option<Timestamp>,
    /// Periods by which the deadline was moved because too much of the network was down.
    extensions: i16,
    /// Batch that is audited, at /v1/batches/{batch}; null in a challenge.
    batch: Option<Amount>,
    /// How the batch was drawn; null in a challenge.
    draw: Option<Draw>,
    /// Null in an audit.
    challenger: Option<Address>,
    /// The challenger's, while it is held; zero in an audit and once the case is closed.
    bond: TokenAmount,
    /// Most stake that a verdict can take: what could be taken when the case was opened.
    principal_cap: TokenAmount,
    /// Whose request the receipt answers; null before the receipt is known.
    payer: Option<Address>,
    /// Null before the receipt is known.
    model: Option<Hash>,
    /// Identity of the deed, should the receipt be wrong; null before the receipt is known.
    offence: Option<Hash>,
    /// Contract that judges; null where a committee does, and before anybody does.
    verifier: Option<Address>,
    /// Null where nobody asked for one.
    committee: Option<CaseCommittee>,
}

/// How a batch was drawn.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Draw {
    /// Of being audited, at the odds of the draw.
    pub(super) probability: Share,
    /// Null when the seed of the round was lost, which makes an audit certain.
    pub(super) seed: Option<Hash>,
    /// Block whose randomness is the seed.
    pub(super) round: Amount,
}

impl Draw {
    /// Probabilities are fractions of 10^18.
    pub(super) fn new(probability: Amount, seed: Hash, round: Amount) -> Self {
        Self {
            probability: Share::new(probability, Amount::from(1_000_000_000_000_000_000)),
            seed: seed.nonzero(),
            round,
        }
    }
}

/// Operators that do a receipt's work again.
#[derive(Debug, Serialize, ToSchema)]
struct CaseCommittee {
    /// That drew the judges; null before.
    seed: Option<Hash>,
    /// Three must agree on another output to find the receipt wrong; otherwise three outputs out of bounds do.
    exact: bool,
    /// No judge comes from the failure domain of the accused.
    #[schema(example = "aws/eu-west-1")]
    excluded_domain: String,
    /// Null before the judges are drawn, and where too few were found, which ends the case inconclusive.
    commit_until: Option<Timestamp>,
    reveal_until: Option<Timestamp>,
    /// In the order of their seats.
    judges: Vec<Judge>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Judge {
    seat: i64,
    operator: Address,
    /// Most stake that being no good judge can cost.
    principal_cap: TokenAmount,
    committed: bool,
    /// What it revealed; null while it did not.
    output: Option<Hash>,
    /// Punished for not committing and revealing, or for having called a planted wrong output right.
    punished: bool,
}

/// A case as its newest row tells.
struct Row {
    case_id: Amount,
    matches: bool,
    kind: CaseKind,
    operator: Address,
    opened_at: Timestamp,
    batch_id: Amount,
    challenger: Address,
    stage: Stage,
    verdict: Verdict,
    deadline: Timestamp,
    extensions: i16,
    verifier: Address,
    payer: Address,
    model_id: Hash,
    offence: Hash,
    principal_cap: Amount,
    bond: Amount,
    punished: bool,
    probability: Option<Amount>,
    seed: Option<Hash>,
    round: Option<Amount>,
}

/// Which cases are looked at, and which of them are kept.
#[derive(Default)]
struct Walk {
    before: Option<Amount>,
    examined: i64,
    kind: Option<CaseKind>,
    stage: Option<Stage>,
    verdict: Option<Verdict>,
}

/// Steps from case to case by an index, newest first, and keeps those that pass the filters: the cost is that of the cases
/// looked at, of which there are at most so many, and not of how often each changed. The last one looked at is kept in any
/// case, so that the next page goes on after it.
macro_rules! select {
    ($view:ident, $walk:expr, $filter:literal $(, $value:expr)*) => {{
        let walk: Walk = $walk;
        sqlx::query_as!(
            Row,
            r#"with recursive walk as (
                   (select c as found, 1::bigint as place from case_account c
                    where case_id < coalesce($2::numeric, 'Infinity') and block_number <= $1 "# + $filter + r#"
                    order by case_id desc, block_number desc limit 1)
                   union all
                   select (select c from case_account c
                           where case_id < (walk.found).case_id and block_number <= $1 "# + $filter + r#"
                           order by case_id desc, block_number desc limit 1), place + 1
                   from walk where walk.found is not null and place < $3
               ), examined as (
                   select (walk.found).*, place from walk where walk.found is not null
               ), kept as (
                   select *, ($4::text is null or kind = $4) and ($5::text is null or stage = $5)
                             and ($6::text is null or verdict = $6) as matches
                   from examined
               )
               select k.case_id as "case_id!: Amount", k.matches as "matches!", k.kind as "kind!: CaseKind",
                      k.operator as "operator!: Address", k.opened_at as "opened_at!: Timestamp",
                      k.batch_id as "batch_id!: Amount", k.challenger as "challenger!: Address",
                      k.stage as "stage!: Stage", k.verdict as "verdict!: Verdict",
                      least(k.deadline, 253402300799)::bigint as "deadline!: Timestamp",
                      k.extensions as "extensions!", k.verifier as "verifier!: Address", k.payer as "payer!: Address",
                      k.model_id as "model_id!: Hash", k.offence as "offence!: Hash",
                      k.principal_cap as "principal_cap!: Amount", k.bond as "bond!: Amount", k.punished as "punished!",
                      d.probability as "probability?: Amount", d.seed as "seed?: Hash", d.round as "round?: Amount"
               from (select * from kept where matches or place = $3 limit $7) k
               left join batch_drawn d on d.batch_id = k.batch_id and d.block_number <= $1
               order by k.case_id desc"#,
            $view.at.block(),
            walk.before as Option<Amount>,
            walk.examined,
            walk.kind.map(CaseKind::name),
            walk.stage.map(Stage::name),
            walk.verdict.map(Verdict::name),
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

impl CaseKind {
    fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Challenge => "challenge",
        }
    }
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Seeding => "seeding",
            Self::Answering => "answering",
            Self::Proving => "proving",
            Self::Judging => "judging",
            Self::Decided => "decided",
            Self::Closed => "closed",
        }
    }

    fn has_deadline(self) -> bool {
        match self {
            Self::Answering | Self::Proving | Self::Decided => true,
            Self::Seeding | Self::Judging | Self::Closed => false,
        }
    }
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Withheld => "withheld",
            Self::Voided => "voided",
        }
    }
}

/// Audits and challenges, newest first.
///
/// History: `finalized` defaults to true. A page can hold fewer cases than `limit` while `next_cursor` says that there may
/// be more: at most 1,000 cases are looked at for one page.
#[utoipa::path(
    get, path = "/v1/audits", operation_id = "list_audits", tag = "audits",
    params(List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Case>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Case>>> {
    let walk = Walk {
        before: view.key()?,
        examined: MAX_EXAMINED,
        kind: view.parameters.kind,
        stage: view.parameters.stage,
        verdict: view.parameters.verdict,
    };
    let mut rows = match view.parameters.operator {
        None => select!(view, walk, ""),
        Some(operator) => select!(view, walk, "and operator = $8", operator.as_bytes()),
    };
    let next = match rows.pop_if(|row| !row.matches) {
        Some(last) => Some(view.after(&last.case_id)?),
        None => view.cut(&mut rows, |row| row.case_id.clone())?,
    };
    let cases = cases(&mut view, rows).await?;
    Ok(view.answer(cases).next(next))
}

/// One case, if it was opened by then.
pub(super) async fn find<P>(view: &mut View<P>, id: &Amount) -> Result<Option<Case>> {
    let walk = Walk {
        examined: 1,
        ..Walk::default()
    };
    let rows = select!(view, walk, "and case_id = $8", id as &Amount);
    Ok(cases(view, rows).await?.pop())
}

/// The cases of rows, with their judges.
async fn cases<P>(view: &mut View<P>, rows: Vec<Row>) -> Result<Vec<Case>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let mut committees = committees(view, &rows, &tokens).await?;
    let cases = rows.into_iter().map(|row| {
        let committee = committees.remove(&row.case_id);
        row.into_case(committee, &tokens)
    });
    Ok(cases.collect())
}

impl Row {
    fn into_case(self, committee: Option<CaseCommittee>, tokens: &Tokens) -> Case {
        let draw = self.probability.zip(self.seed).zip(self.round);
        Case {
            id: self.case_id,
            kind: self.kind,
            operator: self.operator,
            stage: self.stage,
            verdict: self.verdict,
            punished: self.punished,
            opened_at: self.opened_at,
            deadline: self.stage.has_deadline().then_some(self.deadline),
            extensions: self.extensions,
            batch: (self.kind == CaseKind::Audit).then_some(self.batch_id),
            draw: draw.map(|((probability, seed), round)| Draw::new(probability, seed, round)),
            challenger: self.challenger.nonzero(),
            bond: tokens.in_fees(self.bond),
            principal_cap: tokens.in_stake(self.principal_cap),
            payer: self.payer.nonzero(),
            model: self.model_id.nonzero(),
            offence: self.offence.nonzero(),
            verifier: self.verifier.nonzero(),
            committee,
        }
    }
}

/// Committees of cases, by case.
async fn committees<P>(view: &mut View<P>, rows: &[Row], tokens: &Tokens) -> Result<BTreeMap<Amount, CaseCommittee>> {
    let ids: Vec<Amount> = rows.iter().map(|row| row.case_id.clone()).collect();
    let found = sqlx::query!(
        r#"select r.case_id as "case_id: Amount", r.domain as "domain: Hash", r.exact,
                  d.seed as "seed?: Hash",
                  least(d.commit_until, 253402300799)::bigint as "commit_until: Timestamp",
                  least(d.reveal_until, 253402300799)::bigint as "reveal_until: Timestamp",
                  seat.place - 1 as seat, seat.member as "member: Address", seat.cap as "cap: Amount",
                  c.case_id is not null as "committed!", v.output_hash as "output?: Hash",
                  exists (select from judge_punished p where p.case_id = r.case_id and p.member = seat.member
                          and p.block_number <= $2) as "punished!"
           from unnest($1::numeric[]) as asked(case_id)
           join committee_requested r on r.case_id = asked.case_id and r.block_number <= $2
           left join judges_drawn d on d.case_id = r.case_id and d.block_number <= $2
           left join lateral unnest(d.members, d.caps) with ordinality as seat(member, cap, place) on true
           left join verdict_committed c on c.case_id = d.case_id and c.seat = seat.place - 1 and c.block_number <= $2
           left join verdict_revealed v on v.case_id = d.case_id and v.seat = seat.place - 1 and v.block_number <= $2
           order by r.case_id, seat.place"#,
        &ids as &[Amount],
        view.at.block(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let mut committees = BTreeMap::new();
    for row in found {
        let drawn = |until: Option<Timestamp>| until.filter(|until| until.unix() != 0);
        let committee = committees.entry(row.case_id).or_insert_with(|| CaseCommittee {
            seed: row.seed,
            exact: row.exact,
            excluded_domain: row.domain.label(),
            commit_until: drawn(row.commit_until),
            reveal_until: drawn(row.reveal_until),
            judges: Vec::new(),
        });
        if let (Some(seat), Some(operator), Some(cap)) = (row.seat, row.member, row.cap) {
            committee.judges.push(Judge {
                seat,
                operator,
                principal_cap: tokens.in_stake(cap),
                committed: row.committed,
                output: row.output,
                punished: row.punished,
            });
        }
    }
    Ok(committees)
}
