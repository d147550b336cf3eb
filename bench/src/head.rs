//! At the head: how long after a block is mined its rows are visible.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use alloy::primitives::{B256, hex};
use alloy::sol_types::SolEvent;
use anyhow::{Context, ensure};
use plumbline_devnet::{Chain, ChainOptions, Postgres};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::database;
use crate::program::Program;
use crate::recording::{HeartbeatReceived, REGISTRY, RELAY};

const DATABASE: &str = "bench_head";
/// Blocks that are measured, and those before them that are not.
const BLOCKS: u32 = 300;
const WARM_UP_BLOCKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The pause varies by so much, lest blocks keep step with anybody's clock.
const PAUSE_STEP: Duration = Duration::from_millis(7);
const LOOK_PAUSE: Duration = Duration::from_millis(1);
const ROW_TIMEOUT: Duration = Duration::from_secs(60);

/// Milliseconds from the request to mine a block until its row is visible to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    max: f64,
}

impl Head {
    pub(crate) fn to_json(self) -> Value {
        let round = |ms: f64| (ms * 10.0).round() / 10.0;
        json!({ "p50": round(self.p50), "p99": round(self.p99), "max": round(self.max), "blocks": BLOCKS })
    }
}

/// Code that emits `HeartbeatReceived` with the two words of its calldata.
fn emitter() -> String {
    // calldatacopy(0, 32, 32), then log2(0, 32, signature, calldataload(0)), then stop.
    format!(
        "0x602060206000376000357f{}60206000a200",
        hex::encode(HeartbeatReceived::SIGNATURE_HASH)
    )
}

/// Measures on a local chain whose blocks are mined on demand.
pub(crate) async fn measure(root: &Path, postgres: &Postgres, plumbline: &Path) -> anyhow::Result<Head> {
    let chain = Chain::start(&ChainOptions {
        args: vec!["--no-mining".into()],
        ..Default::default()
    })?;
    let node = Node {
        client: reqwest::Client::new(),
        url: chain.http_url(),
    };
    node.call("anvil_setCode", json!([REGISTRY, emitter()])).await?;
    node.call("anvil_setCode", json!([RELAY, "0x00"])).await?;
    node.call("evm_mine", json!([])).await?;
    let mut db = database::anew(postgres, DATABASE).await?;
    let mut command = Command::new(plumbline);
    command
        .arg("index")
        .arg("--deployment")
        .arg(deployment(root, &node).await?);
    command.args(["--rpc-url", &chain.http_url(), "--ws-url", &chain.ws_url()]);
    command.args([
        "--database-url",
        &postgres.tcp_url(DATABASE).context("the server listens on TCP")?,
    ]);
    let mut program = Program::start("head", &mut command, &root.join("target/bench/logs"))?;
    let mut latencies = Vec::new();
    for block in 0..WARM_UP_BLOCKS + BLOCKS {
        node.beat(block).await?;
        tokio::time::sleep(PAUSE + PAUSE_STEP * (block % 11)).await;
        let began = Instant::now();
        node.call("evm_mine", json!([])).await?;
        let number = node.call("eth_blockNumber", json!([])).await?;
        let number = u64::from_str_radix(number.as_str().unwrap_or_default().trim_start_matches("0x"), 16)?;
        let query = format!("select 1 from heartbeat_received where block_number = {number}");
        if block == 0 {
            // The tables are not there yet.
            program.wait_for(&mut db, &query).await?;
        }
        wait(&mut db, &query).await?;
        if block >= WARM_UP_BLOCKS {
            latencies.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    program.stop();
    latencies.sort_by(f64::total_cmp);
    let quantile = |part: f64| latencies[((latencies.len() - 1) as f64 * part).round() as usize];
    Ok(Head {
        p50: quantile(0.5),
        p99: quantile(0.99),
        max: quantile(1.0),
    })
}

async fn wait(db: &mut PgConnection, query: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while sqlx::raw_sql(AssertSqlSafe(query))
        .fetch_optional(&mut *db)
        .await
        .context("look for a row")?
        .is_none()
    {
        ensure!(began.elapsed() < ROW_TIMEOUT, "no row within {ROW_TIMEOUT:?}: {query}");
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Ok(())
}

async fn deployment(root: &Path, node: &Node) -> anyhow::Result<std::path::PathBuf> {
    let block = node.call("eth_getBlockByNumber", json!(["0x1", false])).await?;
    let path = root.join("target/bench/head.json");
    let text = json!({
        "source": "opengradient", "chain_id": 31_337,
        "block": { "number": 1, "hash": block["hash"] },
        "registry": REGISTRY, "relay": RELAY,
        "native_token": { "symbol": "ETH", "decimals": 18 },
        "heartbeat": { "interval_seconds": 900, "max_age_seconds": 1_800 },
        "period": { "slot_seconds": 900, "slots": 96 },
    });
    fs::create_dir_all(root.join("target/bench")).context("make target/bench")?;
    fs::write(&path, format!("{text:#}\n")).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// The chain, asked by hand.
struct Node {
    client: reqwest::Client,
    url: String,
}

impl Node {
    async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.client.post(&self.url).json(&request).send().await;
        let mut answer: Value = answer.with_context(|| format!("call {method}"))?.json().await?;
        ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        Ok(answer["result"].take())
    }

    /// Sends one heartbeat, for the next block.
    async fn beat(&self, number: u32) -> anyhow::Result<()> {
        let accounts = self.call("eth_accounts", json!([])).await?;
        let words = [
            B256::left_padding_from(&number.to_be_bytes()),
            B256::left_padding_from(&1_800_000_000_u64.to_be_bytes()),
        ];
        let transaction = json!({
            "from": accounts[0], "to": REGISTRY, "gas": "0x186a0", "data": hex::encode_prefixed(words.concat()),
        });
        self.call("eth_sendTransaction", json!([transaction])).await?;
        Ok(())
    }
}
