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

use crate::metrics;

/// Without a successful look at the chain for this long, the indexer is not ready.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// Without a block written for this long while there are some to write, everything is connected anew.
const STALLED_AFTER: Duration = Duration::from_secs(120);
/// It takes longer each time, in case it is only slow.
const LONGEST_PATIENCE: Duration = Duration::from_secs(30 * 60);
const WATCH_PAUSE: Duration = Duration::from_secs(5);
/// Blocks behind the head up to which the indexer counts as caught up.
const READY_LAG_BLOCKS: u64 = 16;

/// What the follower last did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub(crate) head: u64,
    pub(crate) indexed: Option<u64>,
    looked_at: Option<Instant>,
    /// When a block was written last, or there was none to write.
    progressed_at: Option<Instant>,
    /// Grows with each stall until there is progress.
    patience: Option<Duration>,
    standing_by: bool,
    halted: Option<String>,
}

/// Nothing was written for long although there is something to write.
#[derive(Debug, thiserror::Error)]
#[error("no block was written for {} s while {lag_blocks} are to be written; connecting anew", .idle.as_secs())]
pub(crate) struct Stalled {
    idle: Duration,
    lag_blocks: u64,
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
            let now = Instant::now();
            if status.indexed != indexed || indexed.is_some_and(|indexed| indexed >= head) {
                (status.progressed_at, status.patience) = (Some(now), None);
                metrics::stalled(false);
            }
            *status = Status {
                head,
                indexed,
                looked_at: Some(now),
                progressed_at: status.progressed_at.or(Some(now)),
                patience: status.patience,
                standing_by: false,
                halted: None,
            };
        });
    }

    /// Another process writes; this one waits for it to end.
    pub(crate) fn standing_by(&self) {
        self.change(|status| {
            *status = Status {
                standing_by: true,
                ..Status::default()
            };
        });
    }

    /// Waits until nothing has moved for long.
    pub(crate) async fn stalled(&self) -> Stalled {
        loop {
            tokio::time::sleep(WATCH_PAUSE).await;
            let mut stalled = None;
            self.change(|status| stalled = status.stall());
            if let Some(stalled) = stalled {
                metrics::stalled(true);
                return stalled;
            }
        }
    }

    /// The follower stopped for a reason that waiting does not mend.
    pub(crate) fn halted(&self, reason: String) {
        self.change(|status| status.halted = Some(reason));
    }
}

impl Status {
    /// The stall that there is, if there is one; the next takes longer.
    fn stall(&mut self) -> Option<Stalled> {
        let patience = self.patience.unwrap_or(STALLED_AFTER);
        let idle = self.progressed_at?.elapsed();
        let lag_blocks = self.lag_blocks().filter(|lag| *lag != 0)?;
        if idle < patience {
            return None;
        }
        self.patience = Some((patience * 2).min(LONGEST_PATIENCE));
        Some(Stalled { idle, lag_blocks })
    }

    fn lag_blocks(&self) -> Option<u64> {
        self.indexed.map(|indexed| self.head.saturating_sub(indexed))
    }

    /// Why the rows are not up to date, if they are not.
    fn problem(&self) -> Option<String> {
        if let Some(reason) = &self.halted {
            return Some(format!("halted: {reason}"));
        }
        if self.standing_by {
            return Some("standing by: another indexer writes to the database".into());
        }
        let idle = self.progressed_at.map(|at| at.elapsed());
        if let (Some(idle), Some(lag @ 1..)) = (idle.filter(|idle| *idle >= STALLED_AFTER), self.lag_blocks()) {
            let idle = idle.as_secs();
            return Some(format!("stalled: no block written for {idle} s, {lag} blocks behind"));
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
