//! One request's view of the database: a block that everything in the answer is as of, read in one transaction.

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use sqlx::{Postgres, Transaction};
use utoipa::{IntoParams, ToSchema};

use crate::answers::{Answers, Found, Turn};
use crate::error::{Error, Result};
use crate::extract::{Fields, Flag, Limit, Parameters};
use crate::page::{Cursor, CursorKey, Filter, link};
use crate::routes::App;
use crate::routes::methods::METHOD_VERSION;
use crate::schema;
use crate::snapshot::{self, Snapshot};
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
    answers: Answers,
    turn: Option<Turn>,
    uri: Uri,
    etag: HeaderValue,
}

impl<P: Parameters> FromRequestParts<App> for View<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let query = Query::read(&parts.uri, &app.cursors)?;
        let mut turn = None;
        if query.cursor.is_none() && app.answers.are_kept() {
            let etag = etag(&parts.uri, &app.looks.newest(&app.pool, query.finalized).await?)?;
            if matches(&parts.headers, &etag) {
                return Err(not_modified(etag));
            }
            turn = match app.answers.find(&etag).await {
                Found::Kept(answer) => return Err(answer),
                Found::Missing(turn) => turn,
            };
        }
        let mut db = app.pool.begin_with(BEGIN).await.map_err(Error::from)?;
        let at = match &query.cursor {
            Some(cursor) => snapshot::resume(&mut db, cursor.position).await?,
            None => snapshot::newest(&mut db, query.finalized).await?,
        };
        let etag = etag(&parts.uri, &at)?;
        if matches(&parts.headers, &etag) {
            return Err(not_modified(etag));
        }
        if let Some(answer) = app.answers.get(&etag) {
            return Err(answer);
        }
        Ok(Self {
            db,
            at,
            parameters: query.parameters,
            limit: query.limit,
            key: query.cursor.map(|cursor| cursor.key),
            filter: query.filter,
            cursors: app.cursors.clone(),
            answers: app.answers.clone(),
            turn,
            uri: parts.uri.clone(),
            etag,
        })
    }
}

/// What a request asks for.
struct Query<P> {
    parameters: P,
    finalized: bool,
    limit: Limit,
    cursor: Option<Cursor>,
    filter: Filter,
}

impl<P: Parameters> Query<P> {
    fn read(uri: &Uri, cursors: &CursorKey) -> Result<Self> {
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
        Ok(Self {
            parameters,
            finalized,
            limit: limit.unwrap_or_default(),
            cursor,
            filter,
        })
    }
}

fn not_modified(etag: HeaderValue) -> Response {
    let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, REVALIDATE)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
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
            answers: self.answers,
            _turn: self.turn,
            immutable: false,
        }
    }
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
    answers: Answers,
    _turn: Option<Turn>,
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
            // Without what it was grown by: it may be kept.
            Ok(body) => Bytes::from(body.into_boxed_slice()),
            Err(error) => return Error::internal(&error).into_response(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::CACHE_CONTROL,
            if self.immutable { IMMUTABLE } else { REVALIDATE },
        );
        headers.insert(header::ETAG, self.etag.clone());
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
        self.answers.keep(self.etag, &headers, &body);
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
