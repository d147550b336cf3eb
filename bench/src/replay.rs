//! Serves the recorded chain over JSON-RPC as a provider would: with a cap on logs, with latency, and counting.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use alloy::primitives::B256;
use alloy::sol_types::SolEvent;
use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::recording::{CHAIN_ID, HeartbeatReceived, REGISTRY, Recording, TEERegistered};
use crate::wire::quantity;

/// Logs that one answer may hold.
pub const MAX_LOGS: u64 = 10_000;
/// Blocks below the head that are not final.
const FINALITY_DEPTH: u64 = 64;
const MAX_BODY_BYTES: usize = 4 << 20;

const INVALID_PARAMS: i64 = -32602;
const METHOD_NOT_FOUND: i64 = -32601;
/// Infura's code for a range that holds too much; others use it for rate limits.
const LIMIT_EXCEEDED: i64 = -32005;

/// The server of one recording; it stops with its handle.
pub struct Replay {
    url: String,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    recording: Arc<Recording>,
    latency: Duration,
    requests: AtomicU64,
    calls: Mutex<BTreeMap<String, u64>>,
    first_logs: Mutex<Option<Instant>>,
}

/// What was asked of the server.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// HTTP requests, a batch being one.
    pub requests: u64,
    /// JSON-RPC calls by method.
    pub calls: BTreeMap<String, u64>,
    /// When logs were first asked for.
    pub first_logs: Option<Instant>,
}

impl Replay {
    /// Starts serving at a free port of the loopback interface, or at the one given; every answer is delayed by `latency`.
    pub async fn start(recording: Arc<Recording>, latency: Duration, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))
            .await
            .with_context(|| format!("listen on port {port}"))?;
        let url = format!("http://{}", listener.local_addr().context("find the port")?);
        let listener = listener.tap_io(|stream| {
            // Only slower without.
            let _ = stream.set_nodelay(true);
        });
        let shared = Arc::new(Shared {
            recording,
            latency,
            requests: AtomicU64::new(0),
            calls: Mutex::default(),
            first_logs: Mutex::default(),
        });
        let router = Router::new()
            .route("/", post(serve))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, shared, task })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked since the last time.
    pub fn take(&self) -> Asked {
        Asked {
            requests: self.shared.requests.swap(0, Ordering::Relaxed),
            calls: std::mem::take(&mut *lock(&self.shared.calls)),
            first_logs: lock(&self.shared.first_logs).take(),
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    method: String,
    #[serde(default)]
    params: Vec<Value>,
}

/// A failed call: code, message, data.
#[derive(Debug)]
struct Refusal(i64, String, Value);

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal(INVALID_PARAMS, message.into(), Value::Null)
}

/// Pieces of JSON, so that logs are sent from where they lie.
enum Answer {
    Value(Value),
    Logs(Bytes),
}

async fn serve(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let mut pieces = Vec::new();
    if body.trim_ascii_start().starts_with(b"[") {
        let Ok(calls) = serde_json::from_slice::<Vec<Call<'_>>>(&body) else {
            return unreadable();
        };
        pieces.push(Bytes::from_static(b"["));
        for (index, call) in calls.iter().enumerate() {
            if index > 0 {
                pieces.push(Bytes::from_static(b","));
            }
            answer(&shared, call, &mut pieces);
        }
        pieces.push(Bytes::from_static(b"]"));
    } else {
        let Ok(call) = serde_json::from_slice::<Call<'_>>(&body) else {
            return unreadable();
        };
        answer(&shared, &call, &mut pieces);
    }
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let stream = futures::stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>));
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

fn unreadable() -> Response {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#;
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn answer(shared: &Shared, call: &Call<'_>, pieces: &mut Vec<Bytes>) {
    *lock(&shared.calls).entry(call.method.clone()).or_default() += 1;
    let id = call.id.get();
    match result(shared, call) {
        Ok(Answer::Value(value)) => {
            pieces.push(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#).into());
        }
        Ok(Answer::Logs(logs)) => {
            pieces.push(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":["#).into());
            pieces.push(logs);
            pieces.push(Bytes::from_static(b"]}"));
        }
        Err(Refusal(code, message, data)) => {
            let mut error = json!({ "code": code, "message": message });
            if !data.is_null() {
                error["data"] = data;
            }
            pieces.push(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into());
        }
    }
}

fn result(shared: &Shared, call: &Call<'_>) -> Result<Answer, Refusal> {
    let recording = &*shared.recording;
    let parameter = |index: usize| call.params.get(index).unwrap_or(&Value::Null);
    let value = match call.method.as_str() {
        "eth_getLogs" => {
            lock(&shared.first_logs).get_or_insert_with(Instant::now);
            return logs(recording, parameter(0)).map(Answer::Logs);
        }
        "eth_chainId" => json!(quantity(CHAIN_ID)),
        "net_version" => json!(CHAIN_ID.to_string()),
        "web3_clientVersion" => json!("replay"),
        "eth_syncing" => json!(false),
        "eth_blockNumber" => json!(quantity(recording.head())),
        "eth_getBlockByNumber" => {
            let number = number(recording, parameter(0))?;
            json!(recording.block(number, parameter(1) == &json!(true)))
        }
        "eth_getBlockByHash" => {
            let known = recording.number_of(hash(parameter(0))?);
            json!(known.and_then(|number| recording.block(number, parameter(1) == &json!(true))))
        }
        "eth_getTransactionByHash" => json!(recording.transaction(hash(parameter(0))?)),
        "eth_getCode" => json!("0x60016000"),
        "eth_call" => return Err(Refusal(3, "execution reverted".into(), json!("0x"))),
        method => {
            let message = format!("the method {method} does not exist/is not available");
            return Err(Refusal(METHOD_NOT_FOUND, message, Value::Null));
        }
    };
    Ok(Answer::Value(value))
}

fn number(recording: &Recording, value: &Value) -> Result<u64, Refusal> {
    match value.as_str() {
        Some("latest" | "pending") => Ok(recording.head()),
        Some("finalized" | "safe") => Ok(recording.head() - FINALITY_DEPTH),
        Some("earliest") => Ok(0),
        Some(text) => text
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| invalid(format!("not a block number: {text}"))),
        None => Err(invalid("a block number is missing")),
    }
}

fn hash(value: &Value) -> Result<B256, Refusal> {
    let text = value.as_str().ok_or_else(|| invalid("a hash is missing"))?;
    text.parse().map_err(|_| invalid(format!("not a hash: {text}")))
}

/// Blocks come in two kinds, first those that hold registrations only, then those that hold heartbeats only; so a filter
/// by event cuts the range, and every answer is one piece of the recording.
fn logs(recording: &Recording, filter: &Value) -> Result<Bytes, Refusal> {
    let block = &filter["blockHash"];
    let (asked_from, asked_to) = if block.is_null() {
        (
            number(recording, &filter["fromBlock"])?,
            number(recording, &filter["toBlock"])?,
        )
    } else {
        let number = recording
            .number_of(hash(block)?)
            .ok_or_else(|| Refusal(-32000, "unknown block".into(), Value::Null))?;
        (number, number)
    };
    if asked_from > asked_to {
        return Err(invalid("invalid block range params"));
    }
    let first = recording.first_heartbeat_block();
    let (mut from, mut to) = (asked_from, asked_to.min(recording.head()));
    if !wants(&filter["topics"][0], TEERegistered::SIGNATURE_HASH) {
        from = from.max(first);
    }
    if !wants(&filter["topics"][0], HeartbeatReceived::SIGNATURE_HASH) {
        to = to.min(first - 1);
    }
    if from > to || !wants_registry(&filter["address"]) {
        return Ok(Bytes::new());
    }
    if filter["topics"]
        .as_array()
        .is_some_and(|topics| topics.len() > 1 && topics[1..].iter().any(|topic| !topic.is_null()))
    {
        return Err(invalid("the recording answers filters by contract and event only"));
    }
    if recording.count(from, to) > MAX_LOGS {
        let (fits_from, fits_to) = (quantity(asked_from), quantity(recording.reach(from, MAX_LOGS)));
        let message =
            format!("query returned more than {MAX_LOGS} results. Try with this block range [{fits_from}, {fits_to}].");
        let data = json!({ "from": fits_from, "to": fits_to, "limit": MAX_LOGS });
        return Err(Refusal(LIMIT_EXCEEDED, message, data));
    }
    Ok(recording.logs(from, to))
}

fn wants(topic: &Value, signature: B256) -> bool {
    if let Some(any) = topic.as_array() {
        return any.is_empty() || any.iter().any(|topic| !topic.is_null() && wants(topic, signature));
    }
    topic.is_null() || topic.as_str().is_some_and(|text| text.parse() == Ok(signature))
}

fn wants_registry(address: &Value) -> bool {
    if let Some(any) = address.as_array() {
        return any.is_empty() || any.iter().any(wants_registry);
    }
    address.is_null() || address.as_str().is_some_and(|text| text.parse() == Ok(REGISTRY))
}
