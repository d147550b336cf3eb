//! Follows the chain: rewinds past reorgs, fetches a range, commits it whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::B256;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::batch::{Batch, Clock};
use crate::chain::{Chain, Header, Linked};
use crate::commit::{Sighting, commit};
use crate::config::Config;
use crate::database::{self, Stored};
use crate::error::{Remedy, RpcFailure};
use crate::fetch::{self, FetchedBlock, Span};
use crate::health::Shared;
use crate::identity::{check_deployment, identify};
use crate::log::Log;
use crate::rows::At;
use crate::source::Source;
use crate::{hint, metrics, rewind};

/// Blocks that are not final yet are read and written at most so many at a time.
const WINDOW_BLOCKS: u64 = 64;
/// An endpoint behind a load balancer may lag for a moment; after so many looks its shorter chain is the chain.
const LOOKS_BEHIND: u32 = 5;
/// Looks at a chain that changes under them, before waiting.
const MAX_LOOKS_AGAIN: u32 = 10;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often `chain_head.observed_at` says that the indexer lives, while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(2);
const PROGRESS_PAUSE: Duration = Duration::from_secs(5);

/// Follows until cancelled; returns an error only for what waiting does not mend.
pub(crate) async fn follow<S: Source>(
    config: &Config,
    source: &S,
    status: &Shared,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let news = Arc::new(Notify::new());
    let hints = config
        .ws_url
        .clone()
        .map(|url| tokio::spawn(hint::listen(url, news.clone(), cancel.clone())));
    let followed = cancel
        .run_until_cancelled(follow_forever(config, source, status, &news))
        .await;
    if let Some(hints) = hints {
        hints.abort();
    }
    match followed {
        Some(Err(error)) => Err(error),
        Some(Ok(())) | None => {
            tracing::info!("stopped; the next start goes on from the last committed block");
            Ok(())
        }
    }
}

/// What is dropped at any await here rolls back: a range is committed whole or not at all.
async fn follow_forever<S: Source>(config: &Config, source: &S, status: &Shared, news: &Notify) -> anyhow::Result<()> {
    let database = database::options(&config.database_url)?;
    let mut session = None;
    let mut wait = FIRST_WAIT;
    let mut looks_again = 0;
    loop {
        let looked = match &mut session {
            None => Session::open(config, &database, source).await.map(|opened| {
                session = Some(opened);
                Look::More
            }),
            Some(session) => session.look(status).await,
        };
        match looked {
            Ok(look) => {
                (wait, looks_again) = (FIRST_WAIT, 0);
                if look == Look::Settled {
                    let pause = Duration::from_millis(config.poll_interval_ms);
                    // Running into the pause's end is the normal case: nothing was announced.
                    drop(tokio::time::timeout(pause, news.notified()).await);
                }
            }
            Err(error) if Remedy::of(&error) == Remedy::Stop => return Err(error),
            Err(error) if Remedy::of(&error) == Remedy::LookAgain && looks_again < MAX_LOOKS_AGAIN => {
                looks_again += 1;
                tracing::debug!(error = format!("{error:#}"), "looking again");
            }
            Err(error) => {
                metrics::retried();
                let retry_in_ms = wait.as_millis() as u64;
                tracing::warn!(
                    error = format!("{error:#}"),
                    retry_in_ms,
                    "step failed; nothing was lost, trying again"
                );
                match &mut session {
                    Some(session) if error.chain().any(|cause| cause.is::<RpcFailure>()) => session.verified = false,
                    Some(_) | None => session = None,
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                looks_again = 0;
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// There is more to do at once.
    More,
    /// Nothing to do before the chain moves.
    Settled,
}

/// One connection to the database and what this process knows while it holds it.
struct Session<'a, S: Source> {
    source: &'a S,
    chain: Chain,
    db: PgConnection,
    /// The endpoint was checked since it last failed.
    verified: bool,
    /// Nothing when it was not committed: it is loaded again before it is needed.
    state: Option<S::State>,
    span: Span,
    tip: Option<Stored>,
    tip_header: Option<Header>,
    settled_head: Option<B256>,
    looks_behind: u32,
    heartbeat: Instant,
    progress: Progress,
}

impl<'a, S: Source> Session<'a, S> {
    async fn open(config: &Config, database: &PgConnectOptions, source: &'a S) -> anyhow::Result<Self> {
        let addresses = source.contracts().into_iter().map(|(_, address)| address).collect();
        let chain = Chain::connect(&config.rpc_url, addresses, config.finality_depth).await?;
        let identity = identify(&chain, source).await?;
        let mut db = database::open(database).await?;
        let known = database::holds(&mut db, source, identity).await?;
        check_deployment(&chain, source).await?;
        if !known {
            source.claim(&mut db, &chain, identity).await?;
        }
        source.describe(&mut db, &chain).await?;
        let tip = database::tip(&mut db).await?;
        tracing::info!(
            chain_id = identity.chain_id,
            endpoint = chain.endpoint(),
            from_block = tip.map_or(source.first_block().number as i64, |tip| tip.number + 1),
            "following"
        );
        Ok(Self {
            source,
            chain,
            db,
            verified: true,
            state: None,
            span: Span::new(config.max_range),
            tip,
            tip_header: None,
            settled_head: None,
            looks_behind: 0,
            heartbeat: Instant::now(),
            progress: Progress::new(),
        })
    }

    /// Looks at the head once and does the next thing that follows from it.
    async fn look(&mut self, status: &Shared) -> anyhow::Result<Look> {
        self.verify().await?;
        let linked = self.chain.head().await?;
        let head = linked.header;
        if self.settled_head == Some(head.hash) {
            self.beat(head).await?;
            status.looked(head.number, self.tip_number());
            return Ok(Look::Settled);
        }
        let finalized = self.chain.finalized(head.number).await?;
        metrics::head_seen(head.number, finalized);
        if let Some(tip) = self.tip {
            match self.compare(tip, linked).await? {
                Standing::Canonical => self.looks_behind = 0,
                Standing::Behind => {
                    self.looks_behind += 1;
                    return Ok(Look::Settled);
                }
                Standing::Replaced => {
                    self.rewind(tip).await?;
                    return Ok(Look::More);
                }
            }
        }
        let sighting = Sighting {
            head: head.number,
            finalized,
        };
        let next = self
            .tip_number()
            .map_or(self.source.first_block().number, |number| number + 1);
        if next > head.number {
            self.settle(head, sighting).await?;
            status.looked(head.number, self.tip_number());
            return Ok(Look::Settled);
        }
        self.advance(next, sighting).await?;
        let indexed = self.tip_number();
        metrics::indexed(
            indexed.unwrap_or_default(),
            head.number.saturating_sub(indexed.unwrap_or_default()),
        );
        self.progress.report(indexed, head.number);
        status.looked(head.number, indexed);
        Ok(Look::More)
    }

    fn tip_number(&self) -> Option<u64> {
        self.tip.map(|tip| tip.number as u64)
    }

    /// After a failure the endpoint may be another chain's.
    async fn verify(&mut self) -> anyhow::Result<()> {
        if !self.verified {
            self.chain = self.chain.reconnect().await?;
            let identity = identify(&self.chain, self.source).await?;
            database::holds(&mut self.db, self.source, identity).await?;
            check_deployment(&self.chain, self.source).await?;
            self.verified = true;
        }
        Ok(())
    }

    /// How the newest stored block stands to the chain.
    async fn compare(&self, tip: Stored, head: Linked) -> anyhow::Result<Standing> {
        let number = tip.number as u64;
        let there = if head.header.number == number {
            Some(head.header.hash)
        } else if head.header.number == number + 1 {
            Some(head.parent_hash)
        } else {
            self.chain.header(number).await?.map(|header| header.hash)
        };
        Ok(match there {
            Some(hash) if hash == tip.hash => Standing::Canonical,
            None if self.looks_behind < LOOKS_BEHIND => Standing::Behind,
            Some(_) | None => Standing::Replaced,
        })
    }

    async fn rewind(&mut self, tip: Stored) -> anyhow::Result<()> {
        // A development chain that was restarted shares nothing with the rows; better said now than as a deep reorg.
        self.verified = false;
        self.verify().await?;
        rewind::past_reorg(&mut self.db, &self.chain, tip).await?;
        self.state = None;
        self.tip = database::tip(&mut self.db).await?;
        self.tip_header = None;
        self.looks_behind = 0;
        Ok(())
    }

    /// Everything up to the head is written: only finality may have moved.
    async fn settle(&mut self, head: Header, sighting: Sighting) -> anyhow::Result<()> {
        let state = self.loaded().await?;
        self.commit(state, Batch::new(), sighting).await?;
        self.settled_head = Some(head.hash);
        self.heartbeat = Instant::now();
        metrics::indexed(self.tip_number().unwrap_or_default(), 0);
        Ok(())
    }

    async fn beat(&mut self, head: Header) -> anyhow::Result<()> {
        if self.heartbeat.elapsed() >= HEARTBEAT {
            database::observe(&mut self.db, head.number, 0).await?;
            self.heartbeat = Instant::now();
        }
        Ok(())
    }

    /// Reads the next range and commits it.
    async fn advance(&mut self, next: u64, sighting: Sighting) -> anyhow::Result<()> {
        let before = match (self.tip_header, self.tip_number()) {
            (Some(header), _) => Some(header),
            (None, Some(number)) => Some(self.chain.existing_header(number).await?),
            (None, None) => None,
        };
        let fetched = if next <= sighting.finalized {
            fetch::history(&self.chain, next..=sighting.finalized, &mut self.span).await?
        } else {
            let end = sighting.head.min(next + WINDOW_BLOCKS - 1);
            fetch::window(&self.chain, next..=end, self.tip.map(|tip| tip.hash)).await?
        };
        let last = fetched.last().map(|block| block.header);
        let mut state = self.loaded().await?;
        let schedule = self.source.schedule(&state);
        let next_period = match &schedule {
            Some(schedule) => database::next_period(&mut self.db, schedule).await?,
            None => 0,
        };
        let mut batch = self.decode(fetched)?;
        for block in batch.blocks.values_mut() {
            self.source.complete(&self.chain, &mut block.events).await?;
        }
        Clock::new(schedule, next_period, before)
            .pass(self.source, &self.chain, &mut batch)
            .await?;
        self.source.trim(&mut state);
        self.commit(state, batch, sighting).await?;
        self.tip_header = last;
        Ok(())
    }

    async fn loaded(&mut self) -> anyhow::Result<S::State> {
        match self.state.take() {
            Some(state) => Ok(state),
            None => self.source.load(&mut self.db).await,
        }
    }

    /// Keeps the state only if what was changed in it was written.
    async fn commit(&mut self, mut state: S::State, batch: Batch<S::Event>, sighting: Sighting) -> anyhow::Result<()> {
        self.tip = commit(&mut self.db, self.source, &mut state, self.tip, batch, sighting).await?;
        self.state = Some(state);
        Ok(())
    }

    fn decode(&self, fetched: Vec<FetchedBlock>) -> anyhow::Result<Batch<S::Event>> {
        let mut batch = Batch::new();
        for FetchedBlock { header, logs } in fetched {
            batch.begin_block(header);
            for log in logs {
                let at = At {
                    block_number: i64::try_from(header.number)?,
                    timestamp: header.timestamp,
                    log_index: i32::try_from(log.log_index.unwrap_or_default())?,
                    tx_hash: log.transaction_hash.unwrap_or_default(),
                };
                let log = Log {
                    at,
                    address: log.address(),
                    topics: log.topics(),
                    data: &log.inner.data.data,
                };
                batch.add(self.source, &log)?;
            }
        }
        Ok(batch)
    }
}

/// How the newest stored block stands to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Canonical,
    /// The endpoint does not have it, for now.
    Behind,
    Replaced,
}

/// Tells how far the catch-up is, now and then.
struct Progress {
    reported: Instant,
    from_block: Option<u64>,
}

impl Progress {
    fn new() -> Self {
        Self {
            reported: Instant::now(),
            from_block: None,
        }
    }

    fn report(&mut self, indexed: Option<u64>, head: u64) {
        let Some(indexed) = indexed else { return };
        let from_block = *self.from_block.get_or_insert(indexed);
        let elapsed = self.reported.elapsed();
        if elapsed < PROGRESS_PAUSE {
            return;
        }
        let done = indexed.saturating_sub(from_block);
        let left = head.saturating_sub(indexed);
        let blocks_per_second = done as f64 / elapsed.as_secs_f64();
        let eta_seconds = if done == 0 {
            0
        } else {
            (left as f64 / blocks_per_second) as u64
        };
        tracing::info!(
            block = indexed,
            head,
            left_blocks = left,
            blocks_per_second = blocks_per_second as u64,
            eta_seconds,
            "catching up"
        );
        *self = Self {
            reported: Instant::now(),
            from_block: Some(indexed),
        };
    }
}
