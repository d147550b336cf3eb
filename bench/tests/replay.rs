//! The recorded chain, asked as indexers ask.

use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{B256, Bloom, BloomInput};
use alloy::rpc::types::{Block, Log};
use alloy::sol_types::SolEvent;
use plumbline_bench::recording::{HeartbeatReceived, Plan, REGISTRY, Recording, TEERegistered};
use plumbline_bench::replay::{MAX_LOGS, Replay};
use serde_json::{Value, json};

fn recording() -> Arc<Recording> {
    Arc::new(Recording::make(Plan::dense(12_000)))
}

/// A server and one client of it.
struct Served {
    replay: Replay,
    client: reqwest::Client,
}

async fn serve(recording: &Arc<Recording>) -> Served {
    plumbline_protocol::rpc::install_tls();
    Served {
        replay: Replay::start(recording.clone(), Duration::ZERO, 0).await.unwrap(),
        client: reqwest::Client::new(),
    }
}

async fn post(served: &Served, body: Value) -> Value {
    let request = served.client.post(served.replay.url()).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

async fn call(served: &Served, method: &str, params: Value) -> Value {
    post(
        served,
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }),
    )
    .await
}

async fn logs(served: &Served, filter: Value) -> Vec<Log> {
    serde_json::from_value(call(served, "eth_getLogs", json!([filter])).await["result"].clone()).unwrap()
}

#[tokio::test]
async fn headers_hash_to_their_hash_and_link_to_their_parents() {
    let recording = recording();
    let served = serve(&recording).await;
    let mut parent = B256::ZERO;
    for number in 0..=recording.head() {
        let answer = call(&served, "eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await;
        let block: Block = serde_json::from_value(answer["result"].clone()).unwrap();
        let header: Header = block.header.inner;
        assert_eq!(header.hash_slow(), block.header.hash);
        assert_eq!(header.parent_hash, parent);
        parent = block.header.hash;
    }
}

#[tokio::test]
async fn logs_are_those_that_were_recorded_and_their_blooms_show_them() {
    let recording = recording();
    let served = serve(&recording).await;
    let heartbeats: Vec<_> = recording.all_heartbeats().collect();
    assert!(heartbeats.len() >= 12_000);
    let (mut found, mut from) = (Vec::new(), 0);
    while from <= recording.head() {
        let to = recording.reach(from, MAX_LOGS);
        let filter = json!({
            "address": [REGISTRY], "topics": [[HeartbeatReceived::SIGNATURE_HASH]],
            "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
        });
        found.extend(logs(&served, filter).await);
        from = to + 1;
    }
    assert_eq!(found.len(), heartbeats.len());
    for (log, heartbeat) in found.iter().zip(&heartbeats) {
        let event = HeartbeatReceived::decode_log_validate(&log.inner).unwrap();
        assert_eq!(log.block_number, Some(heartbeat.block_number));
        assert_eq!(log.block_hash, recording.hash(heartbeat.block_number));
        assert_eq!(log.log_index, Some(heartbeat.log_index));
        assert_eq!(log.transaction_hash, Some(heartbeat.tx_hash));
        assert_eq!(event.teeId, heartbeat.tee_id);
        assert_eq!(event.timestamp, alloy::primitives::U256::from(heartbeat.timestamp));
        assert!(log.block_timestamp.is_some_and(|time| time >= heartbeat.timestamp));
    }
    let last = heartbeats.last().unwrap();
    let answer = call(
        &served,
        "eth_getBlockByHash",
        json!([recording.hash(last.block_number), false]),
    )
    .await;
    let block: Block = serde_json::from_value(answer["result"].clone()).unwrap();
    let bloom: Bloom = block.header.logs_bloom;
    assert!(bloom.contains_input(BloomInput::Raw(REGISTRY.as_slice())));
    assert!(bloom.contains_input(BloomInput::Raw(last.tee_id.as_slice())));
    assert_eq!(block.transactions.hashes().collect::<Vec<_>>(), [last.tx_hash]);
}

#[tokio::test]
async fn a_range_of_too_many_logs_is_refused_with_one_that_fits() {
    let recording = recording();
    let served = serve(&recording).await;
    let refused = call(
        &served,
        "eth_getLogs",
        json!([{ "fromBlock": "0x0", "toBlock": "latest" }]),
    )
    .await;
    assert_eq!(refused["error"]["code"], json!(-32005));
    let data = &refused["error"]["data"];
    let fitting = logs(&served, json!({ "fromBlock": data["from"], "toBlock": data["to"] })).await;
    assert!(fitting.len() as u64 <= MAX_LOGS);
    assert!(fitting.len() as u64 > MAX_LOGS - 200);
}

#[tokio::test]
async fn registrations_are_found_by_event_by_block_and_by_transaction() {
    let recording = recording();
    let served = serve(&recording).await;
    let filter = json!({ "topics": [TEERegistered::SIGNATURE_HASH], "fromBlock": "0x0", "toBlock": "latest" });
    let registered = logs(&served, filter).await;
    assert_eq!(registered.len(), 1_000);
    let of_block = logs(&served, json!({ "blockHash": registered[0].block_hash })).await;
    assert_eq!(of_block, registered[..of_block.len()]);
    let answer = call(
        &served,
        "eth_getTransactionByHash",
        json!([registered[999].transaction_hash]),
    )
    .await;
    let transaction: alloy::rpc::types::Transaction = serde_json::from_value(answer["result"].clone()).unwrap();
    assert_eq!(transaction.block_number, registered[999].block_number);
}

#[tokio::test]
async fn batches_are_answered_in_one_and_all_calls_are_counted() {
    let recording = recording();
    let served = serve(&recording).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": [] },
        { "jsonrpc": "2.0", "id": "x", "method": "eth_nothing", "params": [] },
    ]);
    let answers = post(&served, batch).await;
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 7, "result": "0x29f4" }));
    assert_eq!(answers[1]["error"]["code"], json!(-32601));
    let asked = served.replay.take();
    assert_eq!(
        (asked.requests, asked.calls["eth_chainId"], asked.calls["eth_nothing"]),
        (1, 1, 1)
    );
    assert_eq!(served.replay.take().requests, 0);
}

#[test]
fn a_recording_without_block_times_in_its_logs_is_the_same_chain() {
    let plan = Plan::sparse(2_000);
    let timed = Recording::make(plan);
    let untimed = Recording::make(Plan { timed: false, ..plan });
    assert_eq!(timed.hash(timed.head()), untimed.hash(untimed.head()));
    assert!(
        timed
            .logs(0, timed.head())
            .windows(14)
            .any(|text| text == b"blockTimestamp")
    );
    assert!(
        !untimed
            .logs(0, untimed.head())
            .windows(14)
            .any(|text| text == b"blockTimestamp")
    );
}
