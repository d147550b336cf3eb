//! What a simulation did, counted from the logs of its own transactions.

use alloy::primitives::U256;
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use plumbline_protocol::{InferenceSettlement, ModelRegistry, OperatorRegistry, Slasher, StakeVault, UptimeLedger};
use serde::Serialize;

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
}

impl Report {
    /// Counts an event of the contracts; others, such as those of tokens, are not counted.
    pub(crate) fn count(&mut self, log: &Log) {
        let Some(topic) = log.topic0() else { return };
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
            _ => return,
        };
        *counter += 1;
        if let Ok(settled) = InferenceSettlement::FeesSettled::decode_log(&log.inner) {
            self.fees_settled += U256::from(settled.fee);
        }
        if let Ok(settled) = InferenceSettlement::BatchSettled::decode_log(&log.inner) {
            self.receipts_committed += u64::from(settled.receiptCount);
        }
    }
}
