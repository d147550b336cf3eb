//! A proxy in front of a chain that answers as other endpoints do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Anyhow;

/// Changes the answer to a request, or makes one instead of it.
type Change = dyn Fn(&Value, &mut Value) + Send + Sync;
/// Refuses a whole body.
type Refuse = dyn Fn(&Value) -> Option<(u16, String)> + Send + Sync;

struct Rules {
    upstream: String,
    client: reqwest::Client,
    change: Box<Change>,
    refuse: Box<Refuse>,
    bodies: AtomicU64,
}

/// It answers until it is dropped.
pub struct Proxy {
    pub url: String,
    rules: Arc<Rules>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// One that passes everything on.
    pub async fn plain(upstream: String) -> Anyhow<Self> {
        Self::start(upstream, |_| None, |_, _| ()).await
    }

    pub async fn start(
        upstream: String,
        refuse: impl Fn(&Value) -> Option<(u16, String)> + Send + Sync + 'static,
        change: impl Fn(&Value, &mut Value) + Send + Sync + 'static,
    ) -> Anyhow<Self> {
        plumbline_protocol::rpc::install_tls();
        let rules = Arc::new(Rules {
            upstream,
            client: reqwest::Client::new(),
            change: Box::new(change),
            refuse: Box::new(refuse),
            bodies: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(answer)).with_state(rules.clone());
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, rules, task })
    }

    /// Bodies that were answered.
    pub fn requests(&self) -> u64 {
        self.rules.bodies.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(rules): State<Arc<Rules>>, body: Bytes) -> (StatusCode, String) {
    rules.bodies.fetch_add(1, Ordering::Relaxed);
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some((status, text)) = (rules.refuse)(&request) {
        return (StatusCode::from_u16(status).unwrap_or_default(), text);
    }
    let passed = async {
        let sent = rules
            .client
            .post(&rules.upstream)
            .header("content-type", "application/json");
        sent.body(body).send().await?.json::<Value>().await
    };
    match passed.await {
        Ok(mut answers) => {
            for_each(&request, &mut answers, &rules.change);
            (StatusCode::OK, answers.to_string())
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

fn for_each(request: &Value, answers: &mut Value, change: &Change) {
    match (request, answers) {
        (Value::Array(requests), Value::Array(answers)) => {
            for request in requests {
                for answer in answers.iter_mut().filter(|answer| answer["id"] == request["id"]) {
                    change(request, answer);
                }
            }
        }
        (request, answer) => change(request, answer),
    }
}
