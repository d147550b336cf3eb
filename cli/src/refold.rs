//! `plumbline refold`: derives the rows of closed periods again from the facts.

use std::io::Write;

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

/// Derive uptime, drift and every other figure of closed periods again from the indexed events.
///
/// Needs the database alone. Stop `plumbline index` first: only one may write. Stopped half way, it changes nothing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// PostgreSQL database to write to; the role must own it or its schema
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,

    /// Change nothing; fail when a row would change
    #[arg(long, env = "PLUMBLINE_REFOLD_CHECK")]
    check: bool,
}

/// Runs to the end, or until `stop`.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let refold = plumbline_indexer::refold(&args.database_url, args.check);
    let refolded = stop
        .run_until_cancelled(refold)
        .await
        .context("stopped; nothing was changed")??;
    let mut out = std::io::stdout();
    writeln!(out, "derived {} periods again", refolded.periods)?;
    for table in &refolded.changed {
        writeln!(out, "{table} {}", if args.check { "would change" } else { "changed" })?;
    }
    let as_they_should_be = !args.check || refolded.changed.is_empty();
    ensure!(
        as_they_should_be,
        "derived rows are not what the events say; run `plumbline refold` without --check"
    );
    Ok(())
}
