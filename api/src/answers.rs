//! Answers that are kept for whoever asks the same of the same block.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::server::ACQUIRE_TIMEOUT;

/// Answers as of a block, by whether they were kept.
const ANSWERS: &str = "plumbline_http_answers_total";
/// What an answer takes besides its body, headers and tag.
const OVERHEAD_BYTES: usize = 512;
/// Answers that are made at once; more than a server has connections to the database.
const TURNS: usize = 1_024;

/// Answers by entity tag. A tag stands for the request, the block and this server, and promises the same bytes; with a new block
/// comes a new tag.
#[derive(Clone)]
pub(crate) struct Answers {
    kept: Cache<HeaderValue, Kept>,
    /// Each tag has its place here, and shares it with few others.
    turns: Arc<[Arc<Mutex<()>>]>,
    places: RandomState,
}

/// Held while an answer is made, so that those who ask the same meanwhile wait for it instead of making it, too.
pub(crate) struct Turn(#[expect(dead_code, reason = "is held, and let go of")] OwnedMutexGuard<()>);

pub(crate) enum Found {
    Kept(Response),
    /// Whoever asked makes the answer; without a turn where others have tried for too long.
    Missing(Option<Turn>),
}

#[derive(Clone)]
struct Kept {
    headers: HeaderMap,
    body: Bytes,
}

impl Answers {
    /// Keeps so many bytes of those that were asked for last; nothing with none.
    pub(crate) fn new(max_bytes: u64) -> Self {
        metrics::describe_counter!(
            ANSWERS,
            metrics::Unit::Count,
            "Answers as of a block, from memory (`kept`) or from the database."
        );
        let bytes = |tag: &HeaderValue, kept: &Kept| {
            let headers = kept
                .headers
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len());
            let bytes = OVERHEAD_BYTES + tag.len() + headers.sum::<usize>() + kept.body.len();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(bytes)
            // By use alone: how often an answer of an earlier block was asked for says nothing of the next block's.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self {
            kept,
            turns: (0..TURNS).map(|_| Arc::default()).collect(),
            places: RandomState::new(),
        }
    }

    pub(crate) fn get(&self, tag: &HeaderValue) -> Option<Response> {
        let Kept { headers, body } = self.kept.get(tag)?;
        metrics::counter!(ANSWERS, "kept" => "true").increment(1);
        Some((headers, body).into_response())
    }

    /// Whether there is memory for any.
    pub(crate) fn are_kept(&self) -> bool {
        self.kept.policy().max_capacity() != Some(0)
    }

    /// An answer that is kept, or is when nobody makes it any more.
    pub(crate) async fn find(&self, tag: &HeaderValue) -> Found {
        if let Some(answer) = self.get(tag) {
            return Found::Kept(answer);
        }
        let place = self.places.hash_one(tag) as usize % self.turns.len();
        let turn = self.turns[place].clone().lock_owned();
        // What fails is not kept: those who wait for it shall not fail one after the other.
        let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, turn).await.ok().map(Turn);
        self.get(tag).map_or(Found::Missing(turn), Found::Kept)
    }

    pub(crate) fn keep(&self, tag: HeaderValue, headers: &HeaderMap, body: &Bytes) {
        metrics::counter!(ANSWERS, "kept" => "false").increment(1);
        let (headers, body) = (headers.clone(), body.clone());
        self.kept.insert(tag, Kept { headers, body });
    }
}
