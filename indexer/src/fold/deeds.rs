//! What operators did in a period beside serving: audits, faults, and how long their batches took.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use plumbline_drift::latency::bucket;
use sqlx::PgConnection;

use super::Frame;

/// Counts of an operator in a period, or up to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deeds {
    pub(crate) audits: i64,
    pub(crate) audits_passed: i64,
    pub(crate) audits_failed: i64,
    pub(crate) audits_withheld: i64,
    pub(crate) audits_undecided: i64,
    pub(crate) faults_downtime: i64,
    pub(crate) faults_withheld: i64,
    pub(crate) faults_wrong: i64,
    pub(crate) faults_equivocation: i64,
    pub(crate) faults_report: i64,
    pub(crate) faults_unrevealed: i64,
    pub(crate) settle_lags: i64,
    pub(crate) settle_lag_seconds: i64,
    pub(crate) release_lags: i64,
    pub(crate) release_lag_seconds: i64,
    /// Latencies of judged receipts by bucket.
    pub(crate) latencies: Vec<i64>,
}

impl Deeds {
    fn add(&mut self, kind: &str, count: i64, seconds: i64) -> anyhow::Result<()> {
        match kind {
            "audit" => self.audits += count,
            "passed" => self.audits_passed += count,
            "failed" => self.audits_failed += count,
            "audit_withheld" => self.audits_withheld += count,
            "inconclusive" | "voided" => self.audits_undecided += count,
            "downtime" => self.faults_downtime += count,
            "withheld" => self.faults_withheld += count,
            "wrong_output" => self.faults_wrong += count,
            "equivocation" => self.faults_equivocation += count,
            "false_report" => self.faults_report += count,
            "unrevealed" => self.faults_unrevealed += count,
            "settle" => (self.settle_lags, self.settle_lag_seconds) = (self.settle_lags + count, seconds),
            "release" => (self.release_lags, self.release_lag_seconds) = (self.release_lags + count, seconds),
            other => bail!("{other} is no deed of an operator"),
        }
        Ok(())
    }

    fn add_latency(&mut self, latency_ms: u64) {
        let position = bucket(latency_ms);
        if self.latencies.len() <= position {
            self.latencies.resize(position + 1, 0);
        }
        self.latencies[position] += 1;
    }
}

/// The deeds of the period by operator, from its facts.
pub(super) async fn read(db: &mut PgConnection, frame: &Frame) -> anyhow::Result<BTreeMap<Vec<u8>, Deeds>> {
    let mut all: BTreeMap<Vec<u8>, Deeds> = BTreeMap::new();
    let rows = sqlx::query!(
        r#"select operator::bytea as "operator!", kind as "kind!", count(*) as "count!",
                  coalesce(sum(seconds), 0)::bigint as "seconds!"
           from (
             select operator, 'downtime' as kind, 0::bigint as seconds from downtime_punished
             where block_number > $1 and block_number <= $2
             union all
             select operator, fault, 0 from fault_punished where block_number > $1 and block_number <= $2
             union all
             select operator, 'audit', 0 from audit_opened where block_number > $1 and block_number <= $2
             union all
             select c.operator, case c.verdict when 'withheld' then 'audit_withheld' else c.verdict end, 0
             from case_closed c join audit_opened a using (case_id)
             where c.block_number > $1 and c.block_number <= $2
             union all
             select r.operator, 'release', n.timestamp - t.timestamp
             from batch_released r join batch_settled s using (batch_id)
             join block n on n.number = r.block_number join block t on t.number = s.block_number
             where r.block_number > $1 and r.block_number <= $2
             union all
             select j.operator, 'settle', (t.timestamp - least(j.served_at, t.timestamp))::bigint
             from judgement_begun j join audit_opened a using (case_id) join batch_settled s using (batch_id)
             join block t on t.number = s.block_number
             where j.block_number > $1 and j.block_number <= $2
           ) deed
           group by operator, kind"#,
        frame.block_before_start,
        frame.block_before_end,
    )
    .fetch_all(&mut *db)
    .await
    .with_context(|| format!("read the deeds of period {}", frame.period))?;
    for row in rows {
        all.entry(row.operator)
            .or_default()
            .add(&row.kind, row.count, row.seconds)?;
    }
    let latencies = sqlx::query!(
        "select operator, latency_ms from judgement_begun where block_number > $1 and block_number <= $2",
        frame.block_before_start,
        frame.block_before_end,
    )
    .fetch_all(db)
    .await
    .with_context(|| format!("read the latencies of period {}", frame.period))?;
    for row in latencies {
        let latency_ms = u64::try_from(row.latency_ms)?;
        all.entry(row.operator).or_default().add_latency(latency_ms);
    }
    Ok(all)
}
