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

use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use plumbline_protocol::VerifierRegistry::VerifierRegistryEvents;
use plumbline_protocol::deployment::Addresses;
use plumbline_protocol::{AccessManager::AccessManagerEvents, Contract, decode, decode_strict};
use plumbline_protocol::{AuditManager::AuditManagerEvents, CaseDocket::CaseDocketEvents};
use plumbline_protocol::{BlockRandomness::BlockRandomnessEvents, ChallengeManager::ChallengeManagerEvents};
use plumbline_protocol::{InferenceSettlement::InferenceSettlementEvents, ModelRegistry::ModelRegistryEvents};
use plumbline_protocol::{JudgeCommittee::JudgeCommitteeEvents, PriceOracle::PriceOracleEvents};
use plumbline_protocol::{OperatorRegistry::OperatorRegistryEvents, Slasher::SlasherEvents};
use plumbline_protocol::{RewardReserve::RewardReserveEvents, StressGauge::StressGaugeEvents};
use plumbline_protocol::{StakeVault::StakeVaultEvents, UptimeLedger::UptimeLedgerEvents};

use crate::book::Book;
use crate::chain::Header;
use crate::error::Halt;
use crate::rows::{At, fact};
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

/// An event and where it stands.
pub(crate) struct Located {
    pub(crate) at: At,
    event: Event,
}

/// The contracts whose logs are read.
pub(crate) fn sources(addresses: &Addresses) -> Vec<Address> {
    addresses.deployed().map(|(_, address)| address).collect()
}

/// Decodes a log of one of our contracts, or stops everything: a log that is skipped is a balance that is wrong.
pub(crate) fn decode(log: &Log, header: &Header, addresses: &Addresses) -> anyhow::Result<Located> {
    let event = decode_event(log, addresses).map_err(|reason| Halt::Undecodable {
        block_number: header.number,
        tx_hash: log.transaction_hash.unwrap_or_default(),
        log_index: log.log_index.unwrap_or_default(),
        address: log.address(),
        topic0: log.topic0().map_or_else(|| "none".into(), ToString::to_string),
        reason,
    })?;
    let at = At {
        block_number: i64::try_from(header.number)?,
        timestamp: header.timestamp,
        log_index: i32::try_from(log.log_index.unwrap_or_default())?,
        tx_hash: log.transaction_hash.unwrap_or_default(),
    };
    Ok(Located { at, event })
}

fn decode_event(log: &Log, addresses: &Addresses) -> Result<Event, String> {
    match addresses.contract_at(log.address()) {
        Some(Contract::AccessManager) => decode_text(log).map(Event::AccessManager),
        Some(Contract::ModelRegistry) => decode_text(log).map(Event::ModelRegistry),
        Some(Contract::OperatorRegistry) => decode_text(log).map(Event::OperatorRegistry),
        Some(Contract::StakeVault) => decode_text(log).map(Event::StakeVault),
        Some(Contract::InferenceSettlement) => decode_text(log).map(Event::InferenceSettlement),
        Some(Contract::UptimeLedger) => decode_text(log).map(Event::UptimeLedger),
        Some(Contract::Slasher) => decode_text(log).map(Event::Slasher),
        Some(Contract::PriceOracle) => decode_text(log).map(Event::PriceOracle),
        Some(Contract::RewardReserve) => decode_text(log).map(Event::RewardReserve),
        Some(Contract::BlockRandomness) => decode_text(log).map(Event::BlockRandomness),
        Some(Contract::VerifierRegistry) => decode_text(log).map(Event::VerifierRegistry),
        Some(Contract::JudgeCommittee) => decode_text(log).map(Event::JudgeCommittee),
        Some(Contract::StressGauge) => decode_text(log).map(Event::StressGauge),
        Some(Contract::CaseDocket) => decode_text(log).map(Event::CaseDocket),
        Some(Contract::AuditManager) => decode_text(log).map(Event::AuditManager),
        Some(Contract::ChallengeManager) => decode_text(log).map(Event::ChallengeManager),
        None => Err("it is of no contract whose events are read".into()),
    }
}

fn decode_text<E: decode::ContractEvents>(log: &Log) -> Result<E, String> {
    decode_strict(log)
        .or_else(|error| with_valid_text(log).as_ref().map_or(Err(error), decode_strict))
        .map_err(|error| error.reason.to_string())
}

/// Writes an event: its fact, the running state it changes, the tokens it moves.
pub(crate) async fn write(located: &Located, book: &mut Book<'_>) -> anyhow::Result<()> {
    match &located.event {
        Event::AccessManager(event) => access_manager::fact(event, book),
        Event::ModelRegistry(event) => {
            model_registry::fact(event, book)?;
            model_registry::apply(event, book).await
        }
        Event::OperatorRegistry(event) => {
            operator_registry::fact(event, book);
            operator_registry::apply(event, book).await
        }
        Event::StakeVault(event) => {
            stake_vault::fact(event, book);
            stake_vault::apply(event, book).await
        }
        Event::InferenceSettlement(event) => {
            inference_settlement::fact(event, book)?;
            inference_settlement::apply(event, book).await
        }
        Event::UptimeLedger(event) => {
            uptime_ledger::fact(event, book)?;
            uptime_ledger::apply(event, book)
        }
        Event::Slasher(event) => {
            slasher::fact(event, book)?;
            slasher::apply(event, book).await
        }
        Event::PriceOracle(event) => {
            price_oracle::fact(event, book);
            Ok(())
        }
        Event::RewardReserve(event) => {
            reward_reserve::fact(event, book);
            reward_reserve::apply(event, book).await
        }
        Event::BlockRandomness(event) => {
            block_randomness::fact(event, book);
            Ok(())
        }
        Event::VerifierRegistry(event) => {
            verifier_registry::fact(event, book);
            Ok(())
        }
        Event::JudgeCommittee(event) => {
            judge_committee::fact(event, book);
            Ok(())
        }
        Event::StressGauge(event) => {
            stress_gauge::fact(event, book);
            Ok(())
        }
        Event::CaseDocket(event) => {
            case_docket::fact(event, book)?;
            case_docket::apply(event, book).await
        }
        Event::AuditManager(event) => {
            audit_manager::fact(event, book)?;
            audit_manager::apply(event, book).await
        }
        Event::ChallengeManager(event) => {
            challenge_manager::fact(event, book);
            challenge_manager::apply(event, book).await
        }
    }
}

impl Located {
    /// The schedule, when this event configures it.
    pub(crate) fn schedule(&self) -> anyhow::Result<Option<crate::schedule::Schedule>> {
        match &self.event {
            Event::UptimeLedger(event) => uptime_ledger::schedule(event, self.at),
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
fn authority_updated(book: &mut Book<'_>, contract: Contract, authority: Address) {
    let contract = book.parameters.addresses.of(contract);
    fact! { book.rows, book.at, authority_updated { contract, authority } }
}

/// Words as they are stored: big-endian, one after the other.
fn words(words: &[U256]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect()
}

/// Text of an enum's value: the ABI knows only its number.
fn name_of(names: &[&'static str], value: u8) -> Option<&'static str> {
    names.get(usize::from(value)).copied()
}
