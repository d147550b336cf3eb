//! What can go wrong, by what the follower does about it: stop, look again, or wait and retry.

use std::time::Duration;

use alloy::primitives::{Address, B256};

use crate::health::Stalled;

/// What stops the indexer until somebody acts. Nothing was written of the step that failed.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// A log of our contracts that is none of their events.
    #[error(
        "block {block_number}, transaction {tx_hash}, log {log_index} of {address} (topic0 {topic0}) does not decode: \
         {reason}. Nothing of this block was written. Check that the deployments file names the right contracts; if it \
         does, the contract has events that this version does not know: install the version that does and start again"
    )]
    Undecodable {
        block_number: u64,
        tx_hash: B256,
        log_index: u64,
        address: Address,
        topic0: String,
        reason: String,
    },
    /// The chain replaced blocks that it had called final.
    #[error(
        "block {number} was final with hash {ours}, and the chain now has {theirs} there: a reorg beyond finality. \
         The rows are kept as they were. If the new chain is right, run `plumbline index --rewind-to {rewind_to}` and \
         start again; if not, use another RPC endpoint"
    )]
    DeepReorg {
        number: u64,
        ours: B256,
        theirs: B256,
        rewind_to: i64,
    },
    /// Events contradict each other: one of them was lost or the rows were changed by hand.
    #[error(
        "block {block_number}, log {log_index}: {what}. Events and rows contradict each other; nothing of this block was \
         written. Index into an empty database to tell which is wrong"
    )]
    Inconsistent {
        block_number: i64,
        log_index: i32,
        what: String,
    },
    /// Two endpoints tell different stories of the same final blocks.
    #[error(
        "{first} and {second} disagree about blocks {from} to {to}: {what}. Nothing of these blocks was written. One of \
         them leaves logs out or is on another fork: compare both with a third, and give only the right ones with --rpc-url"
    )]
    Disagreement {
        first: String,
        second: String,
        from: u64,
        to: u64,
        what: &'static str,
    },
    /// Another process writes to the same database.
    #[error("{0}")]
    SecondWriter(String),
    /// The database holds another deployment.
    #[error(
        "the database holds {what} {in_database}, but {what} {given} was given; use an empty database for another \
         deployment (createdb NAME, then --database-url), or give the RPC URL and deployments file of the first"
    )]
    OtherDeployment {
        what: &'static str,
        in_database: String,
        given: String,
    },
    /// The chain is not the one that was deployed to.
    #[error("{0}")]
    OtherChain(String),
    /// The configuration cannot work.
    #[error("{0}")]
    Configuration(String),
}

/// A request to an RPC endpoint failed; the URL is not part of the message, because it may hold an API key.
#[derive(Debug, thiserror::Error)]
#[error("{method} at {endpoint} failed ({}): {message}", kind.as_str())]
pub struct RpcFailure {
    pub method: &'static str,
    pub endpoint: String,
    pub kind: RpcFailureKind,
    pub message: String,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpcFailureKind {
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Transport,
    /// Less must be asked for at a time; so many blocks would do, the endpoint says.
    TooMuch { blocks: Option<u64> },
    /// One must ask less often; after so long, the endpoint says.
    Busy { wait: Option<Duration> },
    /// A limit of the one kind or the other.
    Limited,
    /// The endpoint answered with another error.
    Rejected,
    /// The answer contradicts the request or an earlier answer.
    Invalid,
}

impl RpcFailureKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::TooMuch { .. } => "range too large",
            Self::Busy { .. } => "rate limit",
            Self::Limited => "limit",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid answer",
        }
    }
}

/// The chain changed while it was read: what was read is thrown away and read again.
#[derive(Debug, thiserror::Error)]
#[error("the chain changed while it was read: {0}")]
pub(crate) struct Moved(pub(crate) String);

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing that waiting would mend.
    Stop,
    /// Read the chain again at once.
    LookAgain,
    /// Wait, then try again; the database connection may be gone.
    Wait,
}

impl Remedy {
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        for cause in error.chain() {
            if cause.is::<Halt>() {
                return Self::Stop;
            }
            if cause.is::<Moved>() {
                return Self::LookAgain;
            }
            if cause.is::<RpcFailure>() || cause.is::<Stalled>() {
                return Self::Wait;
            }
            if let Some(database) = cause.downcast_ref::<sqlx::Error>() {
                return Self::of_database(database);
            }
            if let Some(sqlx::migrate::MigrateError::Execute(database)) = cause.downcast_ref() {
                return Self::of_database(database);
            }
        }
        Self::Stop
    }

    fn of_database(error: &sqlx::Error) -> Self {
        let connection_lost = matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolTimedOut
        );
        // SQLSTATE classes: connection, transaction rollback, resources, operator intervention, system; and a server
        // that is a read-only replica until the failover is done.
        let passing = error
            .as_database_error()
            .and_then(|database| database.code())
            .is_some_and(|code| {
                ["08", "40", "53", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class))
                    || code == "25006"
            });
        if connection_lost || passing {
            Self::Wait
        } else {
            Self::Stop
        }
    }
}
