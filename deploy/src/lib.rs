//! Deploys and wires the contracts on any network, resumably.
//!
//! `run` does everything in one call. What it sends is in a journal before it is sent, so that a run that was killed
//! continues where it stopped and never deploys a contract twice.

mod account;
mod compiler;
mod config;
mod constructors;
mod error;
mod estimate;
mod journal;
mod node;
mod plan;
mod report;
mod roles;
mod send;
mod session;
mod unsigned;
mod verify;

use std::path::Path;

use alloy::primitives::Address;

pub use account::{Account, KEY_VARIABLE, PASSWORD_FILE_VARIABLE};
pub use config::{Access, Config, ConfigError, Price, Token, Tokens, Uptime, Vault};
pub use error::{Error, RpcFailure};
pub use estimate::{Estimate, StepEstimate};
pub use journal::Fees;
pub use plan::{Blueprint, Step, creation_code_hash};
pub use report::{cost_table, deployment_table};
pub use roles::{ADMIN, AUDITOR, CANARY, GOVERNOR, GUARDIAN, JUDGE, SLASHER};
pub use session::{Options, Outcome, Stop};
pub use unsigned::{UnsignedFile, UnsignedTransaction};

use session::{Opened, Session};

/// Deploys, or continues a deployment, or checks the one that stands.
pub async fn run(rpc_url: &str, account: &Account, config: &Config, options: &Options) -> Result<Outcome, Error> {
    match Session::open(rpc_url, account.address(), config, options, false).await? {
        Opened::Existing(deployment) => Ok(Outcome {
            deployment,
            is_new: false,
        }),
        Opened::Begun(session) => {
            if matches!(account, Account::Key(_)) {
                session.check_balance().await?;
            }
            Ok(Outcome {
                deployment: session.complete(account).await?,
                is_new: true,
            })
        }
    }
}

/// What `run` would cost; none when a deployment stands already. Sends and writes nothing.
pub async fn estimate(
    rpc_url: &str,
    deployer: Address,
    config: &Config,
    options: &Options,
) -> Result<Option<Estimate>, Error> {
    let Opened::Begun(session) = Session::open(rpc_url, deployer, config, options, true).await? else {
        return Ok(None);
    };
    let blueprint = session.journal.blueprint();
    Ok(Some(Estimate {
        chain_id: session.journal.chain_id,
        deployer,
        steps: estimate::steps(&session.node, &blueprint, session.open_records().await?).await?,
        gas_price: session.node.gas_price().await?,
        balance: session.node.balance(deployer).await?,
    }))
}

/// Writes the transactions that are still to be sent, for signing elsewhere. Their number is returned.
pub async fn write_unsigned(
    rpc_url: &str,
    deployer: Address,
    config: &Config,
    options: &Options,
    file: &Path,
) -> Result<usize, Error> {
    match Session::open(rpc_url, deployer, config, options, false).await? {
        Opened::Existing(_) => Ok(0),
        Opened::Begun(session) => session.write_unsigned(file).await,
    }
}

/// Sends transactions that were signed elsewhere, then does what `run` does.
pub async fn broadcast(
    rpc_url: &str,
    deployer: Address,
    config: &Config,
    options: &Options,
    file: &Path,
) -> Result<Outcome, Error> {
    match Session::open(rpc_url, deployer, config, options, false).await? {
        Opened::Existing(deployment) => Ok(Outcome {
            deployment,
            is_new: false,
        }),
        Opened::Begun(mut session) => {
            session.broadcast_signed(file).await?;
            let deployment = session.complete(&Account::Watched(deployer)).await?;
            Ok(Outcome {
                deployment,
                is_new: true,
            })
        }
    }
}
