//! What a simulation did, counted from the logs of its own transactions.

use alloy::primitives::{B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use plumbline_protocol::{
    AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee, ModelRegistry,
    OperatorRegistry, PriceOracle, RewardReserve, Slasher, StakeVault, StressGauge, UptimeLedger, VerifierRegistry,
};
use serde::Serialize;

use crate::terms::Verdict;

/// Counts of one run. Amounts are base units as decimal strings in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Block and period that the simulation saw last.
    pub block: u64,
    pub period: u64,
    pub transactions_sent: u64,
    pub transactions_mined: u64,
    pub transactions_failed: u64,
    pub transactions_lost: u64,
    pub gas_used: u64,
    pub reorgs: u64,

    pub models_registered: u64,
    pub versions_published: u64,
    pub operators_registered: u64,
    pub offerings: u64,
    pub keys_rotated: u64,
    pub commissions_announced: u64,
    pub deposits: u64,
    pub session_keys_authorized: u64,
    pub session_keys_revoked: u64,
    pub exits_started: u64,
    pub exits_cancelled: u64,
    pub exits_finished: u64,
    pub stakes: u64,
    pub thaws: u64,
    pub withdrawals: u64,
    pub reward_claims: u64,

    pub requests_served: u64,
    pub requests_turned_away: u64,
    pub batches: u64,
    pub receipts_committed: u64,
    pub vouchers_paid: u64,
    pub vouchers_skipped: u64,
    #[serde(serialize_with = "plumbline_protocol::deployment::decimal::serialize")]
    pub fees_settled: U256,
    pub earnings_claims: u64,
    pub royalty_claims: u64,
    pub collections: u64,

    pub draws: u64,
    pub reports_signed: u64,
    pub posts: u64,
    pub punishments: u64,
    pub seizures: u64,
    pub slashes: u64,
    pub jailings: u64,
    pub returns_from_jail: u64,
    pub tombstones: u64,
    pub periods_weighed: u64,

    pub prices_observed: u64,
    pub stress_measured: u64,
    pub seeds_recorded: u64,
    /// Batches drawn, whether released at once or audited.
    pub batches_drawn: u64,
    pub batches_released: u64,
    pub audits_opened: u64,
    pub leaves_answered: u64,
    pub leaves_withheld: u64,
    pub wrong_outputs: u64,
    pub juries_drawn: u64,
    pub verdicts_committed: u64,
    pub verdicts_revealed: u64,
    pub judges_punished: u64,
    pub audits_passed: u64,
    pub audits_failed: u64,
    pub challenges_opened: u64,
    /// The receipt was wrong.
    pub challenges_won: u64,
    pub challenges_lost: u64,
    /// Of audits and challenges: too few judges, or no majority.
    pub cases_inconclusive: u64,
    pub equivocations_proved: u64,
    pub verifiers_bound: u64,
    /// Receipts that a verifier was to be convinced of.
    pub proofs_asked: u64,
    pub canaries_planted: u64,
    pub canaries_revealed: u64,
    pub deadlines_extended: u64,

    pub enrolments: u64,
    pub availability_reports: u64,
    pub reward_periods_closed: u64,
    pub rewards_claimed: u64,
    #[serde(serialize_with = "plumbline_protocol::deployment::decimal::serialize")]
    pub rewards_paid: U256,
}

impl Report {
    /// Counts an event of the contracts, and whether a challenge was called for; others, such as those of tokens, are not counted.
    pub(crate) fn count(&mut self, log: &Log, is_challenge: bool) {
        let Some(topic) = log.topic0() else { return };
        self.count_sums(log);
        let counter = match *topic {
            ModelRegistry::ModelRegistered::SIGNATURE_HASH => &mut self.models_registered,
            ModelRegistry::VersionPublished::SIGNATURE_HASH => &mut self.versions_published,
            OperatorRegistry::OperatorRegistered::SIGNATURE_HASH => &mut self.operators_registered,
            OperatorRegistry::ModelServed::SIGNATURE_HASH => &mut self.offerings,
            OperatorRegistry::KeyRotated::SIGNATURE_HASH => &mut self.keys_rotated,
            OperatorRegistry::CommissionAnnounced::SIGNATURE_HASH => &mut self.commissions_announced,
            OperatorRegistry::OperatorJailed::SIGNATURE_HASH => &mut self.jailings,
            OperatorRegistry::OperatorUnjailed::SIGNATURE_HASH => &mut self.returns_from_jail,
            InferenceSettlement::Deposited::SIGNATURE_HASH => &mut self.deposits,
            InferenceSettlement::SignerAuthorized::SIGNATURE_HASH => &mut self.session_keys_authorized,
            InferenceSettlement::SignerRevoked::SIGNATURE_HASH => &mut self.session_keys_revoked,
            InferenceSettlement::ExitStarted::SIGNATURE_HASH => &mut self.exits_started,
            InferenceSettlement::ExitCancelled::SIGNATURE_HASH => &mut self.exits_cancelled,
            InferenceSettlement::ExitFinished::SIGNATURE_HASH => &mut self.exits_finished,
            InferenceSettlement::BatchSettled::SIGNATURE_HASH => &mut self.batches,
            InferenceSettlement::FeesSettled::SIGNATURE_HASH => &mut self.vouchers_paid,
            InferenceSettlement::VoucherSkipped::SIGNATURE_HASH => &mut self.vouchers_skipped,
            InferenceSettlement::EarningsClaimed::SIGNATURE_HASH => &mut self.earnings_claims,
            InferenceSettlement::EarningsSeized::SIGNATURE_HASH => &mut self.seizures,
            InferenceSettlement::RoyaltiesClaimed::SIGNATURE_HASH => &mut self.royalty_claims,
            InferenceSettlement::CreditCollected::SIGNATURE_HASH => &mut self.collections,
            StakeVault::SlashedStakeCollected::SIGNATURE_HASH => &mut self.collections,
            StakeVault::Staked::SIGNATURE_HASH => &mut self.stakes,
            StakeVault::Thawed::SIGNATURE_HASH => &mut self.thaws,
            StakeVault::Withdrawn::SIGNATURE_HASH => &mut self.withdrawals,
            StakeVault::RewardsClaimed::SIGNATURE_HASH => &mut self.reward_claims,
            StakeVault::Slashed::SIGNATURE_HASH => &mut self.slashes,
            UptimeLedger::CommitteeDrawn::SIGNATURE_HASH => &mut self.draws,
            UptimeLedger::PeriodReported::SIGNATURE_HASH => &mut self.posts,
            Slasher::DowntimePunished::SIGNATURE_HASH => &mut self.punishments,
            _ => {
                self.count_audit(log, *topic, is_challenge);
                return;
            }
        };
        *counter += 1;
    }

    fn count_sums(&mut self, log: &Log) {
        if let Ok(settled) = InferenceSettlement::FeesSettled::decode_log(&log.inner) {
            self.fees_settled += U256::from(settled.fee);
        }
        if let Ok(settled) = InferenceSettlement::BatchSettled::decode_log(&log.inner) {
            self.receipts_committed += u64::from(settled.receiptCount);
        }
        if let Ok(claimed) = RewardReserve::RewardClaimed::decode_log(&log.inner) {
            self.rewards_paid += claimed.paid + claimed.distributed;
        }
        if let Ok(punished) = Slasher::FaultPunished::decode_log(&log.inner) {
            self.tombstones += u64::from(punished.tombstoned);
        }
    }

    fn count_audit(&mut self, log: &Log, topic: B256, is_challenge: bool) {
        let counter = match topic {
            Slasher::OutageWeighed::SIGNATURE_HASH => &mut self.periods_weighed,
            PriceOracle::PriceObserved::SIGNATURE_HASH => &mut self.prices_observed,
            StressGauge::MultiplierUpdated::SIGNATURE_HASH => &mut self.stress_measured,
            BlockRandomness::SeedRecorded::SIGNATURE_HASH => &mut self.seeds_recorded,
            InferenceSettlement::BatchReleased::SIGNATURE_HASH => &mut self.batches_released,
            AuditManager::BatchDrawn::SIGNATURE_HASH => &mut self.batches_drawn,
            AuditManager::AuditOpened::SIGNATURE_HASH => &mut self.audits_opened,
            AuditManager::LeafAnswered::SIGNATURE_HASH => &mut self.leaves_answered,
            JudgeCommittee::JudgesDrawn::SIGNATURE_HASH => &mut self.juries_drawn,
            JudgeCommittee::VerdictCommitted::SIGNATURE_HASH => &mut self.verdicts_committed,
            JudgeCommittee::VerdictRevealed::SIGNATURE_HASH => &mut self.verdicts_revealed,
            CaseDocket::JudgePunished::SIGNATURE_HASH => &mut self.judges_punished,
            ChallengeManager::ChallengeOpened::SIGNATURE_HASH => &mut self.challenges_opened,
            ChallengeManager::EquivocationProved::SIGNATURE_HASH => &mut self.equivocations_proved,
            ChallengeManager::CanaryPlanted::SIGNATURE_HASH => &mut self.canaries_planted,
            ChallengeManager::CanaryRevealed::SIGNATURE_HASH => &mut self.canaries_revealed,
            VerifierRegistry::VerifierBound::SIGNATURE_HASH => &mut self.verifiers_bound,
            AuditManager::DeadlineExtended::SIGNATURE_HASH => &mut self.deadlines_extended,
            RewardReserve::OperatorEnrolled::SIGNATURE_HASH => &mut self.enrolments,
            RewardReserve::AvailabilityReported::SIGNATURE_HASH => &mut self.availability_reports,
            RewardReserve::PeriodClosed::SIGNATURE_HASH => &mut self.reward_periods_closed,
            RewardReserve::RewardClaimed::SIGNATURE_HASH => &mut self.rewards_claimed,
            _ => {
                if let Ok(begun) = CaseDocket::JudgementBegun::decode_log(&log.inner) {
                    self.proofs_asked += u64::from(!begun.verifier.is_zero());
                }
                if let Ok(closed) = CaseDocket::CaseClosed::decode_log(&log.inner) {
                    self.count_verdict(Verdict::from(closed.verdict), is_challenge);
                }
                return;
            }
        };
        *counter += 1;
    }

    fn count_verdict(&mut self, verdict: Verdict, is_challenge: bool) {
        let counter = match (verdict, is_challenge) {
            (Verdict::Passed, false) => &mut self.audits_passed,
            (Verdict::Failed, false) => &mut self.audits_failed,
            (Verdict::Passed, true) => &mut self.challenges_lost,
            (Verdict::Failed, true) => &mut self.challenges_won,
            (Verdict::Withheld, _) => &mut self.leaves_withheld,
            (Verdict::Inconclusive, _) => &mut self.cases_inconclusive,
            (Verdict::None | Verdict::Voided, _) => return,
        };
        *counter += 1;
    }
}
