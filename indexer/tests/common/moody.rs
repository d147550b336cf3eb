//! An RPC endpoint as bad as any: between the indexer and the chain, by a seeded schedule.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Anyhow;

/// Requests of ours are small; logs of a range are not.
const MAX_BODY: usize = 64 << 20;
const LONGEST_DELAY_MS: u64 = 60;
/// Blocks by which a stale head lags.
const STALE_BLOCKS: u64 = 6;

/// A random sequence that its seed decides (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// How the endpoint is disposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It passes everything on.
    Calm,
    /// So many requests of a hundred go wrong, each in another way.
    Faulty(u64),
    /// The newest block that it tells of is an older one, now and then.
    Stale,
    /// It answers from the other chain.
    OtherFork,
    /// Nobody answers.
    Dark,
}

struct Shared {
    mood: Mood,
    random: Random,
    /// The chain, and another one that is a fork of it.
    upstreams: [String; 2],
}

/// A listener whose connections end with it.
pub struct Moody {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

impl Moody {
    /// Both upstreams are `http://HOST:PORT`.
    pub async fn start(upstream: &str, other: &str, seed: u64) -> Anyhow<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let strip = |url: &str| url.trim_start_matches("http://").to_owned();
        let shared = Arc::new(Mutex::new(Shared {
            mood: Mood::Calm,
            random: Random::new(seed),
            upstreams: [strip(upstream), strip(other)],
        }));
        let theirs = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = theirs.clone();
                // An error is a connection that broke, by our doing or the client's.
                tokio::spawn(async move { drop(serve(stream, &shared).await) });
            }
        });
        Ok(Self { address, shared, task })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set(&self, mood: Mood) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).mood = mood;
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is done to one request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Delay(u64),
    Drop,
    Truncate,
    RateLimitStatus,
    RateLimitCode,
    BadGateway,
    Html,
    RangeTooLarge(u64),
    Null,
    StaleHead,
    InternalError,
}

impl Shared {
    fn fault(&mut self, method: &str) -> Option<Fault> {
        match self.mood {
            Mood::Calm | Mood::OtherFork => None,
            Mood::Dark => Some(Fault::Drop),
            Mood::Stale => (method == "eth_getBlockByNumber" && self.random.below(3) > 0).then_some(Fault::StaleHead),
            Mood::Faulty(percent) if self.random.below(100) < percent => {
                let delay = Fault::Delay(self.random.below(LONGEST_DELAY_MS));
                let of_logs = Fault::RangeTooLarge(self.random.next());
                Some(match self.random.below(11) {
                    0 | 1 => delay,
                    2 => Fault::Drop,
                    3 => Fault::Truncate,
                    4 => Fault::RateLimitStatus,
                    5 => Fault::RateLimitCode,
                    6 => Fault::BadGateway,
                    7 => Fault::Html,
                    8 if method == "eth_getLogs" => of_logs,
                    9 if method == "eth_getBlockByNumber" => Fault::Null,
                    10 if method == "eth_getBlockByNumber" => Fault::StaleHead,
                    _ => Fault::InternalError,
                })
            }
            Mood::Faulty(_) => None,
        }
    }
}

async fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> Anyhow {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    while let Some(body) = read_message(&mut reading).await? {
        let mut request: Value = serde_json::from_slice(&body)?;
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        let (fault, upstream) = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let upstream = usize::from(shared.mood == Mood::OtherFork);
            (shared.fault(&method), shared.upstreams[upstream].clone())
        };
        let id = request["id"].clone();
        let answer = match fault {
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::RateLimitStatus) => status(429, r#"{"error":"Too Many Requests"}"#),
            Some(Fault::BadGateway) => status(502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
            Some(Fault::Html) => status(200, "<!doctype html><title>Just a moment...</title>"),
            Some(Fault::RateLimitCode) => error(&id, -32005, "daily request count exceeded, request rate limited"),
            Some(Fault::InternalError) => error(&id, -32603, "Internal JSON-RPC error."),
            Some(Fault::RangeTooLarge(form)) => too_large(&id, form),
            Some(Fault::Null) => status(200, &json!({"jsonrpc": "2.0", "id": id, "result": null}).to_string()),
            Some(Fault::Truncate) => {
                let whole = forward(&upstream, &request).await?;
                let answer = status(200, &whole);
                writing
                    .write_all(&answer.as_bytes()[..answer.len() - whole.len() / 2 - 1])
                    .await?;
                return Ok(());
            }
            Some(Fault::StaleHead) => {
                lag(&upstream, &mut request).await?;
                status(200, &forward(&upstream, &request).await?)
            }
            Some(Fault::Delay(ms)) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                status(200, &forward(&upstream, &request).await?)
            }
            None => status(200, &forward(&upstream, &request).await?),
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Asks for an older block where the newest was asked for.
async fn lag(upstream: &str, request: &mut Value) -> Anyhow {
    if request["params"][0] != "latest" {
        return Ok(());
    }
    let head = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
    let answer: Value = serde_json::from_str(&forward(upstream, &head).await?)?;
    let number = answer["result"].as_str().context("no head")?;
    let number = u64::from_str_radix(number.trim_start_matches("0x"), 16)?;
    request["params"][0] = json!(format!("{:#x}", number.saturating_sub(STALE_BLOCKS)));
    Ok(())
}

/// A range that is too large, as the providers put it.
fn too_large(id: &Value, form: u64) -> String {
    match form % 5 {
        0 => error(
            id,
            -32602,
            "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on \
             the response size, or you can request any block range with a cap of 10K logs in the response. Based on your \
             parameters and the response size limit, this block range should work: [0x0, 0x3]",
        ),
        1 => error(
            id,
            -32005,
            "query returned more than 10000 results. Try with this block range [0x0, 0x3].",
        ),
        2 => error(id, -32000, "block range is too wide"),
        3 => error(id, -32614, "eth_getLogs is limited to a 5 range"),
        _ => status(
            413,
            r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"response too large"}}"#,
        ),
    }
}

fn error(id: &Value, code: i64, message: &str) -> String {
    let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    status(200, &body.to_string())
}

fn status(code: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {code} -\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn forward(upstream: &str, request: &Value) -> Anyhow<String> {
    let body = request.to_string();
    let mut stream = TcpStream::connect(upstream).await?;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {upstream}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut stream = BufReader::new(stream);
    let answer = read_message(&mut stream).await?.context("no answer from the chain")?;
    Ok(String::from_utf8(answer)?)
}

/// The body of the next message of a connection; none at its end.
async fn read_message(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Anyhow<Option<Vec<u8>>> {
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
    anyhow::ensure!(length <= MAX_BODY, "a body of {length} bytes");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}
