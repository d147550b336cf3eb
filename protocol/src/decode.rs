//! Strict decoding of logs: what a contract of ours cannot have emitted is an error, never a guess.

use alloy::primitives::{Address, B256, LogData};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEventInterface;
use alloy::sol_types::private::IntoLogData;

use crate::bindings::{
    access_manager::AccessManager, audit_manager::AuditManager, block_randomness::BlockRandomness,
    case_docket::CaseDocket, challenge_manager::ChallengeManager, inference_settlement::InferenceSettlement,
    judge_committee::JudgeCommittee, model_registry::ModelRegistry, operator_registry::OperatorRegistry,
    price_oracle::PriceOracle, reward_reserve::RewardReserve, slasher::Slasher, stake_vault::StakeVault,
    stress_gauge::StressGauge, uptime_ledger::UptimeLedger, verifier_registry::VerifierRegistry,
};
use crate::deployment::Contract;

/// A log that is no event of the contract that emitted it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{contract} at {address}: event {event} (block {}, transaction {}, log {}) does not decode: {reason}; \
     the bindings and the deployed contract differ, or the RPC endpoint answered wrongly",
    known(.block_number), known(.tx_hash), known(.log_index)
)]
pub struct DecodeError {
    pub contract: Contract,
    pub address: Address,
    /// Signature of the event by its first topic, the topic itself when no event has it.
    pub event: String,
    pub block_number: Option<u64>,
    pub tx_hash: Option<B256>,
    pub log_index: Option<u64>,
    pub reason: DecodeReason,
}

/// Why a log was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeReason {
    #[error("it has no topics")]
    Anonymous,
    #[error("the contract has no event with this first topic")]
    UnknownEvent,
    #[error("{0}")]
    Malformed(String),
    #[error("topics or data are not the canonical encoding of the event (dirty padding, or bytes too many)")]
    NotCanonical,
}

/// The events of one contract: the enum that `sol!` made of its ABI.
pub trait ContractEvents: SolEventInterface + IntoLogData {
    const CONTRACT: Contract;

    /// Solidity signature of the event with this first topic.
    fn signature(topic: B256) -> Option<&'static str>;
}

macro_rules! contract_events {
    ($($contract:ident :: $events:ident),* $(,)?) => {
        $(impl ContractEvents for $contract::$events {
            const CONTRACT: Contract = Contract::$contract;

            fn signature(topic: B256) -> Option<&'static str> {
                Self::signature_by_selector(topic.0)
            }
        })*
    };
}

contract_events!(
    AccessManager::AccessManagerEvents,
    ModelRegistry::ModelRegistryEvents,
    StakeVault::StakeVaultEvents,
    OperatorRegistry::OperatorRegistryEvents,
    UptimeLedger::UptimeLedgerEvents,
    InferenceSettlement::InferenceSettlementEvents,
    Slasher::SlasherEvents,
    PriceOracle::PriceOracleEvents,
    RewardReserve::RewardReserveEvents,
    BlockRandomness::BlockRandomnessEvents,
    VerifierRegistry::VerifierRegistryEvents,
    JudgeCommittee::JudgeCommitteeEvents,
    StressGauge::StressGaugeEvents,
    CaseDocket::CaseDocketEvents,
    AuditManager::AuditManagerEvents,
    ChallengeManager::ChallengeManagerEvents,
);

/// Decodes a log as one of the events `E` of its contract, and only if it is bit for bit what Solidity would have emitted.
///
/// The plain decoders accept dirty high bits in a topic and trailing bytes of data; encoding the result again and
/// comparing finds both, and whatever else is not canonical.
pub fn decode_strict<E: ContractEvents>(log: &Log) -> Result<E, Box<DecodeError>> {
    decode_data(&log.inner.data).map_err(|reason| {
        Box::new(DecodeError {
            contract: E::CONTRACT,
            address: log.inner.address,
            event: event_name::<E>(log.inner.data.topics()),
            block_number: log.block_number,
            tx_hash: log.transaction_hash,
            log_index: log.log_index,
            reason,
        })
    })
}

/// The same of topics and data alone.
pub fn decode_data<E: ContractEvents>(data: &LogData) -> Result<E, DecodeReason> {
    let topic = *data.topics().first().ok_or(DecodeReason::Anonymous)?;
    if E::signature(topic).is_none() {
        return Err(DecodeReason::UnknownEvent);
    }
    let event =
        E::decode_raw_log(data.topics(), &data.data).map_err(|error| DecodeReason::Malformed(error.to_string()))?;
    if event.to_log_data() != *data {
        return Err(DecodeReason::NotCanonical);
    }
    Ok(event)
}

fn known<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "unknown".into(), T::to_string)
}

fn event_name<E: ContractEvents>(topics: &[B256]) -> String {
    topics.first().map_or_else(
        || "anonymous".into(),
        |topic| E::signature(*topic).map_or_else(|| topic.to_string(), str::to_owned),
    )
}
