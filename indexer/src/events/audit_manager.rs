//! Events of `AuditManager`.

use alloy::primitives::U256;
use plumbline_protocol::AuditManager::{AuditManagerEvents as Events, AuditOpened};

use crate::accounts::Stage;
use crate::book::{Book, Page};
use crate::rows::fact;
use crate::sql::Uint;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::BatchDrawn(e) => {
            fact! { rows, at, batch_drawn {
                operator: e.operator, batch_id: e.batchId, case_id: e.caseId, round: e.round, seed: e.seed,
                probability: e.probability,
            } }
        }
        Events::AuditOpened(e) => {
            fact! { rows, at, audit_opened {
                operator: e.operator, case_id: e.caseId, batch_id: e.batchId, round: e.round,
                principal_cap: e.principalCap, parameters_version: e.parametersVersion,
            } }
        }
        Events::AuditReseeded(e) => {
            fact! { rows, at, audit_reseeded { operator: e.operator, case_id: e.caseId, round: e.round } }
        }
        Events::LeafRequested(e) => {
            fact! { rows, at, leaf_requested {
                operator: e.operator, case_id: e.caseId, path: e.path, deadline: e.deadline,
            } }
        }
        Events::DeadlineExtended(e) => {
            fact! { rows, at, deadline_extended {
                operator: e.operator, case_id: e.caseId, period: i64::try_from(e.period)?, deadline: e.deadline,
            } }
        }
        Events::LeafAnswered(e) => {
            fact! { rows, at, leaf_answered { operator: e.operator, case_id: e.caseId, responder: e.responder } }
        }
        Events::AuditManagerConfigured(e) => {
            fact! { rows, at, audit_manager_configured { case_docket: e.caseDocket, randomness: e.randomness } }
        }
    }
    Ok(())
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::AuditOpened(e) => open(e, book).await?,
        Events::AuditReseeded(e) => book.case(e.caseId).await?.round = Uint(U256::from(e.round)),
        Events::LeafRequested(e) => {
            let case = book.case(e.caseId).await?;
            case.stage = Stage::Answering;
            case.round = Uint::default();
            case.deadline = Uint(U256::from(e.deadline));
        }
        Events::DeadlineExtended(e) => {
            let case = book.case(e.caseId).await?;
            case.extensions += 1;
            case.deadline = Uint(U256::from(e.deadline));
        }
        Events::BatchDrawn(_) | Events::LeafAnswered(_) | Events::AuditManagerConfigured(_) => {}
    }
    Ok(())
}

async fn open(event: &AuditOpened, book: &mut Book<'_>) -> anyhow::Result<()> {
    let case = book.open_case(event.caseId, event.operator).await?;
    case.batch_id = Uint(event.batchId);
    case.round = Uint(U256::from(event.round));
    case.principal_cap = Uint(event.principalCap);
    book.operator(event.operator).await?.audits += 1;
    book.network().await?.audits += 1;
    Ok(())
}
