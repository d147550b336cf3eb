//! Events of `JudgeCommittee`.

use alloy::primitives::U256;
use plumbline_protocol::Contract;
use plumbline_protocol::JudgeCommittee::{CommitteeRequested, JudgeCommitteeEvents as Events, JudgesDrawn};

use super::authority_updated;
use crate::book::Page;
use crate::rows::{At, Rows, fact};

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::CommitteeRequested(e) => committee_requested(rows, at, e),
        Events::CommitteeReseeded(e) => fact! { rows, at, committee_reseeded { case_id: e.caseId, round: e.round } },
        Events::JudgesDrawn(e) => judges_drawn(rows, at, e),
        Events::VerdictCommitted(e) => {
            fact! { rows, at, verdict_committed {
                member: e.member, case_id: e.caseId, seat: e.seat, commitment: e.commitment,
            } }
        }
        Events::VerdictRevealed(e) => {
            fact! { rows, at, verdict_revealed {
                member: e.member, case_id: e.caseId, seat: e.seat, output_hash: e.outputHash,
            } }
        }
        Events::JudgeCommitteeConfigured(e) => {
            fact! { rows, at, judge_committee_configured {
                operator_registry: e.operatorRegistry, stake_vault: e.stakeVault, randomness: e.randomness,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::JudgeCommittee, e.authority),
    }
}

fn committee_requested(rows: &mut Rows, at: &At, e: &CommitteeRequested) {
    fact! { rows, at, committee_requested {
        case_id: e.caseId, round: e.round, operator_count: e.operatorCount, domain: e.domain,
        operator: e.brief.operator, challenger: e.brief.challenger, model_id: e.brief.modelId,
        output_hash: e.brief.outputHash, exact: e.brief.exact, commit_window: e.brief.commitWindow,
        reveal_window: e.brief.revealWindow,
    } }
}

fn judges_drawn(rows: &mut Rows, at: &At, e: &JudgesDrawn) {
    let caps: Vec<U256> = e.caps.iter().map(|cap| cap.to()).collect();
    fact! { rows, at, judges_drawn {
        case_id: e.caseId, seed: e.seed, members: e.members, caps, commit_until: e.commitUntil,
        reveal_until: e.revealUntil,
    } }
}
