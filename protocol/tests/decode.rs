//! Logs decode only when they are bit for bit what the contract emits.

use alloy::primitives::{Address, B256, Bytes, LogData, U256, address, b256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use alloy::sol_types::private::IntoLogData;
use plumbline_protocol::decode::DecodeReason;
use plumbline_protocol::{Contract, DecodeError, IUptimeLedger, StakeVault, UptimeLedger, decode_strict};

type Events = StakeVault::StakeVaultEvents;

const VAULT: Address = address!("00000000000000000000000000000000000000a1");
const TX: B256 = b256!("0101010101010101010101010101010101010101010101010101010101010101");

fn staked() -> StakeVault::Staked {
    StakeVault::Staked {
        operator: Address::repeat_byte(0x11),
        delegator: Address::repeat_byte(0x22),
        assets: U256::from(5),
        shares: U256::from(5_000_000),
    }
}

fn log(data: LogData) -> Log {
    Log {
        inner: alloy::primitives::Log { address: VAULT, data },
        block_number: Some(7),
        transaction_hash: Some(TX),
        log_index: Some(3),
        ..Log::default()
    }
}

fn refused(data: LogData) -> DecodeError {
    *decode_strict::<Events>(&log(data)).expect_err("the log decoded")
}

#[test]
fn an_event_as_emitted_decodes() {
    let Events::Staked(event) = decode_strict(&log(staked().encode_log_data())).unwrap() else {
        panic!("another event");
    };
    assert_eq!(event, staked());
}

#[test]
fn an_event_with_arrays_and_structs_decodes() {
    let reported = UptimeLedger::PeriodReported {
        period: 4,
        poster: VAULT,
        seats: 0b101_1111,
        resultHash: TX,
        observed: vec![U256::MAX; 12],
        up: vec![U256::from(1); 12],
        evidenceRoots: vec![TX; 6],
    };
    let schedule = IUptimeLedger::Schedule {
        genesis: 1,
        slotSeconds: 2,
        slotsPerPeriod: 3,
        reportWindow: 4,
    };
    let configured = UptimeLedger::UptimeLedgerConfigured {
        operatorRegistry: VAULT,
        schedule,
    };
    for data in [reported.encode_log_data(), configured.encode_log_data()] {
        let event: UptimeLedger::UptimeLedgerEvents = decode_strict(&log(data.clone())).unwrap();
        assert_eq!(event.to_log_data(), data);
    }
}

#[test]
fn dirty_bits_above_an_address_topic_are_refused() {
    let mut data = staked().encode_log_data();
    data.topics_mut()[1].0[0] = 1;
    assert!(
        StakeVault::Staked::decode_log_data(&data).is_ok(),
        "the plain decoder is strict now: drop our check"
    );
    assert_eq!(refused(data).reason, DecodeReason::NotCanonical);
}

#[test]
fn bytes_after_the_data_are_refused() {
    let event = staked().encode_log_data();
    let longer = [event.data.as_ref(), &[0; 32]].concat();
    let data = LogData::new_unchecked(event.topics().to_vec(), Bytes::from(longer));
    assert_eq!(refused(data).reason, DecodeReason::NotCanonical);
}

#[test]
fn truncated_data_is_refused() {
    let event = staked().encode_log_data();
    let data = LogData::new_unchecked(event.topics().to_vec(), event.data.slice(..32));
    assert!(matches!(refused(data).reason, DecodeReason::Malformed(_)));
}

#[test]
fn a_missing_or_additional_topic_is_refused() {
    let event = staked().encode_log_data();
    let missing = LogData::new_unchecked(event.topics()[..2].to_vec(), event.data.clone());
    assert!(matches!(refused(missing).reason, DecodeReason::Malformed(_)));
    let additional = LogData::new_unchecked([event.topics(), &[TX]].concat(), event.data.clone());
    assert!(matches!(
        refused(additional).reason,
        DecodeReason::Malformed(_) | DecodeReason::NotCanonical
    ));
}

#[test]
fn an_enum_beyond_its_last_value_is_refused() {
    let jailed = plumbline_protocol::OperatorRegistry::OperatorJailed {
        operator: VAULT,
        until: 9,
    }
    .encode_log_data();
    let wide = LogData::new_unchecked(jailed.topics().to_vec(), Bytes::from([0xff; 32]));
    assert!(decode_strict::<plumbline_protocol::OperatorRegistry::OperatorRegistryEvents>(&log(wide)).is_err());
}

#[test]
fn a_foreign_event_is_refused_by_name() {
    let foreign = plumbline_protocol::ModelRegistry::ModelRetired { modelId: TX }.encode_log_data();
    let topic = foreign.topics()[0].to_string();
    let error = refused(foreign);
    assert_eq!((error.reason, error.event), (DecodeReason::UnknownEvent, topic));
}

#[test]
fn a_log_without_topics_is_refused() {
    assert_eq!(refused(LogData::empty()).reason, DecodeReason::Anonymous);
}

#[test]
fn the_error_names_contract_event_block_and_transaction() {
    let mut data = staked().encode_log_data();
    data.topics_mut()[1].0[0] = 1;
    let error = refused(data);
    assert_eq!(error.contract, Contract::StakeVault);
    assert_eq!(
        (error.block_number, error.tx_hash, error.log_index),
        (Some(7), Some(TX), Some(3))
    );
    let text = error.to_string();
    for part in [
        "StakeVault",
        &VAULT.to_string(),
        "Staked(address,address,uint256,uint256)",
        "block 7",
        &TX.to_string(),
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
