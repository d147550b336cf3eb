//! Whether uptime is still paid for: the reserve, the price, and who leaves.

use std::collections::BTreeSet;

use alloy::primitives::{U256, U512};
use anyhow::Context;
use plumbline_drift::clock::{MONTH_DAYS, WEEK_DAYS};
use plumbline_drift::incentive::{log_change, ratio, runway_periods};
use plumbline_drift::trend::{Slope, theil_sen};
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use super::{Frame, Member, sum};
use crate::rows::{Rows, row};
use crate::sql::Uint;

const BPS: u64 = 10_000;
const WAD: u64 = 1_000_000_000_000_000_000;
/// Most periods that the elasticity is drawn through; of more only every so many-th.
const MOST_POINTS: i64 = 90;

/// Capacity that open work takes at the period's end: the stake that the coverage rule asks of it, earnings left out. Nothing
/// where there is no such rule, or no price.
pub(super) async fn demand(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Option<U256>> {
    let row = sqlx::query!(
        r#"select c.price_oracle::bytea as "price_oracle!", c.utilisation_bps, c.haircut_bps, c.correlation_bps,
                  (select price from price_observed where block_number <= $1
                   order by block_number desc, log_index desc limit 1) as "price: Uint",
                  coalesce((select open_risk from network_account where block_number <= $1
                            order by block_number desc limit 1), 0) as "open_risk!: Uint"
           from coverage_configured c where c.block_number <= $1
           order by c.block_number desc, c.log_index desc limit 1"#,
        frame.block_before_end,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the open risk of period {}", frame.period))?;
    let Some(row) = row else { return Ok(None) };
    let one_token = row.price_oracle.iter().all(|byte| *byte == 0);
    let price = if one_token {
        Some(U256::from(WAD))
    } else {
        row.price.map(|price| price.0)
    };
    let Some(price) = price.filter(|price| !price.is_zero()) else {
        return Ok(None);
    };
    let bps = |taken: i32| U512::from(BPS.saturating_sub(taken.unsigned_abs().into()));
    let part = U512::from(row.utilisation_bps.unsigned_abs()) * bps(row.haircut_bps) * bps(row.correlation_bps);
    let needed = U512::from(row.open_risk.0) * U512::from(BPS).pow(U512::from(3)) * U512::from(WAD);
    let stake = needed.checked_div(part * U512::from(price)).unwrap_or(U512::MAX);
    Ok(Some(stake.saturating_to()))
}

/// What the reserve booked, up to a period.
#[derive(Debug, Clone, Copy, Default)]
struct Booked {
    wages: Uint,
    protocol_fees: Uint,
    received: Uint,
    released: Uint,
}

/// An earlier row.
#[derive(Debug, Clone, Copy, Default)]
struct Earlier {
    booked: Booked,
    exited: i64,
    price: Option<Uint>,
}

/// The reserve and the market at the end of the period.
struct Now {
    reserve: Option<Uint>,
    booked: Booked,
    price: Option<Uint>,
}

pub(super) async fn write(
    db: &mut PgConnection,
    rows: &mut Rows,
    frame: &Frame,
    members: &[Member],
) -> anyhow::Result<()> {
    let month = frame.clock().periods_in(MONTH_DAYS);
    let now = now(db, frame).await?;
    let before = earlier(db, frame.period - 1).await?.unwrap_or_default();
    let month_ago = earlier(db, frame.period - month).await?.unwrap_or_default();
    let booked = Booked {
        wages: Uint(before.booked.wages.0 + now.booked.wages.0),
        protocol_fees: Uint(before.booked.protocol_fees.0 + now.booked.protocol_fees.0),
        received: Uint(before.booked.received.0 + now.booked.received.0),
        released: Uint(before.booked.released.0 + now.booked.released.0),
    };
    let since = |now: Uint, before: Uint| f64::from(now.0 - before.0);
    let released = since(booked.released, month_ago.booked.released);
    let received = since(booked.received, month_ago.booked.received);
    let wages = since(booked.wages, month_ago.booked.wages);
    let fees = since(booked.protocol_fees, month_ago.booked.protocol_fees);
    let reserve = now.reserve.map(|reserve| f64::from(reserve.0));
    let seen = month.min(frame.period + 1).unsigned_abs();
    let moves = moves(db, frame, members).await?;
    let thawing = f64::from(sum(members.iter().map(|member| member.standing.stake_thawing)));
    let active = f64::from(sum(members.iter().map(|member| member.standing.stake_active)));
    let float = |price: Option<Uint>| price.map(|price| f64::from(price.0));
    let elasticity = elasticity(db, frame, now.price, month).await?;
    let (low, high) = elasticity.and_then(|slope| slope.interval).unzip();
    let told = |amount: Uint| now.reserve.map(|_| amount);
    row! { rows, network_incentive {
        period: frame.period, reserve: now.reserve, wages: told(now.booked.wages),
        protocol_fees: told(now.booked.protocol_fees), received: told(now.booked.received),
        released: told(now.booked.released), wages_total: told(booked.wages),
        protocol_fees_total: told(booked.protocol_fees), received_total: told(booked.received),
        released_total: told(booked.released),
        runway_periods: reserve.and_then(|reserve| runway_periods(reserve, released, received, seen)),
        fee_coverage: ratio(fees, wages), operators: moves.operators, entered: moves.entered, exited: moves.exited,
        exit_rate: ratio(f64::from(moves.exited), f64::from(moves.before)),
        exited_total: before.exited + i64::from(moves.exited),
        thawing_share: ratio(thawing, active + thawing), price: now.price,
        price_change: log_change(float(now.price), float(month_ago.price)),
        uptime_change: uptime_change(db, frame, members, month).await?,
        price_elasticity: elasticity.map(|slope| slope.slope), price_elasticity_low: low, price_elasticity_high: high,
    } }
    Ok(())
}

async fn now(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Now> {
    let row = sqlx::query!(
        r#"select coalesce(sum(wages), 0) as "wages!: Uint", coalesce(sum(protocol_fees), 0) as "protocol_fees!: Uint",
                  coalesce(sum(received), 0) as "received!: Uint", coalesce(sum(release), 0) as "released!: Uint",
                  exists (select from reward_reserve_configured where block_number <= $2) as "has_reserve!",
                  coalesce((select reserve from network_account where block_number <= $2
                            order by block_number desc limit 1), 0) as "reserve!: Uint",
                  (select price from price_observed where block_number <= $2
                   order by block_number desc, log_index desc limit 1) as "price: Uint"
           from period_closed where block_number > $1 and block_number <= $2"#,
        frame.block_before_start,
        frame.block_before_end,
    )
    .fetch_one(db)
    .await
    .with_context(|| format!("read the reserve of period {}", frame.period))?;
    Ok(Now {
        reserve: row.has_reserve.then_some(row.reserve),
        booked: Booked {
            wages: row.wages,
            protocol_fees: row.protocol_fees,
            received: row.received,
            released: row.released,
        },
        price: row.price,
    })
}

async fn earlier(db: &mut PgConnection, last_period: i64) -> anyhow::Result<Option<Earlier>> {
    let row = sqlx::query!(
        r#"select wages_total as "wages: Uint", protocol_fees_total as "protocol_fees: Uint",
                  received_total as "received: Uint", released_total as "released: Uint", exited_total,
                  price as "price: Uint"
           from network_incentive where period <= $1 order by period desc limit 1"#,
        last_period,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the incentives up to period {last_period}"))?;
    Ok(row.map(|row| Earlier {
        booked: Booked {
            wages: row.wages.unwrap_or_default(),
            protocol_fees: row.protocol_fees.unwrap_or_default(),
            received: row.received.unwrap_or_default(),
            released: row.released.unwrap_or_default(),
        },
        exited: row.exited_total,
        price: row.price,
    }))
}

/// Operators that came into service and went out of it.
struct Moves {
    before: i32,
    operators: i32,
    entered: i32,
    exited: i32,
}

async fn moves(db: &mut PgConnection, frame: &Frame, members: &[Member]) -> anyhow::Result<Moves> {
    let before = sqlx::query_scalar!(
        r#"select operator::bytea as "operator!" from operator_period
           where expected <> 0 and period = (select max(period) from network_period where period < $1)"#,
        frame.period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read who was in service before period {}", frame.period))?;
    let before: BTreeSet<Vec<u8>> = before.into_iter().collect();
    let serving = members.iter().filter(|member| member.slots.expected != 0);
    let now: BTreeSet<Vec<u8>> = serving.map(|member| member.standing.operator.clone()).collect();
    Ok(Moves {
        before: before.len() as i32,
        operators: now.len() as i32,
        entered: now.difference(&before).count() as i32,
        exited: before.difference(&now).count() as i32,
    })
}

/// Uptime of the network in the last 7 days less that of the 7 days that ended 30 days before.
async fn uptime_change(
    db: &mut PgConnection,
    frame: &Frame,
    members: &[Member],
    month: i64,
) -> anyhow::Result<Option<f64>> {
    let week = frame.clock().periods_in(WEEK_DAYS);
    let in_period: Slots = members.iter().map(|member| member.slots).sum();
    let last = slots_until(db, frame.period - 1).await? + in_period;
    let week_ago = slots_until(db, frame.period - week).await?;
    let then = slots_until(db, frame.period - month).await?;
    let week_before_then = slots_until(db, frame.period - month - week).await?;
    let uptime = |end: Slots, start: Slots| ratio((end.hit - start.hit) as f64, (end.observed - start.observed) as f64);
    Ok(uptime(last, week_ago)
        .zip(uptime(then, week_before_then))
        .map(|(now, then)| now - then))
}

async fn slots_until(db: &mut PgConnection, last_period: i64) -> anyhow::Result<Slots> {
    let row = sqlx::query!(
        "select expected_total, observed_total, hit_total from network_period where period <= $1
         order by period desc limit 1",
        last_period,
    )
    .fetch_optional(db)
    .await
    .with_context(|| format!("read the slots up to period {last_period}"))?;
    let Some(row) = row else { return Ok(Slots::default()) };
    Ok(Slots {
        expected: u64::try_from(row.expected_total)?,
        observed: u64::try_from(row.observed_total)?,
        hit: u64::try_from(row.hit_total)?,
    })
}

/// Slope of uptime on the logarithm of the price over 30 days, the period itself left out.
async fn elasticity(
    db: &mut PgConnection,
    frame: &Frame,
    price: Option<Uint>,
    month: i64,
) -> anyhow::Result<Option<Slope>> {
    if price.is_none() {
        return Ok(None);
    }
    let every = (month + MOST_POINTS - 1) / MOST_POINTS;
    let rows = sqlx::query!(
        r#"select i.price as "price!: Uint", p.uptime as "uptime!"
           from network_incentive i join network_period p using (period)
           where i.period > $1 and i.period < $2 and ($2 - i.period) % $3 = 0
             and i.price > 0 and p.uptime is not null
           order by i.period"#,
        frame.period - month,
        frame.period,
        every,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read prices before period {}", frame.period))?;
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (f64::from(row.price.0).ln(), row.uptime))
        .collect();
    Ok(theil_sen(&points))
}
