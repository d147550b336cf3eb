//! `plumbline serve`: answers over HTTP from the rows in PostgreSQL.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use plumbline_api::IpNet;
use tokio_util::sync::CancellationToken;

/// Serve what `plumbline index` has written as JSON over HTTP.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// PostgreSQL database to read from. The role needs to be a member of `plumbline_reader`, nothing more.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// Address to listen on.
    #[arg(
        long,
        env = "PLUMBLINE_LISTEN",
        value_name = "IP:PORT",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// File of at least 32 random bytes that authenticates cursors: servers that share it take each other's. Without it
    /// cursors end with the process.
    #[arg(long, env = "PLUMBLINE_CURSOR_KEY_FILE", value_name = "FILE")]
    cursor_key_file: Option<PathBuf>,
    /// Connections to the database at most.
    #[arg(long, env = "PLUMBLINE_MAX_CONNECTIONS", value_name = "NUMBER", default_value = "16",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max_connections: u32,
    /// Time after which the database gives up on a statement.
    #[arg(long, env = "PLUMBLINE_STATEMENT_TIMEOUT_MS", value_name = "MS", default_value = "5000",
          value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    statement_timeout_ms: u64,
    /// Time after which a request is answered with an error.
    #[arg(long, env = "PLUMBLINE_REQUEST_TIMEOUT_MS", value_name = "MS", default_value = "10000",
          value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    request_timeout_ms: u64,
    /// How long to wait for the database and its tables at the start.
    #[arg(long, env = "PLUMBLINE_STARTUP_TIMEOUT_SECONDS", value_name = "SECONDS", default_value = "30",
          value_parser = clap::value_parser!(u64).range(..=86_400))]
    startup_timeout_seconds: u64,
    /// Blocks that the indexer may be behind the chain before /readyz fails.
    #[arg(long, env = "PLUMBLINE_MAX_LAG_BLOCKS", value_name = "BLOCKS", default_value = "100",
          value_parser = clap::value_parser!(i64).range(0..))]
    max_lag_blocks: i64,
    /// Time that the indexer may go without looking at the chain before /readyz fails.
    #[arg(long, env = "PLUMBLINE_MAX_SILENCE_SECONDS", value_name = "SECONDS", default_value = "60",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    max_silence_seconds: u64,
    /// Requests that one client may make in a minute; 0 for no limit. Clients are told by their address, those of IPv6 by
    /// its first 64 bits.
    #[arg(long, env = "PLUMBLINE_RATE_LIMIT", value_name = "NUMBER", default_value = "6000")]
    rate_limit: u32,
    /// Megabytes of answers to keep in memory for whoever asks the same of the same block; 0 to keep none.
    #[arg(long, env = "PLUMBLINE_KEPT_ANSWERS_MB", value_name = "MB", default_value = "64",
          value_parser = clap::value_parser!(u64).range(..=65_536))]
    kept_answers_mb: u64,
    /// Networks of proxies that are trusted to tell the client's address in X-Forwarded-For, separated by commas.
    #[arg(long, env = "PLUMBLINE_TRUSTED_PROXIES", value_name = "CIDR", value_delimiter = ',')]
    trusted_proxies: Vec<IpNet>,
}

/// Runs until `stop`.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let cursor_key = match &args.cursor_key_file {
        Some(path) => Some(std::fs::read(path).with_context(|| format!("read the cursor key in {}", path.display()))?),
        None => None,
    };
    let metrics = plumbline_api::install_metrics().context("set up measurements")?;
    let config = plumbline_api::Config {
        cursor_key,
        max_connections: args.max_connections,
        statement_timeout: Duration::from_millis(args.statement_timeout_ms),
        request_timeout: Duration::from_millis(args.request_timeout_ms),
        startup_timeout: Duration::from_secs(args.startup_timeout_seconds),
        max_lag_blocks: args.max_lag_blocks,
        max_silence: Duration::from_secs(args.max_silence_seconds),
        rate_limit: (args.rate_limit > 0).then_some(args.rate_limit),
        kept_answer_bytes: args.kept_answers_mb << 20,
        trusted_proxies: args.trusted_proxies,
        ..plumbline_api::Config::new(args.database_url, args.listen, metrics)
    };
    plumbline_api::run(config, stop).await
}
