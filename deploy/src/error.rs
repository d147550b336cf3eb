//! What can go wrong, and which command mends it.

use std::fmt;
use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256, utils::format_ether};
use alloy::transports::TransportError;
use plumbline_protocol::deployment::DeploymentError;
use plumbline_protocol::rpc::{ConnectError, redact_all};

use crate::config::ConfigError;
use crate::plan::Step;

/// Why a deployment stopped. Nothing that was sent is lost: the same command continues.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Deployments(#[from] DeploymentError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("cannot {action}: {}; check the RPC URL and that the node runs, then give the same command again", .cause.cause())]
    Rpc { action: &'static str, cause: RpcFailure },
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error("pending deployment {} is not valid: {cause}; restore it, or start over with --force-new", path.display())]
    Journal { path: PathBuf, cause: serde_json::Error },
    #[error("{0}")]
    Key(String),
    #[error("another `plumbline deploy` holds {}; wait until it ends", path.display())]
    Busy { path: PathBuf },
    #[error(
        "{} was begun with {what} than now: continue with what it was begun with, or start over with --force-new",
        path.display()
    )]
    PendingDiffers { path: PathBuf, what: String },
    #[error(
        "{} describes a deployment with {what} than now: keep it and deploy with what it was made with, or deploy again \
         beside it with --force-new",
        path.display()
    )]
    ExistingDiffers { path: PathBuf, what: String },
    #[error(
        "{} is about another chain with the same id ({detail}): a development chain was started anew, or the RPC URL is \
         wrong; deploy to this one with --force-new",
        path.display()
    )]
    ChainReset { path: PathBuf, detail: String },
    #[error(
        "{address} has {} of the native token, but {step} and what follows need about {}; send it the difference and give \
         the same command again",
        format_ether(*balance), format_ether(*needed)
    )]
    InsufficientBalance {
        address: Address,
        balance: U256,
        needed: U256,
        step: Step,
    },
    #[error(
        "the node ignores or refuses state overrides in {method}, which checking code and costs needs; use another RPC \
         endpoint (current Geth, Reth, Nethermind, Erigon and Anvil have them)"
    )]
    NoOverrides { method: &'static str },
    #[error("{step} would revert: {reason}; nothing was sent for it")]
    WouldRevert { step: Step, reason: String },
    #[error("{step} reverted in transaction {hash}; the same command tries it again with a new nonce")]
    Reverted { step: Step, hash: B256 },
    #[error(
        "nonce {nonce} of {address} was used by another transaction, so {step} did not happen; stop whatever else sends \
         with this key, then give the same command again: it continues with the next nonce"
    )]
    NonceTaken { step: Step, nonce: u64, address: Address },
    #[error(
        "{step} (nonce {nonce}) was not mined after {attempts} attempts with rising fees; it may still be: give the same \
         command again later"
    )]
    NotMined { step: Step, nonce: u64, attempts: u32 },
    #[error(
        "{step} is not on chain yet: sign and broadcast the transactions of {address} from nonce {nonce} on (write them \
         with --unsigned FILE), then give the same command again"
    )]
    AwaitingTransaction { step: Step, nonce: u64, address: Address },
    #[error("the last transaction had not {confirmations} confirmations in time; give the same command again later")]
    NotConfirmed { confirmations: u64 },
    #[error(
        "{step} was mined and is gone, so the chain was reorganised, or the node does not have its receipt yet; give the \
         same command again"
    )]
    Vanished { step: Step },
    #[error("{what} at {address} is not what was deployed: {detail}")]
    Mismatch {
        what: String,
        address: Address,
        detail: String,
    },
    #[error("signed transaction {position}: {problem}")]
    Signed { position: usize, problem: String },
    #[error("stopped after {0}, as asked")]
    Stopped(Step),
}

/// A failed request to the node. It shows URLs without their paths, which often hold an API key.
#[derive(thiserror::Error)]
#[error("{}", self.cause())]
pub struct RpcFailure(pub TransportError);

impl RpcFailure {
    fn cause(&self) -> String {
        match self.0.as_error_resp() {
            Some(response) => format!("the node answered: {}", response.message),
            None => redact_all(&self.0.to_string()),
        }
    }
}

impl fmt::Debug for RpcFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RpcFailure({})", self.cause())
    }
}

impl From<TransportError> for RpcFailure {
    fn from(cause: TransportError) -> Self {
        Self(cause)
    }
}
