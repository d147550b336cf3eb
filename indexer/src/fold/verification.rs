//! Work of verification, by the mode of the models that were served or judged and by model.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use anyhow::Context;
use plumbline_drift::clock::MONTH_DAYS;
use plumbline_drift::incentive::ratio;
use sqlx::PgConnection;

use super::Frame;
use crate::rows::{Rows, row};
use crate::sql::Uint;

const MODES: [&str; 5] = ["reexecution", "tolerance", "attested", "proof", "unknown"];

/// Counts of a mode in a period, or up to its end.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    units: U256,
    fees: U256,
    judgements: i64,
    verdicts: i64,
    failed: i64,
    withheld: i64,
}

impl Work {
    fn plus(self, other: Self) -> Self {
        Self {
            units: self.units.saturating_add(other.units),
            fees: self.fees.saturating_add(other.fees),
            judgements: self.judgements + other.judgements,
            verdicts: self.verdicts + other.verdicts,
            failed: self.failed + other.failed,
            withheld: self.withheld + other.withheld,
        }
    }
}

pub(super) async fn write(db: &mut PgConnection, rows: &mut Rows, frame: &Frame) -> anyhow::Result<()> {
    let now = in_period(db, frame).await?;
    let before = until(db, frame.period - 1).await?;
    let month_ago = until(db, frame.period - frame.clock().periods_in(MONTH_DAYS)).await?;
    let of = |work: &BTreeMap<String, Work>, mode: &str| work.get(mode).copied().unwrap_or_default();
    for mode in MODES {
        let now = of(&now, mode);
        let total = of(&before, mode).plus(now);
        let then = of(&month_ago, mode);
        let thousands = f64::from(total.units - then.units) / 1_000.0;
        row! { rows, network_verification {
            period: frame.period, mode, units: now.units, units_total: total.units, fees_total: total.fees,
            judgements: now.judgements, judgements_total: total.judgements, verdicts: now.verdicts,
            verdicts_total: total.verdicts, failed_total: total.failed, withheld_total: total.withheld,
            judgements_per_1000_units: ratio((total.judgements - then.judgements) as f64, thousands),
            verdicts_per_1000_units: ratio((total.verdicts - then.verdicts) as f64, thousands),
        } }
    }
    audited(db, rows, frame).await
}

/// The models of the batches whose audit was opened.
async fn audited(db: &mut PgConnection, rows: &mut Rows, frame: &Frame) -> anyhow::Result<()> {
    let models = sqlx::query!(
        r#"select f.model_id::bytea as "model_id!", sum(f.units) as "units!: Uint",
                  coalesce((select audited_units_total from model_verification m
                            where m.model_id = f.model_id and m.period < $3
                            order by m.period desc limit 1), 0) as "before!: Uint"
           from audit_opened a join fees_settled f using (batch_id)
           where a.block_number > $1 and a.block_number <= $2
           group by f.model_id"#,
        frame.block_before_start,
        frame.block_before_end,
        frame.period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read which models were audited in period {}", frame.period))?;
    for model in models {
        row! { rows, model_verification {
            model_id: model.model_id, period: frame.period, audited_units: model.units,
            audited_units_total: Uint(model.before.0.saturating_add(model.units.0)),
        } }
    }
    Ok(())
}

/// Sums of the newest rows up to a period.
async fn until(db: &mut PgConnection, last_period: i64) -> anyhow::Result<BTreeMap<String, Work>> {
    let rows = sqlx::query!(
        r#"select mode, units_total as "units: Uint", fees_total as "fees: Uint", judgements_total as judgements,
                  verdicts_total as verdicts, failed_total as failed, withheld_total as withheld
           from network_verification
           where period = (select max(period) from network_verification where period <= $1)"#,
        last_period,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the work of verification up to period {last_period}"))?;
    let work = rows.into_iter().map(|row| {
        let work = Work {
            units: row.units.0,
            fees: row.fees.0,
            judgements: row.judgements,
            verdicts: row.verdicts,
            failed: row.failed,
            withheld: row.withheld,
        };
        (row.mode, work)
    });
    Ok(work.collect())
}

/// A model is of the mode of its newest version, a judged receipt of the mode of the version that it names.
async fn in_period(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<BTreeMap<String, Work>> {
    let rows = sqlx::query!(
        r#"select mode as "mode!", sum(units) as "units!: Uint", sum(fees) as "fees!: Uint",
                  sum(judgements)::bigint as "judgements!", sum(verdicts)::bigint as "verdicts!",
                  sum(failed)::bigint as "failed!", sum(withheld)::bigint as "withheld!"
           from (
             select coalesce(v.mode, 'unknown') as mode, e.units - coalesce(s.units, 0) as units,
                    e.fees - coalesce(s.fees, 0) as fees, 0 as judgements, 0 as verdicts, 0 as failed, 0 as withheld
             from model_registered m
             cross join lateral (select units, fees from model_account
                                 where model_id = m.model_id and block_number <= $2
                                 order by block_number desc limit 1) e
             left join lateral (select units, fees from model_account
                                where model_id = m.model_id and block_number <= $1
                                order by block_number desc limit 1) s on true
             left join lateral (select mode from version_published
                                where model_id = m.model_id and block_number <= $2
                                order by version desc limit 1) v on true
             where m.block_number <= $2
             union all
             select coalesce(v.mode, 'unknown'), 0, 0, 1, 0, 0, 0
             from judgement_begun j left join version_published v using (model_id, version)
             where j.block_number > $1 and j.block_number <= $2
             union all
             select coalesce(v.mode, 'unknown'), 0, 0, 0, 1, 0, 0
             from verdict_revealed r left join judgement_begun j using (case_id)
             left join version_published v using (model_id, version)
             where r.block_number > $1 and r.block_number <= $2
             union all
             select coalesce(v.mode, 'unknown'), 0, 0, 0, 0, (c.verdict = 'failed')::int, (c.verdict = 'withheld')::int
             from case_closed c left join judgement_begun j using (case_id)
             left join version_published v using (model_id, version)
             where c.block_number > $1 and c.block_number <= $2
           ) work
           group by mode"#,
        frame.block_before_start,
        frame.block_before_end,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the work of verification of period {}", frame.period))?;
    let work = rows.into_iter().map(|row| {
        let work = Work {
            units: row.units.0,
            fees: row.fees.0,
            judgements: row.judgements,
            verdicts: row.verdicts,
            failed: row.failed,
            withheld: row.withheld,
        };
        (row.mode, work)
    });
    Ok(work.collect())
}
