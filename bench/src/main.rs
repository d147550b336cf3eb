//! The command `bench`: what `make bench-indexer` and `make bench-api` run.

mod api;
mod content;
mod database;
mod floor;
mod head;
mod indexer;
mod load;
mod program;
mod report;
mod subject;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use plumbline_bench::recording::Plan;
use plumbline_bench::replay::Replay;
use plumbline_bench::{recording, replay, settled};
use tokio::signal::unix::{SignalKind, signal};

/// Benchmarks against other indexers and against the floors of the machine.
#[derive(Parser)]
#[command(name = "bench", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Indexer(indexer::Args),
    Api(api::Args),
    Replay(ReplayArgs),
}

/// Serve a recorded chain until interrupted
#[derive(clap::Args)]
struct ReplayArgs {
    /// Heartbeats of a dense chain
    #[arg(long, default_value_t = 100_000)]
    heartbeats: u64,
    /// Blocks of a sparse chain instead
    #[arg(long)]
    sparse_blocks: Option<u64>,
    /// Delay of every answer
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Leave `blockTimestamp` out of logs
    #[arg(long)]
    untimed: bool,
    #[arg(long, default_value_t = 8_645)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    plumbline_protocol::rpc::install_tls();
    let work = async {
        match Cli::parse().command {
            Command::Indexer(args) => indexer::run(args).await,
            Command::Api(args) => api::run(args).await,
            Command::Replay(args) => serve(args).await,
        }
    };
    // What is dropped stops the programs that it started.
    let result = tokio::select! {
        result = work => result,
        stopped = stopped() => stopped,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Waits until somebody asks this process to stop.
async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("watch for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("watch for signals")?,
        _ = terminate.recv() => {}
    }
    bail!("stopped")
}

async fn serve(args: ReplayArgs) -> anyhow::Result<()> {
    let plan = args
        .sparse_blocks
        .map_or_else(|| Plan::dense(args.heartbeats), Plan::sparse);
    let recording = Arc::new(recording::Recording::make(Plan {
        timed: !args.untimed,
        ..plan
    }));
    let latency = Duration::from_millis(args.latency_ms);
    let replay = Replay::start(recording.clone(), latency, args.port).await?;
    println!(
        "chain {} with head {} at {}",
        recording::CHAIN_ID,
        recording.head(),
        replay.url()
    );
    std::future::pending::<()>().await;
    drop(replay);
    Ok(())
}
