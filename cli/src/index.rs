//! `plumbline index`: follows the chain into PostgreSQL.

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
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let metrics = plumbline_api::install_metrics().context("set up measurements")?;
    plumbline_indexer::run(args.config, Some(metrics), stop).await
}
