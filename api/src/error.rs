//! The one error of the API and its body: a problem detail of RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What a client that is told to come back should wait.
const RETRY_AFTER_SECONDS: u64 = 2;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no query parameter `{name}` here")]
    UnknownParameter { name: String, allowed: Vec<&'static str> },
    #[error("{reason}")]
    InvalidParameter { name: &'static str, reason: String },
    #[error("{0}; leave `cursor` out to start again from the first page")]
    InvalidCursor(&'static str),
    #[error(
        "block {block_number} ({block_hash}), which the cursor belongs to, is no longer part of the chain; leave `cursor` out to start again from the first page"
    )]
    SnapshotGone { block_number: i64, block_hash: String },
    #[error("{0}")]
    NotFound(String),
    #[error("there is nothing at this path; /openapi.json lists every path, /docs shows them")]
    UnknownPath,
    #[error("this API only reads: use GET or HEAD")]
    MethodNotAllowed,
    #[error("the request has a body of {bytes} bytes; no request here needs one")]
    BodyTooLarge { bytes: u64 },
    #[error("the path and query are {bytes} bytes long; at most {max} are read")]
    UriTooLong { bytes: usize, max: usize },
    #[error("a client may ask {quota} times a minute; ask again in {seconds} s")]
    TooManyRequests { quota: u32, seconds: u64 },
    #[error("{0}")]
    Busy(&'static str),
    #[error("{}", .0.join("; "))]
    NotReady(Vec<String>),
    #[error("the database cannot be reached; this server tries again at the next request")]
    DatabaseUnavailable,
    #[error("the answer took too long and was given up; ask for less (a shorter window, a lower limit) or try again")]
    Timeout,
    #[error("the server failed; its log tells why")]
    Internal,
}

/// One kind of problem, as the pages under `/problems` explain it.
pub(crate) struct Kind {
    pub(crate) slug: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) advice: &'static str,
}

macro_rules! kinds {
    ($($name:ident: $slug:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        $(const $name: Kind = Kind { slug: $slug, status: StatusCode::$status, title: $title, advice: $advice };)*
        /// Every kind of problem that this API answers with.
        pub(crate) const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    UNKNOWN_PARAMETER: "unknown-parameter", UNPROCESSABLE_ENTITY, "Unknown query parameter",
        "A parameter that is not known is refused rather than ignored, so that a typing error never gives a different \
         answer than the one asked for. The member `allowed` lists the parameters of this path.";
    INVALID_PARAMETER: "invalid-parameter", UNPROCESSABLE_ENTITY, "Invalid parameter",
        "The member `parameter` names the part of the path or query, `detail` says what would be right. Values out of \
         range are refused, never changed silently.";
    INVALID_CURSOR: "invalid-cursor", UNPROCESSABLE_ENTITY, "Invalid cursor",
        "A cursor is taken from `next_cursor` or the `Link` header as it is and used with the same path and filters; only \
         `limit` may change. It also ends when the server's cursor key changes. Start again from the first page.";
    SNAPSHOT_GONE: "snapshot-gone", GONE, "The chain was reorganised",
        "A cursor holds the block that its first page was read at, and that block was replaced. Start again from the \
         first page; pages of finalized blocks (`finalized=true`) do not end this way.";
    NOT_FOUND: "not-found", NOT_FOUND, "Not found",
        "The request is well formed, and nothing of this name exists as of the block that was asked for. Something very \
         new may not be finalized yet: ask with `finalized=false`.";
    UNKNOWN_PATH: "unknown-path", NOT_FOUND, "Unknown path",
        "/openapi.json lists every path, /docs shows them.";
    METHOD_NOT_ALLOWED: "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "This API only reads: every path answers GET and HEAD.";
    BODY_TOO_LARGE: "body-too-large", PAYLOAD_TOO_LARGE, "Request body too large", "Send no body.";
    URI_TOO_LONG: "uri-too-long", URI_TOO_LONG, "URI too long", "No path and query here need to be that long.";
    TOO_MANY_REQUESTS: "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Each client has an allowance that refills steadily; `RateLimit-Policy` tells how large it is and `RateLimit` what \
         is left of it. Wait for `Retry-After` seconds. Answers with `ETag` are cheap to ask again only when little changes: \
         `/v1/stream` tells what is new, `/v1/export` gives all at once.";
    BUSY: "busy", SERVICE_UNAVAILABLE, "Busy",
        "As many exports or streams are open as this server allows. Repeat the request after `Retry-After` seconds.";
    NOT_READY: "not-ready", SERVICE_UNAVAILABLE, "Not ready",
        "The database does not hold what the answer needs: nothing was indexed yet, the indexer stands still, or the \
         schema is of another version. The member `reasons` says which; /readyz shows the same.";
    DATABASE_UNAVAILABLE: "database-unavailable", SERVICE_UNAVAILABLE, "Database unavailable",
        "The server lost its database and will find it again by itself. Repeat the request after `Retry-After` seconds.";
    TIMEOUT: "timeout", SERVICE_UNAVAILABLE, "Timed out",
        "Every answer is bounded in time. Ask for a shorter window or fewer rows, or repeat the request later.";
    INTERNAL: "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "A fault of the server, which has logged the cause.";
}

impl Error {
    pub(crate) fn kind(&self) -> &'static Kind {
        match self {
            Self::UnknownParameter { .. } => &UNKNOWN_PARAMETER,
            Self::InvalidParameter { .. } => &INVALID_PARAMETER,
            Self::InvalidCursor(_) => &INVALID_CURSOR,
            Self::SnapshotGone { .. } => &SNAPSHOT_GONE,
            Self::NotFound(_) => &NOT_FOUND,
            Self::UnknownPath => &UNKNOWN_PATH,
            Self::MethodNotAllowed => &METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => &BODY_TOO_LARGE,
            Self::UriTooLong { .. } => &URI_TOO_LONG,
            Self::TooManyRequests { .. } => &TOO_MANY_REQUESTS,
            Self::Busy(_) => &BUSY,
            Self::NotReady(_) => &NOT_READY,
            Self::DatabaseUnavailable => &DATABASE_UNAVAILABLE,
            Self::Timeout => &TIMEOUT,
            Self::Internal => &INTERNAL,
        }
    }

    /// What a client should wait in seconds; nothing where waiting does not help.
    fn retry_after(&self) -> Option<u64> {
        if let Self::TooManyRequests { seconds, .. } = self {
            return Some(*seconds);
        }
        (self.kind().status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS)
    }

    /// Logs what must not be told and keeps the kind.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::Internal
    }

    fn problem(&self) -> Problem {
        let kind = self.kind();
        let (parameter, allowed, reasons) = match self {
            Self::UnknownParameter { name, allowed } => (Some(name.clone()), Some(allowed.clone()), None),
            Self::InvalidParameter { name, .. } => (Some((*name).to_owned()), None, None),
            Self::InvalidCursor(_) | Self::SnapshotGone { .. } => (Some("cursor".to_owned()), None, None),
            Self::NotReady(reasons) => (None, None, Some(reasons.clone())),
            Self::NotFound(_)
            | Self::UnknownPath
            | Self::MethodNotAllowed
            | Self::BodyTooLarge { .. }
            | Self::UriTooLong { .. }
            | Self::TooManyRequests { .. }
            | Self::Busy(_)
            | Self::DatabaseUnavailable
            | Self::Timeout
            | Self::Internal => (None, None, None),
        };
        Problem {
            type_: format!("/problems/{}", kind.slug),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: self.to_string(),
            parameter,
            allowed,
            reasons,
        }
    }
}

/// A problem detail (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Page of this server that explains this kind of problem; stable.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-parameter", format = "uri-reference")]
    type_: String,
    #[schema(example = "Invalid parameter")]
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    /// What was wrong in this request, and what would be right.
    detail: String,
    /// The offending part of the path or query.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// The query parameters that the path takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<&'static str>>,
    /// Why the server is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<String>>,
}

/// The problems that every path of data may answer with.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "names the responses of the document, never built")]
pub(crate) enum Problems {
    /// A path that does not exist, or nothing of this name.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// The cursor's block was replaced by a reorganisation of the chain.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(#[to_schema] Problem),
    /// A parameter that is unknown, malformed or out of range.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(#[to_schema] Problem),
    /// The client has used up its allowance.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
    /// Nothing is indexed yet, the database is away, the answer took too long, or too many ask for it at once.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        error.into_response()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.kind().status;
        let body = match serde_json::to_vec(&self.problem()) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a problem could not be written");
                Vec::new()
            }
        };
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/problem+json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (status, headers, body).into_response();
        if let Some(seconds) = self.retry_after() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // SQLSTATE classes: 08 connection, 53 resources, 57P0x shutdown and start-up, 57014 the statement timeout;
        // 42P01 and 42703 tell that the schema is not the one that the queries were checked against.
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .map(|code| code.into_owned());
        match (&error, code.as_deref()) {
            (_, Some("57014")) => {
                tracing::warn!("a statement ran into its timeout");
                Self::Timeout
            }
            (_, Some("42P01" | "42703")) => {
                tracing::error!(%error, "the schema is not the expected one");
                Self::NotReady(vec![
                    "the database's schema is not the one this server knows; see /readyz".to_owned(),
                ])
            }
            (_, Some(code)) if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
                tracing::warn!(%error, "the database is unavailable");
                Self::DatabaseUnavailable
            }
            (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_), _) => {
                tracing::warn!(%error, "the database is unavailable");
                Self::DatabaseUnavailable
            }
            _ => Self::internal(&error),
        }
    }
}
