//! One reader's place in the stream, and what it is to be told next.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{BEGIN, Event, EventId, Hub, Place, Tip, mark};
use crate::error::Result;
use crate::routes::events;
use crate::value::Hash;

/// What a reader is to be told next.
pub(crate) enum News {
    Events(Vec<Arc<Event>>),
    /// Everything up to the block was told; up to where the chain is final.
    Head(Tip, i64),
    /// Blocks above this one were replaced.
    Reorg(i64),
}

/// One reader's place in the stream.
pub(crate) struct Reader {
    pub(super) hub: Hub,
    pub(super) news: watch::Receiver<u64>,
    /// Is told what is final alone, and so of no replacement.
    pub(super) finalized: bool,
    pub(super) place: Place,
    pub(super) reorg_count: u64,
    /// Blocks above it were replaced while nobody could tell.
    pub(super) rewound: Option<i64>,
    /// Block and finality of the last head.
    pub(super) told: Option<(Hash, i64)>,
    pub(super) _slot: OwnedSemaphorePermit,
}

impl Reader {
    /// Goes on behind an id; where its block was replaced meanwhile, from the newest block that is final.
    pub(super) async fn resume(&mut self, id: EventId, finalized: i64) -> Result<()> {
        let hash = sqlx::query_scalar!(
            r#"select hash as "hash: Hash" from block where number = $1"#,
            id.place.block
        )
        .fetch_optional(&self.hub.0.pool)
        .await?;
        let stands = match (hash, id.mark) {
            (Some(hash), Some(known)) => mark(&hash) == known,
            (Some(_), None) => true,
            // A block without rows is dropped once it is final.
            (None, _) => id.place.block <= finalized,
        };
        if stands {
            self.place = id.place;
        } else {
            let fork = finalized.min(id.place.block - 1);
            self.place = Place::end_of(fork);
            self.rewound = Some(fork);
        }
        Ok(())
    }

    /// Waits for the next thing to tell; nothing when the server stops.
    pub(crate) async fn next(&mut self) -> Result<Option<News>> {
        loop {
            self.news.mark_unchanged();
            if let Some(fork) = self.replaced() {
                return Ok(Some(News::Reorg(fork)));
            }
            let (head, finalized_number, kept) = self.look();
            let Some(head) = head else { return Ok(None) };
            if self.place < Place::end_of(head.number) {
                let events = match kept {
                    Some(events) => events,
                    None => self.load(head.number).await?,
                };
                self.place = events.last().map_or(Place::end_of(head.number), |event| event.place);
                if !events.is_empty() {
                    return Ok(Some(News::Events(events)));
                }
            }
            if self.told != Some((head.hash, finalized_number)) {
                self.told = Some((head.hash, finalized_number));
                return Ok(Some(News::Head(head, finalized_number)));
            }
            let stop = self.hub.0.stop.clone();
            match stop.run_until_cancelled(self.news.changed()).await {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    /// The block to go back to, where the reader was told of blocks that were replaced.
    fn replaced(&mut self) -> Option<i64> {
        let mut fork = self.rewound.take();
        let reorgs: Vec<(u64, i64)> = self.hub.read().reorgs.iter().copied().collect();
        for (count, block) in reorgs {
            if count <= self.reorg_count {
                continue;
            }
            self.reorg_count = count;
            if self.place.block > block && !self.finalized {
                fork = Some(fork.map_or(block, |fork| fork.min(block)));
            }
        }
        if let Some(fork) = fork {
            self.place = self.place.min(Place::end_of(fork));
            self.told = None;
        }
        fork
    }

    /// The head, up to where the chain is final, and the events behind the reader if they are at hand.
    fn look(&self) -> (Option<Tip>, i64, Option<Vec<Arc<Event>>>) {
        let seen = self.hub.read();
        let head = if self.finalized { seen.finalized } else { seen.tip };
        let last = head.map_or(-1, |head| head.number);
        let kept = (self.place >= Place::end_of(seen.complete_above)).then(|| {
            let behind = seen
                .events
                .iter()
                .filter(|event| event.place > self.place && event.place.block <= last);
            behind.cloned().collect()
        });
        (head, seen.finalized_number, kept)
    }

    async fn load(&self, last: i64) -> Result<Vec<Arc<Event>>> {
        let mut db = self.hub.0.pool.begin_with(BEGIN).await?;
        let events = events::load(&mut db, self.place, last).await?;
        Ok(events.into_iter().map(Arc::new).collect())
    }
}
