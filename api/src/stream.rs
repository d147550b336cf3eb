//! Follows what the indexer commits, once for all readers of the stream: the newest events, and blocks that were replaced.

mod reader;

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::routes::events::{self, EventKind};
use crate::value::{Address, Hash, Timestamp};

pub(crate) use reader::{News, Reader};

/// Between two looks at the database while somebody reads.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Events that are kept; whoever is further behind reads them from the database.
const MAX_EVENTS: usize = 4_096;
/// Newest blocks whose hashes are kept to see that they were replaced: more than any chain takes to call one final.
const MAX_BLOCKS: usize = 1_024;
/// Replacements that are kept for readers that were not told yet.
const MAX_REORGS: usize = 64;
/// Rounds of reading after which the rest is left to the readers.
const MAX_ROUNDS: usize = 16;
/// Streams that are open at once.
const MAX_STREAMS: usize = 512;
const BEGIN: &str = "begin isolation level repeatable read read only";

/// Behind which log of which block a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) block: i64,
    pub(crate) log: i32,
}

impl Place {
    pub(crate) fn new(block: i64, log: i32) -> Self {
        Self { block, log }
    }

    /// Behind everything in a block.
    pub(crate) fn end_of(block: i64) -> Self {
        Self::new(block, i32::MAX)
    }

    /// First block in which something is left.
    pub(crate) fn following_block(self) -> i64 {
        if self.log == i32::MAX {
            self.block + 1
        } else {
            self.block
        }
    }
}

/// The id of an event: its place, and the end of its block's hash, which tells whether the place still is what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) place: Place,
    /// Unknown where a reader made the id up from a block and a log.
    mark: Option<u32>,
}

impl EventId {
    pub(crate) fn new(place: Place, hash: &Hash) -> Self {
        Self {
            place,
            mark: Some(mark(hash)),
        }
    }
}

fn mark(hash: &Hash) -> u32 {
    let mut last = [0; 4];
    last.copy_from_slice(&hash.as_bytes()[28..]);
    u32::from_be_bytes(last)
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.place.block, self.place.log)?;
        self.mark.map_or(Ok(()), |mark| write!(f, ":{mark:08x}"))
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || "an id is block:log_index:mark as it was given out, or block:log_index".to_owned();
        let mut parts = text.splitn(3, ':');
        let block = parts
            .next()
            .and_then(|part| part.parse().ok())
            .filter(|block: &i64| *block >= 0);
        let log = parts
            .next()
            .and_then(|part| part.parse().ok())
            .filter(|log: &i32| *log >= 0);
        let mark = parts.next().map(|part| u32::from_str_radix(part, 16)).transpose();
        let (block, log) = block.zip(log).ok_or_else(malformed)?;
        Ok(Self {
            place: Place::new(block, log),
            mark: mark.map_err(|_| malformed())?,
        })
    }
}

/// Something that happened, written down once for all readers.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) place: Place,
    pub(crate) hash: Hash,
    pub(crate) kind: EventKind,
    pub(crate) operator: Option<Address>,
    pub(crate) json: String,
}

/// The newest block that readers are told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tip {
    pub(crate) number: i64,
    pub(crate) hash: Hash,
    pub(crate) time: Timestamp,
}

/// What the database held at the last look.
#[derive(Default)]
struct Seen {
    tip: Option<Tip>,
    /// Newest block, up to the tip, that can no longer be replaced.
    finalized: Option<Tip>,
    /// As the chain says, which may be ahead of the tip.
    finalized_number: i64,
    /// The newest blocks, oldest first.
    blocks: VecDeque<(i64, Hash)>,
    /// The newest events, oldest first: all of the blocks above `complete_above`.
    events: VecDeque<Arc<Event>>,
    complete_above: i64,
    /// Blocks above which everything was replaced, with a count that rises.
    reorgs: VecDeque<(u64, i64)>,
}

/// What the readers share.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Shared>);

struct Shared {
    pool: PgPool,
    seen: RwLock<Seen>,
    /// Counts the looks that showed something new.
    news: watch::Sender<u64>,
    streams: Arc<Semaphore>,
    /// Held during a look: two at once would take the same events in twice.
    looking: tokio::sync::Mutex<()>,
    stop: CancellationToken,
}

impl Hub {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(Arc::new(Shared {
            pool,
            seen: RwLock::default(),
            news: watch::Sender::new(0),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            looking: tokio::sync::Mutex::new(()),
            stop: CancellationToken::new(),
        }))
    }

    /// Looks at the database for as long as somebody reads, until `stop`, which ends every stream.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.is_read()
                && let Err(error) = self.look().await
            {
                tracing::debug!(%error, "the stream stands still");
            }
            let _ = stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await;
        }
        self.0.stop.cancel();
    }

    /// Whether anybody reads. What nobody was told need not be known either: it is forgotten, under the lock that readers
    /// take when they begin.
    fn is_read(&self) -> bool {
        let mut seen = self.0.seen.write().unwrap_or_else(PoisonError::into_inner);
        let read = self.0.news.receiver_count() > 0;
        if !read {
            *seen = Seen::default();
        }
        read
    }

    /// Takes in what the database holds beyond what was seen, and tells the readers if there was anything.
    async fn look(&self) -> Result<()> {
        let _looking = self.0.looking.lock().await;
        let mut db = self.0.pool.begin_with(BEGIN).await?;
        let Some((tip, finalized, finalized_number)) = newest(&mut db).await? else {
            return Ok(());
        };
        let (known, known_tip) = {
            let seen = self.read();
            if seen.tip.is_some_and(|known| known.hash == tip.hash) && seen.finalized_number == finalized_number {
                return Ok(());
            }
            (seen.blocks.iter().copied().collect::<Vec<_>>(), seen.tip)
        };
        // Nothing was told yet: everything up to here is for the database to tell.
        let fork = match known_tip {
            None => tip.number,
            Some(known_tip) => standing(&mut db, &known, finalized_number)
                .await?
                .unwrap_or_else(|| finalized.map_or(-1, |block| block.number).min(known_tip.number)),
        };
        let last_final = finalized.map_or(-1, |block| block.number);
        let unknown = if known_tip.is_some() { fork } else { last_final };
        let blocks = blocks(&mut db, unknown).await?;
        let found = read(&mut db, fork, tip.number).await?;
        let mut seen = self.0.seen.write().unwrap_or_else(PoisonError::into_inner);
        if known_tip.is_some_and(|known_tip| fork < known_tip.number) {
            seen.replace(fork);
        }
        if known_tip.is_none() {
            seen.complete_above = tip.number;
        }
        seen.blocks.extend(blocks);
        let surplus = seen.blocks.len().saturating_sub(MAX_BLOCKS);
        seen.blocks.drain(..surplus);
        match found {
            Some(events) => seen.append(events),
            None => seen.forget(tip.number),
        }
        seen.tip = Some(tip);
        seen.finalized = finalized;
        seen.finalized_number = finalized_number;
        drop(seen);
        self.0.news.send_modify(|count| *count += 1);
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Seen> {
        self.0.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader of what comes behind an id, or of what is new.
    pub(crate) async fn subscribe(&self, after: Option<EventId>, finalized: bool) -> Result<Reader> {
        let slot = self.0.streams.clone().try_acquire_owned();
        let slot = slot.map_err(|_| Error::Busy("as many streams are open as this server allows; try again later"))?;
        let mut news = self.0.news.subscribe();
        if after.is_some() {
            // What was replaced while it was away is for `resume` to tell, not for the next look once more.
            self.look().await?;
        }
        let start = async {
            while self.read().tip.is_none() {
                if news.changed().await.is_err() {
                    break;
                }
            }
        };
        let patience = Duration::from_secs(3);
        let begun = tokio::time::timeout(patience, self.0.stop.run_until_cancelled(start)).await;
        let (tip, last_final, count) = {
            let seen = self.read();
            let count = seen.reorgs.back().map_or(0, |(count, _)| *count);
            (seen.tip, seen.finalized, count)
        };
        let tip = if finalized { last_final } else { tip };
        let (Ok(Some(())), Some(tip)) = (begun, tip) else {
            let reason = "no block is indexed yet, or none is final; /readyz tells more";
            return Err(Error::NotReady(vec![reason.to_owned()]));
        };
        let mut reader = Reader {
            hub: self.clone(),
            news,
            finalized,
            place: Place::end_of(tip.number),
            reorg_count: count,
            rewound: None,
            told: None,
            _slot: slot,
        };
        if let Some(id) = after {
            let floor = last_final.map_or(-1, |block| block.number);
            reader.resume(id, floor).await?;
        }
        Ok(reader)
    }
}

impl Seen {
    /// Forgets what was replaced, and keeps that it was.
    fn replace(&mut self, fork: i64) {
        self.blocks.retain(|(number, _)| *number <= fork);
        self.events.retain(|event| event.place.block <= fork);
        self.complete_above = self.complete_above.min(fork);
        let count = self.reorgs.back().map_or(0, |(count, _)| *count) + 1;
        self.reorgs.push_back((count, fork));
        if self.reorgs.len() > MAX_REORGS {
            self.reorgs.pop_front();
        }
    }

    fn append(&mut self, events: Vec<Event>) {
        self.events.extend(events.into_iter().map(Arc::new));
        // Whole blocks, so that it is known of each whether it is here.
        while self.events.len() > MAX_EVENTS {
            let Some(oldest) = self.events.front().map(|event| event.place.block) else {
                break;
            };
            self.events.retain(|event| event.place.block > oldest);
            self.complete_above = oldest;
        }
    }

    fn forget(&mut self, tip: i64) {
        self.events.clear();
        self.complete_above = tip;
    }
}

/// The newest block, the newest one that is final, and up to where the chain is final.
async fn newest(db: &mut PgConnection) -> Result<Option<(Tip, Option<Tip>, i64)>> {
    let row = sqlx::query!(
        r#"select top.number, top.hash as "hash: Hash", top.timestamp as "time: Timestamp",
                  f.number as "final_number?", f.hash as "final_hash?: Hash", f.timestamp as "final_time?: Timestamp",
                  head.finalized_number
           from chain_head head
           cross join lateral (select number, hash, timestamp from block order by number desc limit 1) top
           left join lateral (
               select number, hash, timestamp from block where number <= head.finalized_number
               order by number desc limit 1
           ) f on true"#
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let tip = Tip {
            number: row.number,
            hash: row.hash,
            time: row.time,
        };
        let of_final = row.final_number.zip(row.final_hash).zip(row.final_time);
        let finalized = of_final.map(|((number, hash), time)| Tip { number, hash, time });
        (tip, finalized, row.finalized_number)
    }))
}

/// The newest known block that is still part of the chain. A block without rows is dropped once it is final.
async fn standing(db: &mut PgConnection, known: &[(i64, Hash)], finalized_number: i64) -> Result<Option<i64>> {
    let (numbers, hashes): (Vec<i64>, Vec<&[u8]>) =
        known.iter().map(|(number, hash)| (*number, hash.as_bytes())).unzip();
    let number = sqlx::query_scalar!(
        r#"select max(k.number) as "number" from unnest($1::bigint[], $2::bytea[]) k(number, hash)
           left join block b on b.number = k.number
           where b.hash = k.hash or (b.hash is null and k.number <= $3)"#,
        &numbers,
        &hashes as &[&[u8]],
        finalized_number,
    )
    .fetch_one(db)
    .await?;
    Ok(number)
}

/// The newest blocks above one, oldest first.
async fn blocks(db: &mut PgConnection, above: i64) -> Result<Vec<(i64, Hash)>> {
    let rows = sqlx::query!(
        r#"select number, hash as "hash: Hash" from block where number > $1 order by number desc limit $2"#,
        above,
        MAX_BLOCKS as i64,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().rev().map(|row| (row.number, row.hash)).collect())
}

/// Everything that happened above a block; nothing when it is too much to keep.
async fn read(db: &mut PgConnection, above: i64, last: i64) -> Result<Option<Vec<Event>>> {
    let mut after = Place::end_of(above);
    let mut all = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let found = events::load(db, after, last).await?;
        let Some(newest) = found.last() else {
            return Ok(Some(all));
        };
        after = newest.place;
        all.extend(found);
    }
    Ok(None)
}
