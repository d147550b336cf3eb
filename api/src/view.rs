//! One request's view of the database: a block that everything in the answer is as of, read in one transaction.

use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sqlx::{PgPool, Postgres, Transaction};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, Result};
use crate::extract::{Fields, Flag, Limit, Parameters};
use crate::page::{Cursor, CursorKey, Filter, Position, link};
use crate::routes::methods::METHOD_VERSION;
use crate::schema;
use crate::value::{Hash, Ratio, Timestamp};
use crate::window::Window;

/// Facts and derived rows are read as of one moment, whatever the indexer commits meanwhile.
const BEGIN: &str = "begin isolation level repeatable read read only";
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=86400, immutable");

/// What is read, and what is answered from it.
pub(crate) struct View<P> {
    pub(crate) db: Transaction<'static, Postgres>,
    pub(crate) at: Snapshot,
    pub(crate) parameters: P,
    pub(crate) limit: Limit,
    key: Option<serde_json::Value>,
    filter: Filter,
    cursors: CursorKey,
    uri: Uri,
    etag: HeaderValue,
}

/// The state of the chain that an answer is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    position: Position,
    /// Last period closed by then.
    pub(crate) period: Option<i64>,
    pub(crate) finalized_number: i64,
    lag_blocks: i64,
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

    fn finalized(&self) -> bool {
        self.position.number <= self.finalized_number
    }
}

impl<S, P> FromRequestParts<S> for View<P>
where
    S: Send + Sync,
    P: Parameters,
    PgPool: FromRef<S>,
    CursorKey: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let view = Self::open(&parts.uri, &PgPool::from_ref(state), CursorKey::from_ref(state)).await;
        let view = view.map_err(IntoResponse::into_response)?;
        if matches(&parts.headers, &view.etag) {
            let headers = [(header::ETAG, view.etag), (header::CACHE_CONTROL, REVALIDATE)];
            return Err((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        Ok(view)
    }
}

/// `If-None-Match` compares weakly (RFC 9110, 13.1.2).
fn matches(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == "*" || tag.as_bytes() == etag)
        })
}

impl<P: Parameters> View<P> {
    async fn open(uri: &Uri, pool: &PgPool, cursors: CursorKey) -> Result<Self> {
        let mut fields = Fields::of(uri)?;
        let parameters = P::read(&mut fields)?;
        let finalized = fields.take::<Flag>("finalized")?.map_or(P::HISTORY, |flag| flag.0);
        let (limit, cursor) = if P::PAGED {
            (fields.take("limit")?, fields.take::<String>("cursor")?)
        } else {
            (None, None)
        };
        let filter = Filter::of(uri, &fields);
        fields.finish()?;
        let cursor = cursor.map(|text| cursors.open(&text, &filter)).transpose()?;
        let mut db = pool.begin_with(BEGIN).await?;
        let at = match &cursor {
            Some(cursor) => resume(&mut db, cursor.position).await?,
            None => newest(&mut db, finalized).await?,
        };
        let etag = etag(uri, &at)?;
        let key = cursor.map(|cursor| cursor.key);
        Ok(Self {
            db,
            at,
            parameters,
            limit: limit.unwrap_or_default(),
            key,
            filter,
            cursors,
            uri: uri.clone(),
            etag,
        })
    }
}

impl<P> View<P> {
    /// Sort key that the page begins after.
    pub(crate) fn key<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        let altered = |_| Error::InvalidCursor("`cursor` was given out by another version of this server");
        self.key
            .clone()
            .map(|key| serde_json::from_value(key).map_err(altered))
            .transpose()
    }

    /// Cuts the row off that only told that there is a next page, and makes the cursor to it.
    pub(crate) fn cut<T, K: Serialize>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> K) -> Result<Option<String>> {
        if rows.len() <= self.limit.rows() {
            return Ok(None);
        }
        rows.truncate(self.limit.rows());
        let Some(last) = rows.last() else { return Ok(None) };
        self.after(&key(last)).map(Some)
    }

    /// The cursor to the page that begins after a sort key.
    pub(crate) fn after(&self, key: &impl Serialize) -> Result<String> {
        self.cursors
            .seal(&Cursor::new(self.filter.clone(), self.at.position, key)?)
    }

    /// The entity tag, where the answer is not an envelope.
    pub(crate) fn into_etag(self) -> HeaderValue {
        self.etag
    }

    pub(crate) fn answer<T>(self, data: T) -> Answer<T> {
        let position = self.at.position;
        let as_of = AsOf {
            block_number: position.number,
            block_hash: position.hash,
            block_time: position.time,
            period: self.at.period,
            finalized: self.at.finalized(),
            indexer_lag_blocks: self.at.lag_blocks,
        };
        let body = Envelope {
            data,
            as_of,
            window: None,
            coverage: None,
            method_version: METHOD_VERSION,
            next_cursor: None,
        };
        Answer {
            body,
            uri: self.uri,
            etag: self.etag,
            immutable: false,
        }
    }
}

/// The newest block, or the newest finalized one, that the indexer has committed.
async fn newest(db: &mut Transaction<'static, Postgres>, finalized: bool) -> Result<Snapshot> {
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
    .fetch_optional(&mut **db)
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
async fn nothing(db: &mut Transaction<'static, Postgres>) -> Result<Error> {
    let first = sqlx::query_scalar!(r#"select min(number) as "number" from block"#)
        .fetch_one(&mut **db)
        .await?;
    Ok(Error::NotReady(vec![match first {
        Some(first) => {
            format!("no indexed block is finalized yet, the first is block {first}; wait, or ask with finalized=false")
        }
        None => "no block is indexed yet; `plumbline index` does that, /readyz tells when it has begun".to_owned(),
    }]))
}

/// The block that the first page was read at, if it still is part of the chain.
async fn resume(db: &mut Transaction<'static, Postgres>, position: Position) -> Result<Snapshot> {
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
    .fetch_optional(&mut **db)
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

fn etag(uri: &Uri, at: &Snapshot) -> Result<HeaderValue> {
    let mut hash = Sha256::new();
    hash.update(uri.path_and_query().map_or(uri.path(), |path| path.as_str()));
    hash.update([0]);
    hash.update(at.position.hash.to_string());
    hash.update([u8::from(at.finalized())]);
    // The rest of the envelope: a strong tag promises the same bytes.
    hash.update(at.lag_blocks.to_be_bytes());
    hash.update(schema::VERSION.to_be_bytes());
    hash.update(env!("CARGO_PKG_VERSION"));
    let digest = hash.finalize();
    let tag = digest[..16]
        .iter()
        .fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}"))
        + "\"";
    HeaderValue::from_str(&tag).map_err(|error| Error::internal(&error))
}

/// The block that everything in an answer is as of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AsOf {
    block_number: i64,
    block_hash: Hash,
    block_time: Timestamp,
    /// Last period closed by then; null before the first.
    period: Option<i64>,
    /// The block can no longer be replaced.
    finalized: bool,
    /// Blocks that the chain was ahead of the indexer when it last looked.
    indexer_lag_blocks: i64,
}

/// What every answer with data is wrapped in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Envelope<T> {
    pub(crate) data: T,
    as_of: AsOf,
    /// Null where nothing is summed over time.
    window: Option<Window>,
    /// Observed of expected slots behind the figures; null where none are involved.
    coverage: Option<Ratio>,
    /// Version of the definitions at /v1/methods.
    #[schema(example = "1")]
    method_version: &'static str,
    /// `cursor` of the next page; null on the last.
    next_cursor: Option<String>,
}

/// An envelope and its headers.
pub(crate) struct Answer<T> {
    body: Envelope<T>,
    uri: Uri,
    etag: HeaderValue,
    immutable: bool,
}

impl<T> Answer<T> {
    pub(crate) fn next(mut self, cursor: Option<String>) -> Self {
        self.body.next_cursor = cursor;
        self
    }

    pub(crate) fn window(mut self, window: Option<Window>) -> Self {
        self.body.window = window;
        self
    }

    pub(crate) fn coverage(mut self, coverage: Ratio) -> Self {
        self.body.coverage = Some(coverage);
        self
    }

    /// Nothing can change what the answer says.
    pub(crate) fn immutable(mut self, immutable: bool) -> Self {
        self.immutable = immutable;
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_vec(&self.body) {
            Ok(body) => Body::from(body),
            Err(error) => return Error::internal(&error).into_response(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::CACHE_CONTROL,
            if self.immutable { IMMUTABLE } else { REVALIDATE },
        );
        headers.insert(header::ETAG, self.etag);
        if let Some(cursor) = &self.body.next_cursor {
            let next = format!(
                "<{}>; rel=\"next\", <{}>; rel=\"first\"",
                link(&self.uri, Some(cursor)),
                link(&self.uri, None)
            );
            match HeaderValue::from_str(&next) {
                Ok(next) => headers.insert(header::LINK, next),
                Err(error) => return Error::internal(&error).into_response(),
            };
        }
        (headers, body).into_response()
    }
}

/// Parameters of paths that answer with pages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters in the document; `View` reads them")]
pub(crate) struct Paging {
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
}

/// Parameter of live views.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters in the document; `View` reads them")]
pub(crate) struct Live {
    /// Whether only finalized blocks count; `as_of` says which block that was.
    #[param(default = false)]
    finalized: Option<bool>,
}

/// The parameters of what is asked for by its path alone: none.
pub(crate) struct One<const HISTORY: bool = false>;

/// The same where only finalized blocks count.
pub(crate) type PastOne = One<true>;

impl<const HISTORY: bool> Parameters for One<HISTORY> {
    const PAGED: bool = false;
    const HISTORY: bool = HISTORY;

    fn read(_: &mut Fields) -> Result<Self> {
        Ok(Self)
    }
}

/// Parameter of histories.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters in the document; `View` reads them")]
pub(crate) struct History {
    /// Whether only finalized blocks count; `as_of` says which block that was.
    #[param(default = true)]
    finalized: Option<bool>,
}
