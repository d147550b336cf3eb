//! The operators of a period as the registry, the vault and the settlement show them.

use anyhow::Context;
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

use super::deeds;
use super::{Frame, Member, Standing, Verdict};
use crate::sql::{Bits, Uint};

struct Row {
    operator: Vec<u8>,
    operator_index: i64,
    in_service: bool,
    owner: Option<Vec<u8>>,
    domain: Option<Vec<u8>>,
    stake_active: Uint,
    stake_own: Uint,
    stake_thawing: Uint,
    units: Uint,
    fees: Uint,
    rewards: Uint,
    expected_total: i64,
    observed_total: i64,
    hit_total: i64,
    units_total: Uint,
    fees_total: Uint,
}

async fn read(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"select r.operator, r.operator_index,
                  coalesce(p.status = 'active', false)
                    and not exists (select from operator_jailed
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    and not exists (select from operator_exited
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    and not exists (select from operator_tombstoned
                                    where operator = r.operator and block_number > $4 and block_number <= $2)
                    as "in_service!",
                  o.payout::bytea as "owner?", nullif(o.domain::bytea, decode(repeat('00', 32), 'hex')) as "domain?",
                  coalesce(a.stake_active, 0) as "stake_active!: Uint", coalesce(a.stake_own, 0) as "stake_own!: Uint",
                  coalesce(a.stake_thawing, 0) as "stake_thawing!: Uint",
                  coalesce(a.units, 0) - coalesce(s.units, 0) as "units!: Uint",
                  coalesce(a.fees, 0) - coalesce(s.fees, 0) as "fees!: Uint",
                  coalesce(a.uptime_rewards, 0) - coalesce(s.uptime_rewards, 0) as "rewards!: Uint",
                  coalesce(t.expected_total, 0) as "expected_total!", coalesce(t.observed_total, 0) as "observed_total!",
                  coalesce(t.hit_total, 0) as "hit_total!", coalesce(t.units_total, 0) as "units_total!: Uint",
                  coalesce(t.fees_total, 0) as "fees_total!: Uint"
           from operator_registered r
           left join lateral (select status from operator_profile
                              where operator = r.operator and block_number <= $4
                              order by block_number desc limit 1) p on true
           left join lateral (select payout, domain from operator_profile
                              where operator = r.operator and block_number <= $2
                              order by block_number desc limit 1) o on true
           left join lateral (select units, fees, uptime_rewards from operator_account
                              where operator = r.operator and block_number <= $1
                              order by block_number desc limit 1) s on true
           left join lateral (select stake_active, stake_own, stake_thawing, units, fees, uptime_rewards
                              from operator_account
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

/// Operators that were expected in the period, held stake at its end, settled something in it or were judged, by index.
pub(super) async fn members(db: &mut PgConnection, frame: &Frame, verdict: &Verdict) -> anyhow::Result<Vec<Member>> {
    let rows = read(db, frame).await?;
    let mut deeds = deeds::read(db, frame).await?;
    let members = rows.into_iter().map(|row| {
        let deeds = deeds.remove(&row.operator).unwrap_or_default();
        member(Standing { deeds, ..row.into() }, frame, verdict)
    });
    Ok(members.filter(Member::took_part).collect())
}

impl From<Row> for Standing {
    fn from(row: Row) -> Self {
        Self {
            operator: row.operator,
            operator_index: row.operator_index,
            in_service: row.in_service,
            owner: row.owner,
            domain: row.domain,
            // Collateral ties what an operator can carry.
            capacity: if row.in_service {
                row.stake_active
            } else {
                Uint::default()
            },
            units: row.units,
            fees: row.fees,
            rewards: row.rewards,
            stake_active: row.stake_active,
            stake_own: row.stake_own,
            stake_thawing: row.stake_thawing,
            expected_total: row.expected_total,
            observed_total: row.observed_total,
            hit_total: row.hit_total,
            units_total: row.units_total,
            fees_total: row.fees_total,
            ..Self::default()
        }
    }
}

fn member(standing: Standing, frame: &Frame, verdict: &Verdict) -> Member {
    let index = standing.operator_index;
    let expected = standing.in_service && verdict.drawn.is_none_or(|count| index < count);
    let slots = if expected { frame.slots } else { 0 };
    let (observed_slots, up_slots) = verdict.slots_of(index, slots);
    let count = |bits: &Bits| bits.0.iter().filter(|bit| **bit).count() as u64;
    Member {
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
