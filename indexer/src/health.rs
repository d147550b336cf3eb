//! Health, readiness and metrics over HTTP, for whoever watches the process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Without a successful look at the chain for this long, the indexer is not ready.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// Blocks behind the head up to which the indexer counts as caught up.
const READY_LAG_BLOCKS: u64 = 16;

/// What the follower last did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub(crate) head: u64,
    pub(crate) indexed: Option<u64>,
    looked_at: Option<Instant>,
    halted: Option<String>,
}

/// The status, shared between the follower and the endpoints.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Status>>);

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The follower looked at the chain and has committed all it was to commit.
    pub(crate) fn looked(&self, head: u64, indexed: Option<u64>) {
        self.change(|status| {
            *status = Status {
                head,
                indexed,
                looked_at: Some(Instant::now()),
                halted: None,
            };
        });
    }

    /// The follower stopped for a reason that waiting does not mend.
    pub(crate) fn halted(&self, reason: String) {
        self.change(|status| status.halted = Some(reason));
    }
}

impl Status {
    fn lag_blocks(&self) -> Option<u64> {
        self.indexed.map(|indexed| self.head.saturating_sub(indexed))
    }

    /// Why the rows are not up to date, if they are not.
    fn problem(&self) -> Option<String> {
        if let Some(reason) = &self.halted {
            return Some(format!("halted: {reason}"));
        }
        match (self.looked_at, self.lag_blocks()) {
            (None, _) => Some("starting: chain or database not reached yet".into()),
            (Some(at), _) if at.elapsed() > STALE_AFTER => Some(format!(
                "no successful look at the chain for {} s",
                at.elapsed().as_secs()
            )),
            (Some(_), None) => Some("nothing indexed yet".into()),
            (Some(_), Some(lag)) if lag > READY_LAG_BLOCKS => Some(format!("catching up: {lag} blocks behind")),
            (Some(_), Some(_)) => None,
        }
    }
}

#[derive(Clone)]
struct Endpoints {
    status: Shared,
    metrics: Option<PrometheusHandle>,
}

/// Serves until cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    status: Shared,
    metrics: Option<PrometheusHandle>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(Endpoints { status, metrics });
    axum::serve(listener, router)
        .with_graceful_shutdown(cancel.cancelled_owned())
        .await
        .context("serve health and metrics")
}

/// Whether the process lives and has not stopped following.
async fn healthz(State(endpoints): State<Endpoints>) -> (StatusCode, Json<Value>) {
    match endpoints.status.read().halted {
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "halted", "reason": reason })),
        ),
        None => (StatusCode::OK, Json(json!({ "status": "ok" }))),
    }
}

/// Whether the rows are up to date.
async fn readyz(State(endpoints): State<Endpoints>) -> (StatusCode, Json<Value>) {
    let status = endpoints.status.read();
    let problem = status.problem();
    let code = if problem.is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ready": problem.is_none(),
        "reason": problem,
        "head_block": status.head,
        "indexed_block": status.indexed,
        "lag_blocks": status.lag_blocks(),
    });
    (code, Json(body))
}

async fn render(State(endpoints): State<Endpoints>) -> (StatusCode, String) {
    match endpoints.metrics {
        Some(metrics) => {
            metrics.run_upkeep();
            (StatusCode::OK, metrics.render())
        }
        None => (
            StatusCode::NOT_FOUND,
            "metrics are not recorded in this process\n".into(),
        ),
    }
}
