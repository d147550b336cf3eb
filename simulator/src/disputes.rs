//! Payers that accuse operators: of wrong outputs, against a bond and mostly with reason, and of two outputs for one
//! request.

use std::collections::VecDeque;

use alloy::primitives::U256;
use anyhow::Result;
use plumbline_protocol::ChallengeManager;

use crate::docket::Docket;
use crate::evidence::SignedReceipt;
use crate::misdeeds::{Misdeeds, can_be_judged};
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::Call;
use crate::payers::Payer;
use crate::population::Population;
use crate::purse::Purse;
use crate::service::Served;
use crate::terms::challenged;

/// Accusations that wait to be made.
const MAX_WAITING: usize = 32;

/// Accusations; they are lost when the simulation stops before they are made.
#[derive(Default)]
pub(crate) struct Disputes {
    waiting: VecDeque<Accusation>,
    /// Last period in which somebody raised a false alarm.
    alarmed: Option<u64>,
}

struct Accusation {
    payer: usize,
    operator: usize,
    receipt: SignedReceipt,
    /// Another output of the same request.
    other: Option<SignedReceipt>,
}

impl Disputes {
    /// A payer looks at what it was served.
    pub(crate) fn examine(&mut self, served: Served, docket: &Docket, population: &Population, period: u64) {
        let is_alarm = Misdeeds::alarms(period)
            && self.alarmed != Some(period)
            && can_be_judged(population, served.operator, served.model);
        if !served.is_wrong && served.other.is_none() && !is_alarm {
            return;
        }
        // One at a time is enough: the first that is right ends the operator's service for a while.
        let accused = |accusation: &Accusation| accusation.operator == served.operator;
        if self.waiting.len() >= MAX_WAITING
            || self.waiting.iter().any(accused)
            || docket.is_on_trial(served.receipt.receipt.payer, served.address)
        {
            return;
        }
        if is_alarm {
            self.alarmed = Some(period);
        }
        self.waiting.push_back(Accusation {
            payer: served.payer,
            operator: served.operator,
            receipt: served.receipt,
            other: served.other,
        });
    }

    /// Makes the accusations that can be made, and forgets those that were made or are too late.
    pub(crate) async fn plan(
        &mut self,
        network: &Network,
        payers: &[Payer],
        operators: &[Operator],
        docket: &Docket,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let window = u64::from(network.audit_parameters.dispute_seconds);
        self.waiting.retain(|accusation| {
            let receipt = &accusation.receipt.receipt;
            let late = moment.head.timestamp >= receipt.servedAt + window;
            let punished = accusation.other.is_some() && operators[accusation.operator].is_tombstoned();
            !late && !punished && !docket.has_challenge(receipt)
        });
        for accusation in &self.waiting {
            let payer = payers[accusation.payer].address();
            if accusation.other.is_some() {
                calls.extend(equivocation(network, payer, accusation));
                continue;
            }
            let (token, court) = (network.fee_token, network.courts.challenges);
            let bond: U256 = network.audit_parameters.bond;
            let purse = Purse::read(network, payer, token, court).await?;
            if purse.prepare(network, payer, token, Some(court), bond, calls) {
                let challenge = ChallengeManager::challengeReceiptCall {
                    receipt: challenged(&accusation.receipt.receipt),
                    signature: accusation.receipt.signature.clone().into(),
                };
                calls.push(Call::new(payer, court, "challenge a receipt", &challenge));
            }
        }
        Ok(())
    }
}

fn equivocation(network: &Network, payer: alloy::primitives::Address, accusation: &Accusation) -> Option<Call> {
    let other = accusation.other.as_ref()?;
    let prove = ChallengeManager::challengeEquivocationCall {
        receiptA: challenged(&accusation.receipt.receipt),
        signatureA: accusation.receipt.signature.clone().into(),
        receiptB: challenged(&other.receipt),
        signatureB: other.signature.clone().into(),
    };
    let court = network.courts.challenges;
    Some(Call::new(payer, court, "prove an equivocation", &prove))
}
