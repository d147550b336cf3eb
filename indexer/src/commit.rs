//! Writes a range of blocks whole: facts, running state, closed periods and the cursor in one transaction.

use std::collections::BTreeMap;
use std::time::Instant;

use alloy::primitives::B256;
use anyhow::Context;
use sqlx::{Connection, PgConnection};

use crate::accounts::Accounts;
use crate::book::{Book, Parameters};
use crate::chain::{Chain, Header};
use crate::database::{self, Stored};
use crate::error::Halt;
use crate::events::{self, Located};
use crate::fetch::FetchedBlock;
use crate::rows::{Rows, row};
use crate::schedule::{Closing, closings};
use crate::{fold, metrics};

/// A block ready to be written: decoded, and with the periods that it closes.
pub(crate) struct Prepared {
    header: Header,
    events: Vec<Located>,
    closes: Vec<u64>,
}

/// What is known of the chain when a range is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) head: u64,
    pub(crate) finalized: u64,
}

/// Decodes a range and finds the periods that end in it; `before` is the last block already written.
pub(crate) async fn prepare(
    chain: &Chain,
    parameters: &Parameters,
    next_period: u64,
    before: Option<Header>,
    fetched: Vec<FetchedBlock>,
) -> anyhow::Result<Vec<Prepared>> {
    let mut blocks: BTreeMap<u64, Prepared> = BTreeMap::new();
    let mut schedule = parameters.schedule;
    let mut next_period = next_period;
    let first = fetched.first().map_or(0, |block| block.header.number);
    for FetchedBlock { header, logs } in fetched {
        let mut located = Vec::with_capacity(logs.len());
        for log in &logs {
            let event = events::decode(log, &header, &parameters.addresses)?;
            if let Some(configured) = event.schedule()? {
                next_period = configured.first_period();
                schedule = Some(configured);
            }
            located.push(event);
        }
        let closes = Vec::new();
        blocks.insert(
            header.number,
            Prepared {
                header,
                events: located,
                closes,
            },
        );
    }

    if let Some(schedule) = schedule {
        let mut known: BTreeMap<u64, Header> = blocks
            .values()
            .map(|b| b.header)
            .chain(before)
            .map(|h| (h.number, h))
            .collect();
        let floor = before.map_or(first.saturating_sub(1), |header| header.number);
        for Closing { period, block } in closings(chain, &schedule, next_period, floor, &mut known).await? {
            let header = known
                .get(&block)
                .copied()
                .with_context(|| format!("block {block} closes period {period}"))?;
            let empty = || Prepared {
                header,
                events: Vec::new(),
                closes: Vec::new(),
            };
            blocks.entry(block).or_insert_with(empty).closes.push(period);
        }
    }
    Ok(blocks.into_values().collect())
}

/// Writes the range; `tip` is the newest stored block as this process knows it. Returns the new one.
pub(crate) async fn commit(
    db: &mut PgConnection,
    accounts: &mut Accounts,
    parameters: &mut Parameters,
    tip: Option<Stored>,
    blocks: &[Prepared],
    sighting: Sighting,
) -> anyhow::Result<Option<Stored>> {
    let began = Instant::now();
    let mut transaction = db.begin().await.context("begin a transaction")?;
    guard(&mut transaction, tip).await?;
    let mut rows = Rows::default();
    for block in blocks {
        push_block(&mut rows, block)?;
    }
    for block in blocks {
        write_block(&mut transaction, &mut rows, accounts, parameters, block).await?;
    }
    rows.write(&mut transaction).await?;
    let tip = match blocks.last() {
        Some(last) => Some(Stored {
            number: i64::try_from(last.header.number)?,
            hash: last.header.hash,
        }),
        None => tip,
    };
    let finalized = database::observe(&mut transaction, sighting.head, sighting.finalized).await?;
    prune(&mut transaction, finalized.min(tip.map_or(0, |tip| tip.number))).await?;
    transaction.commit().await.context("commit a range of blocks")?;
    metrics::committed(began.elapsed());
    Ok(tip)
}

/// Whoever wrote in between, the rows here were made on another ground.
pub(crate) async fn guard(db: &mut PgConnection, expected: Option<Stored>) -> anyhow::Result<()> {
    let found = database::tip(db).await?;
    if found == expected {
        return Ok(());
    }
    let show = |tip: Option<Stored>| tip.map_or_else(|| "none".into(), |tip| format!("{} ({})", tip.number, tip.hash));
    Err(Halt::SecondWriter(format!(
        "the newest stored block is {}, but this process wrote {}: somebody else writes to the database. Stop it, then \
         start again",
        show(found),
        show(expected)
    ))
    .into())
}

fn push_block(rows: &mut Rows, block: &Prepared) -> anyhow::Result<()> {
    let hash: B256 = block.header.hash;
    row! { rows, block {
        number: i64::try_from(block.header.number)?, hash, parent_hash: block.header.parent_hash,
        timestamp: i64::try_from(block.header.timestamp)?, empty: block.events.is_empty() && block.closes.is_empty(),
    } }
    Ok(())
}

async fn write_block(
    db: &mut PgConnection,
    rows: &mut Rows,
    accounts: &mut Accounts,
    parameters: &mut Parameters,
    block: &Prepared,
) -> anyhow::Result<()> {
    for located in &block.events {
        let mut book = Book::new(db, rows, accounts, parameters, located.at);
        events::write(located, &mut book).await?;
    }
    accounts.write(i64::try_from(block.header.number)?, rows);
    for period in &block.closes {
        let Some(schedule) = parameters.schedule else { continue };
        let began = Instant::now();
        // The fold reads what is written up to here.
        rows.write(db).await?;
        let closing = Closing {
            period: *period,
            block: block.header.number,
        };
        fold::fold(db, rows, &schedule, closing)
            .await
            .with_context(|| format!("derive the rows of period {period}"))?;
        rows.write(db).await?;
        metrics::folded(began.elapsed());
    }
    Ok(())
}

/// Drops final blocks that carry nothing, but for the newest: it is the cursor, or what the window hangs on.
async fn prune(db: &mut PgConnection, below: i64) -> anyhow::Result<()> {
    sqlx::query!("delete from block where empty and number < $1", below)
        .execute(db)
        .await
        .context("drop empty final blocks")?;
    Ok(())
}
