//! Follows the chain and writes its events as rows.

mod accounts;
mod ask;
mod batch;
mod book;
mod chain;
mod commit;
mod config;
mod copied;
mod database;
mod endpoints;
mod error;
mod events;
mod fetch;
mod flow;
mod fold;
mod follow;
mod health;
mod hint;
mod history;
mod identity;
mod log;
mod metrics;
mod opengradient;
mod plan;
mod plumbline;
mod progress;
mod refold;
mod refusal;
mod relay;
mod rewind;
mod rows;
mod schedule;
mod session;
mod source;
mod sql;
mod text;
mod threads;
mod verify;
mod webhook;
mod wire;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use plumbline_protocol::Deployment;
use plumbline_protocol::deployment::SourceKind;
use plumbline_protocol::opengradient::Network;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use opengradient::Opengradient;
use plumbline::Plumbline;
use source::Source;

pub use config::Config;
pub use error::{Halt, RpcFailure, RpcFailureKind};
pub use progress::aside;
pub use refold::{Refolded, refold};
pub use verify::{
    Compared, Config as VerifyConfig, Difference, Progress as VerifyProgress, Report as VerifyReport, Unaccounted,
    verify,
};
pub use webhook::{Dead, Kind as AlertKind, Webhooks, dead as dead_messages, retry as retry_messages};

/// The schema; only the indexer applies it.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Runs until cancelled, or until something has to be mended by hand (then the error holds a [`Halt`]).
///
/// Metrics go to the process's recorder; `recorder` renders them at `/metrics`. With a listen address, a halt keeps the process alive until it is cancelled, so that `/readyz` can say why.
pub async fn run(config: Config, recorder: Option<PrometheusHandle>, cancel: CancellationToken) -> anyhow::Result<()> {
    metrics::describe();
    // Dropped at the end of the run, which ends them.
    let _senders = webhook::start(&config, &cancel)?;
    match SourceKind::of(&config.deployment)? {
        SourceKind::Plumbline => {
            let deployment = Deployment::read(&config.deployment)?;
            run_source(config, Plumbline::new(deployment), recorder, cancel).await
        }
        SourceKind::Opengradient => {
            let network = Network::read(&config.deployment)?;
            run_source(config, Opengradient::new(network), recorder, cancel).await
        }
    }
}

async fn run_source<S: Source>(
    config: Config,
    source: S,
    recorder: Option<PrometheusHandle>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    if let Some(number) = config.rewind_to {
        return rewind::by_hand(&config, &source, number).await;
    }
    let status = health::Shared::default();
    let Some(listen) = config.listen else {
        return follow::follow(&config, source, &status, &cancel).await;
    };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("listen on {listen} for health and metrics; choose another with --listen"))?;
    let endpoints = tokio::spawn(health::serve(listener, status.clone(), recorder, cancel.clone()));
    let followed = follow::follow(&config, source, &status, &cancel).await;
    if let Err(error) = &followed {
        tracing::error!(
            error = format!("{error:#}"),
            "halted; /readyz says so until the process is stopped"
        );
        status.halted(format!("{error:#}"));
        cancel.cancelled().await;
    }
    endpoints.await.context("serve health and metrics")??;
    followed
}
