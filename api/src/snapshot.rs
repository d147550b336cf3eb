//! The block that an answer is as of: the newest, or the one that a page before was read at.

use std::sync::Arc;
use std::time::Instant;

use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::page::Position;
use crate::server::ACQUIRE_TIMEOUT;
use crate::value::{Hash, Timestamp};

/// The state of the chain that an answer is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) position: Position,
    /// Last period closed by then.
    pub(crate) period: Option<i64>,
    pub(crate) finalized_number: i64,
    pub(crate) lag_blocks: i64,
}

impl Snapshot {
    /// Rows of blocks up to this one belong to the state.
    pub(crate) fn block(&self) -> i64 {
        self.position.rows_number
    }

    /// The newest block with rows, and its hash.
    pub(crate) fn rows(&self) -> (i64, Hash) {
        (self.position.rows_number, self.position.rows_hash)
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.position.time
    }

    pub(crate) fn finalized(&self) -> bool {
        self.position.number <= self.finalized_number
    }
}

/// The newest snapshots, looked up once for all requests that wait for one.
#[derive(Clone, Default)]
pub(crate) struct Looks(Arc<[Mutex<Option<Look>>; 2]>);

/// What a look showed that began then.
#[derive(Clone, Copy)]
struct Look {
    began: Instant,
    snapshot: Snapshot,
}

impl Looks {
    /// The newest snapshot, of a look that began after this request came: nobody is told less than the database held then.
    pub(crate) async fn newest(&self, pool: &PgPool, finalized: bool) -> Result<Snapshot> {
        let came = Instant::now();
        let last = self.0[usize::from(finalized)].lock();
        // Whoever waits behind one who waits for a connection waits no longer than that one.
        let last = tokio::time::timeout(ACQUIRE_TIMEOUT, last).await;
        let mut last = last.map_err(|_| sqlx::Error::PoolTimedOut)?;
        if let Some(look) = last.filter(|look| look.began >= came) {
            return Ok(look.snapshot);
        }
        let began = Instant::now();
        let snapshot = newest(&mut *pool.acquire().await?, finalized).await?;
        *last = Some(Look { began, snapshot });
        Ok(snapshot)
    }
}

/// The newest block, or the newest finalized one, that the indexer has committed.
pub(crate) async fn newest(db: &mut PgConnection, finalized: bool) -> Result<Snapshot> {
    let row = sqlx::query!(
        r#"select b.number, b.hash as "hash: Hash", b.timestamp as "time: Timestamp",
                  coalesce(r.number, b.number) as "rows_number!", coalesce(r.hash, b.hash) as "rows_hash!: Hash",
                  head.finalized_number, greatest(head.number - top.number, 0) as "lag_blocks!",
                  (select period from network_period where closed_by_block <= b.number
                   order by closed_by_block desc, period desc limit 1) as period
           from chain_head head
           cross join lateral (select number from block order by number desc limit 1) top
           cross join lateral (
               select number, hash, timestamp from block
               where number <= case when $1 then head.finalized_number else top.number end
               order by number desc limit 1
           ) b
           left join lateral (
               select number, hash from block where number <= b.number and not empty order by number desc limit 1
           ) r on true"#,
        finalized
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Err(nothing(db).await?) };
    let position = Position {
        number: row.number,
        hash: row.hash,
        time: row.time,
        rows_number: row.rows_number,
        rows_hash: row.rows_hash,
    };
    let (finalized_number, lag_blocks) = (row.finalized_number, row.lag_blocks);
    Ok(Snapshot {
        position,
        period: row.period,
        finalized_number,
        lag_blocks,
    })
}

/// Why there is no block to answer from.
async fn nothing(db: &mut PgConnection) -> Result<Error> {
    let first = sqlx::query_scalar!(r#"select min(number) as "number" from block"#)
        .fetch_one(&mut *db)
        .await?;
    Ok(Error::NotReady(vec![match first {
        Some(first) => {
            format!("no indexed block is finalized yet, the first is block {first}; wait, or ask with finalized=false")
        }
        None => "no block is indexed yet; `plumbline index` does that, /readyz tells when it has begun".to_owned(),
    }]))
}

/// The block that the first page was read at, if it still is part of the chain.
pub(crate) async fn resume(db: &mut PgConnection, position: Position) -> Result<Snapshot> {
    let row = sqlx::query!(
        r#"select head.finalized_number, greatest(head.number - top.number, 0) as "lag_blocks!",
                  (select hash from block where number = $1) as "hash: Hash",
                  (select hash from block where number = $2) as "rows_hash: Hash",
                  (select period from network_period where closed_by_block <= $2
                   order by closed_by_block desc, period desc limit 1) as period
           from chain_head head
           cross join lateral (select number from block order by number desc limit 1) top"#,
        position.number,
        position.rows_number,
    )
    .fetch_optional(&mut *db)
    .await?;
    let gone = || Error::SnapshotGone {
        block_number: position.number,
        block_hash: position.hash.to_string(),
    };
    let row = row.ok_or_else(gone)?;
    // A block without rows is dropped once it is final; then the block with rows before it stands for it.
    let stands = row
        .hash
        .map_or(position.number <= row.finalized_number, |hash| hash == position.hash);
    if !stands || row.rows_hash != Some(position.rows_hash) {
        return Err(gone());
    }
    let (finalized_number, lag_blocks) = (row.finalized_number, row.lag_blocks);
    Ok(Snapshot {
        position,
        period: row.period,
        finalized_number,
        lag_blocks,
    })
}
