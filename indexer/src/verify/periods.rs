//! Closed periods: the ledger's results by their hashes, and what was derived from them.

use std::fmt::Display;

use alloy::primitives::{Address, U256};
use plumbline_drift::concentration::{Distribution, Threshold};
use plumbline_drift::uptime::Slots;
use plumbline_protocol::UptimeLedger;

use super::Check;
use super::report::Values;
use super::view::View;
use crate::sql::{Uint, address};

const WORD_BYTES: usize = 32;

pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    results(check).await?;
    let periods = sqlx::query_scalar!(
        "select period from network_period where closed_by_block <= $1 order by period",
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let periods = check.sample(periods, |period| *period);
    let total = periods.len();
    for (done, period) in periods.into_iter().enumerate() {
        tallies(check, period).await?;
        concentration(check, period).await?;
        check.report("periods", done + 1, total);
    }
    Ok(())
}

/// What the ledger keeps of each period that was drawn or reported.
async fn results(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select d.period, d.operator_count, r.seats as "seats?", r.result_hash as "result_hash?"
           from committee_drawn d
           left join lateral (select seats, result_hash from period_reported
                              where period = d.period and block_number <= $1
                              order by block_number desc, log_index desc limit 1) r on true
           where d.block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    check
        .ask(
            "period_reported",
            rows,
            |row| format!("period {}", row.period),
            |view, row| async move {
                let call = UptimeLedger::periodOfCall {
                    period: u64::try_from(row.period)?,
                };
                let ledger = view.call(view.addresses.uptime_ledger, call).await?;
                let reports = row.seats.map_or(0, |seats| seats.count_ones());
                let hash = row.result_hash.unwrap_or_else(|| vec![0; WORD_BYTES]);
                Ok(Values::new()
                    .with("operator_count", row.operator_count, ledger.operatorCount)
                    .with("reports", reports, ledger.reports)
                    .with("result_hash", super::hex(hash), ledger.resultHash))
            },
        )
        .await
}

/// One operator in one closed period.
struct Member {
    period: i64,
    operator: Address,
    index: u32,
    slots: usize,
    expected: i32,
    observed: i32,
    hit: i32,
    missed: i32,
    observed_slots: String,
    up_slots: String,
    uptime: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

/// The newest result of a period: words of which slots were observed, and up.
#[derive(Default)]
struct Words {
    observed: Vec<U256>,
    up: Vec<U256>,
}

async fn words(check: &mut Check<'_>, period: i64) -> anyhow::Result<Words> {
    let row = sqlx::query!(
        "select observed, up from period_reported where period = $1 and block_number <= $2
         order by block_number desc, log_index desc limit 1",
        period,
        check.block
    )
    .fetch_optional(&mut *check.db)
    .await?;
    let split = |bytes: &[u8]| bytes.chunks_exact(WORD_BYTES).map(U256::from_be_slice).collect();
    Ok(row.map_or_else(Words::default, |row| Words {
        observed: split(&row.observed),
        up: split(&row.up),
    }))
}

async fn tallies(check: &mut Check<'_>, period: i64) -> anyhow::Result<()> {
    let words = words(check, period).await?;
    let rows = sqlx::query!(
        r#"select p.operator, r.operator_index, n.slots, p.expected, p.observed, p.hit, p.missed,
                  p.observed_slots::text as "observed_slots!", p.up_slots::text as "up_slots!",
                  p.uptime, p.uptime_low, p.uptime_high
           from operator_period p join network_period n using (period) join operator_registered r using (operator)
           where p.period = $1"#,
        period
    )
    .fetch_all(&mut *check.db)
    .await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        members.push(Member {
            period,
            operator: address(&row.operator)?,
            index: u32::try_from(row.operator_index)?,
            slots: usize::try_from(row.slots)?,
            expected: row.expected,
            observed: row.observed,
            hit: row.hit,
            missed: row.missed,
            observed_slots: row.observed_slots,
            up_slots: row.up_slots,
            uptime: row.uptime,
            low: row.uptime_low,
            high: row.uptime_high,
        });
    }
    let key = |member: &Member| format!("{:#x} in period {period}", member.operator);
    check
        .ask("operator_period", members, key, |view, member| {
            tally(view, member, &words)
        })
        .await
}

async fn tally(view: &View, member: Member, words: &Words) -> anyhow::Result<Values> {
    let Member {
        period, index, slots, ..
    } = member;
    let expected = member.expected != 0;
    let (observed, missed) = if expected && !words.observed.is_empty() {
        let call = UptimeLedger::tallyCall {
            period: u64::try_from(period)?,
            index,
            observed: words.observed.clone(),
            up: words.up.clone(),
        };
        let tally = view.call(view.addresses.uptime_ledger, call).await?;
        (tally.observedSlots, tally.missedSlots)
    } else {
        (0, 0)
    };
    let slots_of = |words: &[U256]| {
        if expected {
            bits(words, slots, index)
        } else {
            String::new()
        }
    };
    let counted = Slots {
        expected: if expected { slots as u64 } else { 0 },
        observed: u64::from(observed),
        hit: u64::from(observed - missed),
    };
    let (low, high) = counted.uptime_interval().unzip();
    Ok(Values::new()
        .with("expected", member.expected, counted.expected)
        .with("observed", member.observed, observed)
        .with("hit", member.hit, counted.hit)
        .with("missed", member.missed, missed)
        .with("observed_slots", member.observed_slots, slots_of(&words.observed))
        .with("up_slots", member.up_slots, slots_of(&words.up))
        .with("uptime", or_null(member.uptime), or_null(counted.uptime()))
        .with("uptime_low", or_null(member.low), or_null(low))
        .with("uptime_high", or_null(member.high), or_null(high)))
}

/// An operator's bit of each slot, the first slot first.
fn bits(words: &[U256], slots: usize, index: u32) -> String {
    let per_slot = words.len() / slots.max(1);
    let (word, bit) = (index as usize / 256, index as usize % 256);
    let is_set = |slot: usize| words.get(slot * per_slot + word).is_some_and(|word| word.bit(bit));
    (0..slots).map(|slot| if is_set(slot) { '1' } else { '0' }).collect()
}

/// Concentration among operators as the drift crate computes it from the period's operators.
async fn concentration(check: &mut Check<'_>, period: i64) -> anyhow::Result<()> {
    let members = sqlx::query!(
        r#"select (stake_own + stake_delegated) as "stake!: Uint", units as "units: Uint", fees as "fees: Uint"
           from operator_period where period = $1"#,
        period
    )
    .fetch_all(&mut *check.db)
    .await?;
    let rows = sqlx::query!(
        r#"select basis, total as "total: Uint", holders, top1_share, top3_share, top10_share, hhi, effective_operators,
                  entropy_effective, gini, theil, theil_between, theil_within, nakamoto_third, nakamoto_half,
                  nakamoto_two_thirds
           from network_concentration
           where period = $1 and level = 'operator' and basis in ('stake', 'units', 'fees')"#,
        period
    )
    .fetch_all(&mut *check.db)
    .await?;
    let values = Values::new().with("rows", rows.len(), 3);
    check
        .tally
        .record("network_concentration", format!("period {period}"), values);
    for row in rows {
        let amounts = members.iter().map(|member| match row.basis.as_str() {
            "stake" => member.stake.0,
            "units" => member.units.0,
            _ => member.fees.0,
        });
        let amounts: Vec<U256> = amounts.collect();
        let total: U256 = amounts.iter().sum();
        let shares = Distribution::new(amounts);
        let nakamoto = |threshold| shares.nakamoto(threshold).map(|least| least as i32);
        let values = Values::new()
            .with("total", row.total, total)
            .with("holders", row.holders, shares.holders())
            .with("top1_share", or_null(row.top1_share), or_null(shares.top_share(1)))
            .with("top3_share", or_null(row.top3_share), or_null(shares.top_share(3)))
            .with("top10_share", or_null(row.top10_share), or_null(shares.top_share(10)))
            .with("hhi", or_null(row.hhi), or_null(shares.hhi()))
            .with(
                "effective_operators",
                or_null(row.effective_operators),
                or_null(shares.effective_members()),
            )
            .with(
                "entropy_effective",
                or_null(row.entropy_effective),
                or_null(shares.entropy_effective()),
            )
            .with("gini", or_null(row.gini), or_null(shares.gini()))
            .with("theil", or_null(row.theil), or_null(shares.theil()))
            // Operators are no groups.
            .with("theil_between", or_null(row.theil_between), "null")
            .with("theil_within", or_null(row.theil_within), "null")
            .with(
                "nakamoto_third",
                or_null(row.nakamoto_third),
                or_null(nakamoto(Threshold::THIRD)),
            )
            .with(
                "nakamoto_half",
                or_null(row.nakamoto_half),
                or_null(nakamoto(Threshold::HALF)),
            )
            .with(
                "nakamoto_two_thirds",
                or_null(row.nakamoto_two_thirds),
                or_null(nakamoto(Threshold::TWO_THIRDS)),
            );
        let key = format!("{} in period {period}", row.basis);
        check.tally.record("network_concentration", key, values);
    }
    Ok(())
}

fn or_null<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "null".into(), |value| value.to_string())
}
