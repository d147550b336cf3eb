//! Events of `CaseDocket`: what audits and challenges share.

use alloy::primitives::U256;
use plumbline_protocol::CaseDocket::{
    AuditParametersChanged, CaseClosed, CaseDecided, CaseDocketConfigured, CaseDocketEvents as Events, JudgementBegun,
};
use plumbline_protocol::Contract;

use super::authority_updated;
use crate::accounts::{Stage, Verdict};
use crate::book::{Book, Page};
use crate::rows::{At, Rows, fact};
use crate::sql::Uint;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::JudgementBegun(e) => judgement_begun(rows, at, e)?,
        Events::CaseDecided(e) => {
            fact! { rows, at, case_decided {
                operator: e.operator, case_id: e.caseId, verdict: verdict(at, e.verdict)?.as_str(),
                executable_at: e.executableAt,
            } }
        }
        Events::CaseClosed(e) => {
            fact! { rows, at, case_closed {
                operator: e.operator, case_id: e.caseId, verdict: verdict(at, e.verdict)?.as_str(),
                punished: e.punished,
            } }
        }
        Events::JudgePunished(e) => {
            fact! { rows, at, judge_punished { member: e.member, case_id: e.caseId, offence: e.offence } }
        }
        Events::AuditParametersChanged(e) => parameters_changed(rows, at, e),
        Events::CaseDocketConfigured(e) => configured(rows, at, e),
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::CaseDocket, e.authority),
    }
    Ok(())
}

fn judgement_begun(rows: &mut Rows, at: &At, e: &JudgementBegun) -> anyhow::Result<()> {
    fact! { rows, at, judgement_begun {
        operator: e.operator, case_id: e.caseId, offence: e.offence, stage: stage(at, e.stage)?.as_str(),
        verifier: e.verifier, deadline: e.deadline, signer: e.signer, request_id: e.receipt.requestId,
        model_id: e.receipt.modelId, version: e.receipt.version, input_hash: e.receipt.inputHash,
        output_hash: e.receipt.outputHash, payer: e.receipt.payer, served_at: e.receipt.servedAt,
        latency_ms: e.receipt.latencyMs, fee: e.receipt.fee,
    } }
    Ok(())
}

fn parameters_changed(rows: &mut Rows, at: &At, e: &AuditParametersChanged) {
    fact! { rows, at, audit_parameters_changed {
        version: e.version,
        previous_min_probability: e.previous.minProbability, previous_bond: e.previous.bond,
        previous_max_challenges: e.previous.maxChallenges, previous_answer_window: e.previous.answerWindow,
        previous_grace: e.previous.grace, previous_proof_window: e.previous.proofWindow,
        previous_commit_window: e.previous.commitWindow, previous_reveal_window: e.previous.revealWindow,
        previous_canary_window: e.previous.canaryWindow, previous_dispute_window: e.previous.disputeWindow,
        min_probability: e.current.minProbability, bond: e.current.bond, max_challenges: e.current.maxChallenges,
        answer_window: e.current.answerWindow, grace: e.current.grace, proof_window: e.current.proofWindow,
        commit_window: e.current.commitWindow, reveal_window: e.current.revealWindow,
        canary_window: e.current.canaryWindow, dispute_window: e.current.disputeWindow,
    } }
}

fn configured(rows: &mut Rows, at: &At, e: &CaseDocketConfigured) {
    let to = &e.system;
    fact! { rows, at, case_docket_configured {
        settlement: to.settlement, operator_registry: to.operatorRegistry, model_registry: to.modelRegistry,
        stake_vault: to.stakeVault, uptime_ledger: to.uptimeLedger, faults: to.faults,
        verifier_registry: to.verifierRegistry, judge_committee: to.judgeCommittee, stress_gauge: to.stressGauge,
    } }
}

fn stage(at: &At, number: u8) -> anyhow::Result<Stage> {
    Stage::from_number(number).ok_or_else(|| at.inconsistent(format!("{number} is no stage of a case")))
}

fn verdict(at: &At, number: u8) -> anyhow::Result<Verdict> {
    Verdict::from_number(number).ok_or_else(|| at.inconsistent(format!("{number} is no verdict")))
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::JudgementBegun(e) => {
            let stage = stage(&book.at, e.stage)?;
            let case = book.case(e.caseId).await?;
            case.stage = stage;
            case.deadline = Uint(U256::from(e.deadline));
            case.verifier = e.verifier;
            case.payer = e.receipt.payer;
            case.model_id = e.receipt.modelId;
            case.offence = e.offence;
        }
        Events::CaseDecided(e) => decide(e, book).await?,
        Events::CaseClosed(e) => close(e, book).await?,
        Events::JudgePunished(_)
        | Events::AuditParametersChanged(_)
        | Events::CaseDocketConfigured(_)
        | Events::AuthorityUpdated(_) => {}
    }
    Ok(())
}

async fn decide(event: &CaseDecided, book: &mut Book<'_>) -> anyhow::Result<()> {
    let verdict = verdict(&book.at, event.verdict)?;
    let case = book.case(event.caseId).await?;
    case.stage = Stage::Decided;
    case.verdict = verdict;
    case.deadline = Uint(U256::from(event.executableAt));
    Ok(())
}

async fn close(event: &CaseClosed, book: &mut Book<'_>) -> anyhow::Result<()> {
    let verdict = verdict(&book.at, event.verdict)?;
    let case = book.case(event.caseId).await?;
    case.stage = Stage::Closed;
    case.verdict = verdict;
    case.punished = event.punished;
    let lost = i64::from(verdict.is_lost());
    let operator = book.operator(event.operator).await?;
    operator.cases_open -= 1;
    operator.cases_lost += lost;
    let network = book.network().await?;
    network.cases_open -= 1;
    network.cases_lost += lost;
    Ok(())
}
