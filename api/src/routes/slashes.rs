//! Slashes: who was punished for what, what it cost, and where the money went.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::flows::{Class, Kind};
use super::operators;
use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Account, Address, Amount, Hash, Ratio, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, View};

const BPS: i64 = 10_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only punishments for this.
    #[param(inline)]
    fault: Option<Fault>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            fault: fields.take("fault")?,
        })
    }
}

/// What an operator was punished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Fault {
    /// More than a third of a period's observed slots were missed.
    Downtime,
    /// An audited receipt was not shown in time.
    Withheld,
    /// A receipt was judged wrong.
    WrongOutput,
    /// Two receipts of one request, or two signed reports of one period, contradict each other.
    Equivocation,
    /// A judge called a planted wrong output right.
    FalseReport,
    /// A judge did not commit and reveal its verdict.
    Unrevealed,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Downtime => "downtime",
            Self::Withheld => "withheld",
            Self::WrongOutput => "wrong_output",
            Self::Equivocation => "equivocation",
            Self::FalseReport => "false_report",
            Self::Unrevealed => "unrevealed",
        }
    }
}

/// A punishment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Slash {
    operator: Address,
    fault: Fault,
    /// That was missed, its evidence is at /v1/periods/{period}; this and the next four are null unless the fault is
    /// downtime.
    period: Option<i64>,
    observed_slots: Option<i64>,
    missed_slots: Option<i64>,
    /// Faults of this operator that counted, this one included; repeated ones reach the stake.
    strikes: Option<i64>,
    /// What the penalty was multiplied by, from 1 to 4: how much more of the network was missed in the period than usual.
    correlation_factor: Option<Ratio>,
    /// Identity of the deed, which is not punished twice; null for downtime.
    offence: Option<Hash>,
    /// Whose evidence is at /v1/audits/{case}; null where there was no case: for downtime and equivocation.
    case: Option<Amount>,
    /// Request that two receipts contradict each other about; null unless the fault is equivocation, and where it was two
    /// reports of one period.
    request: Option<Hash>,
    /// Taken from earnings in escrow, with the refund.
    earnings_taken: TokenAmount,
    /// Taken from the stake pool, own and delegated pro rata.
    principal_taken: TokenAmount,
    /// Who brought the evidence; null when nobody gets a part.
    reporter: Option<Address>,
    /// Whose request it was; null when nobody is refunded.
    victim: Option<Address>,
    /// Part of `earnings_taken` that the victim gets back.
    refunded: TokenAmount,
    /// Part of `earnings_taken` that is burned.
    burned: TokenAmount,
    /// Null when the operator was not jailed for it.
    jailed_until: Option<Timestamp>,
    /// The operator can never serve again.
    tombstoned: bool,
    /// What was taken, by what it was held as.
    sources: Vec<Source>,
    /// Every part of what was taken: where it came from and whom it is credited to.
    movements: Vec<Movement>,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

/// What was taken of one class.
#[derive(Debug, Serialize, ToSchema)]
struct Source {
    class: Class,
    amount: TokenAmount,
}

/// A part of what was taken.
#[derive(Debug, Serialize, ToSchema)]
struct Movement {
    /// `slash_cut` is the reporter's reward, `refund` the victim's, `slash` the reserve's or the sink's part.
    kind: Kind,
    from: Class,
    to: Class,
    /// Whom it is credited to.
    account: Account,
    amount: TokenAmount,
}

struct Row {
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
    operator: Address,
    fault: Fault,
    period: Option<i64>,
    observed_slots: Option<i64>,
    missed_slots: Option<i64>,
    strikes: Option<i64>,
    factor_bps: Option<i64>,
    offence: Option<Hash>,
    case_id: Option<Amount>,
    request_id: Option<Hash>,
    reporter: Address,
    victim: Option<Address>,
    earnings_taken: Amount,
    principal_taken: Amount,
    jailed_until: Timestamp,
    tombstoned: bool,
}

type Key = (i64, i32);

/// One query for each set of filters, which are those of the two sources. Each of these sources is read by its index and no further than the page goes.
/// A case is closed, a judge named and an equivocation proved in the block of the punishment and before it.
macro_rules! select {
    ($view:ident, $downtime:literal, $others:literal $(, $value:expr)*) => {{
        let (block_number, log_index) = $view.key::<Key>()?.unwrap_or(($view.at.block(), i32::MAX));
        sqlx::query_as!(
            Row,
            r#"select p.block_number as "block_number!", b.timestamp as "block_time: Timestamp",
                      p.log_index as "log_index!", p.tx_hash as "tx_hash!: Hash", p.operator as "operator!: Address",
                      p.fault as "fault!: Fault", p.period, p.observed_slots, p.missed_slots, p.strikes,
                      w.factor_bps as "factor_bps?", p.offence as "offence: Hash",
                      case when p.fault in ('withheld', 'wrong_output') then (
                               select c.case_id from case_closed c
                               where c.operator = p.operator and c.block_number = p.block_number
                                 and c.log_index < p.log_index and c.punished
                               order by c.log_index desc limit 1)
                           when p.fault in ('false_report', 'unrevealed') then (
                               select j.case_id from judge_punished j
                               where j.member = p.operator and j.block_number = p.block_number
                                 and j.log_index < p.log_index and j.offence = p.offence
                               order by j.log_index desc limit 1) end as "case_id: Amount",
                      case when p.fault = 'equivocation' then (
                               select e.request_id from equivocation_proved e
                               where e.operator = p.operator and e.block_number = p.block_number
                                 and e.log_index < p.log_index and e.offence = p.offence
                               order by e.log_index desc limit 1) end as "request_id: Hash",
                      p.reporter as "reporter!: Address", p.victim as "victim: Address",
                      p.earnings_taken as "earnings_taken!: Amount", p.principal_taken as "principal_taken!: Amount",
                      least(p.jailed_until, 253402300799)::bigint as "jailed_until!: Timestamp",
                      p.tombstoned as "tombstoned!"
               from (
                   (select block_number, log_index, tx_hash, operator, 'downtime' as fault, period, observed_slots,
                           missed_slots, strikes, null::bytea as offence, reporter, null::bytea as victim, earnings_taken,
                           principal_taken, jailed_until, false as tombstoned
                    from downtime_punished
                    where (block_number, log_index) < ($1, $2) "# + $downtime + r#"
                    order by block_number desc, log_index desc limit $3)
                   union all
                   (select block_number, log_index, tx_hash, operator, fault, null, null, null, null, offence,
                           beneficiary, victim, earnings_taken, principal_taken, jailed_until, tombstoned
                    from fault_punished
                    where (block_number, log_index) < ($1, $2) "# + $others + r#"
                    order by block_number desc, log_index desc limit $3)
               ) p
               join block b on b.number = p.block_number
               left join outage_weighed w on w.period = p.period
               order by p.block_number desc, p.log_index desc limit $3"#,
            block_number,
            log_index,
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// Every slash, newest first.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/slashes", operation_id = "list_slashes", tag = "operators",
    params(List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Slash>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Slash>>> {
    let rows = match view.parameters.fault {
        None => select!(view, "", ""),
        Some(Fault::Downtime) => select!(view, "", "and false"),
        Some(fault) => select!(view, "and false", "and fault = $4", fault.name()),
    };
    page(view, rows).await
}

/// Slashes of one operator, newest first.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/operators/{id}/slashes", operation_id = "list_operator_slashes", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Slash>>), Problems)
)]
pub(super) async fn of_operator(Path(id): Path<Address>, mut view: View<List>) -> Result<Answer<Vec<Slash>>> {
    operators::require(&mut view, id).await?;
    let id = id.as_bytes();
    let rows = match view.parameters.fault {
        None => select!(view, "and operator = $4", "and operator = $4", id),
        Some(Fault::Downtime) => select!(view, "and operator = $4", "and false", id),
        Some(fault) => select!(view, "and false", "and operator = $4 and fault = $5", id, fault.name()),
    };
    page(view, rows).await
}

async fn page(mut view: View<List>, mut rows: Vec<Row>) -> Result<Answer<Vec<Slash>>> {
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index))?;
    if rows.is_empty() {
        return Ok(view.answer(Vec::new()));
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let mut movements = movements(&mut view, &rows).await?;
    let slashes = rows.into_iter().zip(1..).map(|(row, place)| {
        let of_row = movements.extract_if(.., |(owner, _)| *owner == place);
        row.into_slash(&tokens, of_row.map(|(_, movement)| movement).collect())
    });
    let slashes = slashes.collect();
    Ok(view.answer(slashes).next(next))
}

impl Row {
    fn into_slash(self, tokens: &Tokens, movements: Vec<Movement>) -> Slash {
        let of_kind = |kind| {
            let mut sum = Amount::default();
            let found = movements.iter().filter(|movement| movement.kind == kind);
            found.for_each(|movement| sum += &movement.amount.amount);
            tokens.in_fees(sum)
        };
        Slash {
            operator: self.operator,
            fault: self.fault,
            period: self.period,
            observed_slots: self.observed_slots,
            missed_slots: self.missed_slots,
            strikes: self.strikes,
            correlation_factor: self.factor_bps.map(|bps| Ratio::new(bps, BPS)),
            offence: self.offence,
            case: self.case_id,
            request: self.request_id,
            earnings_taken: tokens.in_fees(self.earnings_taken),
            principal_taken: tokens.in_stake(self.principal_taken),
            reporter: self.reporter.nonzero(),
            victim: self.victim.and_then(Address::nonzero),
            refunded: of_kind(Kind::Refund),
            burned: of_kind(Kind::SlashBurn),
            jailed_until: (self.jailed_until.unix() != 0).then_some(self.jailed_until),
            tombstoned: self.tombstoned,
            sources: sources(&movements),
            movements,
            block_number: self.block_number,
            block_time: self.block_time,
            log_index: self.log_index,
            tx_hash: self.tx_hash,
        }
    }
}

/// What was taken of each class, in the order in which it was taken.
fn sources(movements: &[Movement]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for movement in movements {
        match sources.iter_mut().find(|source| source.class == movement.from) {
            Some(source) => source.amount.amount += &movement.amount.amount,
            None => sources.push(Source {
                class: movement.from,
                amount: movement.amount.clone(),
            }),
        }
    }
    sources
}

/// The movements of tokens that belong to punishments, by the place of the punishment in `rows`, from 1: a slash moves
/// tokens first and is told last, so they are the operator's between this log and its punishment before.
async fn movements(view: &mut View<List>, rows: &[Row]) -> Result<Vec<(i64, Movement)>> {
    let blocks: Vec<i64> = rows.iter().map(|row| row.block_number).collect();
    let logs: Vec<i32> = rows.iter().map(|row| row.log_index).collect();
    let operators: Vec<&[u8]> = rows.iter().map(|row| row.operator.as_bytes()).collect();
    let found = sqlx::query!(
        r#"select p.place as "place!", f.kind as "kind: Kind", f.from_class as "from: Class",
                  f.to_class as "to: Class", f.to_account as "account: Account", f.amount as "amount: Amount",
                  t.token as "token: Address", t.symbol, t.decimals
           from unnest($1::bigint[], $2::int[], $3::bytea[]) with ordinality as p(block_number, log_index, operator, place)
           join flow f on f.operator = p.operator and f.block_number = p.block_number and f.log_index < p.log_index
                      and f.kind in ('refund', 'slash', 'slash_cut', 'slash_burn')
           join token t on t.token = f.token
           where not exists (
               select from downtime_punished other
               where other.operator = p.operator and other.block_number = p.block_number
                 and other.log_index < p.log_index and other.log_index > f.log_index
           ) and not exists (
               select from fault_punished other
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
                kind: row.kind,
                from: row.from,
                to: row.to,
                account: row.account,
                amount,
            },
        )
    });
    Ok(movements.collect())
}
