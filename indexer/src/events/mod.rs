//! From a log to rows: one file per contract, and no event without a row.

mod access_manager;
mod audit_manager;
mod block_randomness;
mod case_docket;
mod challenge_manager;
mod inference_settlement;
mod judge_committee;
mod model_registry;
mod operator_registry;
mod price_oracle;
mod reward_reserve;
mod slasher;
mod stake_vault;
mod stress_gauge;
mod uptime_ledger;
mod verifier_registry;

use alloy::primitives::{Address, LogData, U256};
use plumbline_protocol::VerifierRegistry::VerifierRegistryEvents;
use plumbline_protocol::deployment::Addresses;
use plumbline_protocol::{AccessManager::AccessManagerEvents, Contract, decode, decode::decode_data as decode_strict};
use plumbline_protocol::{AuditManager::AuditManagerEvents, CaseDocket::CaseDocketEvents};
use plumbline_protocol::{BlockRandomness::BlockRandomnessEvents, ChallengeManager::ChallengeManagerEvents};
use plumbline_protocol::{InferenceSettlement::InferenceSettlementEvents, ModelRegistry::ModelRegistryEvents};
use plumbline_protocol::{JudgeCommittee::JudgeCommitteeEvents, PriceOracle::PriceOracleEvents};
use plumbline_protocol::{OperatorRegistry::OperatorRegistryEvents, Slasher::SlasherEvents};
use plumbline_protocol::{RewardReserve::RewardReserveEvents, StressGauge::StressGaugeEvents};
use plumbline_protocol::{StakeVault::StakeVaultEvents, UptimeLedger::UptimeLedgerEvents};

use crate::book::{Book, Page};
use crate::error::Halt;
use crate::log::Log;
use crate::rows::{At, fact};
use crate::schedule::Schedule;
use crate::text::with_valid_text;

/// An event of one of our contracts.
pub(crate) enum Event {
    AccessManager(AccessManagerEvents),
    ModelRegistry(ModelRegistryEvents),
    OperatorRegistry(OperatorRegistryEvents),
    StakeVault(StakeVaultEvents),
    InferenceSettlement(InferenceSettlementEvents),
    UptimeLedger(UptimeLedgerEvents),
    Slasher(SlasherEvents),
    PriceOracle(PriceOracleEvents),
    RewardReserve(RewardReserveEvents),
    BlockRandomness(BlockRandomnessEvents),
    VerifierRegistry(VerifierRegistryEvents),
    JudgeCommittee(JudgeCommitteeEvents),
    StressGauge(StressGaugeEvents),
    CaseDocket(CaseDocketEvents),
    AuditManager(AuditManagerEvents),
    ChallengeManager(ChallengeManagerEvents),
}

/// Decodes a log of one of our contracts, or stops everything.
pub(crate) fn decode(log: &Log<'_>, addresses: &Addresses) -> Result<Event, Halt> {
    decode_event(log, addresses).map_err(|reason| log.undecodable(reason))
}

fn decode_event(log: &Log<'_>, addresses: &Addresses) -> Result<Event, String> {
    let data = &log.to_data();
    match addresses.contract_at(log.address) {
        Some(Contract::AccessManager) => decode_text(data).map(Event::AccessManager),
        Some(Contract::ModelRegistry) => decode_text(data).map(Event::ModelRegistry),
        Some(Contract::OperatorRegistry) => decode_text(data).map(Event::OperatorRegistry),
        Some(Contract::StakeVault) => decode_text(data).map(Event::StakeVault),
        Some(Contract::InferenceSettlement) => decode_text(data).map(Event::InferenceSettlement),
        Some(Contract::UptimeLedger) => decode_text(data).map(Event::UptimeLedger),
        Some(Contract::Slasher) => decode_text(data).map(Event::Slasher),
        Some(Contract::PriceOracle) => decode_text(data).map(Event::PriceOracle),
        Some(Contract::RewardReserve) => decode_text(data).map(Event::RewardReserve),
        Some(Contract::BlockRandomness) => decode_text(data).map(Event::BlockRandomness),
        Some(Contract::VerifierRegistry) => decode_text(data).map(Event::VerifierRegistry),
        Some(Contract::JudgeCommittee) => decode_text(data).map(Event::JudgeCommittee),
        Some(Contract::StressGauge) => decode_text(data).map(Event::StressGauge),
        Some(Contract::CaseDocket) => decode_text(data).map(Event::CaseDocket),
        Some(Contract::AuditManager) => decode_text(data).map(Event::AuditManager),
        Some(Contract::ChallengeManager) => decode_text(data).map(Event::ChallengeManager),
        None => Err("it is of no contract whose events are read".into()),
    }
}

fn decode_text<E: decode::ContractEvents>(data: &LogData) -> Result<E, String> {
    decode_strict(data)
        .or_else(|reason| with_valid_text(data).as_ref().map_or(Err(reason), decode_strict))
        .map_err(|reason| reason.to_string())
}

/// Adds the row of an event.
pub(crate) fn fact(event: &Event, page: &mut Page<'_>) -> anyhow::Result<()> {
    match event {
        Event::AccessManager(event) => access_manager::fact(event, page)?,
        Event::ModelRegistry(event) => model_registry::fact(event, page)?,
        Event::OperatorRegistry(event) => operator_registry::fact(event, page),
        Event::StakeVault(event) => stake_vault::fact(event, page),
        Event::InferenceSettlement(event) => inference_settlement::fact(event, page)?,
        Event::UptimeLedger(event) => uptime_ledger::fact(event, page)?,
        Event::Slasher(event) => slasher::fact(event, page)?,
        Event::PriceOracle(event) => price_oracle::fact(event, page),
        Event::RewardReserve(event) => reward_reserve::fact(event, page),
        Event::BlockRandomness(event) => block_randomness::fact(event, page),
        Event::VerifierRegistry(event) => verifier_registry::fact(event, page),
        Event::JudgeCommittee(event) => judge_committee::fact(event, page),
        Event::StressGauge(event) => stress_gauge::fact(event, page),
        Event::CaseDocket(event) => case_docket::fact(event, page)?,
        Event::AuditManager(event) => audit_manager::fact(event, page)?,
        Event::ChallengeManager(event) => challenge_manager::fact(event, page),
    }
    Ok(())
}

/// Changes the running state that depends on an event, and moves the tokens that it moves.
pub(crate) async fn apply(event: &Event, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Event::ModelRegistry(event) => model_registry::apply(event, book).await,
        Event::OperatorRegistry(event) => operator_registry::apply(event, book).await,
        Event::StakeVault(event) => stake_vault::apply(event, book).await,
        Event::InferenceSettlement(event) => inference_settlement::apply(event, book).await,
        Event::UptimeLedger(event) => uptime_ledger::apply(event, book),
        Event::Slasher(event) => slasher::apply(event, book).await,
        Event::RewardReserve(event) => reward_reserve::apply(event, book).await,
        Event::CaseDocket(event) => case_docket::apply(event, book).await,
        Event::AuditManager(event) => audit_manager::apply(event, book).await,
        Event::ChallengeManager(event) => challenge_manager::apply(event, book).await,
        Event::AccessManager(_)
        | Event::PriceOracle(_)
        | Event::BlockRandomness(_)
        | Event::VerifierRegistry(_)
        | Event::JudgeCommittee(_)
        | Event::StressGauge(_) => Ok(()),
    }
}

impl Event {
    /// The schedule, when this event configures it.
    pub(crate) fn schedule(&self, at: At) -> anyhow::Result<Option<Schedule>> {
        match self {
            Event::UptimeLedger(event) => uptime_ledger::schedule(event, at),
            Event::AccessManager(_)
            | Event::ModelRegistry(_)
            | Event::OperatorRegistry(_)
            | Event::StakeVault(_)
            | Event::InferenceSettlement(_)
            | Event::Slasher(_)
            | Event::PriceOracle(_)
            | Event::RewardReserve(_)
            | Event::BlockRandomness(_)
            | Event::VerifierRegistry(_)
            | Event::JudgeCommittee(_)
            | Event::StressGauge(_)
            | Event::CaseDocket(_)
            | Event::AuditManager(_)
            | Event::ChallengeManager(_) => Ok(None),
        }
    }
}

/// `AuthorityUpdated` is the same event in every contract that is managed.
fn authority_updated(page: &mut Page<'_>, contract: Contract, authority: Address) {
    let contract = page.addresses.of(contract);
    fact! { page.rows, page.at, authority_updated { contract, authority } }
}

/// Words as they are stored: big-endian, one after the other.
fn words(words: &[U256]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect()
}

/// Text of an enum's value: the ABI knows only its number.
fn name_of(names: &[&'static str], value: u8) -> Option<&'static str> {
    names.get(usize::from(value)).copied()
}
