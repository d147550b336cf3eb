//! Reads blocks with their logs: final ones by ranges that adapt, the others one by one and linked by hash.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use alloy::primitives::B256;
use alloy::rpc::types::Log;
use futures::{StreamExt, TryStreamExt};

use crate::chain::{Chain, Header, Linked};
use crate::error::{Moved, RpcFailureKind};
use crate::metrics;

/// Requests that are under way at the same time.
const CONCURRENT_REQUESTS: usize = 8;
/// A range that gave fewer logs than this may grow.
const AIM_LOGS: usize = 6_000;

/// A block and our logs in it, in order.
#[derive(Debug, Clone)]
pub(crate) struct FetchedBlock {
    pub(crate) header: Header,
    pub(crate) logs: Vec<Log>,
}

/// Length of the next range of final blocks: halved when an endpoint refuses, grown slowly while answers are small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    blocks: u64,
    max: u64,
}

impl Span {
    pub(crate) fn new(max: u64) -> Self {
        let max = max.max(1);
        Self { blocks: max, max }
    }

    /// After a range of so many blocks was refused.
    fn halve(&mut self, refused: u64) {
        self.blocks = (refused / 2).max(1);
    }

    fn settle(&mut self, logs: usize) {
        if logs < AIM_LOGS {
            self.blocks = (self.blocks + self.blocks / 4 + 1).min(self.max);
        }
        metrics::range_blocks(self.blocks);
    }
}

/// Final blocks from `range.start()` on, as far as one range goes: those with logs, and the last one.
pub(crate) async fn history(
    chain: &Chain,
    range: RangeInclusive<u64>,
    span: &mut Span,
) -> anyhow::Result<Vec<FetchedBlock>> {
    let start = *range.start();
    let (end, logs) = loop {
        let end = (*range.end()).min(start.saturating_add(span.blocks - 1));
        let blocks = end - start + 1;
        match chain.logs_in(start..=end).await {
            Ok(logs) => break (end, logs),
            // What an endpoint finds too much, it says in many ways; less of it is the answer to all of them.
            Err(error) if blocks > 1 && matches!(error.kind, RpcFailureKind::Rejected | RpcFailureKind::Timeout) => {
                tracing::debug!(%error, blocks, "range refused, trying half");
                span.halve(blocks);
            }
            Err(error) => return Err(error.into()),
        }
    };
    span.settle(logs.len());
    with_headers(chain, end, logs).await
}

async fn with_headers(chain: &Chain, end: u64, logs: Vec<Log>) -> anyhow::Result<Vec<FetchedBlock>> {
    let mut by_block: BTreeMap<u64, Vec<Log>> = BTreeMap::from([(end, Vec::new())]);
    for log in logs {
        by_block.entry(log.block_number.unwrap_or(end)).or_default().push(log);
    }
    let blocks: Vec<FetchedBlock> = futures::stream::iter(by_block)
        .map(|(number, logs)| async move {
            let header = chain.existing_header(number).await?;
            Ok::<_, anyhow::Error>(FetchedBlock { header, logs })
        })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await?;
    for block in &blocks {
        let hash = block.header.hash;
        if block.logs.iter().any(|log| log.block_hash != Some(hash)) {
            return Err(Moved(format!("block {} has logs of another", block.header.number)).into());
        }
    }
    Ok(blocks)
}

/// Every block of the range, each linked to the one before it and the first to `parent`.
pub(crate) async fn window(
    chain: &Chain,
    range: RangeInclusive<u64>,
    parent: Option<B256>,
) -> anyhow::Result<Vec<FetchedBlock>> {
    let blocks: Vec<Linked> = futures::stream::iter(range)
        .map(|number| async move {
            let block = chain.linked(number).await?;
            block.ok_or_else(|| anyhow::Error::from(Moved(format!("block {number} is gone"))))
        })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await?;
    let mut expected = parent;
    for block in &blocks {
        if expected.is_some_and(|hash| hash != block.parent_hash) {
            return Err(Moved(format!("block {} has another parent", block.header.number)).into());
        }
        expected = Some(block.header.hash);
    }
    futures::stream::iter(blocks)
        .map(|Linked { header, .. }| async move {
            let logs = chain.logs_of(header).await?;
            Ok(FetchedBlock { header, logs })
        })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await
}
