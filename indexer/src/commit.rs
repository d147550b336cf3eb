//! Writes a range of blocks whole: facts, running state, closed periods and the cursor in one transaction.

use std::time::Instant;

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use crate::batch::{Batch, Block};
use crate::database::{self, Stored};
use crate::error::Halt;
use crate::metrics;
use crate::rows::{Rows, row};
use crate::schedule::Closing;
use crate::source::Source;

/// What is known of the chain when a range is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) head: u64,
    pub(crate) finalized: u64,
}

/// Writes a range of blocks; `tip` is the newest stored block as this process knows it. Returns the new one.
///
/// After an error the state holds changes that were not written, and must be loaded again.
pub(crate) async fn commit<S: Source>(
    db: &mut PgConnection,
    source: &S,
    state: &mut S::State,
    tip: Option<Stored>,
    mut batch: Batch<S::Event>,
    sighting: Sighting,
) -> anyhow::Result<Option<Stored>> {
    let began = Instant::now();
    let mut transaction = db.begin().await.context("begin a transaction")?;
    guard(&mut transaction, tip).await?;
    let mut writer = Writer {
        db: &mut transaction,
        source,
        state,
        rows: Rows::default(),
        tip,
    };
    Box::pin(writer.write(&mut batch)).await?;
    let tip = writer.finish().await?;
    let finalized = database::observe(&mut transaction, sighting.head, sighting.finalized).await?;
    prune(&mut transaction, finalized.min(tip.map_or(0, |tip| tip.number))).await?;
    transaction.commit().await.context("commit a range of blocks")?;
    metrics::committed(began.elapsed());
    Ok(tip)
}

/// Whoever wrote in between, the rows here were made on another ground.
pub(crate) async fn guard(db: &mut PgConnection, expected: Option<Stored>) -> anyhow::Result<()> {
    // Two writers that both lost the election find each other here: the second waits, and then sees what the first wrote.
    sqlx::query!("select from deployment for update")
        .execute(&mut *db)
        .await
        .context("become the writer of this transaction")?;
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

fn push_block<E>(rows: &mut Rows, number: u64, block: &Block<E>) -> anyhow::Result<()> {
    row! { rows, block {
        number: i64::try_from(number)?, hash: block.hash, timestamp: i64::try_from(block.timestamp)?,
        empty: block.is_empty(),
    } }
    Ok(())
}

/// One transaction that writes a batch.
struct Writer<'a, S: Source> {
    db: &'a mut PgConnection,
    source: &'a S,
    state: &'a mut S::State,
    /// What follows from the facts.
    rows: Rows,
    tip: Option<Stored>,
}

impl<S: Source> Writer<'_, S> {
    async fn write(&mut self, batch: &mut Batch<S::Event>) -> anyhow::Result<()> {
        for (number, block) in &batch.blocks {
            push_block(&mut self.rows, *number, block)?;
        }
        self.rows.write(self.db).await?;
        for (number, block) in &batch.blocks {
            self.write_block(&mut batch.facts, *number, block).await?;
        }
        self.source.keep(self.state, &batch.facts, u64::MAX)?;
        batch.facts.write(self.db).await?;
        if let Some((number, last)) = batch.blocks.last_key_value() {
            self.tip = Some(Stored {
                number: i64::try_from(*number)?,
                hash: last.hash,
            });
        }
        Ok(())
    }

    async fn write_block(&mut self, facts: &mut Rows, number: u64, block: &Block<S::Event>) -> anyhow::Result<()> {
        for (at, event) in &block.events {
            self.source
                .apply(self.db, &mut self.rows, self.state, event, *at)
                .await?;
        }
        if !block.events.is_empty() {
            self.source
                .end_block(&mut self.rows, self.state, i64::try_from(number)?);
        }
        if block.closes.is_empty() {
            return Ok(());
        }
        // The fold reads what is written up to here.
        self.source.keep(self.state, facts, number)?;
        facts.write_until(self.db, number).await?;
        self.rows.write(self.db).await?;
        for period in &block.closes {
            self.fold(Closing {
                period: *period,
                block: number,
            })
            .await
            .with_context(|| format!("derive the rows of period {period}"))?;
        }
        Ok(())
    }

    async fn fold(&mut self, closing: Closing) -> anyhow::Result<()> {
        let Some(schedule) = self.source.schedule(self.state) else {
            return Ok(());
        };
        let began = Instant::now();
        self.source
            .fold(self.db, &mut self.rows, self.state, &schedule, closing)
            .await?;
        self.rows.write(self.db).await?;
        metrics::folded(began.elapsed());
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<Option<Stored>> {
        self.rows.write(self.db).await?;
        if let Some(tip) = self.tip {
            self.source.finish(self.db, self.state, tip.number).await?;
        }
        Ok(self.tip)
    }
}

/// Drops final blocks that carry nothing, but for the newest: it is the cursor, or what the window hangs on.
async fn prune(db: &mut PgConnection, below: i64) -> anyhow::Result<()> {
    sqlx::query!("delete from block where empty and number < $1", below)
        .execute(db)
        .await
        .context("drop empty final blocks")?;
    Ok(())
}
