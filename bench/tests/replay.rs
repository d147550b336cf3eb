//! The recorded chain, asked as indexers ask.

use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{B256, Bloom, BloomInput};
use alloy::rpc::types::{Block, Log, Transaction};
use alloy::sol_types::SolEvent;
use plumbline_bench::recording::{HeartbeatReceived, Plan, REGISTRY, Recording, TEERegistered};
use plumbline_bench::replay::{MAX_LOGS, Replay};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn recording() -> Arc<Recording> {
    Arc::new(Recording::make(Plan::dense(12_000)))
}

/// A server and one client of it.
struct Served {
    replay: Replay,
    client: reqwest::Client,
}

async fn serve(recording: &Arc<Recording>) -> anyhow::Result<Served> {
    plumbline_protocol::rpc::install_tls();
    Ok(Served {
        replay: Replay::start(recording.clone(), Duration::ZERO, 0).await?,
        client: reqwest::Client::new(),
    })
}

impl Served {
    async fn post(&self, body: Value) -> anyhow::Result<Value> {
        let request = self.client.post(self.replay.url()).json(&body);
        Ok(request.send().await?.json().await?)
    }

    async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(body).await
    }

    async fn result<T: DeserializeOwned>(&self, method: &str, params: Value) -> anyhow::Result<T> {
        let mut answer = self.call(method, params).await?;
        Ok(serde_json::from_value(answer["result"].take())?)
    }

    async fn logs(&self, filter: Value) -> anyhow::Result<Vec<Log>> {
        self.result("eth_getLogs", json!([filter])).await
    }
}

#[tokio::test]
async fn headers_hash_to_their_hash_and_link_to_their_parents() -> anyhow::Result<()> {
    let recording = recording();
    let served = serve(&recording).await?;
    let mut parent = B256::ZERO;
    for number in 0..=recording.head() {
        let params = json!([format!("{number:#x}"), true]);
        let block: Block = served.result("eth_getBlockByNumber", params).await?;
        let header: Header = block.header.inner;
        assert_eq!(header.hash_slow(), block.header.hash);
        assert_eq!(header.parent_hash, parent);
        parent = block.header.hash;
    }
    Ok(())
}

#[tokio::test]
async fn logs_are_those_that_were_recorded_and_their_blooms_show_them() -> anyhow::Result<()> {
    let recording = recording();
    let served = serve(&recording).await?;
    let heartbeats: Vec<_> = recording.all_heartbeats().collect();
    assert!(heartbeats.len() >= 12_000);
    let (mut found, mut from) = (Vec::new(), 0);
    while from <= recording.head() {
        let to = recording.reach(from, MAX_LOGS);
        let filter = json!({
            "address": [REGISTRY], "topics": [[HeartbeatReceived::SIGNATURE_HASH]],
            "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
        });
        found.extend(served.logs(filter).await?);
        from = to + 1;
    }
    assert_eq!(found.len(), heartbeats.len());
    for (log, heartbeat) in found.iter().zip(&heartbeats) {
        let event = HeartbeatReceived::decode_log_validate(&log.inner)?;
        assert_eq!(log.block_number, Some(heartbeat.block_number));
        assert_eq!(log.block_hash, recording.hash(heartbeat.block_number));
        assert_eq!(log.log_index, Some(heartbeat.log_index));
        assert_eq!(log.transaction_hash, Some(heartbeat.tx_hash));
        assert_eq!(event.teeId, heartbeat.tee_id);
        assert_eq!(event.timestamp, alloy::primitives::U256::from(heartbeat.timestamp));
        assert!(log.block_timestamp.is_some_and(|time| time >= heartbeat.timestamp));
    }
    let last = heartbeats.last().unwrap();
    let params = json!([recording.hash(last.block_number), false]);
    let block: Block = served.result("eth_getBlockByHash", params).await?;
    let bloom: Bloom = block.header.logs_bloom;
    assert!(bloom.contains_input(BloomInput::Raw(REGISTRY.as_slice())));
    assert!(bloom.contains_input(BloomInput::Raw(last.tee_id.as_slice())));
    assert_eq!(block.transactions.hashes().collect::<Vec<_>>(), [last.tx_hash]);
    Ok(())
}

#[tokio::test]
async fn a_range_of_too_many_logs_is_refused_with_one_that_fits() -> anyhow::Result<()> {
    let recording = recording();
    let served = serve(&recording).await?;
    let everything = json!([{ "fromBlock": "0x0", "toBlock": "latest" }]);
    let refused = served.call("eth_getLogs", everything).await?;
    assert_eq!(refused["error"]["code"], json!(-32005));
    let data = &refused["error"]["data"];
    let fitting = json!({ "fromBlock": data["from"], "toBlock": data["to"] });
    let fitting = served.logs(fitting).await?;
    assert!(fitting.len() as u64 <= MAX_LOGS);
    assert!(fitting.len() as u64 > MAX_LOGS - 200);
    Ok(())
}

#[tokio::test]
async fn registrations_are_found_by_event_by_block_and_by_transaction() -> anyhow::Result<()> {
    let recording = recording();
    let served = serve(&recording).await?;
    let filter = json!({ "topics": [TEERegistered::SIGNATURE_HASH], "fromBlock": "0x0", "toBlock": "latest" });
    let registered = served.logs(filter).await?;
    assert_eq!(registered.len(), 1_000);
    let of_block = served.logs(json!({ "blockHash": registered[0].block_hash })).await?;
    assert_eq!(of_block, registered[..of_block.len()]);
    let params = json!([registered[999].transaction_hash]);
    let transaction: Transaction = served.result("eth_getTransactionByHash", params).await?;
    assert_eq!(transaction.block_number, registered[999].block_number);
    Ok(())
}

#[tokio::test]
async fn batches_are_answered_in_one_and_all_calls_are_counted() -> anyhow::Result<()> {
    let recording = recording();
    let served = serve(&recording).await?;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": [] },
        { "jsonrpc": "2.0", "id": "x", "method": "eth_nothing", "params": [] },
    ]);
    let answers = served.post(batch).await?;
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": 7, "result": "0x29f4" }));
    assert_eq!(answers[1]["error"]["code"], json!(-32601));
    let asked = served.replay.take();
    assert_eq!(
        (asked.requests, asked.calls["eth_chainId"], asked.calls["eth_nothing"]),
        (1, 1, 1)
    );
    assert_eq!(served.replay.take().requests, 0);
    Ok(())
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
