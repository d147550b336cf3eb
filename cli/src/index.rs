//! `plumbline index`: follows the chain into PostgreSQL.

use std::io::IsTerminal;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

/// Follow the contracts' events into PostgreSQL, until it is stopped.
///
/// It makes the tables at its first start, and takes up where it stopped at every later one.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: plumbline_indexer::Config,
}

/// Runs until `stop`.
pub(crate) async fn run(mut args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    args.config.progress_bar = std::io::stderr().is_terminal();
    let metrics = plumbline_api::install_metrics().context("set up measurements")?;
    plumbline_indexer::run(args.config, Some(metrics), stop).await
}
