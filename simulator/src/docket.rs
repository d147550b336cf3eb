//! Open batches and cases, as the contracts' events tell: what the keepers, operators and judges of audits act on.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result};
use plumbline_protocol::typed_data::Receipt;
use plumbline_protocol::{
    AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee,
};

use crate::network::{Head, Network};
use crate::terms::{Batch, Stage, Verdict, judged};

/// Everything that is followed.
const EVENTS: [B256; 20] = [
    InferenceSettlement::BatchSettled::SIGNATURE_HASH,
    InferenceSettlement::BatchReleased::SIGNATURE_HASH,
    InferenceSettlement::EarningsSeized::SIGNATURE_HASH,
    BlockRandomness::SeedRecorded::SIGNATURE_HASH,
    AuditManager::BatchDrawn::SIGNATURE_HASH,
    AuditManager::AuditOpened::SIGNATURE_HASH,
    AuditManager::AuditReseeded::SIGNATURE_HASH,
    AuditManager::LeafRequested::SIGNATURE_HASH,
    AuditManager::DeadlineExtended::SIGNATURE_HASH,
    ChallengeManager::ChallengeOpened::SIGNATURE_HASH,
    CaseDocket::JudgementBegun::SIGNATURE_HASH,
    CaseDocket::CaseDecided::SIGNATURE_HASH,
    CaseDocket::CaseClosed::SIGNATURE_HASH,
    CaseDocket::JudgePunished::SIGNATURE_HASH,
    ChallengeManager::BondCredited::SIGNATURE_HASH,
    JudgeCommittee::CommitteeRequested::SIGNATURE_HASH,
    JudgeCommittee::CommitteeReseeded::SIGNATURE_HASH,
    JudgeCommittee::JudgesDrawn::SIGNATURE_HASH,
    JudgeCommittee::VerdictCommitted::SIGNATURE_HASH,
    JudgeCommittee::VerdictRevealed::SIGNATURE_HASH,
];
/// Seeds that are remembered: older ones are of batches drawn long ago.
const MAX_SEEDS: usize = 10_000;
/// Judges to be punished that are remembered.
const MAX_SILENT_JUDGES: usize = 1_000;

#[derive(Debug, Clone)]
pub(crate) struct OpenBatch {
    pub(crate) terms: Batch,
    /// Round whose seed draws it.
    pub(crate) round: u64,
    /// It was drawn for an audit.
    pub(crate) audited: bool,
}

/// An audit or a challenge that is not closed.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) operator: Address,
    /// None in an audit.
    pub(crate) challenger: Option<Address>,
    /// Batch that is audited; none in a challenge.
    pub(crate) batch: Option<U256>,
    /// Unix seconds.
    pub(crate) opened_at: u64,
    pub(crate) stage: Stage,
    /// Round whose seed a waiting audit needs.
    pub(crate) round: u64,
    pub(crate) path: B256,
    /// Until which to answer or to prove; from which on to execute.
    pub(crate) deadline: u64,
    pub(crate) verdict: Verdict,
    pub(crate) receipt: Option<Receipt>,
    /// Key that signed the receipt.
    pub(crate) signer: Address,
    pub(crate) jury: Option<Jury>,
}

/// The committee of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jury {
    pub(crate) round: u64,
    pub(crate) drawn: bool,
    pub(crate) seats: Vec<Seat>,
    pub(crate) commit_until: u64,
    pub(crate) reveal_until: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) member: Address,
    pub(crate) committed: bool,
    /// What it showed; zero when nothing.
    pub(crate) output: B256,
}

impl Jury {
    /// Nobody can commit any more.
    pub(crate) fn is_committed(&self, now: u64) -> bool {
        now >= self.commit_until || self.seats.iter().all(|seat| seat.committed)
    }

    /// It has decided, or never will.
    pub(crate) fn is_done(&self, now: u64) -> bool {
        let all = self.seats.iter().all(|seat| !seat.output.is_zero());
        self.drawn && (all || now >= self.reveal_until)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Docket {
    next_block: Option<u64>,
    pub(crate) batches: BTreeMap<U256, OpenBatch>,
    pub(crate) cases: BTreeMap<U256, Case>,
    seeds: BTreeSet<u64>,
    /// Judges of closed cases that did not show their verdict and were not punished for it.
    pub(crate) silent_judges: BTreeMap<(U256, u8), Address>,
    /// Accounts that something may wait for.
    pub(crate) creditors: BTreeSet<Address>,
}

impl Docket {
    /// After a reorg everything is read anew.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes in what happened up to a block.
    pub(crate) async fn follow(&mut self, network: &Network, head: Head) -> Result<()> {
        let oldest = network.search_start(head.number);
        let from = self.next_block.map_or(oldest, |next| next.max(oldest));
        if from > head.number {
            return Ok(());
        }
        let mut contracts = network.courts.all();
        contracts.extend([
            network.addresses.inference_settlement,
            network.addresses.block_randomness,
        ]);
        let filter = Filter::new().address(contracts).event_signature(EVENTS.to_vec());
        let logs = network.logs(&filter, from, head.number).await?;
        let times = times(network, &logs).await?;
        for log in &logs {
            let time = log.block_number.and_then(|number| times.get(&number)).copied();
            self.take_in(network, log, time.unwrap_or(head.timestamp))
                .context("read the log of an audit")?;
        }
        self.next_block = Some(head.number + 1);
        Ok(())
    }

    /// The seed of a round is on chain.
    pub(crate) fn has_seed(&self, round: u64) -> bool {
        self.seeds.contains(&round)
    }

    /// Rounds whose seeds something waits for.
    pub(crate) fn rounds(&self) -> BTreeSet<u64> {
        let batches = self.batches.values().filter(|batch| !batch.audited);
        let cases = self.cases.values();
        let waiting = cases.clone().filter(|case| case.stage == Stage::Seeding);
        let juries = cases.filter_map(|case| case.jury.as_ref()).filter(|jury| !jury.drawn);
        batches
            .map(|batch| batch.round)
            .chain(waiting.map(|case| case.round))
            .chain(juries.map(|jury| jury.round))
            .filter(|round| !self.has_seed(*round))
            .collect()
    }

    /// An operator is accused by a payer.
    pub(crate) fn is_on_trial(&self, payer: Address, operator: Address) -> bool {
        self.cases
            .values()
            .any(|case| case.operator == operator && case.challenger == Some(payer))
    }

    /// A receipt was challenged.
    pub(crate) fn has_challenge(&self, receipt: &Receipt) -> bool {
        self.cases
            .values()
            .any(|case| case.challenger.is_some() && case.receipt.as_ref() == Some(receipt))
    }

    fn take_in(&mut self, network: &Network, log: &Log, time: u64) -> Result<()> {
        let Some(topic) = log.topic0() else { return Ok(()) };
        match *topic {
            InferenceSettlement::BatchSettled::SIGNATURE_HASH => self.open_batch(network, log, time)?,
            InferenceSettlement::BatchReleased::SIGNATURE_HASH => {
                let released = InferenceSettlement::BatchReleased::decode_log(&log.inner)?;
                self.batches.remove(&released.batchId);
            }
            InferenceSettlement::EarningsSeized::SIGNATURE_HASH => {
                let seized = InferenceSettlement::EarningsSeized::decode_log(&log.inner)?;
                self.creditors.extend([seized.beneficiary, seized.victim]);
            }
            BlockRandomness::SeedRecorded::SIGNATURE_HASH => {
                self.seeds
                    .insert(BlockRandomness::SeedRecorded::decode_log(&log.inner)?.round);
                if self.seeds.len() > MAX_SEEDS {
                    self.seeds.pop_first();
                }
            }
            ChallengeManager::BondCredited::SIGNATURE_HASH => {
                self.creditors
                    .insert(ChallengeManager::BondCredited::decode_log(&log.inner)?.account);
            }
            JudgeCommittee::CommitteeRequested::SIGNATURE_HASH
            | JudgeCommittee::CommitteeReseeded::SIGNATURE_HASH
            | JudgeCommittee::JudgesDrawn::SIGNATURE_HASH
            | JudgeCommittee::VerdictCommitted::SIGNATURE_HASH
            | JudgeCommittee::VerdictRevealed::SIGNATURE_HASH => self.note_committee(*topic, log)?,
            CaseDocket::CaseDecided::SIGNATURE_HASH
            | CaseDocket::CaseClosed::SIGNATURE_HASH
            | CaseDocket::JudgePunished::SIGNATURE_HASH => self.note_end(*topic, log)?,
            _ => self.note_case(*topic, log, time)?,
        }
        Ok(())
    }

    fn open_batch(&mut self, network: &Network, log: &Log, time: u64) -> Result<()> {
        let settled = InferenceSettlement::BatchSettled::decode_log(&log.inner)?;
        let block = log.block_number.context("a log without a block")?;
        let terms = Batch {
            operator: settled.operator,
            settledAt: time,
            settledBlock: block,
            receiptCount: settled.receiptCount,
            receiptsRoot: settled.receiptsRoot,
            earned: settled.earned,
            risk: settled.risk,
        };
        let batch = OpenBatch {
            terms,
            round: block + network.rounds.delay,
            audited: false,
        };
        self.batches.insert(settled.batchId, batch);
        Ok(())
    }

    fn note_case(&mut self, topic: B256, log: &Log, time: u64) -> Result<()> {
        match topic {
            AuditManager::BatchDrawn::SIGNATURE_HASH => {
                let drawn = AuditManager::BatchDrawn::decode_log(&log.inner)?;
                if let Some(batch) = self.batches.get_mut(&drawn.batchId) {
                    batch.audited = !drawn.caseId.is_zero();
                }
            }
            AuditManager::AuditOpened::SIGNATURE_HASH => {
                let opened = AuditManager::AuditOpened::decode_log(&log.inner)?;
                let mut case = Case::new(opened.operator, time);
                case.batch = Some(opened.batchId);
                (case.stage, case.round) = (Stage::Seeding, opened.round);
                self.cases.insert(opened.caseId, case);
            }
            AuditManager::AuditReseeded::SIGNATURE_HASH => {
                let reseeded = AuditManager::AuditReseeded::decode_log(&log.inner)?;
                self.update(reseeded.caseId, |case| case.round = reseeded.round);
            }
            AuditManager::LeafRequested::SIGNATURE_HASH => {
                let asked = AuditManager::LeafRequested::decode_log(&log.inner)?;
                self.update(asked.caseId, |case| {
                    (case.stage, case.path, case.deadline) = (Stage::Answering, asked.path, asked.deadline);
                });
            }
            AuditManager::DeadlineExtended::SIGNATURE_HASH => {
                let extended = AuditManager::DeadlineExtended::decode_log(&log.inner)?;
                self.update(extended.caseId, |case| case.deadline = extended.deadline);
            }
            ChallengeManager::ChallengeOpened::SIGNATURE_HASH => {
                let opened = ChallengeManager::ChallengeOpened::decode_log(&log.inner)?;
                let mut case = Case::new(opened.operator, time);
                case.challenger = Some(opened.challenger);
                self.cases.insert(opened.caseId, case);
            }
            CaseDocket::JudgementBegun::SIGNATURE_HASH => {
                let begun = CaseDocket::JudgementBegun::decode_log(&log.inner)?;
                self.update(begun.caseId, |case| {
                    (case.stage, case.deadline) = (Stage::from(begun.stage), begun.deadline);
                    (case.receipt, case.signer) = (Some(judged(&begun.receipt)), begun.signer);
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn note_end(&mut self, topic: B256, log: &Log) -> Result<()> {
        match topic {
            CaseDocket::CaseDecided::SIGNATURE_HASH => {
                let decided = CaseDocket::CaseDecided::decode_log(&log.inner)?;
                self.update(decided.caseId, |case| {
                    (case.stage, case.deadline) = (Stage::Decided, decided.executableAt);
                    case.verdict = Verdict::from(decided.verdict);
                });
            }
            CaseDocket::CaseClosed::SIGNATURE_HASH => {
                let closed = CaseDocket::CaseClosed::decode_log(&log.inner)?;
                let jury = self.cases.remove(&closed.caseId).and_then(|case| case.jury);
                let seats = jury.map(|jury| jury.seats).unwrap_or_default();
                let silent = (0..).zip(seats).filter(|(_, seat)| seat.output.is_zero());
                self.silent_judges
                    .extend(silent.map(|(number, seat)| ((closed.caseId, number), seat.member)));
                while self.silent_judges.len() > MAX_SILENT_JUDGES {
                    self.silent_judges.pop_first();
                }
            }
            _ => {
                let punished = CaseDocket::JudgePunished::decode_log(&log.inner)?;
                self.silent_judges
                    .retain(|(case, _), member| *case != punished.caseId || *member != punished.member);
            }
        }
        Ok(())
    }

    fn note_committee(&mut self, topic: B256, log: &Log) -> Result<()> {
        match topic {
            JudgeCommittee::CommitteeRequested::SIGNATURE_HASH => {
                let asked = JudgeCommittee::CommitteeRequested::decode_log(&log.inner)?;
                let jury = Jury {
                    round: asked.round,
                    ..Jury::default()
                };
                self.update(asked.caseId, |case| case.jury = Some(jury));
            }
            JudgeCommittee::CommitteeReseeded::SIGNATURE_HASH => {
                let reseeded = JudgeCommittee::CommitteeReseeded::decode_log(&log.inner)?;
                self.update_jury(reseeded.caseId, |jury| jury.round = reseeded.round);
            }
            JudgeCommittee::JudgesDrawn::SIGNATURE_HASH => {
                let drawn = JudgeCommittee::JudgesDrawn::decode_log(&log.inner)?;
                self.update_jury(drawn.caseId, |jury| {
                    jury.drawn = true;
                    (jury.commit_until, jury.reveal_until) = (drawn.commitUntil, drawn.revealUntil);
                    jury.seats = drawn.members.iter().copied().map(Seat::new).collect();
                });
            }
            JudgeCommittee::VerdictCommitted::SIGNATURE_HASH => {
                let committed = JudgeCommittee::VerdictCommitted::decode_log(&log.inner)?;
                self.update_seat(committed.caseId, committed.seat, |seat| seat.committed = true);
            }
            _ => {
                let revealed = JudgeCommittee::VerdictRevealed::decode_log(&log.inner)?;
                self.update_seat(revealed.caseId, revealed.seat, |seat| seat.output = revealed.outputHash);
            }
        }
        Ok(())
    }

    fn update(&mut self, case: U256, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.get_mut(&case) {
            change(case);
        }
    }

    fn update_jury(&mut self, case: U256, change: impl FnOnce(&mut Jury)) {
        self.update(case, |case| {
            if let Some(jury) = &mut case.jury {
                change(jury);
            }
        });
    }

    fn update_seat(&mut self, case: U256, seat: u8, change: impl FnOnce(&mut Seat)) {
        self.update_jury(case, |jury| {
            if let Some(seat) = jury.seats.get_mut(usize::from(seat)) {
                change(seat);
            }
        });
    }
}

impl Case {
    fn new(operator: Address, opened_at: u64) -> Self {
        Self {
            operator,
            challenger: None,
            batch: None,
            opened_at,
            stage: Stage::None,
            round: 0,
            path: B256::ZERO,
            deadline: 0,
            verdict: Verdict::None,
            receipt: None,
            signer: Address::ZERO,
            jury: None,
        }
    }
}

impl Seat {
    fn new(member: Address) -> Self {
        Self {
            member,
            committed: false,
            output: B256::ZERO,
        }
    }
}

/// Times of the logs' blocks, which not every endpoint tells with a log.
async fn times(network: &Network, logs: &[Log]) -> Result<BTreeMap<u64, u64>> {
    let mut times = BTreeMap::new();
    for log in logs {
        let Some(number) = log.block_number else { continue };
        if let Some(time) = log.block_timestamp {
            times.insert(number, time);
        } else if !times.contains_key(&number)
            && let Some(block) = network.block(number.into()).await?
        {
            times.insert(number, block.timestamp);
        }
    }
    Ok(times)
}
