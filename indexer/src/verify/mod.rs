//! `plumbline verify`: the rows as of a block against what the contracts say of themselves there, to the base unit.

mod cases;
mod facts;
mod logs;
mod network;
mod operators;
mod periods;
mod report;
mod settlement;
mod snapshot;
mod sums;
mod view;

use std::fmt::Display;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::keccak256;
use futures::StreamExt;
use plumbline_protocol::Deployment;
use plumbline_protocol::deployment::{Addresses, SourceKind};
use plumbline_protocol::opengradient::Network;
use sqlx::{Connection, PgConnection};

use crate::accounts::Running;
use crate::chain::{Chain, Wanted};
use crate::database;
use crate::error::{Moved, Remedy};
use crate::identity::{check_deployment, identify};
use crate::opengradient::Opengradient;
use crate::plumbline::Plumbline;
use crate::source::Source;
use report::{Tally, Values};
use view::{Reverted, View};

pub use report::{Compared, Difference, Report, Unaccounted};

const CONCURRENCY: usize = 16;
/// Keys whose rows are in memory at the same time.
const KEYS_AT_ONCE: usize = 256;
/// A chain that replaces the block under each of so many verifications is not one to verify at.
const MAX_STARTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Compare the rows as of a block with what the contracts say there.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// PostgreSQL database to verify; reading is all that the role needs to be allowed
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,

    /// RPC endpoint to ask, which keeps the state of the block: http, https, ws or wss
    #[arg(long, env = "PLUMBLINE_RPC_URL", hide_env_values = true, value_name = "URL")]
    pub rpc_url: String,

    /// Deployments file that `plumbline deploy` wrote
    #[arg(long, env = "PLUMBLINE_DEPLOYMENT", value_name = "FILE")]
    pub deployment: PathBuf,

    /// Block to verify at [default: the newest that is indexed and final]
    #[arg(long, env = "PLUMBLINE_VERIFY_BLOCK", value_name = "BLOCK")]
    pub block: Option<u64>,

    /// Without a block, take the newest that is indexed, final or not
    #[arg(long, env = "PLUMBLINE_VERIFY_UNFINALIZED")]
    pub unfinalized: bool,

    /// Compare so many keys of each table, chosen at random, and logs of so many blocks [default: all]
    #[arg(long, env = "PLUMBLINE_VERIFY_SAMPLE", value_name = "KEYS",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub sample: Option<usize>,

    /// The same seed chooses the same sample
    #[arg(long, env = "PLUMBLINE_SEED", value_name = "NUMBER", default_value_t = 7)]
    pub seed: u64,

    /// Calls under way at the same time
    #[arg(long, env = "PLUMBLINE_VERIFY_CONCURRENCY", value_name = "CALLS", default_value_t = CONCURRENCY,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub concurrency: usize,

    /// Most blocks to ask for the logs of in one request; less when the endpoint refuses
    #[arg(long, env = "PLUMBLINE_MAX_RANGE", default_value_t = crate::config::MAX_RANGE, value_name = "BLOCKS",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub max_range: u64,
}

impl Config {
    /// The defaults, for this database, endpoint and deployments file.
    pub fn new(database_url: impl Into<String>, rpc_url: impl Into<String>, deployment: impl Into<PathBuf>) -> Self {
        Self {
            database_url: database_url.into(),
            rpc_url: rpc_url.into(),
            deployment: deployment.into(),
            block: None,
            unfinalized: false,
            sample: None,
            seed: 7,
            concurrency: CONCURRENCY,
            max_range: crate::config::MAX_RANGE,
        }
    }
}

/// How far a verification is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub subject: &'static str,
    pub done: u64,
    pub total: u64,
}

/// Verifies once; an error says why it could not be done, which says nothing about the rows.
pub async fn verify(config: &Config, progress: &(dyn Fn(Progress) + Send + Sync)) -> anyhow::Result<Report> {
    match SourceKind::of(&config.deployment)? {
        SourceKind::Plumbline => {
            let deployment = Deployment::read(&config.deployment)?;
            let contracts = deployment.contracts;
            verify_source(config, &Plumbline::new(deployment), Some(contracts), progress).await
        }
        SourceKind::Opengradient => {
            let network = Network::read(&config.deployment)?;
            verify_source(config, &Opengradient::new(network), None, progress).await
        }
    }
}

/// Contracts are asked where there are any; of another source facts alone are compared.
async fn verify_source<S: Source>(
    config: &Config,
    source: &S,
    contracts: Option<Addresses>,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> anyhow::Result<Report> {
    let options = database::options(&config.database_url)?;
    let indexer = crate::Config::new(&config.database_url, &config.rpc_url, &config.deployment);
    let chain = Chain::connect(&config.rpc_url, Wanted::of(source), &indexer).await?;
    let identity = identify(&chain, source).await?;
    check_deployment(&chain, source).await?;
    let mut db = database::connect(&options).await?;
    snapshot::check_schema(&mut db).await?;
    snapshot::check_deployment(&mut db, source, identity).await?;
    let mut starts = 0;
    loop {
        starts += 1;
        match attempt(&mut db, config, source, contracts, &chain, progress).await {
            Err(error) if starts < MAX_STARTS && Remedy::of(&error) == Remedy::LookAgain => {
                tracing::info!(error = format!("{error:#}"), "starting again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if error.chain().any(|cause| cause.is::<Moved>()) => {
                return Err(error.context(
                    "the rows and the endpoint do not have the same block, or it was replaced meanwhile: let the indexer \
                     reach the head, or choose a final block (--block)",
                ));
            }
            outcome => return outcome,
        }
    }
}

async fn attempt<S: Source>(
    db: &mut PgConnection,
    config: &Config,
    source: &S,
    contracts: Option<Addresses>,
    chain: &Chain,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> anyhow::Result<Report> {
    let mut snapshot = db
        .begin_with("begin isolation level repeatable read, read only")
        .await?;
    let chosen = snapshot::choose(&mut snapshot, config, source.first_block().number, chain).await?;
    let view = View::new(chain.clone(), chosen.header, contracts.unwrap_or_default());
    let mut check = Check {
        db: &mut snapshot,
        block: i64::try_from(chosen.header.number)?,
        view: &view,
        config,
        progress,
        tally: Tally::default(),
    };
    if contracts.is_some() {
        operators::check(&mut check).await?;
        settlement::check(&mut check).await?;
        cases::check(&mut check).await?;
        network::check(&mut check).await?;
        periods::check(&mut check).await?;
        sums::check(&mut check).await?;
    }
    facts::check(&mut check, source).await?;
    let tally = check.tally;
    snapshot.rollback().await?;
    view.confirm().await?;
    Ok(Report {
        block: chosen.header.number,
        hash: chosen.header.hash,
        finalized: chosen.finalized,
        facts_only: contracts.is_none(),
        sample: config.sample,
        seed: config.seed,
        compared: tally.compared,
        differences: tally.differences,
        unaccounted: tally.unaccounted,
    })
}

/// One verification under way.
struct Check<'a> {
    db: &'a mut PgConnection,
    /// Rows above it do not count.
    block: i64,
    view: &'a View,
    config: &'a Config,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
    tally: Tally,
}

impl<'a> Check<'a> {
    /// All items, or as many of them as are to be compared, chosen by seed and key.
    fn sample<T, K: Display>(&self, mut items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
        if let Some(sample) = self.config.sample.filter(|sample| *sample < items.len()) {
            let seed = self.config.seed;
            items.sort_by_cached_key(|item| keccak256(format!("{seed} {}", key(item))));
            items.truncate(sample);
        }
        items
    }

    fn report(&self, subject: &'static str, done: usize, total: usize) {
        let (done, total) = (done as u64, total as u64);
        (self.progress)(Progress { subject, done, total });
    }

    /// Asks the chain about each row of a table, or of a sample.
    async fn ask<T, K, F, A>(
        &mut self,
        table: &'static str,
        rows: Vec<T>,
        key: impl Fn(&T) -> K,
        ask: F,
    ) -> anyhow::Result<()>
    where
        K: Display,
        F: Fn(&'a View, T) -> A,
        A: Future<Output = anyhow::Result<Values>>,
    {
        let rows = self.sample(rows, &key);
        let total = rows.len();
        let mut done = 0;
        let mut rows = rows.into_iter().map(|row| (key(&row), row)).peekable();
        while rows.peek().is_some() {
            let some = rows.by_ref().take(KEYS_AT_ONCE).collect();
            done += self.compare(table, some, &ask).await?;
            self.report(table, done, total);
        }
        Ok(())
    }

    /// Asks the chain about the running state of each key, or of a sample; a state that has no row is compared as empty.
    async fn ask_states<S, K, F, A>(
        &mut self,
        table: &'static str,
        keys: Vec<S::Key>,
        show: impl Fn(&S::Key) -> K,
        ask: F,
    ) -> anyhow::Result<()>
    where
        S: Running,
        K: Display,
        F: Fn(&'a View, S::Key, S) -> A,
        A: Future<Output = anyhow::Result<Values>>,
    {
        let keys = self.sample(keys, &show);
        let mut done = 0;
        for some in keys.chunks(KEYS_AT_ONCE) {
            let mut states = Vec::with_capacity(some.len());
            for key in some {
                let state = S::load(self.db, *key, self.block).await?.unwrap_or_default();
                states.push((show(key), (*key, state)));
            }
            done += self
                .compare(table, states, &|view, (key, state)| ask(view, key, state))
                .await?;
            self.report(table, done, keys.len());
        }
        Ok(())
    }

    /// Compares items with the chain, several at a time, and says how many.
    async fn compare<T, K, F, A>(&mut self, table: &'static str, items: Vec<(K, T)>, ask: &F) -> anyhow::Result<usize>
    where
        K: Display,
        F: Fn(&'a View, T) -> A,
        A: Future<Output = anyhow::Result<Values>>,
    {
        let (view, count) = (self.view, items.len());
        let mut answers = futures::stream::iter(items)
            .map(|(key, item)| async move { (key, ask(view, item).await) })
            .buffer_unordered(self.config.concurrency);
        while let Some((key, answer)) = answers.next().await {
            match answer.map_err(|error| error.downcast::<Reverted>()) {
                Ok(values) => self.tally.record(table, key, values),
                // The contract knows no such thing, or another of that name.
                Err(Ok(reverted)) => {
                    self.tally.keys(table, 1, 1);
                    self.tally.differ(table, key, "row", "a row", reverted.to_string());
                }
                Err(Err(error)) => return Err(error),
            }
        }
        Ok(count)
    }
}

/// Bytes as PostgreSQL's clients show them.
fn hex(bytes: impl AsRef<[u8]>) -> String {
    alloy::primitives::hex::encode_prefixed(bytes)
}
