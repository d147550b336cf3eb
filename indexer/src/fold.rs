//! A closed period becomes derived rows: uptime of each operator, shares of the network.

use alloy::primitives::U256;
use anyhow::{Context, ensure};
use plumbline_drift::concentration::{Distribution, Threshold};
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use crate::rows::{Rows, row};
use crate::schedule::{Closing, Schedule};
use crate::sql::{Bits, Uint};

/// Operators in one word of a result.
const OPERATORS_PER_WORD: i64 = 256;
const WORD_BYTES: usize = 32;

/// A period, and the newest stored blocks before its start, at it, and before its end.
struct Frame {
    period: i64,
    starts_at: i64,
    ends_at: i64,
    slots: i32,
    block_before_start: i64,
    block_at_start: i64,
    block_before_end: i64,
}

/// What the ledger says of a period.
struct Verdict {
    /// Operators counted in the draw; nothing when no committee was drawn.
    drawn: Option<i64>,
    /// Reports behind the result.
    reports: i32,
    observed: Vec<u8>,
    up: Vec<u8>,
}

/// What the rows say of one operator in one period.
struct Standing {
    operator: Vec<u8>,
    operator_index: i64,
    /// Active from the period's first second to its last.
    in_service: bool,
    units: Uint,
    fees: Uint,
    stake_active: Uint,
    stake_own: Uint,
    stake_thawing: Uint,
    // Sums over all periods before.
    expected_total: i64,
    observed_total: i64,
    hit_total: i64,
    units_total: Uint,
    fees_total: Uint,
}

/// One operator in one period, with what the ledger says of it.
struct Member {
    standing: Standing,
    slots: Slots,
    observed_slots: Bits,
    up_slots: Bits,
}

/// What concentration is measured by.
#[derive(Debug, Clone, Copy)]
enum Basis {
    Stake,
    Units,
    Fees,
}

impl Basis {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Units => "units",
            Self::Fees => "fees",
        }
    }

    fn amount(self, member: &Member) -> U256 {
        match self {
            Self::Stake => member.standing.stake_active.0,
            Self::Units => member.standing.units.0,
            Self::Fees => member.standing.fees.0,
        }
    }
}

/// Sums over all periods before.
#[derive(Default)]
struct Totals {
    expected: i64,
    observed: i64,
    hit: i64,
    units: Uint,
    fees: Uint,
}

/// Adds the rows of a period that `closing.block` closed; facts and running state up to that block are written already.
pub(crate) async fn fold(
    db: &mut PgConnection,
    rows: &mut Rows,
    schedule: &Schedule,
    closing: Closing,
) -> anyhow::Result<()> {
    let frame = Frame::read(db, schedule, closing.period).await?;
    let verdict = Verdict::read(db, &frame).await?;
    let members = members(db, &frame, &verdict).await?;
    let totals = network_totals(db, &frame).await?;
    write_network(rows, &frame, &verdict, i64::try_from(closing.block)?, &members, &totals);
    for member in &members {
        write_member(rows, &frame, member);
    }
    for basis in [Basis::Stake, Basis::Units, Basis::Fees] {
        write_concentration(rows, &frame, basis, &members);
    }
    Ok(())
}

impl Frame {
    async fn read(db: &mut PgConnection, schedule: &Schedule, period: u64) -> anyhow::Result<Self> {
        let (starts_at, ends_at) = (
            i64::try_from(schedule.start(period))?,
            i64::try_from(schedule.end(period))?,
        );
        let blocks = sqlx::query!(
            r#"select
                 coalesce((select number from block where timestamp < $1 order by timestamp desc, number desc limit 1), -1)
                   as "before_start!",
                 coalesce((select number from block where timestamp <= $1 order by timestamp desc, number desc limit 1), -1)
                   as "at_start!",
                 coalesce((select number from block where timestamp < $2 order by timestamp desc, number desc limit 1), -1)
                   as "before_end!""#,
            starts_at,
            ends_at,
        )
        .fetch_one(db)
        .await
        .with_context(|| format!("find the blocks of period {period}"))?;
        Ok(Self {
            period: i64::try_from(period)?,
            starts_at,
            ends_at,
            slots: i32::try_from(schedule.slots)?,
            block_before_start: blocks.before_start,
            block_at_start: blocks.at_start,
            block_before_end: blocks.before_end,
        })
    }
}

impl Verdict {
    async fn read(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Self> {
        let drawn = sqlx::query_scalar!(
            "select operator_count from committee_drawn where period = $1",
            frame.period
        )
        .fetch_optional(&mut *db)
        .await
        .with_context(|| format!("read the committee of period {}", frame.period))?;
        let result = sqlx::query!(
            "select seats, observed, up from period_reported where period = $1
             order by block_number desc, log_index desc limit 1",
            frame.period,
        )
        .fetch_optional(db)
        .await
        .with_context(|| format!("read the result of period {}", frame.period))?;
        let Some(result) = result else {
            return Ok(Self {
                drawn,
                reports: 0,
                observed: Vec::new(),
                up: Vec::new(),
            });
        };
        let words = words_per_slot(drawn.unwrap_or_default());
        let expected = words * frame.slots as usize * WORD_BYTES;
        ensure!(
            result.observed.len() == expected && result.up.len() == expected,
            "the result of period {} has {} bytes for {expected}",
            frame.period,
            result.observed.len()
        );
        Ok(Self {
            drawn,
            reports: result.seats.count_ones() as i32,
            observed: result.observed,
            up: result.up,
        })
    }

    /// Slots in which an operator was observed, and in which it was up.
    fn slots_of(&self, operator_index: i64, slots: i32) -> (Bits, Bits) {
        let words = words_per_slot(self.drawn.unwrap_or_default());
        let bit = (operator_index % OPERATORS_PER_WORD) as usize;
        let word = (operator_index / OPERATORS_PER_WORD) as usize;
        let is_set = |bitmap: &[u8], slot: usize| {
            let byte = (slot * words + word) * WORD_BYTES + WORD_BYTES - 1 - bit / 8;
            bitmap.get(byte).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        let read = |bitmap: &[u8]| Bits((0..slots as usize).map(|slot| is_set(bitmap, slot)).collect());
        (read(&self.observed), read(&self.up))
    }
}

fn words_per_slot(operators: i64) -> usize {
    ((operators + OPERATORS_PER_WORD - 1) / OPERATORS_PER_WORD) as usize
}

async fn standings(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        r#"select r.operator, r.operator_index,
                  coalesce(p.status = 'active', false)
                    and not exists (select from operator_jailed
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    and not exists (select from operator_exited
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    and not exists (select from operator_tombstoned
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    as "in_service!",
                  coalesce(a.stake_active, 0) as "stake_active!: Uint", coalesce(a.stake_own, 0) as "stake_own!: Uint",
                  coalesce(a.stake_thawing, 0) as "stake_thawing!: Uint",
                  coalesce(a.units, 0) - coalesce(s.units, 0) as "units!: Uint",
                  coalesce(a.fees, 0) - coalesce(s.fees, 0) as "fees!: Uint",
                  coalesce(t.expected_total, 0) as "expected_total!", coalesce(t.observed_total, 0) as "observed_total!",
                  coalesce(t.hit_total, 0) as "hit_total!", coalesce(t.units_total, 0) as "units_total!: Uint",
                  coalesce(t.fees_total, 0) as "fees_total!: Uint"
           from operator_registered r
           left join lateral (select status from operator_profile
                              where operator = r.operator and block_number <= $4
                              order by block_number desc limit 1) p on true
           left join lateral (select units, fees from operator_account
                              where operator = r.operator and block_number <= $1
                              order by block_number desc limit 1) s on true
           left join lateral (select stake_active, stake_own, stake_thawing, units, fees from operator_account
                              where operator = r.operator and block_number <= $2
                              order by block_number desc limit 1) a on true
           left join lateral (select expected_total, observed_total, hit_total, units_total, fees_total
                              from operator_period
                              where operator = r.operator and period < $3
                              order by period desc limit 1) t on true
           where r.block_number <= $2
           order by r.operator_index"#,
        frame.block_before_start,
        frame.block_before_end,
        frame.period,
        frame.block_at_start,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the operators of period {}", frame.period))
}

/// Operators that were expected in the period, held stake at its end or settled something in it, by index.
async fn members(db: &mut PgConnection, frame: &Frame, verdict: &Verdict) -> anyhow::Result<Vec<Member>> {
    let standings = standings(db, frame).await?;
    let members = standings
        .into_iter()
        .map(|standing| Member::new(standing, frame, verdict));
    Ok(members.filter(Member::took_part).collect())
}

impl Member {
    fn new(standing: Standing, frame: &Frame, verdict: &Verdict) -> Self {
        let index = standing.operator_index;
        let expected = standing.in_service && verdict.drawn.is_none_or(|count| index < count);
        let slots = if expected { frame.slots } else { 0 };
        let (observed_slots, up_slots) = verdict.slots_of(index, slots);
        let count = |bits: &Bits| bits.0.iter().filter(|bit| **bit).count() as u64;
        Self {
            standing,
            slots: Slots {
                expected: slots as u64,
                observed: count(&observed_slots),
                hit: count(&up_slots),
            },
            observed_slots,
            up_slots,
        }
    }

    fn took_part(&self) -> bool {
        let Standing {
            stake_active,
            stake_thawing,
            fees,
            units,
            ..
        } = &self.standing;
        self.slots.expected != 0
            || [stake_active, stake_thawing, fees, units]
                .iter()
                .any(|amount| !amount.0.is_zero())
    }
}

async fn network_totals(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Totals> {
    let totals = sqlx::query_as!(
        Totals,
        r#"select expected_total as expected, observed_total as observed, hit_total as hit,
                  units_total as "units: Uint", fees_total as "fees: Uint"
           from network_period where period < $1 order by period desc limit 1"#,
        frame.period,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the totals before period {}", frame.period))?;
    Ok(totals.unwrap_or_default())
}

fn sum(members: &[Member], basis: Basis) -> U256 {
    members.iter().map(|member| basis.amount(member)).sum()
}

fn write_network(
    rows: &mut Rows,
    frame: &Frame,
    verdict: &Verdict,
    closed_by_block: i64,
    members: &[Member],
    totals: &Totals,
) {
    let slots: Slots = members.iter().map(|member| member.slots).sum();
    let (units, fees) = (sum(members, Basis::Units), sum(members, Basis::Fees));
    row! { rows, network_period {
        period: frame.period, closed_by_block, starts_at: frame.starts_at, ends_at: frame.ends_at, slots: frame.slots,
        drawn: verdict.drawn.is_some(), reports: verdict.reports,
        operators: members.iter().filter(|member| member.slots.expected != 0).count() as i64,
        expected: slots.expected as i64, observed: slots.observed as i64, hit: slots.hit as i64,
        missed: slots.missed() as i64, uptime: slots.uptime(), coverage: slots.coverage(),
        units, fees, stake: sum(members, Basis::Stake),
        expected_total: totals.expected + slots.expected as i64,
        observed_total: totals.observed + slots.observed as i64,
        hit_total: totals.hit + slots.hit as i64,
        units_total: totals.units.0 + units, fees_total: totals.fees.0 + fees,
    } }
}

fn write_member(rows: &mut Rows, frame: &Frame, member: &Member) {
    let Member { standing, slots, .. } = member;
    let (low, high) = slots.uptime_interval().unzip();
    row! { rows, operator_period {
        period: frame.period, operator: standing.operator,
        expected: slots.expected as i32, observed: slots.observed as i32, hit: slots.hit as i32,
        missed: slots.missed() as i32, unobserved: slots.unobserved() as i32,
        observed_slots: member.observed_slots, up_slots: member.up_slots,
        uptime: slots.uptime(), uptime_low: low, uptime_high: high,
        units: standing.units, fees: standing.fees,
        stake_own: standing.stake_own, stake_delegated: standing.stake_active.0 - standing.stake_own.0,
        stake_thawing: standing.stake_thawing,
        expected_total: standing.expected_total + slots.expected as i64,
        observed_total: standing.observed_total + slots.observed as i64,
        hit_total: standing.hit_total + slots.hit as i64,
        units_total: standing.units_total.0 + standing.units.0,
        fees_total: standing.fees_total.0 + standing.fees.0,
    } }
}

fn write_concentration(rows: &mut Rows, frame: &Frame, basis: Basis, members: &[Member]) {
    let shares = Distribution::new(members.iter().map(|member| basis.amount(member)));
    let nakamoto = |threshold| shares.nakamoto(threshold).map(|k| k as i32);
    row! { rows, network_concentration {
        period: frame.period, level: "operator", basis: basis.as_str(), total: sum(members, basis),
        holders: members.iter().filter(|member| !basis.amount(member).is_zero()).count() as i32,
        top1_share: shares.top_share(1), top3_share: shares.top_share(3), hhi: shares.hhi(),
        effective_operators: shares.effective_members(), gini: shares.gini(),
        nakamoto_third: nakamoto(Threshold::THIRD), nakamoto_half: nakamoto(Threshold::HALF),
        nakamoto_two_thirds: nakamoto(Threshold::TWO_THIRDS),
    } }
}
