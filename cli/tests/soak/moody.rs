//! An RPC endpoint as bad as any: between the indexer and the chain, by a seeded schedule.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::common::Anyhow;

const MAX_REQUEST: usize = 1 << 20;
const LONGEST_DELAY_MS: u64 = 80;
/// Blocks by which a lagging endpoint lags at most.
const LONGEST_LAG: u64 = 12;
const LOGS: &str = "eth_getLogs";
const BLOCK: &str = "eth_getBlockByNumber";

/// Who asks too often, in the words of Infura (twice), Alchemy and QuickNode.
const BUSY: [(u16, i64, &str); 4] = [
    (200, -32005, "daily request count exceeded, request rate limited"),
    (429, -32005, "project ID request rate exceeded"),
    (429, 429, "Your app has exceeded its compute units per second capacity."),
    (
        200,
        -32007,
        "100/second request limit reached - reduce calls per second",
    ),
];
/// What goes wrong inside of an endpoint, in the words of most.
const ERRORS: [(i64, &str); 3] = [
    (-32603, "Internal JSON-RPC error."),
    (-32000, "header not found"),
    (-32000, "request timed out"),
];
/// Who asks for too much, in the words of Alchemy, Infura (twice), Ankr and QuickNode.
const TOO_MUCH: [(i64, &str); 5] = [
    (
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the \
         response size, or you can request any block range with a cap of 10K logs in the response. Based on your parameters \
         and the response size limit, this block range should work: [0x0, 0x3]",
    ),
    (
        -32005,
        "query returned more than 10000 results. Try with this block range [0x0, 0x3].",
    ),
    (-32005, "query returned more than 10000 results"),
    (-32000, "block range is too wide"),
    (-32614, "eth_getLogs is limited to a 5 range"),
];
/// Who answers in the endpoint's place.
const PAGES: [(u16, &str); 4] = [
    (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    (503, "upstream connect error or disconnect/reset before headers"),
    (429, "Too Many Requests"),
    (200, "<!doctype html><title>Just a moment...</title>"),
];

/// How the endpoint is disposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It passes everything on.
    Calm,
    /// So many requests of a hundred go wrong, each in another way.
    Faulty(u64),
    /// Some of its nodes do not have the newest blocks yet.
    Lagging,
    /// It answers from the other chain.
    OtherFork,
    /// Some of its nodes follow the one chain, the others the other.
    Torn,
    /// Nobody answers.
    Dark,
}

/// What is done to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Delay,
    Drop,
    Truncate,
    Page,
    Busy,
    Error,
    TooMuch,
    Null,
    NoBatch,
}

/// What is done with a request, all of it decided at once.
struct Verdict {
    fault: Option<Fault>,
    /// Which of a fault's forms.
    form: usize,
    fork: bool,
    lag: u64,
}

struct Shared {
    mood: Mood,
    random: StdRng,
    met: BTreeMap<String, u64>,
}

impl Shared {
    fn judge(&mut self, request: &Value) -> Verdict {
        let random = &mut self.random;
        let mut verdict = Verdict {
            fault: None,
            form: random.random_range(0..60),
            fork: false,
            lag: 0,
        };
        match self.mood {
            Mood::Calm => {}
            Mood::Faulty(percent) => {
                let hit = random.random_range(0..100) < percent;
                verdict.fault = if hit {
                    possible(request).choose(random).copied()
                } else {
                    None
                };
            }
            Mood::Lagging => verdict.lag = [0, 1, 3, LONGEST_LAG].choose(random).copied().unwrap_or_default(),
            Mood::OtherFork => verdict.fork = true,
            Mood::Torn => verdict.fork = random.random_range(0..2) == 0,
            Mood::Dark => verdict.fault = Some(Fault::Drop),
        }
        let name = match (verdict.fault, verdict.fork, verdict.lag) {
            (Some(fault), ..) => format!("{fault:?}"),
            (None, true, _) => "OtherFork".to_owned(),
            (None, false, 1..) => "Lag".to_owned(),
            (None, false, 0) => "None".to_owned(),
        };
        *self.met.entry(name).or_default() += 1;
        verdict
    }
}

fn possible(request: &Value) -> Vec<Fault> {
    let mut faults = vec![
        Fault::Delay,
        Fault::Delay,
        Fault::Drop,
        Fault::Truncate,
        Fault::Page,
        Fault::Busy,
        Fault::Error,
    ];
    let asks = |method: &str| calls(request).iter().any(|call| call["method"] == method);
    faults.extend(asks(LOGS).then_some(Fault::TooMuch));
    faults.extend(asks(BLOCK).then_some(Fault::Null));
    faults.extend(request.is_array().then_some(Fault::NoBatch));
    faults
}

/// A listener whose connections end with it.
pub(crate) struct Moody {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

impl Moody {
    pub(crate) async fn start(chain: String, other: String, seed: u64) -> Anyhow<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared {
            mood: Mood::Calm,
            random: StdRng::seed_from_u64(seed),
            met: BTreeMap::new(),
        }));
        let proxy = Arc::new(Proxy {
            shared: shared.clone(),
            client: Client::new(),
            upstreams: [chain, other],
        });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = proxy.clone();
                // An error is a connection that broke, by our doing or the client's.
                tokio::spawn(async move { drop(proxy.serve(stream).await) });
            }
        });
        Ok(Self { address, shared, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        lock(&self.shared).mood = mood;
    }

    /// How many requests met which fault.
    pub(crate) fn met(&self) -> BTreeMap<String, u64> {
        lock(&self.shared).met.clone()
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Proxy {
    shared: Arc<Mutex<Shared>>,
    client: Client,
    /// The chain, and another one that is a fork of it.
    upstreams: [String; 2],
}

impl Proxy {
    async fn serve(&self, stream: TcpStream) -> Anyhow {
        let (reading, mut writing) = stream.into_split();
        let mut reading = BufReader::new(reading);
        while let Some(body) = read_request(&mut reading).await? {
            let request: Value = serde_json::from_slice(&body)?;
            let verdict = lock(&self.shared).judge(&request);
            let answer = match verdict.fault {
                Some(Fault::Drop) => return Ok(()),
                Some(Fault::Page) => {
                    let (status, page) = one(&PAGES, &verdict);
                    http(status, page)
                }
                Some(Fault::Busy) => {
                    let (status, code, message) = one(&BUSY, &verdict);
                    let refuse = |call: &Value| refusal(&call["id"], code, message);
                    http(status, &whole(&request, calls(&request).iter().map(refuse).collect()))
                }
                Some(Fault::NoBatch) => http(
                    200,
                    &refusal(&Value::Null, -32600, "batches are not served").to_string(),
                ),
                Some(fault) => {
                    if fault == Fault::Delay {
                        let delay = lock(&self.shared).random.random_range(0..LONGEST_DELAY_MS);
                        tokio::time::sleep(Duration::from_millis(delay)).await;
                    }
                    self.answer(&request, &verdict).await?
                }
                None => self.answer(&request, &verdict).await?,
            };
            if verdict.fault == Some(Fault::Truncate) {
                let end = answer.len() - 1 - verdict.form % (answer.len() / 2);
                writing.write_all(&answer.as_bytes()[..end]).await?;
                return Ok(());
            }
            writing.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    }

    async fn answer(&self, request: &Value, verdict: &Verdict) -> Anyhow<String> {
        let mut answers = Vec::new();
        for call in calls(request) {
            answers.push(self.answer_call(call, verdict).await?);
        }
        Ok(http(200, &whole(request, answers)))
    }

    async fn answer_call(&self, call: &Value, verdict: &Verdict) -> Anyhow<Value> {
        let id = &call["id"];
        let refused = match (verdict.fault, call["method"].as_str()) {
            (Some(Fault::Error), _) => Some(one(&ERRORS, verdict)),
            (Some(Fault::TooMuch), Some(LOGS)) => Some(one(&TOO_MUCH, verdict)),
            (Some(Fault::Null), Some(BLOCK)) => return Ok(result(id, Value::Null)),
            _ => None,
        };
        if let Some((code, message)) = refused {
            return Ok(refusal(id, code, message));
        }
        let upstream = &self.upstreams[usize::from(verdict.fork)];
        if verdict.lag != 0 && call["method"] == BLOCK {
            return self.lagging(upstream, call, verdict.lag).await;
        }
        self.forward(upstream, call).await
    }

    /// A block as a node tells of it that does not have the newest.
    async fn lagging(&self, upstream: &str, call: &Value, lag: u64) -> Anyhow<Value> {
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
        let answer = self.forward(upstream, &ask).await?;
        let head = quantity(&answer["result"]).context("no head")?.saturating_sub(lag);
        let mut call = call.clone();
        if call["params"][0] == "latest" {
            call["params"][0] = json!(format!("{head:#x}"));
        } else if quantity(&call["params"][0]).is_some_and(|number| number > head) {
            return Ok(result(&call["id"], Value::Null));
        }
        self.forward(upstream, &call).await
    }

    async fn forward(&self, upstream: &str, call: &Value) -> Anyhow<Value> {
        Ok(self.client.post(upstream).json(call).send().await?.json().await?)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn one<T: Copy>(forms: &[T], verdict: &Verdict) -> T {
    forms[verdict.form % forms.len()]
}

fn calls(request: &Value) -> &[Value] {
    request.as_array().map_or(std::slice::from_ref(request), Vec::as_slice)
}

/// The answers in the form of the request: in a list if it was one.
fn whole(request: &Value, mut answers: Vec<Value>) -> String {
    if request.is_array() {
        return Value::Array(answers).to_string();
    }
    answers.pop().unwrap_or_default().to_string()
}

fn result(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn refusal(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

fn http(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The body of the next request of a connection; none at its end.
async fn read_request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Anyhow<Option<Vec<u8>>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    anyhow::ensure!(length <= MAX_REQUEST, "a request of {length} bytes");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}
