//! Running state: one row per key and block in which it changed, so that a reorg takes it back by deleting rows.

mod case;
mod channel;
mod credit;
mod edge;
mod model;
mod network;
mod offering;
mod operator;
mod pause;
mod profile;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use sqlx::PgConnection;

pub(crate) use case::{Case, Stage, Verdict};
pub(crate) use channel::Channel;
pub(crate) use credit::{Credit, CreditClass};
pub(crate) use edge::{Edge, EdgeTotal};
pub(crate) use model::Model;
pub(crate) use network::Network;
pub(crate) use offering::Offering;
pub(crate) use operator::OperatorAccount;
pub(crate) use pause::PauseClock;
pub(crate) use profile::{OperatorProfile, Status};

use crate::rows::Rows;
use crate::sql::Uint;

/// Keys held in memory before all are dropped and read again as needed.
const MAX_CACHED: usize = 200_000;
/// Above every block.
const NEWEST: i64 = i64::MAX;

/// A state with one row per block in which it changed.
pub(crate) trait Running: Default + Send {
    type Key: Ord + Copy + Send + Sync;

    /// The row of the key as of the end of a block.
    fn load(
        db: &mut PgConnection,
        key: Self::Key,
        until: i64,
    ) -> impl Future<Output = anyhow::Result<Option<Self>>> + Send;

    /// Adds the row of a block.
    fn write(&self, key: Self::Key, block_number: i64, rows: &mut Rows);
}

/// States by key: read once, changed in memory, written at the end of each block.
pub(crate) struct Cache<T: Running> {
    states: BTreeMap<T::Key, T>,
    changed: BTreeSet<T::Key>,
}

impl<T: Running> Default for Cache<T> {
    fn default() -> Self {
        Self {
            states: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }
}

impl<T: Running> Cache<T> {
    /// The state of a key, to be changed: it gets a row in this block.
    async fn change(&mut self, db: &mut PgConnection, key: T::Key) -> anyhow::Result<&mut T> {
        self.changed.insert(key);
        match self.states.entry(key) {
            Entry::Occupied(state) => Ok(state.into_mut()),
            Entry::Vacant(missing) => Ok(missing.insert(T::load(db, key, NEWEST).await?.unwrap_or_default())),
        }
    }

    /// The state of a key, not to be changed.
    async fn read(&mut self, db: &mut PgConnection, key: T::Key) -> anyhow::Result<&T> {
        match self.states.entry(key) {
            Entry::Occupied(state) => Ok(state.into_mut()),
            Entry::Vacant(missing) => Ok(missing.insert(T::load(db, key, NEWEST).await?.unwrap_or_default())),
        }
    }

    fn write(&mut self, block_number: i64, rows: &mut Rows) {
        for key in std::mem::take(&mut self.changed) {
            if let Some(state) = self.states.get(&key) {
                state.write(key, block_number, rows);
            }
        }
    }
}

/// All running states. Whoever cannot commit what was changed here must drop it.
#[derive(Default)]
pub(crate) struct Accounts {
    profiles: Cache<OperatorProfile>,
    operators: Cache<OperatorAccount>,
    channels: Cache<Channel>,
    models: Cache<Model>,
    offerings: Cache<Offering>,
    credits: Cache<Credit>,
    cases: Cache<Case>,
    pause: Cache<PauseClock>,
    edges: Cache<EdgeTotal>,
    network: Cache<Network>,
}

impl Accounts {
    pub(crate) async fn profile(
        &mut self,
        db: &mut PgConnection,
        key: Address,
    ) -> anyhow::Result<&mut OperatorProfile> {
        self.profiles.change(db, key).await
    }

    pub(crate) async fn operator(
        &mut self,
        db: &mut PgConnection,
        key: Address,
    ) -> anyhow::Result<&mut OperatorAccount> {
        self.operators.change(db, key).await
    }

    pub(crate) async fn channel(
        &mut self,
        db: &mut PgConnection,
        payer: Address,
        operator: Address,
    ) -> anyhow::Result<&mut Channel> {
        self.channels.change(db, (payer, operator)).await
    }

    pub(crate) async fn model(&mut self, db: &mut PgConnection, key: B256) -> anyhow::Result<&mut Model> {
        self.models.change(db, key).await
    }

    pub(crate) async fn offering(
        &mut self,
        db: &mut PgConnection,
        operator: Address,
        model_id: B256,
    ) -> anyhow::Result<&mut Offering> {
        self.offerings.change(db, (operator, model_id)).await
    }

    pub(crate) async fn credit(
        &mut self,
        db: &mut PgConnection,
        class: CreditClass,
        account: Address,
    ) -> anyhow::Result<&mut Credit> {
        self.credits.change(db, (class, account)).await
    }

    pub(crate) async fn edge(&mut self, db: &mut PgConnection, key: Edge) -> anyhow::Result<&mut EdgeTotal> {
        self.edges.change(db, key).await
    }

    pub(crate) async fn case(&mut self, db: &mut PgConnection, key: U256) -> anyhow::Result<&mut Case> {
        self.cases.change(db, key).await
    }

    pub(crate) async fn pause_clock(&mut self, db: &mut PgConnection) -> anyhow::Result<&mut PauseClock> {
        self.pause.change(db, ()).await
    }

    pub(crate) async fn read_pause_clock(&mut self, db: &mut PgConnection) -> anyhow::Result<&PauseClock> {
        self.pause.read(db, ()).await
    }

    pub(crate) async fn network(&mut self, db: &mut PgConnection) -> anyhow::Result<&mut Network> {
        self.network.change(db, ()).await
    }

    /// Adds the rows of every state that changed since the last block.
    pub(crate) fn write(&mut self, block_number: i64, rows: &mut Rows) {
        self.profiles.write(block_number, rows);
        self.operators.write(block_number, rows);
        self.channels.write(block_number, rows);
        self.models.write(block_number, rows);
        self.offerings.write(block_number, rows);
        self.credits.write(block_number, rows);
        self.cases.write(block_number, rows);
        self.pause.write(block_number, rows);
        self.edges.write(block_number, rows);
        self.network.write(block_number, rows);
    }

    /// Bounds the memory; to be called between transactions.
    pub(crate) fn trim(&mut self) {
        let cached = self.operators.states.len()
            + self.channels.states.len()
            + self.offerings.states.len()
            + self.models.states.len()
            + self.credits.states.len()
            + self.cases.states.len();
        if cached > MAX_CACHED {
            *self = Self::default();
        }
    }
}

/// What was wrong with a change of a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Imbalance {
    Overdrawn,
    Overflown,
}

impl Uint {
    pub(crate) fn increase(&mut self, amount: U256) -> Result<(), Imbalance> {
        self.0 = self.0.checked_add(amount).ok_or(Imbalance::Overflown)?;
        Ok(())
    }

    pub(crate) fn decrease(&mut self, amount: U256) -> Result<(), Imbalance> {
        self.0 = self.0.checked_sub(amount).ok_or(Imbalance::Overdrawn)?;
        Ok(())
    }
}
