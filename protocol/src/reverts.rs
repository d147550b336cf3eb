//! Why a call failed, in the contracts' own words.

use alloy::primitives::hex;
use alloy::sol_types::{Revert, SolError, SolInterface};
use alloy::transports::TransportError;

use crate::{
    AccessManager, AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee,
    ModelRegistry, OperatorRegistry, PriceOracle, RewardReserve, Slasher, StakeVault, StressGauge, TestToken,
    UptimeLedger, VerifierRegistry,
};

/// The error that a contract gave up with; none when that is not why the request failed.
pub fn revert_reason(error: &TransportError) -> Option<String> {
    let response = error.as_error_resp()?;
    if !response.message.to_lowercase().contains("revert") {
        return None;
    }
    let data = response.as_revert_data();
    Some(data.map_or_else(|| response.message.to_string(), |data| describe(&data)))
}

fn describe(data: &[u8]) -> String {
    macro_rules! named {
        ($($errors:path),+) => {
            $(if let Ok(error) = <$errors>::abi_decode(data) {
                // An enum shows its variant around the error, which has the same name.
                let text = format!("{error:?}");
                let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
                return inner.unwrap_or(&text).to_owned();
            })+
        };
    }
    named!(
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
        VerifierRegistry::VerifierRegistryErrors,
        AccessManager::AccessManagerErrors,
        TestToken::TestTokenErrors
    );
    Revert::abi_decode(data).map_or_else(|_| hex::encode_prefixed(data), |revert| revert.reason)
}
