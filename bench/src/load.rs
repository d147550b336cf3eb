//! Load over kept-alive connections: how many requests a server holds, and how long their answers take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CONNECTIONS: u64 = 16;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);
/// What counts as held: 99 of 100 answers within it, and no more than one in fifty requests not yet sent at the end.
pub(crate) const P99_LIMIT: Duration = Duration::from_millis(10);
const LEAST_SENT: f64 = 0.98;
/// Rates that are tried, as parts of the most that a server answers without pause.
const PARTS: [f64; 6] = [0.9, 0.75, 0.6, 0.4, 0.2, 0.1];

/// What is asked again and again.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: Method,
    /// Asked for by turns.
    pub(crate) paths: Vec<String>,
    /// JSON, by turns; empty for none.
    pub(crate) bodies: Vec<String>,
}

impl Question {
    pub(crate) fn get(paths: Vec<String>) -> Self {
        let bodies = vec![String::new()];
        Self {
            method: Method::GET,
            paths,
            bodies,
        }
    }

    /// The request of a turn.
    fn request(&self, server: SocketAddr, turn: usize) -> anyhow::Result<Request<Full<Bytes>>> {
        Request::builder()
            .method(self.method.clone())
            .uri(&self.paths[turn % self.paths.len()])
            .header(HOST, server.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(self.bodies[turn % self.bodies.len()].clone()))
            .context("make a request")
    }
}

/// How a server answered at one rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// The limits were kept.
    pub(crate) within_limits: bool,
}

/// The highest rate that the server holds; where it holds none, how it answers at the lowest that was tried.
pub(crate) async fn highest(server: SocketAddr, question: &Question) -> anyhow::Result<Held> {
    drive(server, question, None, WARM_UP).await?;
    let most = drive(server, question, None, MEASURED).await?;
    let mut held = most;
    for part in PARTS {
        held = drive(server, question, Some(most.requests_per_s * part), MEASURED).await?;
        if held.within_limits {
            break;
        }
    }
    Ok(held)
}

/// Asks at a fixed rate, or with a new question on each answer. Time counts from when a request was due, also when no
/// connection was free then.
async fn drive(server: SocketAddr, question: &Question, rate: Option<f64>, time: Duration) -> anyhow::Result<Held> {
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CONNECTIONS {
        let (next, question) = (next.clone(), question.clone());
        workers.spawn(async move {
            let mut connection = connect(server).await?;
            let mut latencies = Vec::new();
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let due = match rate {
                    Some(rate) => start + Duration::from_secs_f64(turn as f64 / rate),
                    None => Instant::now(),
                };
                if due >= start + time || start.elapsed() >= time {
                    return anyhow::Ok(latencies);
                }
                tokio::time::sleep_until(due.into()).await;
                ask(&mut connection, question.request(server, turn as usize)?).await?;
                latencies.push(due.elapsed());
            }
        });
    }
    let mut latencies = Vec::new();
    while let Some(worker) = workers.join_next().await {
        latencies.extend(worker.context("join a connection")??);
    }
    ensure!(
        !latencies.is_empty(),
        "{} was not answered once in {time:?}",
        question.paths[0]
    );
    latencies.sort_unstable();
    let quantile = |part: f64| latencies[((latencies.len() - 1) as f64 * part).round() as usize];
    let requests_per_s = latencies.len() as f64 / time.as_secs_f64();
    Ok(Held {
        requests_per_s,
        p50_ms: quantile(0.5).as_secs_f64() * 1_000.0,
        p99_ms: quantile(0.99).as_secs_f64() * 1_000.0,
        within_limits: quantile(0.99) <= P99_LIMIT && rate.is_none_or(|rate| requests_per_s >= rate * LEAST_SENT),
    })
}

async fn connect(server: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(server)
        .await
        .with_context(|| format!("connect to {server}"))?;
    stream.set_nodelay(true).context("send without delay")?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .context("open a connection")?;
    // Its errors reach the sender, too.
    tokio::spawn(connection);
    Ok(sender)
}

async fn ask(connection: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> anyhow::Result<()> {
    let path = request.uri().clone();
    connection.ready().await.context("wait for a connection")?;
    let answer = connection.send_request(request).await.context("ask")?;
    let status = answer.status();
    let body = answer.into_body().collect().await.context("read an answer")?.to_bytes();
    ensure!(
        status.is_success(),
        "{path} was answered with {status}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(())
}
