//! `plumbline deploy`: puts the contracts on any network, or continues where it stopped.

use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::Address;
use alloy::primitives::utils::format_ether;
use anyhow::{Context, bail};
use plumbline_deploy::{
    Account, Config, Estimate, KEY_VARIABLE, Options, Outcome, PASSWORD_FILE_VARIABLE, cost_table, deployment_table,
};
use plumbline_protocol::Deployment;
use plumbline_protocol::rpc::redact;
use tokio_util::sync::CancellationToken;

const ABOUT_KEYS: &str = "\
Keys are never an argument. Give one of
  --keystore FILE         an encrypted keystore; the password is asked for, or read from the file that
                          PLUMBLINE_KEYSTORE_PASSWORD_FILE names
  PLUMBLINE_DEPLOYER_KEY  an environment variable with the private key (64 hexadecimal digits)
  --from ADDRESS          for keys elsewhere (hardware wallet, offline signer):
                          1. --from ADDRESS --unsigned FILE   writes the transactions to sign
                          2. sign and broadcast them in order, or --from ADDRESS --broadcast SIGNED-FILE
                          3. --from ADDRESS                   checks what is on chain and writes the result

The result is DIR/<chain id>.json. A run that was interrupted is continued by the same command; what it has sent is in
DIR/<chain id>.pending.json. When the result stands already it is checked and nothing is sent.";

/// Deploy the contracts to a network and wire their roles.
///
/// Prints each contract's address, gas and cost, checks the code on chain against this build, and writes addresses and
/// parameters to a file that the other commands read.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT_KEYS)]
pub(crate) struct Args {
    /// Node to send to: http(s)://… or ws(s)://…
    #[arg(long, env = "PLUMBLINE_RPC_URL", value_name = "URL", hide_env_values = true)]
    rpc_url: String,
    /// Parameters of the network, such as deploy/config/testnet.toml.
    #[arg(long, env = "PLUMBLINE_DEPLOY_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Folder of the result.
    #[arg(
        long,
        env = "PLUMBLINE_DEPLOYMENTS_DIR",
        value_name = "DIR",
        default_value = "deployments"
    )]
    out: PathBuf,
    /// Timelock or multisig that governs afterwards; instead of `access.admin` in the configuration.
    #[arg(long, env = "PLUMBLINE_ADMIN", value_name = "ADDRESS")]
    admin: Option<Address>,
    /// Estimate gas and cost, compare them with the balance, and send nothing.
    #[arg(long, env = "PLUMBLINE_DRY_RUN")]
    dry_run: bool,
    /// Encrypted keystore of the deployer.
    #[arg(long, env = "PLUMBLINE_KEYSTORE", value_name = "FILE", conflicts_with = "from")]
    keystore: Option<PathBuf>,
    /// Deployer whose key is elsewhere.
    #[arg(long, env = "PLUMBLINE_DEPLOYER", value_name = "ADDRESS")]
    from: Option<Address>,
    /// Write the transactions to sign, and send nothing.
    #[arg(long, env = "PLUMBLINE_UNSIGNED_FILE", value_name = "FILE", requires = "from", conflicts_with_all = ["dry_run", "broadcast"])]
    unsigned: Option<PathBuf>,
    /// Send signed raw transactions: one 0x… a line, or a JSON list.
    #[arg(
        long,
        env = "PLUMBLINE_SIGNED_FILE",
        value_name = "FILE",
        requires = "from",
        conflicts_with = "dry_run"
    )]
    broadcast: Option<PathBuf>,
    /// Deploy anew although there is a deployment; its file is kept as *.old. After an interruption continue without it.
    #[arg(long, env = "PLUMBLINE_FORCE_NEW")]
    force_new: bool,
    /// Blocks that have to hold the last transaction, its own included.
    #[arg(long, env = "PLUMBLINE_CONFIRMATIONS", value_name = "BLOCKS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    confirmations: u64,
    /// Seconds to wait for a transaction before it is sent again with higher fees.
    #[arg(long, env = "PLUMBLINE_RECEIPT_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    receipt_timeout_seconds: u64,
}

/// Runs until done, or until the token asks to stop; what was sent by then is in the journal.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let interrupted = stop.cancelled_owned();
    tokio::select! {
        done = deploy(args) => done,
        () = interrupted => bail!("interrupted; the same command continues where this stopped"),
    }
}

async fn deploy(args: Args) -> anyhow::Result<()> {
    let mut config = Config::read(&args.config)?;
    config.access.admin = args.admin.or(config.access.admin);
    let options = Options {
        out: args.out.clone(),
        force_new: args.force_new,
        confirmations: args.confirmations,
        receipt_timeout: Duration::from_secs(args.receipt_timeout_seconds),
        ..Options::default()
    };
    let account = account(&args)?;
    let deployer = account.address();
    println!("deployer {deployer}, node {}", redact(&args.rpc_url));
    if args.dry_run {
        let estimate = plumbline_deploy::estimate(&args.rpc_url, deployer, &config, &options).await?;
        return report_estimate(estimate);
    }
    if let Some(file) = &args.unsigned {
        let count = plumbline_deploy::write_unsigned(&args.rpc_url, deployer, &config, &options, file).await?;
        if count != 0 {
            println!(
                "{count} transactions to sign are in {}; nothing was sent",
                file.display()
            );
            println!("sign and broadcast them in order, then run with --from {deployer} and without --unsigned");
            return Ok(());
        }
        println!("every transaction is on chain already");
    }
    let outcome = match &args.broadcast {
        Some(file) => plumbline_deploy::broadcast(&args.rpc_url, deployer, &config, &options, file).await?,
        None => plumbline_deploy::run(&args.rpc_url, &account, &config, &options).await?,
    };
    report(&outcome, &args);
    Ok(())
}

fn account(args: &Args) -> anyhow::Result<Account> {
    if let Some(address) = args.from {
        return Ok(Account::Watched(address));
    }
    if let Some(path) = &args.keystore {
        return Ok(Account::from_keystore(path)?);
    }
    Account::from_environment()?.with_context(|| {
        format!(
            "no deployer: give --keystore FILE (password asked for, or in the file that {PASSWORD_FILE_VARIABLE} names), \
             set {KEY_VARIABLE}, or give --from ADDRESS when the key is elsewhere"
        )
    })
}

fn report_estimate(estimate: Option<Estimate>) -> anyhow::Result<()> {
    let Some(estimate) = estimate else {
        println!("the contracts are deployed and their code is as expected; there would be nothing to send");
        return Ok(());
    };
    println!("dry run on chain {}, nothing is sent\n", estimate.chain_id);
    print!("{}", cost_table(&estimate));
    println!(
        "\ngas is estimated, and within a few percent of what will be used; the price now is {} wei per gas",
        estimate.gas_price
    );
    let (balance, cost) = (format_ether(estimate.balance), format_ether(estimate.cost()));
    if !estimate.is_sufficient() {
        bail!(
            "the balance of {balance} does not cover {cost} of the native token; fund {} first",
            estimate.deployer
        );
    }
    println!("the balance of {balance} covers {cost}");
    Ok(())
}

fn report(outcome: &Outcome, args: &Args) {
    let deployment = &outcome.deployment;
    let file = Deployment::path_in(&args.out, deployment.chain_id);
    println!();
    print!("{}", deployment_table(deployment));
    println!();
    if outcome.is_new {
        println!(
            "deployed on chain {} from block {}; code and roles were read back",
            deployment.chain_id, deployment.block.number
        );
        println!("written to {}", file.display());
    } else {
        println!(
            "{} stands on chain {}; its code was read back, and nothing was sent",
            file.display(),
            deployment.chain_id
        );
    }
}
