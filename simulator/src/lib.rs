//! Operators, payers, publishers, delegators and a committee as real clients of the contracts.
//!
//! Everything is done by signed transactions and calls through RPC. What happens is a function of a seed and of the
//! chain's time; what was done is read back from the chain, so that a simulation can be stopped and started again.

mod accounts;
mod availability;
mod books;
mod canaries;
mod clerk;
mod committee;
mod config;
mod delegators;
mod demand;
mod disputes;
mod docket;
mod duties;
mod evidence;
mod gauges;
mod judges;
mod keeper;
mod misdeeds;
mod network;
mod operators;
mod outbox;
mod payers;
mod population;
mod proofs;
mod publishers;
mod purse;
mod random;
mod report;
mod results;
mod rewards;
mod service;
mod simulation;
mod step;
mod terms;

use anyhow::Result;
use plumbline_protocol::Deployment;
pub use tokio_util::sync::CancellationToken;

pub use availability::Availability;
pub use config::{Config, DEV_CHAIN_ID, DEV_MNEMONIC, Secrets};
pub use demand::{Request, requests};
pub use population::{
    ChannelSpec, DOMAINS, DelegatorSpec, Funding, MODELS, Mode, ModelSpec, OperatorSpec, PayerSpec, Population,
    Reliability,
};
pub use report::Report;
pub use simulation::{Simulation, Status};

/// Sets a network up and plays it until cancelled, or until the configured duration of chain time is over.
///
/// # Errors
/// When the configuration is wrong, set-up cannot succeed, or the endpoint fails for longer than the limit.
pub async fn run(
    config: Config,
    secrets: &Secrets,
    deployment: &Deployment,
    cancel: &CancellationToken,
) -> Result<Report> {
    Simulation::connect(config, secrets, deployment)
        .await?
        .run(cancel)
        .await
}

/// Sets a network up: models published, operators registered and serving, channels funded.
///
/// # Errors
/// As `run`.
pub async fn bootstrap(
    config: Config,
    secrets: &Secrets,
    deployment: &Deployment,
    cancel: &CancellationToken,
) -> Result<Simulation> {
    let mut simulation = Simulation::connect(config, secrets, deployment).await?;
    simulation.bootstrap(cancel).await?;
    Ok(simulation)
}
