//! A range of blocks on its way from the endpoint to the database: facts as rows, the rest as what is to be applied.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use anyhow::Context;

use crate::chain::{Chain, Header};
use crate::log::Log;
use crate::rows::{At, Rows};
use crate::schedule::{Closing, Schedule, closings};
use crate::source::Source;

/// A block that is stored.
pub(crate) struct Block<E> {
    pub(crate) hash: B256,
    /// Unix seconds.
    pub(crate) timestamp: u64,
    /// Facts hang off it.
    pub(crate) logged: bool,
    pub(crate) events: Vec<(At, E)>,
    /// Periods that it closes.
    pub(crate) closes: Vec<u64>,
}

/// Blocks by number, the last of the range among them, and the facts in them.
pub(crate) struct Batch<E> {
    pub(crate) blocks: BTreeMap<u64, Block<E>>,
    pub(crate) facts: Rows,
}

impl<E> Batch<E> {
    pub(crate) fn new() -> Self {
        Self {
            blocks: BTreeMap::new(),
            facts: Rows::default(),
        }
    }

    /// Adds the blocks of the range that follows.
    pub(crate) fn append(&mut self, later: Self) {
        self.drop_empty_last();
        self.facts.append(later.facts);
        self.blocks.extend(later.blocks);
    }

    /// The last block of a range is there for the cursor, and not needed when more follows.
    fn drop_empty_last(&mut self) {
        if let Some(last) = self.blocks.last_entry()
            && last.get().is_empty()
        {
            last.remove();
        }
    }

    /// Adds a block; the logs that follow are its.
    pub(crate) fn begin_block(&mut self, header: Header) {
        self.facts.begin_block(header.number);
        self.blocks.entry(header.number).or_insert_with(|| Block::new(header));
    }

    /// Adds a log of the newest block.
    pub(crate) fn add<S: Source<Event = E>>(&mut self, source: &S, log: &Log<'_>) -> anyhow::Result<()> {
        let event = source.decode(log, &mut self.facts)?;
        let mut newest = self.blocks.last_entry().context("a log before its block")?;
        let block = newest.get_mut();
        block.logged = true;
        block.events.extend(event.map(|event| (log.at, event)));
        Ok(())
    }
}

impl<E> Block<E> {
    fn new(header: Header) -> Self {
        Self {
            hash: header.hash,
            timestamp: header.timestamp,
            logged: false,
            events: Vec::new(),
            closes: Vec::new(),
        }
    }

    /// Nothing hangs off it.
    pub(crate) fn is_empty(&self) -> bool {
        !self.logged && self.closes.is_empty()
    }

    fn header(&self, number: u64) -> Header {
        Header {
            number,
            hash: self.hash,
            timestamp: self.timestamp,
        }
    }
}

/// Which periods blocks close, as one range after the other comes by.
pub(crate) struct Clock {
    schedule: Option<Schedule>,
    next_period: u64,
    /// The newest block that went by.
    before: Option<Header>,
}

impl Clock {
    /// `before` is the newest block that is written, `next_period` the first that is not closed.
    pub(crate) fn new(schedule: Option<Schedule>, next_period: u64, before: Option<Header>) -> Self {
        Self {
            schedule,
            next_period,
            before,
        }
    }

    /// Finds the periods that end in a range; the ranges come in the order of the chain.
    pub(crate) async fn pass<S: Source>(
        &mut self,
        source: &S,
        chain: &Chain,
        batch: &mut Batch<S::Event>,
    ) -> anyhow::Result<()> {
        for block in batch.blocks.values() {
            for (at, event) in &block.events {
                if let Some(configured) = source.configures(event, *at)? {
                    self.next_period = configured.first_period();
                    self.schedule = Some(configured);
                }
            }
        }
        if let Some(schedule) = self.schedule {
            self.close(&schedule, chain, batch).await?;
        }
        if let Some((number, last)) = batch.blocks.last_key_value() {
            self.before = Some(last.header(*number));
        }
        Ok(())
    }

    async fn close<E>(&mut self, schedule: &Schedule, chain: &Chain, batch: &mut Batch<E>) -> anyhow::Result<()> {
        let headers = batch.blocks.iter().map(|(number, block)| block.header(*number));
        let mut known: BTreeMap<u64, Header> = headers.chain(self.before).map(|h| (h.number, h)).collect();
        let first = batch.blocks.first_key_value().map_or(0, |(number, _)| *number);
        let floor = self.before.map_or(first.saturating_sub(1), |header| header.number);
        for Closing { period, block } in closings(chain, schedule, self.next_period, floor, &mut known).await? {
            let header = known
                .get(&block)
                .copied()
                .with_context(|| format!("block {block} closes period {period}"))?;
            let closing = batch.blocks.entry(block).or_insert_with(|| Block::new(header));
            closing.closes.push(period);
            self.next_period = period + 1;
        }
        Ok(())
    }
}
