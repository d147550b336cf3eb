//! A source: a set of contracts, what is read of them, and what becomes of it. The rest of the indexer does not care.

use std::future::Future;

use alloy::primitives::{Address, B256};
use plumbline_protocol::deployment::BlockRef;
use sqlx::PgConnection;

use crate::chain::Chain;
use crate::identity::Identity;
use crate::log::Log;
use crate::rows::{At, Rows};
use crate::schedule::{Closing, Schedule};

/// One database holds the deployment of one source.
///
/// A log passes through two stages. [`decode`](Source::decode) knows nothing but the log, runs in whichever task fetched
/// it and in any order, and encodes the fact's row. What running state depends on it gives back, and
/// [`apply`](Source::apply) takes that in the order of the chain, in the transaction that writes the facts.
pub(crate) trait Source: Send + Sync + 'static {
    /// What is applied in order; a source without running state has none.
    type Event: Send + 'static;
    /// What the writer knows while it holds the database. It is dropped and loaded again when it was not committed.
    type State: Send;

    /// As `deployment.source` has it.
    fn name(&self) -> &'static str;

    fn chain_id(&self) -> u64;

    /// No log of these contracts is older than this block.
    fn first_block(&self) -> BlockRef;

    /// The contracts whose logs are read; each must have code.
    fn contracts(&self) -> Vec<(&'static str, Address)>;

    /// First topics of the logs that are read; all when there are none.
    fn topics(&self) -> Vec<B256> {
        Vec::new()
    }

    /// Adds the row of a log's fact, and gives what is to be applied.
    fn decode(&self, log: &Log<'_>, rows: &mut Rows) -> anyhow::Result<Option<Self::Event>>;

    /// Adds to events what no log has but the chain knows, such as calldata; with the endpoint that gave the logs.
    fn complete(
        &self,
        _chain: &Chain,
        _events: Vec<&mut (At, Self::Event)>,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }

    /// The schedule of periods, when an event sets it.
    fn configures(&self, _event: &Self::Event, _at: At) -> anyhow::Result<Option<Schedule>> {
        Ok(None)
    }

    /// Makes an empty database one of this deployment: the row of `deployment`.
    fn claim(
        &self,
        db: &mut PgConnection,
        chain: &Chain,
        identity: Identity,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Refuses a database that holds other contracts of the same source.
    fn check(&self, db: &mut PgConnection) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Records what the contracts say of themselves and no event does; at every start.
    fn describe(&self, _db: &mut PgConnection, _chain: &Chain) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }

    /// The state as of the newest stored block.
    fn load(&self, db: &mut PgConnection) -> impl Future<Output = anyhow::Result<Self::State>> + Send;

    /// The schedule of periods, once it is known.
    fn schedule(&self, state: &Self::State) -> Option<Schedule>;

    /// Changes the state by an event and adds the rows that follow from it. Facts may be written later than this.
    fn apply(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        state: &mut Self::State,
        event: &Self::Event,
        at: At,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// After the last event of a block that has any.
    fn end_block(&self, _rows: &mut Rows, _state: &mut Self::State, _block_number: i64) {}

    /// Facts up to a block are about to be written: what a fold will want of them can be kept.
    fn keep(&self, _state: &mut Self::State, _facts: &Rows, _last_block: u64) -> anyhow::Result<()> {
        Ok(())
    }

    /// Adds the rows of a period that a block closed. Everything up to that block is written, and nothing after it.
    fn fold(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        state: &mut Self::State,
        schedule: &Schedule,
        closing: Closing,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// After everything of a transaction is written, facts and derived rows up to its last block.
    ///
    /// Where transactions end differs from run to run: what is written here must not depend on it.
    fn finish(
        &self,
        _db: &mut PgConnection,
        _state: &mut Self::State,
        _last_block: i64,
    ) -> impl Future<Output = anyhow::Result<()>> + Send {
        async { Ok(()) }
    }

    /// Bounds the memory of the state; between transactions.
    fn trim(&self, _state: &mut Self::State) {}
}
