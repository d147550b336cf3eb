//! Cases, and the faults that operators paid for.

use alloy::primitives::{Address, B256, U256};
use plumbline_protocol::{AuditManager, CaseDocket, Slasher};

use super::Check;
use super::report::Values;
use super::view::View;
use crate::accounts::{Case, Stage, Verdict};
use crate::sql::{address, bytes32};

pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    cases(check).await?;
    downtime(check).await?;
    faults(check).await?;
    outages(check).await
}

async fn cases(check: &mut Check<'_>) -> anyhow::Result<()> {
    let count = check
        .view
        .call(check.view.addresses.case_docket, CaseDocket::caseCountCall {})
        .await?;
    let stored = sqlx::query_scalar!(
        r#"select count(distinct case_id) as "count!" from case_account where block_number <= $1"#,
        check.block
    )
    .fetch_one(&mut *check.db)
    .await?;
    let values = Values::new().with("cases", stored, count);
    check.tally.record("case_account", "all", values);
    let keys = (1..=count.saturating_to::<u64>()).map(U256::from).collect();
    check
        .ask_states("case_account", keys, |case_id| format!("case {case_id}"), case)
        .await
}

async fn case(view: &View, case_id: U256, rows: Case) -> anyhow::Result<Values> {
    let addresses = view.addresses;
    let (case, audit) = tokio::try_join!(
        view.call(addresses.case_docket, CaseDocket::caseOfCall { caseId: case_id }),
        view.call(addresses.audit_manager, AuditManager::auditCall { caseId: case_id }),
    )?;
    let stage = Stage::from_number(case.stage).map_or("unknown", Stage::as_str);
    let verdict = Verdict::from_number(case.verdict).map_or("unknown", Verdict::as_str);
    // Of what was withheld nothing was signed; the contract then keeps another deed there, which no event tells of.
    let offence = match Verdict::from_number(case.verdict) {
        Some(Verdict::Withheld) => B256::ZERO,
        _ => case.offence,
    };
    Ok(Values::new()
        .with("operator", rows.operator, case.operator)
        .with("opened_at", rows.opened_at, case.openedAt)
        .with("batch_id", rows.batch_id, audit.batchId)
        .with("challenger", rows.challenger, case.challenger)
        .with("stage", rows.stage.as_str(), stage)
        .with("verdict", rows.verdict.as_str(), verdict)
        .with("round", rows.round, audit.round)
        .with("deadline", rows.deadline, case.deadline)
        .with("extensions", rows.extensions, audit.extensions)
        .with("verifier", rows.verifier, case.verifier)
        .with("payer", rows.payer, case.payer)
        .with("model_id", rows.model_id, case.modelId)
        .with("offence", rows.offence, offence)
        .with("principal_cap", rows.principal_cap, case.principalCap))
}

async fn downtime(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        "select operator, period from downtime_punished where block_number <= $1",
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = rows
        .iter()
        .map(|row| Ok((address(&row.operator)?, u64::try_from(row.period)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let key = |(operator, period): &(Address, u64)| format!("{operator:#x} in period {period}");
    check
        .ask("downtime_punished", keys, key, |view, (operator, period)| async move {
            let call = Slasher::punishedCall { operator, period };
            let punished = view.call(view.addresses.slasher, call).await?;
            Ok(Values::new().with("punished", true, punished))
        })
        .await
}

async fn faults(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query_scalar!(
        "select offence from fault_punished where block_number <= $1",
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = rows
        .iter()
        .map(|row| bytes32(row))
        .collect::<anyhow::Result<Vec<_>>>()?;
    check
        .ask("fault_punished", keys, B256::clone, |view, offence| async move {
            let call = Slasher::isPunishedCall { offence };
            let punished = view.call(view.addresses.slasher, call).await?;
            Ok(Values::new().with("punished", true, punished))
        })
        .await
}

async fn outages(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        "select period, missed_bps, average_bps, factor_bps from outage_weighed where block_number <= $1",
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    check
        .ask(
            "outage_weighed",
            rows,
            |row| format!("period {}", row.period),
            |view, row| async move {
                let call = Slasher::outageCall {
                    period: u64::try_from(row.period)?,
                };
                let outage = view.call(view.addresses.slasher, call).await?;
                Ok(Values::new()
                    .with("missed_bps", row.missed_bps, outage.missedBps)
                    .with("average_bps", row.average_bps, outage.averageBps)
                    .with("factor_bps", row.factor_bps, outage.factorBps))
            },
        )
        .await
}
