//! A closed period becomes derived rows.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use anyhow::Context;
use plumbline_drift::heartbeats::{Rules, Seen};
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use super::heard::Heard;
use super::lines::Span;
use super::watch::{Reader, Served};
use crate::accounts::Accounts;
use crate::fold::{self, Frame, Member, Standing, Verdict};
use crate::rows::{Rows, row};
use crate::schedule::{Closing, Schedule};
use crate::sql::{Bits, Uint, address};

/// Adds the rows of a period; facts and running state up to the closing block are written already.
pub(super) async fn fold(
    db: &mut PgConnection,
    rows: &mut Rows,
    accounts: &mut Accounts,
    heard: &mut Heard,
    rules: Rules,
    schedule: &Schedule,
    closing: Closing,
) -> anyhow::Result<()> {
    let frame = Frame::read(db, schedule, closing.period).await?;
    // What came before the first period is read with it.
    let is_first = closing.period == schedule.first_period();
    let span = Span {
        after: if is_first { -1 } else { frame.block_before_start },
        until: frame.block_before_end,
    };
    let mut reader = Reader::open(db, rules, &frame, span).await?;
    reader.read(db, span, heard).await?;
    heard.forget_until(span.until);
    let next_heartbeat = next_heartbeat(db, &frame, rules).await?;
    let (observed, seen) = reader.seen(next_heartbeat);

    let members = members(db, &frame, &reader, &observed, seen).await?;
    fold::derive(db, rows, &frame, &Verdict::default(), closing, &members).await?;
    add_served(db, rows, accounts, &reader, i64::try_from(closing.block)?).await?;
    write_enclaves(rows, frame.period, &reader)?;
    let relay = reader.relay();
    row! { rows, relay_period {
        period: frame.period, received_at: seconds(relay.received_at)?, resumed_at: seconds(relay.resumed_at)?,
        observed: Bits(observed),
    } }
    reader.findings.write(rows, frame.period);
    Ok(())
}

/// Time of the first block with a heartbeat after the period, if it came before the relay counts as silent.
async fn next_heartbeat(db: &mut PgConnection, frame: &Frame, rules: Rules) -> anyhow::Result<Option<u64>> {
    let time = sqlx::query_scalar!(
        "select timestamp from block
         where timestamp >= $1 and timestamp <= $2
           and exists (select from heartbeat_received where block_number = number)
         order by timestamp limit 1",
        frame.ends_at,
        frame.ends_at + i64::try_from(rules.relay_gap_seconds())?,
    )
    .fetch_optional(db)
    .await
    .context("find the first heartbeat after the period")?;
    Ok(time.map(u64::try_from).transpose()?)
}

async fn members(
    db: &mut PgConnection,
    frame: &Frame,
    reader: &Reader,
    observed: &[bool],
    seen: Vec<Seen>,
) -> anyhow::Result<Vec<Member>> {
    let mut standings = standings(db, frame).await?;
    let operators = reader.operators().iter().zip(seen).zip(&reader.served);
    let mut members: Vec<Member> = operators
        .map(|((operator, seen), served)| {
            let standing = standings.remove(operator).unwrap_or_default();
            member(standing, seen, observed, served)
        })
        .filter(Member::took_part)
        .collect();
    members.sort_by_key(|member| member.standing.operator_index);
    Ok(members)
}

fn member(mut standing: Standing, seen: Seen, observed: &[bool], served: &Served) -> Member {
    standing.in_service = seen.expected;
    // Enclaves that it had at work; one that had none could have had one.
    standing.capacity = Uint(U256::from(if seen.expected { seen.most_alive.max(1) } else { 0 }));
    standing.units = Uint(U256::from(served.in_period));
    let count = |bits: &[bool]| bits.iter().filter(|bit| **bit).count() as u64;
    let (observed, up) = if seen.expected {
        (observed.to_vec(), seen.up)
    } else {
        (Vec::new(), Vec::new())
    };
    Member {
        standing,
        slots: Slots {
            expected: observed.len() as u64,
            observed: count(&observed),
            hit: count(&up),
        },
        observed_slots: Bits(observed),
        up_slots: Bits(up),
    }
}

/// Every operator with its sums over all periods before.
async fn standings(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<BTreeMap<Address, Standing>> {
    let rows = sqlx::query!(
        r#"select r.operator, r.operator_index, coalesce(t.expected_total, 0) as "expected_total!",
                  coalesce(t.observed_total, 0) as "observed_total!", coalesce(t.hit_total, 0) as "hit_total!",
                  coalesce(t.units_total, 0) as "units_total!: Uint", coalesce(t.fees_total, 0) as "fees_total!: Uint"
           from operator_registered r
           left join lateral (select expected_total, observed_total, hit_total, units_total, fees_total
                              from operator_period where operator = r.operator and period < $1
                              order by period desc limit 1) t on true
           where r.block_number <= $2"#,
        frame.period,
        frame.block_before_end,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the operators of period {}", frame.period))?;
    let standings = rows.into_iter().map(|row| {
        let standing = Standing {
            operator_index: row.operator_index,
            expected_total: row.expected_total,
            observed_total: row.observed_total,
            hit_total: row.hit_total,
            units_total: row.units_total,
            fees_total: row.fees_total,
            operator: row.operator.clone(),
            ..Standing::default()
        };
        Ok((address(&row.operator)?, standing))
    });
    standings.collect()
}

/// Adds receipts to the totals of operators and network, as of the closing block.
async fn add_served(
    db: &mut PgConnection,
    rows: &mut Rows,
    accounts: &mut Accounts,
    reader: &Reader,
    closing_block: i64,
) -> anyhow::Result<()> {
    let mut attributed = U256::ZERO;
    for (operator, served) in reader.operators().iter().zip(&reader.served) {
        if served.total == 0 {
            continue;
        }
        let account = accounts.operator(db, *operator).await?;
        let total = U256::from(served.total);
        account.units.0 += total;
        account.receipts.0 += total;
        attributed += total;
    }
    let receipts = attributed + U256::from(reader.unattributed);
    if receipts.is_zero() && reader.batches == 0 {
        return Ok(());
    }
    let network = accounts.network(db).await?;
    network.units.0 += attributed;
    network.receipts.0 += receipts;
    network.batches += reader.batches;
    // The closing block may have a row already, of what else happened in it.
    sqlx::query!("delete from network_account where block_number = $1", closing_block)
        .execute(db)
        .await
        .context("replace the sums of the closing block")?;
    accounts.write(closing_block, rows);
    Ok(())
}

fn write_enclaves(rows: &mut Rows, period: i64, reader: &Reader) -> anyhow::Result<()> {
    for told in reader.told() {
        row! { rows, enclave_period {
            period, tee_id: told.tee_id, operator: told.operator, counted: told.beats.counted,
            replayed: told.beats.replayed, stale: told.beats.stale, alive_at: i64::try_from(told.alive_at)?,
            signed_at: seconds(told.signed_at)?,
        } }
    }
    Ok(())
}

fn seconds(time: Option<u64>) -> anyhow::Result<Option<i64>> {
    Ok(time.map(i64::try_from).transpose()?)
}
