//! The endpoints that were given: which of them work, how far they are, and which one to ask next.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use plumbline_protocol::rpc;

use crate::chain::{Chain, Wanted};
use crate::config::Config;
use crate::database;
use crate::error::{Halt, Remedy, RpcFailure, RpcFailureKind};
use crate::identity::{Identity, check_contracts, check_first_block, identify};
use crate::metrics;
use crate::source::Source;
use crate::threads::Threads;

/// How often endpoints that are not in use are looked at.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// An endpoint so many blocks behind another is not asked.
const MAX_BEHIND_BLOCKS: u64 = 3;
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);

pub(crate) struct Endpoints<S> {
    source: Arc<S>,
    config: Config,
    threads: Threads,
    all: Vec<Endpoint>,
    /// Whose turn it is in history.
    turn: AtomicUsize,
    /// The chain that is indexed, once it is known.
    identity: Mutex<Option<Identity>>,
}

struct Endpoint {
    url: String,
    name: String,
    /// It has shown the contracts once; after a failure the chain's first blocks tell whether it is still the same.
    has_contracts: AtomicBool,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    /// Checked to serve our contracts since it last failed.
    verified: Option<(Chain, Identity)>,
    failures: u32,
    rests_until: Option<Instant>,
    head: Option<u64>,
}

impl Health {
    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Endpoint {
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<(Chain, Identity)> {
        let health = self.health();
        health.verified.clone().filter(|_| !health.rests())
    }

    fn failed(&self, kind: RpcFailureKind) {
        let mut health = self.health();
        health.failures += 1;
        let rest = match kind {
            RpcFailureKind::Busy { wait: Some(wait) } => wait,
            RpcFailureKind::Busy { wait: None }
            | RpcFailureKind::Timeout
            | RpcFailureKind::Transport
            | RpcFailureKind::TooMuch { .. }
            | RpcFailureKind::Limited
            | RpcFailureKind::Rejected
            | RpcFailureKind::Invalid => FIRST_REST * 2_u32.saturating_pow(health.failures.min(8) - 1),
        };
        health.rests_until = Some(Instant::now() + rest.min(LONGEST_REST));
        // After a failure it may be another chain's, and a WebSocket that broke does not come back by itself.
        if !matches!(kind, RpcFailureKind::Busy { .. }) {
            health.verified = None;
        }
        drop(health);
        metrics::endpoint_up(&self.name, false);
    }
}

impl<S: Source> Endpoints<S> {
    pub(crate) fn new(config: &Config, source: Arc<S>) -> anyhow::Result<Self> {
        let all: Vec<Endpoint> = config
            .rpc_urls
            .iter()
            .map(|url| Endpoint {
                url: url.clone(),
                name: rpc::redact(url),
                has_contracts: AtomicBool::new(false),
                health: Mutex::default(),
            })
            .collect();
        let least = if config.quorum { 2 } else { 1 };
        if all.len() < least {
            let problem = format!("{least} RPC URL(s) are needed; give --rpc-url once for each");
            return Err(Halt::Configuration(problem).into());
        }
        Ok(Self {
            source,
            config: config.clone(),
            threads: Threads::start()?,
            all,
            turn: AtomicUsize::new(0),
            identity: Mutex::new(None),
        })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    /// From now on only endpoints of this chain are asked for history.
    pub(crate) fn expect(&self, identity: Identity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity);
    }

    /// The first in the given order that works and is not behind.
    pub(crate) async fn best(&self) -> anyhow::Result<(Chain, Identity)> {
        match self.usable().into_iter().next() {
            Some((_, chain, identity)) => Ok((chain, identity)),
            None => self.first_to_answer().await,
        }
    }

    /// One for a part of history: each in its turn.
    pub(crate) fn spread(&self) -> Result<Chain, RpcFailure> {
        let usable = self.same_chain();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        match usable.len() {
            0 => Err(self.none_works("no endpoint works at the moment")),
            count => Ok(usable[turn % count].clone()),
        }
    }

    /// Another endpoint that has to tell the same, where a quorum is asked for.
    pub(crate) fn witness(&self, first: &Chain) -> Result<Option<Chain>, RpcFailure> {
        if !self.config.quorum {
            return Ok(None);
        }
        let other = self.same_chain().into_iter().find(|chain| chain.url != first.url);
        let other = other.ok_or_else(|| self.none_works("a quorum needs two endpoints, and only one works"))?;
        Ok(Some(other))
    }

    /// It does not get asked for a while.
    pub(crate) fn failed(&self, chain: &Chain, failure: &RpcFailure) {
        if let Some(endpoint) = self.all.iter().find(|endpoint| endpoint.url == chain.url) {
            endpoint.failed(failure.kind);
        }
    }

    /// Whether any other could be asked for the same.
    pub(crate) fn has_another(&self, chain: &Chain) -> bool {
        self.same_chain().iter().any(|other| other.url != chain.url)
    }

    /// Every connection is made anew before it is used again.
    pub(crate) fn forget(&self) {
        for endpoint in &self.all {
            endpoint.health().verified = None;
        }
    }

    /// What an endpoint reported as its newest block, and how long that took.
    pub(crate) fn answered(&self, chain: &Chain, head: u64, took: Duration) {
        if let Some(endpoint) = self.all.iter().find(|endpoint| endpoint.url == chain.url) {
            note(endpoint, head, took);
        }
    }

    /// Connects anew and checks that the endpoint serves the contracts.
    pub(crate) async fn verify(&self, chain: &Chain) -> anyhow::Result<(Chain, Identity)> {
        let index = self.all.iter().position(|endpoint| endpoint.url == chain.url);
        self.check(&self.all[index.unwrap_or_default()]).await
    }

    /// Looks after the endpoints that are not in use, until it is dropped.
    pub(crate) async fn watch(&self) {
        if self.all.len() < 2 {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(PROBE_PAUSE).await;
            join_all(self.all.iter().map(|endpoint| self.probe(endpoint))).await;
        }
    }

    async fn probe(&self, endpoint: &Endpoint) {
        let verified = endpoint.health().verified.clone();
        let chain = match verified {
            Some((chain, _)) => chain,
            None if endpoint.health().rests() => return,
            None => match self.check(endpoint).await {
                Ok((chain, _)) => chain,
                Err(error) => {
                    tracing::warn!(
                        endpoint = endpoint.name,
                        error = format!("{error:#}"),
                        "endpoint not usable"
                    );
                    return;
                }
            },
        };
        let began = Instant::now();
        match chain.head().await {
            Ok(head) => note(endpoint, head.header.number, began.elapsed()),
            Err(failure) => endpoint.failed(failure.kind),
        }
    }

    async fn check(&self, endpoint: &Endpoint) -> anyhow::Result<(Chain, Identity)> {
        let checked = async {
            let chain = Chain::connect(&endpoint.url, Wanted::of(&*self.source), &self.config).await?;
            let identity = identify(&chain, &*self.source).await?;
            self.same_genesis(identity)?;
            check_first_block(&chain, &*self.source).await?;
            if !endpoint.has_contracts.load(Ordering::Relaxed) {
                check_contracts(&chain, &*self.source).await?;
                endpoint.has_contracts.store(true, Ordering::Relaxed);
            }
            Ok((chain, identity))
        };
        let checked: anyhow::Result<(Chain, Identity)> = checked.await;
        match &checked {
            Ok(verified) => {
                let mut health = endpoint.health();
                *health = Health {
                    verified: Some(verified.clone()),
                    head: health.head,
                    ..Health::default()
                };
                drop(health);
                metrics::endpoint_up(&endpoint.name, true);
            }
            Err(error) => {
                let failure = error.downcast_ref::<RpcFailure>();
                endpoint.failed(failure.map_or(RpcFailureKind::Invalid, |failure| failure.kind));
            }
        }
        checked
    }

    /// A chain that was started anew shows another beginning at once, and the contracts' block not for a while.
    fn same_genesis(&self, identity: Identity) -> Result<(), Halt> {
        let known = *self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        match known.map(|known| known.genesis_hash) {
            Some(known) if !known.is_zero() && !identity.genesis_hash.is_zero() => {
                database::same("a chain with genesis block", known, identity.genesis_hash)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks all; the first that turns out to work is taken.
    async fn first_to_answer(&self) -> anyhow::Result<(Chain, Identity)> {
        let mut checks: FuturesUnordered<_> = self.all.iter().map(|endpoint| self.check(endpoint)).collect();
        let mut last = None;
        while let Some(checked) = checks.next().await {
            match checked {
                Ok(found) => return Ok(found),
                // A mistake in the configuration does not go away, and a failure does.
                Err(error) if Remedy::of(&error) == Remedy::Stop => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| self.none_works("no endpoint was given").into()))
    }

    /// Endpoints that work and are not behind, in the given order.
    fn usable(&self) -> Vec<(&Endpoint, Chain, Identity)> {
        let usable = self.all.iter().filter_map(|endpoint| {
            let (chain, identity) = endpoint.usable()?;
            Some((endpoint, chain, identity))
        });
        let usable: Vec<_> = usable.collect();
        let heads = usable.iter().filter_map(|(endpoint, ..)| endpoint.health().head);
        let floor = heads.max().unwrap_or(0).saturating_sub(MAX_BEHIND_BLOCKS);
        let in_time = |endpoint: &Endpoint| endpoint.health().head.is_none_or(|head| head >= floor);
        usable.into_iter().filter(|(endpoint, ..)| in_time(endpoint)).collect()
    }

    fn same_chain(&self) -> Vec<Chain> {
        let expected = *self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = self.usable().into_iter();
        usable
            .filter(|(_, _, identity)| expected.is_none_or(|expected| expected == *identity))
            .map(|(_, chain, _)| chain)
            .collect()
    }

    fn none_works(&self, message: &str) -> RpcFailure {
        let names: Vec<&str> = self.all.iter().map(|endpoint| endpoint.name.as_str()).collect();
        RpcFailure {
            method: "connect",
            endpoint: names.join(", "),
            kind: RpcFailureKind::Transport,
            message: message.into(),
        }
    }
}

fn note(endpoint: &Endpoint, head: u64, took: Duration) {
    let mut health = endpoint.health();
    health.head = Some(head);
    health.failures = 0;
    drop(health);
    metrics::endpoint_answered(&endpoint.name, head, took);
}
