//! What the indexer can be told: flags, each with an environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::webhook::Webhooks;

const POLL_INTERVAL_MS: u64 = 200;
const FINALITY_DEPTH: u64 = 64;
pub(crate) const MAX_RANGE: u64 = 1_000_000;

/// Follow the chain and write its events as rows.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// PostgreSQL database to write to; the role must own it or its schema
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,

    /// RPC endpoint to read from: http, https, ws or wss; given several times (or separated by commas), the first that
    /// works and is not behind is followed, and history is read from all
    #[arg(
        long = "rpc-url",
        env = "PLUMBLINE_RPC_URL",
        hide_env_values = true,
        value_name = "URL",
        value_delimiter = ',',
        required = true
    )]
    pub rpc_urls: Vec<String>,

    /// Read everything from two endpoints and stop when they disagree
    #[arg(long, env = "PLUMBLINE_QUORUM")]
    pub quorum: bool,

    /// WebSocket endpoint that announces new blocks; only a hint, polling goes on
    #[arg(long, env = "PLUMBLINE_WS_URL", hide_env_values = true, value_name = "URL")]
    pub ws_url: Option<String>,

    /// Deployments file that `plumbline deploy` wrote
    #[arg(long, env = "PLUMBLINE_DEPLOYMENT", value_name = "FILE")]
    pub deployment: PathBuf,

    /// Pause between looks at the head
    #[arg(long, env = "PLUMBLINE_POLL_INTERVAL_MS", default_value_t = POLL_INTERVAL_MS, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub poll_interval_ms: u64,

    /// Blocks after which a block counts as final on a chain without the `finalized` tag
    #[arg(long, env = "PLUMBLINE_FINALITY_DEPTH", default_value_t = FINALITY_DEPTH, value_name = "BLOCKS")]
    pub finality_depth: u64,

    /// Most final blocks to ask for in one request; the indexer finds out by itself what the endpoint takes
    #[arg(long, env = "PLUMBLINE_MAX_RANGE", default_value_t = MAX_RANGE, value_name = "BLOCKS",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_range: u64,

    /// Address for /healthz, /readyz and /metrics
    #[arg(long, env = "PLUMBLINE_INDEXER_LISTEN", value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,

    /// Delete the rows of all blocks above this one and exit; the answer to a reorg beyond finality
    #[arg(long, env = "PLUMBLINE_REWIND_TO", value_name = "BLOCK")]
    pub rewind_to: Option<u64>,

    /// Show a bar on the terminal while catching up, instead of records in the log.
    #[arg(skip)]
    pub progress_bar: bool,
    #[command(flatten)]
    pub webhooks: Webhooks,
}

impl Config {
    /// The defaults, for this database, endpoint and deployments file.
    pub fn new(database_url: impl Into<String>, rpc_url: impl Into<String>, deployment: impl Into<PathBuf>) -> Self {
        Self {
            database_url: database_url.into(),
            rpc_urls: vec![rpc_url.into()],
            quorum: false,
            ws_url: None,
            deployment: deployment.into(),
            poll_interval_ms: POLL_INTERVAL_MS,
            finality_depth: FINALITY_DEPTH,
            max_range: MAX_RANGE,
            listen: None,
            rewind_to: None,
            progress_bar: false,
            webhooks: Webhooks::default(),
        }
    }
}
