//! Rows of operators that were down together, once a week.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use anyhow::Context;
use plumbline_drift::clock::WEEK_DAYS;
use plumbline_drift::close::{Member as Told, Past};
use plumbline_drift::pair::{OPERATORS, Slots, correlated};
use sqlx::PgConnection;

use super::Frame;
use crate::rows::{Rows, row};
use crate::sql::address;

/// Adds the pairs of the week that the period ends.
pub(super) async fn write(
    db: &mut PgConnection,
    rows: &mut Rows,
    frame: &Frame,
    members: &[Told],
    past: &BTreeMap<Address, Past>,
) -> anyhow::Result<()> {
    let periods = frame.clock().periods_in(WEEK_DAYS);
    let first = frame.period - periods + 1;
    let worst = worst(members, past);
    let slots = frame.slots as usize;
    let width = slots * periods as usize;
    let mut courses: BTreeMap<Address, Slots> = worst.iter().map(|operator| (*operator, vec![None; width])).collect();
    for (operator, period, observed, up) in earlier(db, first, frame.period, &worst).await? {
        if let Some(course) = courses.get_mut(&operator) {
            let place = (period - first) as usize * slots;
            fill(
                &mut course[place..],
                observed.chars().map(|bit| bit == '1'),
                up.chars().map(|bit| bit == '1'),
            );
        }
    }
    for member in members {
        if let Some(course) = courses.get_mut(&member.operator) {
            let place = width - slots;
            fill(
                &mut course[place..],
                member.observed.iter().copied(),
                member.up.iter().copied(),
            );
        }
    }
    for pair in correlated(&courses.into_iter().collect::<Vec<_>>()) {
        row! { rows, correlated_pair {
            period: frame.period, operator: pair.operator, other: pair.other, observed: pair.observed as i32,
            missed: pair.missed as i32, other_missed: pair.other_missed as i32, both_missed: pair.both_missed as i32,
            lift: pair.lift,
        } }
    }
    Ok(())
}

fn fill(course: &mut [Option<bool>], observed: impl Iterator<Item = bool>, up: impl Iterator<Item = bool>) {
    for ((slot, observed), up) in course.iter_mut().zip(observed).zip(up) {
        *slot = observed.then_some(up);
    }
}

/// The members that missed most of the week, the lower address of equals.
fn worst(members: &[Told], past: &BTreeMap<Address, Past>) -> Vec<Address> {
    let mut missed: Vec<(u64, Address)> = members
        .iter()
        .map(|member| {
            let past = past.get(&member.operator).copied().unwrap_or_default();
            let before = past.last.slots.missed() - past.week.slots.missed();
            (before + member.slots.missed(), member.operator)
        })
        .filter(|(missed, _)| *missed != 0)
        .collect();
    missed.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    missed
        .into_iter()
        .take(OPERATORS)
        .map(|(_, operator)| operator)
        .collect()
}

async fn earlier(
    db: &mut PgConnection,
    first: i64,
    end: i64,
    operators: &[Address],
) -> anyhow::Result<Vec<(Address, i64, String, String)>> {
    let operators: Vec<Vec<u8>> = operators.iter().map(|operator| operator.to_vec()).collect();
    let rows = sqlx::query!(
        r#"select operator::bytea as "operator!", period, observed_slots::text as "observed!", up_slots::text as "up!"
           from operator_period where operator = any($1::bytea[]) and period >= $2 and period < $3"#,
        &operators,
        first,
        end,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the slots of the week before period {end}"))?;
    let rows = rows
        .into_iter()
        .map(|row| Ok((address(&row.operator)?, row.period, row.observed, row.up)));
    rows.collect()
}
