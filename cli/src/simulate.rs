//! `plumbline simulate`: a network of real clients for contracts that are deployed already.

use std::path::PathBuf;

use alloy::primitives::U256;
use anyhow::Context;
use plumbline_protocol::{Deployment, rpc};
use plumbline_simulator::{Config, Secrets};
use tokio_util::sync::CancellationToken;

/// Play operators, payers and the rest of a network by signed transactions.
///
/// It runs until it is stopped; run again, it takes up the accounts and channels that it finds on the chain. On
/// development chains (id 31337) it uses the accounts that everybody knows; elsewhere it takes words of yours and an
/// account with native coins.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// RPC endpoint to send to: http, https, ws or wss.
    #[arg(long, env = "PLUMBLINE_RPC_URL", hide_env_values = true, value_name = "URL")]
    rpc_url: String,
    /// Deployments file that `plumbline deploy` wrote.
    #[arg(long, env = "PLUMBLINE_DEPLOYMENT", value_name = "FILE")]
    deployment: PathBuf,
    /// File with the words that all accounts are derived from; never an argument.
    #[arg(long, env = "PLUMBLINE_SIMULATOR_MNEMONIC_FILE", value_name = "FILE")]
    mnemonic_file: Option<PathBuf>,
    /// File with the private key of the account that supplies all others with native coins; never an argument.
    #[arg(long, env = "PLUMBLINE_FAUCET_KEY_FILE", value_name = "FILE")]
    faucet_key_file: Option<PathBuf>,
    /// The same seed gives the same network: who is reliable, who fails when, who asks for what.
    #[arg(long, env = "PLUMBLINE_SEED", value_name = "NUMBER", default_value = "7")]
    seed: u64,
    /// Operators, 5 to 450.
    #[arg(long, env = "PLUMBLINE_OPERATORS", value_name = "NUMBER", default_value = "32")]
    operators: u32,
    /// Payers, 1 to 2000.
    #[arg(long, env = "PLUMBLINE_PAYERS", value_name = "NUMBER", default_value = "24")]
    payers: u32,
    /// Delegators, 0 to 500.
    #[arg(long, env = "PLUMBLINE_DELEGATORS", value_name = "NUMBER", default_value = "8")]
    delegators: u32,
    /// Requests for inference in each slot, of all payers together.
    #[arg(
        long,
        env = "PLUMBLINE_REQUESTS_PER_SLOT",
        value_name = "NUMBER",
        default_value = "48"
    )]
    requests_per_slot: u32,
    /// Slots between two settlements of an operator.
    #[arg(long, env = "PLUMBLINE_SETTLE_SLOTS", value_name = "NUMBER", default_value = "3")]
    settle_slots: u32,
    /// Transactions a second once the network is set up.
    #[arg(
        long,
        env = "PLUMBLINE_MAX_TX_PER_SECOND",
        value_name = "NUMBER",
        default_value = "10"
    )]
    max_tx_per_second: u32,
    /// Seconds of chain time to run after set-up [default: until stopped].
    #[arg(long, env = "PLUMBLINE_DURATION_SECONDS", value_name = "SECONDS")]
    duration_seconds: Option<u64>,
    /// Native base units (wei) that each account is kept supplied with.
    #[arg(
        long,
        env = "PLUMBLINE_GAS_PER_ACCOUNT",
        value_name = "WEI",
        default_value = "1000000000000000000"
    )]
    gas_per_account: U256,
    /// Seconds for which the RPC endpoint may fail before the simulation gives up.
    #[arg(
        long,
        env = "PLUMBLINE_OUTAGE_LIMIT_SECONDS",
        value_name = "SECONDS",
        default_value = "600"
    )]
    outage_limit_seconds: u64,
    /// Folder for receipts and probe replies as JSON [default: only their hashes are kept].
    #[arg(long, env = "PLUMBLINE_EVIDENCE_DIR", value_name = "DIRECTORY")]
    evidence_dir: Option<PathBuf>,
}

/// Runs until `stop`, or until the duration is over; then prints what was done.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let deployment = Deployment::read(&args.deployment)?;
    let mnemonic = secret(args.mnemonic_file.as_ref(), MNEMONIC_VARIABLE)?;
    let faucet_key = secret(args.faucet_key_file.as_ref(), FAUCET_KEY_VARIABLE)?;
    let secrets = Secrets::resolve(deployment.chain_id, mnemonic, faucet_key)?;
    let config = Config {
        rpc_url: args.rpc_url.clone(),
        seed: args.seed,
        operators: args.operators,
        payers: args.payers,
        delegators: args.delegators,
        requests_per_slot: args.requests_per_slot,
        settle_slots: args.settle_slots,
        max_tx_per_second: Some(args.max_tx_per_second),
        duration_seconds: args.duration_seconds,
        outage_limit_seconds: args.outage_limit_seconds,
        evidence_dir: args.evidence_dir,
        gas_per_account: args.gas_per_account,
        ..Config::default()
    };
    tracing::info!(
        rpc = rpc::redact(&args.rpc_url),
        operators = args.operators,
        seed = args.seed,
        "simulating"
    );
    let report = plumbline_simulator::run(config, &secrets, &deployment, &stop).await?;
    println!("{}", serde_json::to_string_pretty(&report).context("write the report")?);
    Ok(())
}

const MNEMONIC_VARIABLE: &str = "PLUMBLINE_SIMULATOR_MNEMONIC";
const FAUCET_KEY_VARIABLE: &str = "PLUMBLINE_FAUCET_KEY";

/// The accounts of the variables' words and key, or those of a development chain.
pub(crate) fn secrets_from_environment(chain_id: u64) -> anyhow::Result<Secrets> {
    Secrets::resolve(
        chain_id,
        secret(None, MNEMONIC_VARIABLE)?,
        secret(None, FAUCET_KEY_VARIABLE)?,
    )
}

fn secret(file: Option<&PathBuf>, variable: &str) -> anyhow::Result<Option<String>> {
    match file {
        Some(path) => std::fs::read_to_string(path)
            .map(Some)
            .with_context(|| format!("read {}", path.display())),
        None => Ok(std::env::var(variable).ok()),
    }
}
