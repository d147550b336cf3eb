//! Final blocks in bulk: ranges are fetched and decoded side by side, put back in order, and written by one writer.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{future::Future, pin::Pin};

use anyhow::Context as _;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinHandle;

use crate::batch::{Batch, Clock};
use crate::chain::Chain;
use crate::endpoints::Endpoints;
use crate::plan::{Outcome, Plan};
use crate::source::Source;
use crate::{fetch, metrics};

/// Batches that are decoded and wait for the writer.
pub(crate) const QUEUED_BATCHES: usize = 2;
/// Rows that are written in one transaction, where so many are there already.
const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// After this the head is looked at again, however much of history is left.
const LONGEST_RUN: Duration = Duration::from_secs(30);

/// A task that ends with whoever waits for it.
struct Fetching<E>(JoinHandle<anyhow::Result<(Batch<E>, Outcome)>>);

impl<E> Future for Fetching<E> {
    type Output = anyhow::Result<(Batch<E>, Outcome)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = Pin::new(&mut self.0).poll(context);
        joined.map(|joined| joined.context("fetch a range")?)
    }
}

impl<E> Drop for Fetching<E> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads the blocks of a range in order; an error ends it, and what was sent before is sound.
pub(crate) async fn read<S: Source>(
    endpoints: &Arc<Endpoints<S>>,
    chain: &Chain,
    plan: &mut Plan,
    mut clock: Clock,
    range: RangeInclusive<u64>,
    batches: Sender<Batch<S::Event>>,
) -> anyhow::Result<Clock> {
    let began = Instant::now();
    let (threads, (mut next, last)) = (endpoints.threads(), range.into_inner());
    let mut ahead: FuturesOrdered<Fetching<S::Event>> = FuturesOrdered::new();
    loop {
        while next <= last && ahead.len() < plan.ahead() && began.elapsed() < LONGEST_RUN {
            let range = plan.range(next, last);
            next = range.end() + 1;
            let (endpoints, first_look) = (endpoints.clone(), plan.is_new());
            let fetching = async move { fetch::history(&endpoints, range, first_look).await };
            ahead.push_back(Fetching(threads.spawn(fetching)));
        }
        let Some(fetched) = ahead.next().await else {
            return Ok(clock);
        };
        let (mut batch, outcome) = fetched?;
        plan.learn(outcome);
        // Only of a first look, which is alone.
        next -= outcome.unread;
        Box::pin(clock.pass(endpoints.source(), chain, &mut batch)).await?;
        metrics::queued(batch.facts.bytes());
        // The writer has ended, and says why itself.
        if batches.send(batch).await.is_err() {
            return Ok(clock);
        }
    }
}

/// What is written in one transaction: one batch is waited for, more are added as far as they are there.
pub(crate) async fn take<E>(batches: &mut Receiver<Batch<E>>) -> Option<Batch<E>> {
    let mut batch = batches.recv().await?;
    while batch.facts.bytes() < COMMIT_BYTES {
        let Ok(more) = batches.try_recv() else { break };
        batch.append(more);
    }
    metrics::unqueued(batch.facts.bytes());
    Some(batch)
}
