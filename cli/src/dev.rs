//! `plumbline dev`: everything in one process, from an empty directory to answers over HTTP.

mod data;
mod part;
mod places;
mod ports;
mod session;
mod status;
mod takeup;
mod terminal;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::builder::FalseyValueParser;
use tokio_util::sync::CancellationToken;

use crate::logging;
use data::DataDir;
use ports::Port;
use session::Session;
use terminal::Terminal;

/// Run everything here: database, chain, contracts, a simulated network, indexer and API.
///
/// A second start takes up the same chain and database where the first stopped. Ctrl-C stops everything.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Port of the API.
    #[arg(long, env = "PLUMBLINE_API_PORT", value_name = "PORT", default_value = "8080",
          value_parser = clap::value_parser!(u16).range(1..))]
    api_port: u16,
    /// Port of the local chain's JSON-RPC.
    #[arg(long, env = "PLUMBLINE_RPC_PORT", value_name = "PORT", default_value = "8545",
          value_parser = clap::value_parser!(u16).range(1..))]
    rpc_port: u16,
    /// Where chain, database, deployment and log are kept [default: .plumbline here, or below /var/lib/plumbline where
    /// PostgreSQL cannot reach it].
    #[arg(long, env = "PLUMBLINE_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Remove what earlier runs kept in the data directory, and begin anew.
    #[arg(long, env = "PLUMBLINE_RESET", value_parser = FalseyValueParser::new())]
    reset: bool,
    /// Operators of the simulated network.
    #[arg(long, env = "PLUMBLINE_OPERATORS", value_name = "NUMBER", default_value = "24")]
    operators: u32,
    /// The same seed gives the same network: who is reliable, who fails when, who asks for what.
    #[arg(long, env = "PLUMBLINE_SEED", value_name = "NUMBER", default_value = "7")]
    seed: u64,
    /// Leave the simulated network out: the contracts wait for operators of yours.
    #[arg(long, env = "PLUMBLINE_NO_SIMULATE", value_parser = FalseyValueParser::new())]
    no_simulate: bool,
    /// Parameters of the contracts, as for `plumbline deploy` [default: periods of a minute].
    #[arg(long, env = "PLUMBLINE_DEPLOY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A PostgreSQL database to use instead of one that is started here.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// A chain to use instead of one that is started here. Deploying takes a key in PLUMBLINE_DEPLOYER_KEY, simulating
    /// one in PLUMBLINE_FAUCET_KEY and words in PLUMBLINE_SIMULATOR_MNEMONIC, unless it is a development chain.
    #[arg(long, env = "PLUMBLINE_RPC_URL", value_name = "URL", hide_env_values = true)]
    rpc_url: Option<String>,
    /// Show every log record on the terminal, not only warnings.
    #[arg(long, short, env = "PLUMBLINE_VERBOSE", value_parser = FalseyValueParser::new())]
    verbose: bool,
    #[command(flatten)]
    webhooks: plumbline_indexer::Webhooks,
}

/// Runs until `stop`, or until a part fails.
pub(crate) async fn run(mut args: Args, logging: &logging::Args, stop: CancellationToken) -> anyhow::Result<()> {
    // Set but empty, as compose files and CI write it, means not set.
    args.database_url = args.database_url.filter(|url| !url.is_empty());
    args.rpc_url = args.rpc_url.filter(|url| !url.is_empty());
    check(&args)?;
    let path = match &args.data_dir {
        Some(path) => path.clone(),
        None => plumbline_devnet::default_data_dir(&std::env::current_dir().context("find the current directory")?)?,
    };
    let data = DataDir::take(&path)?;
    let ended = run_in(&args, logging, &data, &stop).await;
    let left = data.leave();
    ended.and(left)
}

async fn run_in(args: &Args, logging: &logging::Args, data: &DataDir, stop: &CancellationToken) -> anyhow::Result<()> {
    ports::check(&ports(args), data.after_crash()).await?;
    if args.reset {
        ensure!(
            args.database_url.is_none(),
            "--reset removes nothing from a database of yours: drop and create the one of DATABASE_URL yourself, remove \
             {} and start without --reset",
            data.deployments().display()
        );
        data.reset()?;
    }
    logging.to_file(&data.log(), args.verbose)?;
    let terminal = Terminal::new();
    let mut session = Session::new(args, data, terminal);
    let ended = match stop.run_until_cancelled(session.run()).await {
        Some(result) => result,
        None => Ok(()),
    };
    if let Err(error) = &ended {
        // For the file; the terminal gets it as the last line of all.
        tracing::info!("stopping because of an error: {error:#}");
    }
    let stopped = session.stop().await;
    ended.and(stopped)
}

/// What can be known to be wrong before anything is started.
fn check(args: &Args) -> anyhow::Result<()> {
    if let Some(path) = &args.config {
        plumbline_deploy::Config::read(path)?;
    }
    if args.no_simulate {
        Ok(())
    } else {
        session::simulated(args).validate()
    }
}

fn ports(args: &Args) -> Vec<Port> {
    let mut ports = vec![Port {
        number: args.api_port,
        purpose: "the API",
        variable: "PLUMBLINE_API_PORT",
    }];
    if args.rpc_url.is_none() {
        ports.push(Port {
            number: args.rpc_port,
            purpose: "the local chain",
            variable: "PLUMBLINE_RPC_PORT",
        });
    }
    ports
}
