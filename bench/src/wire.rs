//! The recorded chain in the JSON of an Ethereum node: logs, blocks, transactions.

use std::fmt::Write as _;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, hex};
use alloy::sol_types::{SolCall, SolEvent};
use serde_json::{Value, json};

use crate::recording::{
    CHAIN_ID, HeartbeatReceived, REGISTRY, RELAYER, Recording, TEERegistered, registerTEEWithAttestationCall,
};

/// What every log of a block says of it.
struct Place {
    number: u64,
    hash: B256,
    /// Unix seconds, where logs tell.
    timestamp: Option<u64>,
}

/// What differs from log to log.
struct Log<'a> {
    topics: &'a [B256],
    data: B256,
    tx_hash: B256,
    tx_index: u64,
    log_index: u64,
}

impl Place {
    /// In the order and form of geth, with a comma behind.
    fn put(&self, out: &mut String, log: &Log<'_>) {
        let topics = log
            .topics
            .iter()
            .map(|topic| format!("\"{topic}\""))
            .collect::<Vec<_>>()
            .join(",");
        let address = hex::encode_prefixed(REGISTRY);
        let (number, hash) = (self.number, self.hash);
        // Writing to a string does not fail.
        let _ = write!(
            out,
            r#"{{"address":"{address}","topics":[{topics}],"data":"{}","blockNumber":"{number:#x}","transactionHash":"{}","transactionIndex":"{:#x}","blockHash":"{hash}""#,
            log.data, log.tx_hash, log.tx_index
        );
        if let Some(timestamp) = self.timestamp {
            let _ = write!(out, r#","blockTimestamp":"{timestamp:#x}""#);
        }
        let _ = write!(out, r#","logIndex":"{:#x}","removed":false}},"#, log.log_index);
    }
}

impl Recording {
    /// Appends the logs of a block, whose hash is known, and tells how many there are.
    pub(crate) fn put_logs(&self, out: &mut String, number: u64) -> u64 {
        let place = Place {
            number,
            hash: self.hash(number).unwrap_or_default(),
            timestamp: self.plan().timed.then(|| self.time(number)),
        };
        let mut count = 0;
        for (index, enclave) in self.registrations(number).enumerate() {
            let owner = self.owner(enclave).into_word();
            let log = Log {
                topics: &[TEERegistered::SIGNATURE_HASH, self.enclave_id(enclave), owner],
                data: B256::ZERO,
                tx_hash: self.registration_tx(enclave),
                tx_index: index as u64,
                log_index: index as u64,
            };
            place.put(out, &log);
            count += 1;
        }
        for beat in self.heartbeats(number) {
            let log = Log {
                topics: &[HeartbeatReceived::SIGNATURE_HASH, beat.tee_id],
                data: B256::left_padding_from(&beat.timestamp.to_be_bytes()),
                tx_hash: beat.tx_hash,
                tx_index: 0,
                log_index: beat.log_index,
            };
            place.put(out, &log);
            count += 1;
        }
        count
    }

    /// A block, with its transactions whole or by hash.
    pub(crate) fn block(&self, number: u64, whole: bool) -> Option<Value> {
        let hash = self.hash(number)?;
        let transactions = self.transactions(number);
        let hashes = transactions
            .iter()
            .map(|transaction| transaction["hash"].clone())
            .collect();
        let Header {
            parent_hash,
            ommers_hash,
            beneficiary,
            state_root,
            transactions_root,
            receipts_root,
            logs_bloom,
            gas_limit,
            gas_used,
            timestamp,
            mix_hash,
            nonce,
            base_fee_per_gas,
            ..
        } = self.header(number);
        Some(json!({
            "number": quantity(number), "hash": hash, "parentHash": parent_hash, "sha3Uncles": ommers_hash,
            "miner": hex::encode_prefixed(beneficiary), "stateRoot": state_root, "transactionsRoot": transactions_root,
            "receiptsRoot": receipts_root, "logsBloom": logs_bloom, "difficulty": "0x0", "totalDifficulty": "0x0",
            "gasLimit": quantity(gas_limit), "gasUsed": quantity(gas_used), "timestamp": quantity(timestamp),
            "extraData": "0x", "mixHash": mix_hash, "nonce": nonce,
            "baseFeePerGas": quantity(base_fee_per_gas.unwrap_or_default()), "size": "0x400", "uncles": [],
            "transactions": if whole { Value::Array(transactions) } else { Value::Array(hashes) },
        }))
    }

    /// A registration's transaction by its hash; nobody has to ask for those of heartbeats.
    pub(crate) fn transaction(&self, hash: B256) -> Option<Value> {
        let number = (1..self.first_heartbeat_block()).find(|number| {
            let mut enclaves = self.registrations(*number);
            enclaves.any(|enclave| self.registration_tx(enclave) == hash)
        })?;
        let wanted = json!(hash);
        self.transactions(number)
            .into_iter()
            .find(|transaction| transaction["hash"] == wanted)
    }

    fn transactions(&self, number: u64) -> Vec<Value> {
        let registrations = self.registrations(number).map(|enclave| {
            let call = registerTEEWithAttestationCall {
                attestation: Bytes::from(vec![0xa7; 256]),
                key: self.key(enclave),
                certificate: Bytes::from(vec![0x30; 256]),
                payment: self.owner(enclave),
                endpoint: format!("https://enclave-{enclave}.example"),
                teeType: 0,
            };
            (self.registration_tx(enclave), self.owner(enclave), call.abi_encode())
        });
        let beats = self
            .heartbeats(number)
            .next()
            .map(|beat| (beat.tx_hash, RELAYER, vec![0xac, 0x96, 0x50, 0xd8]));
        registrations
            .chain(beats)
            .enumerate()
            .map(|(index, (hash, from, input))| self.envelope(number, index as u64, hash, from, &input))
            .collect()
    }

    fn envelope(&self, number: u64, index: u64, hash: B256, from: Address, input: &[u8]) -> Value {
        json!({
            "blockHash": self.hash(number), "blockNumber": quantity(number), "transactionIndex": quantity(index),
            "hash": hash, "from": hex::encode_prefixed(from), "to": hex::encode_prefixed(REGISTRY),
            "input": hex::encode_prefixed(input), "nonce": quantity(number), "value": "0x0", "gas": "0x5208",
            "gasPrice": "0x3b9aca00", "maxFeePerGas": "0x3b9aca00", "maxPriorityFeePerGas": "0x0", "type": "0x2",
            "accessList": [], "chainId": quantity(CHAIN_ID), "v": "0x0", "yParity": "0x0", "r": hash, "s": hash,
        })
    }
}

pub(crate) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}
