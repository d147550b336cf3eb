//! Logs of a range as the endpoint gives them, read apart from the indexer's own pipeline.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};

use crate::chain::{Chain, Header};
use crate::error::{Moved, RpcFailure, RpcFailureKind};

/// Headers asked for at the same time.
const CONCURRENT_REQUESTS: usize = 8;
/// Times that the same range may fail without being too large.
const ATTEMPTS: u32 = 6;
/// Blocks of the first request, and logs of one answer from which on fewer are asked for.
const FIRST_BLOCKS: u64 = 2_000;
const MANY_LOGS: usize = 20_000;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// A block and our logs in it.
pub(super) struct Logged {
    pub(super) header: Header,
    pub(super) logs: Vec<Log>,
}

/// Reads ranges as long as the endpoint takes.
pub(super) struct Reader<'a> {
    chain: &'a Chain,
    max_blocks: u64,
    blocks: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(chain: &'a Chain, max_blocks: u64) -> Self {
        Self {
            chain,
            max_blocks,
            blocks: max_blocks.min(FIRST_BLOCKS),
        }
    }

    /// Blocks with logs from the start of a range on, and the last block that they were read up to.
    pub(super) async fn read(&mut self, range: RangeInclusive<u64>) -> anyhow::Result<(u64, Vec<Logged>)> {
        let mut failures = 0;
        loop {
            let end = (*range.end()).min(range.start().saturating_add(self.blocks - 1));
            let asked = end - range.start() + 1;
            match self.logs(*range.start(), end).await {
                Ok(logs) => {
                    self.blocks = if logs.len() > MANY_LOGS {
                        (self.blocks / 2).max(1)
                    } else {
                        (self.blocks * 2).min(self.max_blocks)
                    };
                    return Ok((end, self.by_block(logs).await?));
                }
                Err(failure) if asked > 1 && is_too_much(&failure) => self.blocks = (asked / 2).max(1),
                Err(failure) if failures < ATTEMPTS => {
                    failures += 1;
                    tracing::debug!(%failure, "logs not read, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn logs(&self, from: u64, to: u64) -> Result<Vec<Log>, RpcFailure> {
        let mut filter = Filter::new().from_block(from).to_block(to);
        filter = filter.address(self.chain.wanted.addresses.clone());
        if !self.chain.wanted.topics.is_empty() {
            filter = filter.event_signature(self.chain.wanted.topics.clone());
        }
        let ask = || {
            self.chain
                .request("eth_getLogs", self.chain.provider().get_logs(&filter))
        };
        self.chain.patiently(ask).await
    }

    async fn by_block(&self, logs: Vec<Log>) -> anyhow::Result<Vec<Logged>> {
        let mut by_block: BTreeMap<u64, Vec<Log>> = BTreeMap::new();
        for log in logs {
            let number = log.block_number.context("a log without its block")?;
            ensure!(log.log_index.is_some(), "a log of block {number} without its index");
            by_block.entry(number).or_default().push(log);
        }
        let headers = headers(self.chain, by_block.keys().copied()).await?;
        let mut blocks = Vec::with_capacity(headers.len());
        for (header, (number, logs)) in headers.into_iter().zip(by_block) {
            if logs.iter().any(|log| log.block_hash != Some(header.hash)) {
                return Err(Moved(format!("block {number} has logs of another")).into());
            }
            blocks.push(Logged { header, logs });
        }
        Ok(blocks)
    }
}

/// Headers in the order of the numbers.
pub(super) async fn headers(chain: &Chain, numbers: impl Iterator<Item = u64>) -> anyhow::Result<Vec<Header>> {
    futures::stream::iter(numbers)
        .map(|number| chain.existing_header(number))
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await
}

/// Less may be what the endpoint wants.
fn is_too_much(failure: &RpcFailure) -> bool {
    match failure.kind {
        RpcFailureKind::TooMuch { .. }
        | RpcFailureKind::Limited
        | RpcFailureKind::Timeout
        | RpcFailureKind::Rejected => true,
        RpcFailureKind::Transport | RpcFailureKind::Busy { .. } | RpcFailureKind::Invalid => false,
    }
}
