//! Why a call failed, in the contracts' own words.

use alloy::sol_types::SolInterface;
use alloy::transports::TransportError;
use plumbline_protocol::{
    AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee, ModelRegistry,
    OperatorRegistry, PriceOracle, RewardReserve, Slasher, StakeVault, StressGauge, TestToken, UptimeLedger,
};

/// The contracts' own words for a revert.
pub(crate) fn revert_reason(error: &TransportError) -> Option<String> {
    let response = error.as_error_resp()?;
    let data = response.as_revert_data()?;
    macro_rules! try_each {
        ($($errors:ty),+) => {
            $(if let Ok(error) = <$errors>::abi_decode(&data) {
                return Some(format!("{error:?}"));
            })+
        };
    }
    try_each!(
        InferenceSettlement::InferenceSettlementErrors,
        OperatorRegistry::OperatorRegistryErrors,
        StakeVault::StakeVaultErrors,
        UptimeLedger::UptimeLedgerErrors,
        Slasher::SlasherErrors,
        ModelRegistry::ModelRegistryErrors,
        AuditManager::AuditManagerErrors,
        CaseDocket::CaseDocketErrors,
        ChallengeManager::ChallengeManagerErrors,
        JudgeCommittee::JudgeCommitteeErrors,
        BlockRandomness::BlockRandomnessErrors,
        RewardReserve::RewardReserveErrors,
        PriceOracle::PriceOracleErrors,
        StressGauge::StressGaugeErrors,
        TestToken::TestTokenErrors
    );
    Some(response.message.to_string())
}
