//! Events of `ChallengeManager`.

use alloy::primitives::U256;
use plumbline_protocol::ChallengeManager::{BondCredited, ChallengeManagerEvents as Events, ChallengeOpened};
use plumbline_protocol::Contract;

use super::authority_updated;
use crate::book::{Book, Page};
use crate::flow::{Kind, Movement, Place};
use crate::rows::fact;
use crate::sql::Uint;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::ChallengeOpened(e) => {
            fact! { rows, at, challenge_opened {
                operator: e.operator, case_id: e.caseId, challenger: e.challenger, bond: e.bond,
                principal_cap: e.principalCap, parameters_version: e.parametersVersion,
            } }
        }
        Events::EquivocationProved(e) => {
            fact! { rows, at, equivocation_proved {
                operator: e.operator, reporter: e.reporter, offence: e.offence, request_id: e.requestId,
                receipt_hash_a: e.receiptHashA, receipt_hash_b: e.receiptHashB,
            } }
        }
        Events::BondCredited(e) => {
            fact! { rows, at, bond_credited { account: e.account, case_id: e.caseId, amount: e.amount } }
        }
        Events::CreditCollected(e) => fact! { rows, at, bond_collected { account: e.account, amount: e.amount } },
        Events::CanaryPlanted(e) => {
            fact! { rows, at, canary_planted { planter: e.planter, commitment: e.commitment } }
        }
        Events::CanaryRevealed(e) => {
            fact! { rows, at, canary_revealed { planter: e.planter, case_id: e.caseId, commitment: e.commitment } }
        }
        Events::ChallengeManagerConfigured(e) => {
            fact! { rows, at, challenge_manager_configured { case_docket: e.caseDocket } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::ChallengeManager, e.authority),
    }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::ChallengeOpened(e) => open(e, book).await,
        Events::BondCredited(e) => credit(e, book).await,
        Events::CreditCollected(e) => {
            let (kind, to) = Place::payee(e.account);
            let from = Place::BondCredit(e.account);
            book.transfer(Movement::fees(kind, from, to, e.amount)).await
        }
        Events::EquivocationProved(_)
        | Events::CanaryPlanted(_)
        | Events::CanaryRevealed(_)
        | Events::ChallengeManagerConfigured(_)
        | Events::AuthorityUpdated(_) => Ok(()),
    }
}

async fn open(event: &ChallengeOpened, book: &mut Book<'_>) -> anyhow::Result<()> {
    let case = book.open_case(event.caseId, event.operator).await?;
    case.challenger = event.challenger;
    case.principal_cap = Uint(event.principalCap);
    book.operator(event.operator).await?.challenges += 1;
    book.network().await?.challenges += 1;
    let (from, to) = (Place::Wallet(event.challenger), Place::Bond(event.caseId));
    let bond = U256::from(event.bond);
    book.transfer(Movement::fees(Kind::Bond, from, to, bond).of(event.operator))
        .await
}

async fn credit(event: &BondCredited, book: &mut Book<'_>) -> anyhow::Result<()> {
    let operator = book.case(event.caseId).await?.operator;
    let (from, to) = (Place::Bond(event.caseId), Place::BondCredit(event.account));
    book.transfer(Movement::fees(Kind::BondCredit, from, to, event.amount).of(operator))
        .await
}
