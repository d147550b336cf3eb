//! Operators in audits: they show the leaf that is asked for, and judge the receipts of others by doing the work again.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use anyhow::{Context, Result};
use plumbline_protocol::receipts::ReceiptTree;
use plumbline_protocol::typed_data::Receipt;
use plumbline_protocol::{AuditManager, CaseDocket, JudgeCommittee};

use crate::availability::Availability;
use crate::demand::{requests, requests_in, rework};
use crate::docket::{Case, Docket, Jury};
use crate::evidence::Evidence;
use crate::misdeeds::Misdeeds;
use crate::network::{Moment, Network, Schedule};
use crate::operators::Operator;
use crate::outbox::Call;
use crate::population::{MODELS, Population};
use crate::proofs::proof;
use crate::publishers::{Model, weights_digest};
use crate::terms::{Stage, audited, docketed};

/// Cases that are looked at in one step.
const MAX_CASES: usize = 64;

/// What judges found out, by case: none when a receipt is of no request that was ever made.
#[derive(Default)]
pub(crate) struct Findings(BTreeMap<U256, Option<B256>>);

/// What doing the work again takes.
pub(crate) struct Workshop<'a> {
    pub(crate) seed: u64,
    pub(crate) population: &'a Population,
    pub(crate) availability: &'a mut Availability,
    pub(crate) schedule: Schedule,
    pub(crate) requests_per_slot: u32,
}

impl Workshop<'_> {
    /// Hash of the right output for a receipt's input.
    fn rework(&mut self, receipt: &Receipt) -> Option<B256> {
        let since = receipt.servedAt.checked_sub(self.schedule.genesis)?;
        let slot = since / self.schedule.slot_seconds;
        let up = self.availability.up(slot);
        let count = requests_in(self.requests_per_slot, slot / self.schedule.slots_per_period);
        let asked = requests(self.seed, self.population, &up, slot, count);
        rework(self.seed, slot, &asked, receipt.inputHash).map(keccak256)
    }
}

/// Cases, and the operators that have a part in them.
pub(crate) struct Court<'a> {
    pub(crate) network: &'a Network,
    pub(crate) docket: &'a Docket,
    pub(crate) operators: &'a [Operator],
    pub(crate) up: &'a [bool],
    pub(crate) moment: Moment,
}

impl Court<'_> {
    /// Shows audited leaves, by operators that are up and have something to show.
    pub(crate) async fn plan_answers(
        &self,
        evidence: &Evidence,
        misdeeds: &Misdeeds,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let now = self.moment.head.timestamp;
        let asked = self.docket.cases.iter();
        let asked = asked.filter(|(_, case)| case.stage == Stage::Answering && now < case.deadline);
        let mut withheld = false;
        for (id, case) in asked.take(MAX_CASES) {
            let Some((index, is_up)) = self.find(case.operator) else {
                continue;
            };
            let opened_in = self.network.schedule.period_at(case.opened_at);
            // The oldest stays open, and so the others are answered.
            if !withheld && misdeeds.withholds(index, opened_in) {
                withheld = true;
            } else if is_up {
                calls.extend(self.answer(index, evidence, *id, case).await?);
            }
        }
        Ok(())
    }

    async fn answer(&self, index: usize, evidence: &Evidence, id: U256, case: &Case) -> Result<Option<Call>> {
        let Some(batch) = case.batch.and_then(|batch| self.docket.batches.get(&batch)) else {
            return Ok(None);
        };
        let root = batch.terms.receiptsRoot;
        let Some(signed) = evidence.receipts(root).await? else {
            tracing::debug!(%root, "the receipts of an audited batch are lost: nobody can answer");
            return Ok(None);
        };
        let receipts: Vec<Receipt> = signed.iter().map(|signed| signed.receipt.clone()).collect();
        let tree = ReceiptTree::new(&receipts).context("build the receipts tree")?;
        let leaf = tree.walk(case.path);
        let answer = AuditManager::answerCall {
            caseId: id,
            batch: batch.terms.clone(),
            receipt: audited(&receipts[leaf]),
            signature: signed[leaf].signature.clone().into(),
            proof: tree.proof(leaf).unwrap_or_default(),
        };
        let (from, contract) = (self.operators[index].address(), self.network.courts.audits);
        Ok(Some(Call::new(from, contract, "answer an audit", &answer)))
    }

    /// Proves receipts that have a verifier, by operators that are up and served what the model gives.
    pub(crate) fn plan_proofs(
        &self,
        models: &[Model],
        findings: &mut Findings,
        workshop: &mut Workshop<'_>,
        calls: &mut Vec<Call>,
    ) {
        let now = self.moment.head.timestamp;
        let proved = self.docket.cases.iter();
        let proved = proved.filter(|(_, case)| case.stage == Stage::Proving && now < case.deadline);
        for (id, case) in proved.take(MAX_CASES) {
            let (Some((index, true)), Some(receipt)) = (self.find(case.operator), &case.receipt) else {
                continue;
            };
            let Some(model) = models.iter().position(|model| model.id == receipt.modelId) else {
                continue;
            };
            let found = findings.0.entry(*id).or_insert_with(|| workshop.rework(receipt));
            if *found != Some(receipt.outputHash) {
                continue;
            }
            let digest = weights_digest(MODELS[model].name, receipt.version);
            let prove = CaseDocket::proveCall {
                caseId: *id,
                receipt: docketed(receipt),
                evidence: proof(receipt.outputHash, case.signer, digest),
            };
            let from = self.operators[index].address();
            calls.push(Call::new(from, self.network.courts.docket, "prove a receipt", &prove));
        }
    }

    /// Commits to verdicts, and shows them once nobody can commit any more; by judges that are up.
    pub(crate) fn plan_verdicts(
        &self,
        findings: &mut Findings,
        workshop: &mut Workshop<'_>,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        findings.0.retain(|id, _| self.docket.cases.contains_key(id));
        let judged = self.docket.cases.iter();
        let judged = judged.filter(|(_, case)| case.stage == Stage::Judging);
        for (id, case) in judged.take(MAX_CASES) {
            let (Some(jury), Some(receipt)) = (&case.jury, &case.receipt) else {
                continue;
            };
            if !jury.drawn || jury.is_done(self.moment.head.timestamp) {
                continue;
            }
            let found = findings.0.entry(*id).or_insert_with(|| workshop.rework(receipt));
            // Who cannot do the work again has nothing to say.
            let Some(output) = *found else { continue };
            for (number, seat) in (0..).zip(&jury.seats) {
                if let Some((index, true)) = self.find(seat.member) {
                    calls.extend(self.verdict(index, *id, jury, number, output)?);
                }
            }
        }
        Ok(())
    }

    /// What a judge does now in its seat.
    fn verdict(&self, index: usize, id: U256, jury: &Jury, number: u8, output: B256) -> Result<Option<Call>> {
        let (now, judge) = (self.moment.head.timestamp, &self.operators[index]);
        let (member, contract) = (judge.address(), self.network.courts.judges);
        let seat = jury.seats[usize::from(number)];
        // Nobody else can guess it, and it can be had again after a restart.
        let salt = judge.secret(keccak256(("verdict", id).abi_encode()))?;
        if !seat.committed && now < jury.commit_until {
            let commit = JudgeCommittee::commitCall {
                caseId: id,
                seat: number,
                commitment: keccak256((id, member, output, salt).abi_encode()),
            };
            return Ok(Some(Call::new(member, contract, "commit a verdict", &commit)));
        }
        let shows = seat.committed && seat.output.is_zero() && jury.is_committed(now) && now < jury.reveal_until;
        let reveal = JudgeCommittee::revealCall {
            caseId: id,
            seat: number,
            outputHash: output,
            salt,
        };
        Ok(shows.then(|| Call::new(member, contract, "reveal a verdict", &reveal)))
    }

    /// One of our operators, and whether it is up.
    fn find(&self, address: Address) -> Option<(usize, bool)> {
        let index = self
            .operators
            .iter()
            .position(|operator| operator.address() == address)?;
        Some((index, self.up[index]))
    }
}
