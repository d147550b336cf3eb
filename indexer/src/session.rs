//! One connection to the database, and the next thing to do while it lasts.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::B256;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;

use crate::batch::{Batch, Clock};
use crate::chain::{Chain, Header, Linked};
use crate::commit::{Sighting, commit};
use crate::config::Config;
use crate::database::{self, Stored};
use crate::endpoints::Endpoints;
use crate::error::Moved;
use crate::health::Shared;
use crate::history::{self, QUEUED_BATCHES};
use crate::identity::Identity;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::source::Source;
use crate::{fetch, metrics, rewind};

/// Blocks that are not final yet are read and written at most so many at a time.
const WINDOW_BLOCKS: u64 = 64;
/// So close to the head, blocks are read one by one whether they are final or not: it saves asking first.
const CLOSE_BLOCKS: u64 = 8;
/// An endpoint behind a load balancer may lag for a moment; after so many looks its shorter chain is the chain.
const LOOKS_BEHIND: u32 = 5;
/// How often `chain_head.observed_at` says that the indexer lives, while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is more to do at once.
    More,
    /// Nothing to do before the chain moves.
    Settled,
}

/// One connection to the database and what this process knows while it holds it.
pub(crate) struct Session<S: Source> {
    endpoints: Arc<Endpoints<S>>,
    /// The endpoint of this look.
    chain: Chain,
    /// The chain that the rows were compared with.
    identity: Identity,
    db: PgConnection,
    /// Nothing when it was not committed: it is loaded again before it is needed.
    state: Option<S::State>,
    /// Likewise.
    clock: Option<Clock>,
    plan: Plan,
    tip: Option<Stored>,
    settled_head: Option<B256>,
    looks_behind: u32,
    heartbeat: Instant,
    progress: Progress,
    status: Shared,
}

impl<S: Source> Session<S> {
    pub(crate) async fn open(
        config: &Config,
        database: &PgConnectOptions,
        endpoints: &Arc<Endpoints<S>>,
        status: &Shared,
    ) -> anyhow::Result<Self> {
        let (chain, identity) = endpoints.best().await?;
        let mut db = database::open(database, status).await?;
        let source = endpoints.source();
        if !database::holds(&mut db, source, identity).await? {
            source.claim(&mut db, &chain, identity).await?;
        }
        endpoints.expect(identity);
        source.describe(&mut db, &chain).await?;
        let tip = database::tip(&mut db).await?;
        tracing::info!(
            chain_id = identity.chain_id,
            endpoint = chain.endpoint(),
            from_block = tip.map_or(source.first_block().number as i64, |tip| tip.number + 1),
            "following"
        );
        Ok(Self {
            endpoints: endpoints.clone(),
            chain,
            identity,
            db,
            state: None,
            clock: None,
            plan: Plan::new(config.max_range),
            tip,
            settled_head: None,
            looks_behind: 0,
            heartbeat: Instant::now(),
            progress: Progress::new(config.progress_bar),
            status: status.clone(),
        })
    }

    /// The endpoint that was asked last.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Looks at the head once and does the next thing that follows from it.
    pub(crate) async fn look(&mut self) -> anyhow::Result<Look> {
        let (chain, identity) = self.endpoints.best().await?;
        self.use_endpoint(chain, identity).await?;
        let began = Instant::now();
        let head = self.chain.head().await?;
        let number = head.header.number;
        self.endpoints.answered(&self.chain, number, began.elapsed());
        if self.settled_head == Some(head.header.hash) {
            self.beat(number).await?;
            self.status.looked(number, self.tip_number());
            return Ok(Look::Settled);
        }
        if let Some(tip) = self.tip {
            match self.compare(tip, head).await? {
                Standing::Canonical => self.looks_behind = 0,
                Standing::Behind => {
                    self.looks_behind += 1;
                    return Ok(Look::Settled);
                }
                Standing::Replaced => {
                    Box::pin(self.rewind(tip)).await?;
                    return Ok(Look::More);
                }
            }
        }
        let first = self.endpoints.source().first_block().number;
        let next = self.tip_number().map_or(first, |tip| tip + 1);
        if number < next + CLOSE_BLOCKS {
            return Box::pin(self.follow(next, head)).await;
        }
        let finalized = self.chain.finalized(number, self.chain.finalized_tag().await?);
        let sighting = Sighting {
            head: number,
            finalized,
        };
        metrics::head_seen(number, finalized);
        if next <= finalized {
            Box::pin(self.catch_up(next, sighting)).await?;
        } else {
            let end = number.min(next + WINDOW_BLOCKS - 1);
            let parent = self.tip.map(|tip| tip.hash);
            let batch = Box::pin(fetch::window(&self.endpoints, &self.chain, next..=end, parent, head)).await?;
            self.write_window(batch, sighting).await?;
        }
        Ok(Look::More)
    }

    fn tip_number(&self) -> Option<u64> {
        self.tip.map(|tip| tip.number as u64)
    }

    /// What was compared with one chain must not go on with another.
    async fn use_endpoint(&mut self, chain: Chain, identity: Identity) -> anyhow::Result<()> {
        if identity != self.identity {
            database::holds(&mut self.db, self.endpoints.source(), identity).await?;
            self.identity = identity;
            self.endpoints.expect(identity);
        }
        if chain.endpoint() != self.chain.endpoint() {
            tracing::info!(endpoint = chain.endpoint(), "going on with another endpoint");
        }
        self.chain = chain;
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
        let (chain, identity) = self.endpoints.verify(&self.chain).await?;
        self.use_endpoint(chain, identity).await?;
        (self.state, self.clock, self.settled_head) = (None, None, None);
        rewind::past_reorg(&mut self.db, &self.chain, tip).await?;
        self.tip = database::tip(&mut self.db).await?;
        self.looks_behind = 0;
        Ok(())
    }

    /// The last few blocks up to the head; what is final is asked for at the same time.
    async fn follow(&mut self, next: u64, head: Linked) -> anyhow::Result<Look> {
        let number = head.header.number;
        let parent = self.tip.map(|tip| tip.hash);
        let (batch, tag) = tokio::try_join!(
            Box::pin(fetch::window(&self.endpoints, &self.chain, next..=number, parent, head)),
            async { Ok(self.chain.finalized_tag().await?) },
        )?;
        let finalized = self.chain.finalized(number, tag);
        metrics::head_seen(number, finalized);
        self.write_window(
            batch,
            Sighting {
                head: number,
                finalized,
            },
        )
        .await?;
        self.settled_head = Some(head.header.hash);
        self.heartbeat = Instant::now();
        Ok(Look::Settled)
    }

    async fn beat(&mut self, head: u64) -> anyhow::Result<()> {
        if self.heartbeat.elapsed() >= HEARTBEAT {
            database::observe(&mut self.db, head, 0).await?;
            self.heartbeat = Instant::now();
        }
        Ok(())
    }

    async fn write_window(&mut self, mut batch: Batch<S::Event>, sighting: Sighting) -> anyhow::Result<()> {
        let mut clock = self.clock().await?;
        clock.pass(self.endpoints.source(), &self.chain, &mut batch).await?;
        self.write(batch, sighting).await?;
        self.clock = Some(clock);
        Ok(())
    }

    /// Reads and writes final blocks side by side; what was read before an error is written.
    async fn catch_up(&mut self, next: u64, sighting: Sighting) -> anyhow::Result<()> {
        let clock = self.clock().await?;
        let mut plan = self.plan.clone();
        let (endpoints, chain) = (self.endpoints.clone(), self.chain.clone());
        let (sender, mut receiver) = mpsc::channel(QUEUED_BATCHES);
        let range = next..=sighting.finalized;
        let caught_up = {
            let mut read = pin!(history::read(&endpoints, &chain, &mut plan, clock, range, sender));
            let mut write = pin!(async {
                while let Some(batch) = history::take(&mut receiver).await {
                    self.write(batch, sighting).await?;
                }
                anyhow::Ok(())
            });
            tokio::select! {
                read = &mut read => {
                    write.await?;
                    read
                }
                written = &mut write => {
                    written?;
                    read.await
                }
            }
        };
        self.plan = plan;
        self.clock = Some(caught_up?);
        Ok(())
    }

    async fn clock(&mut self) -> anyhow::Result<Clock> {
        if let Some(clock) = self.clock.take() {
            return Ok(clock);
        }
        let state = self.loaded().await?;
        let schedule = self.endpoints.source().schedule(&state);
        self.state = Some(state);
        let next_period = match &schedule {
            Some(schedule) => database::next_period(&mut self.db, schedule).await?,
            None => 0,
        };
        let before: Option<Header> = match self.tip {
            Some(tip) => Some(self.chain.existing_header(tip.number as u64).await?),
            None => None,
        };
        // The time of a block that took its place would close periods too early or too late.
        if let (Some(tip), Some(before)) = (self.tip, before)
            && tip.hash != before.hash
        {
            return Err(Moved(format!("block {} is {} now", tip.number, before.hash)).into());
        }
        Ok(Clock::new(schedule, next_period, before))
    }

    async fn loaded(&mut self) -> anyhow::Result<S::State> {
        match self.state.take() {
            Some(state) => Ok(state),
            None => self.endpoints.source().load(&mut self.db).await,
        }
    }

    /// Keeps the state only if what was changed in it was written.
    async fn write(&mut self, batch: Batch<S::Event>, sighting: Sighting) -> anyhow::Result<()> {
        let mut state = self.loaded().await?;
        let source = self.endpoints.source();
        source.trim(&mut state);
        self.tip = Box::pin(commit(&mut self.db, source, &mut state, self.tip, batch, sighting)).await?;
        self.state = Some(state);
        let indexed = self.tip_number();
        let lag = sighting.head.saturating_sub(indexed.unwrap_or_default());
        metrics::indexed(indexed.unwrap_or_default(), lag);
        self.progress.report(indexed, sighting.head);
        self.status.looked(sighting.head, indexed);
        Ok(())
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
