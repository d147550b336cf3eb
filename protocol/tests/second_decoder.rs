//! Every event of every contract, with random values: alloy and ethers read the same out of the same log.

use std::fs;
use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, LogData};
use alloy::rpc::types::Log;
use ethers_contract::BaseContract;
use ethers_core::abi::{Abi, Event, ParamType, Token, encode};
use ethers_core::types::{H160, H256, U256};
use plumbline_protocol::decode::ContractEvents;
use plumbline_protocol::{
    AccessManager, AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee,
    ModelRegistry, OperatorRegistry, PriceOracle, RewardReserve, Slasher, StakeVault, StressGauge, UptimeLedger,
    VerifierRegistry,
};
use plumbline_protocol::{Contract, decode_strict};

/// Random logs of each event.
const ROUNDS: usize = 32;
const MAX_ELEMENTS: u64 = 5;
const MAX_BYTES: u64 = 70;

/// SplitMix64: the same values in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// An integer of at most that many bits; now and then the largest.
    fn uint(&mut self, bits: usize) -> U256 {
        let most = U256::MAX >> (256 - bits);
        if self.next().is_multiple_of(8) {
            return most;
        }
        U256::from_big_endian(&self.bytes(32)) & most
    }

    fn token(&mut self, kind: &ParamType) -> Token {
        match kind {
            ParamType::Address => Token::Address(H160::from_slice(&self.bytes(20))),
            ParamType::Bool => Token::Bool(self.next().is_multiple_of(2)),
            ParamType::Uint(bits) => Token::Uint(self.uint(*bits)),
            ParamType::Int(bits) => Token::Int(self.uint(*bits - 1)),
            ParamType::FixedBytes(length) => Token::FixedBytes(self.bytes(*length)),
            ParamType::Bytes => {
                let length = self.next() % MAX_BYTES;
                Token::Bytes(self.bytes(length as usize))
            }
            ParamType::String => {
                let length = self.next() % MAX_BYTES;
                let text = self.bytes(length as usize).into_iter().map(|byte| byte % 128).collect();
                Token::String(String::from_utf8(text).expect("ASCII is UTF-8"))
            }
            ParamType::Array(inner) => {
                let length = self.next() % MAX_ELEMENTS;
                Token::Array((0..length).map(|_| self.token(inner)).collect())
            }
            ParamType::FixedArray(inner, length) => {
                Token::FixedArray((0..*length).map(|_| self.token(inner)).collect())
            }
            ParamType::Tuple(fields) => Token::Tuple(fields.iter().map(|field| self.token(field)).collect()),
        }
    }
}

fn abi(contract: Contract) -> Abi {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../contracts/abi/{}.json", contract.name()));
    let text = fs::read_to_string(path).expect("the contract's ABI is in the repository");
    let file: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    serde_json::from_value(file["abi"].clone()).expect("it is an ABI")
}

/// The log of an event as the ABI specification says, by ethers.
fn log_of(event: &Event, values: &[Token]) -> LogData {
    let mut topics = vec![B256::from(event.signature().0)];
    let mut data = Vec::new();
    for (input, value) in event.inputs.iter().zip(values) {
        if input.indexed {
            let word = encode(std::slice::from_ref(value));
            topics.push(B256::try_from(word.as_slice()).expect("what is indexed here is one word"));
        } else {
            data.push(value.clone());
        }
    }
    LogData::new_unchecked(topics, encode(&data).into())
}

fn decoded<E: ContractEvents>(data: LogData) -> Option<LogData> {
    let log = Log {
        inner: alloy::primitives::Log {
            address: Address::repeat_byte(1),
            data,
        },
        ..Log::default()
    };
    decode_strict::<E>(&log).ok().map(|event| event.to_log_data())
}

/// What alloy reads, written again by alloy; none when it refuses.
fn by_alloy(contract: Contract, data: LogData) -> Option<LogData> {
    match contract {
        Contract::AccessManager => decoded::<AccessManager::AccessManagerEvents>(data),
        Contract::ModelRegistry => decoded::<ModelRegistry::ModelRegistryEvents>(data),
        Contract::StakeVault => decoded::<StakeVault::StakeVaultEvents>(data),
        Contract::OperatorRegistry => decoded::<OperatorRegistry::OperatorRegistryEvents>(data),
        Contract::UptimeLedger => decoded::<UptimeLedger::UptimeLedgerEvents>(data),
        Contract::PriceOracle => decoded::<PriceOracle::PriceOracleEvents>(data),
        Contract::RewardReserve => decoded::<RewardReserve::RewardReserveEvents>(data),
        Contract::InferenceSettlement => decoded::<InferenceSettlement::InferenceSettlementEvents>(data),
        Contract::Slasher => decoded::<Slasher::SlasherEvents>(data),
        Contract::BlockRandomness => decoded::<BlockRandomness::BlockRandomnessEvents>(data),
        Contract::VerifierRegistry => decoded::<VerifierRegistry::VerifierRegistryEvents>(data),
        Contract::JudgeCommittee => decoded::<JudgeCommittee::JudgeCommitteeEvents>(data),
        Contract::StressGauge => decoded::<StressGauge::StressGaugeEvents>(data),
        Contract::CaseDocket => decoded::<CaseDocket::CaseDocketEvents>(data),
        Contract::AuditManager => decoded::<AuditManager::AuditManagerEvents>(data),
        Contract::ChallengeManager => decoded::<ChallengeManager::ChallengeManagerEvents>(data),
    }
}

/// What ethers reads; none when it refuses.
fn by_ethers(contract: &BaseContract, event: &Event, log: &LogData) -> Option<Vec<Token>> {
    let topics = log.topics().iter().map(|topic| H256(topic.0)).collect();
    contract
        .decode_event_raw(&event.name, topics, log.data.to_vec().into())
        .ok()
}

#[test]
fn both_decoders_read_the_same_values() {
    let mut random = Random(1);
    let mut events = 0;
    for contract in Contract::ALL {
        let abi = abi(contract);
        let ethers = BaseContract::from(abi.clone());
        for event in abi.events() {
            events += 1;
            for _ in 0..ROUNDS {
                let values: Vec<Token> = event.inputs.iter().map(|input| random.token(&input.kind)).collect();
                let log = log_of(event, &values);
                let again = by_alloy(contract, log.clone());
                assert_eq!(again.as_ref(), Some(&log), "{contract}.{} {values:?}", event.name);
                let read = again.and_then(|log| by_ethers(&ethers, event, &log));
                assert_eq!(read, Some(values), "{contract}.{}", event.name);
            }
        }
    }
    assert!(events > 100, "{events} events");
}

#[test]
fn both_decoders_refuse_a_log_that_was_cut() {
    let mut random = Random(2);
    for contract in Contract::ALL {
        let abi = abi(contract);
        let ethers = BaseContract::from(abi.clone());
        for event in abi.events() {
            let values: Vec<Token> = event.inputs.iter().map(|input| random.token(&input.kind)).collect();
            let log = log_of(event, &values);
            let Some(kept) = log.data.len().checked_sub(32) else {
                continue;
            };
            let cut = LogData::new_unchecked(log.topics().to_vec(), Bytes::copy_from_slice(&log.data[..kept]));
            assert_eq!(by_alloy(contract, cut.clone()), None, "{contract}.{}", event.name);
            assert_eq!(by_ethers(&ethers, event, &cut), None, "{contract}.{}", event.name);
        }
    }
}
