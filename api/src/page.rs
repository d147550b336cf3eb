//! Pages: an opaque, authenticated cursor that keeps a reader on the state of the chain that the first page showed.

use axum::http::Uri;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::extract::Fields;
use crate::value::{Hash, Timestamp};

const TAG_BYTES: usize = 16;
/// Longest cursor that is looked at; ours are about half as long.
const MAX_BYTES: usize = 1_024;
/// Raised when the content of a cursor changes its meaning.
const VERSION: u8 = 1;

/// Authenticates cursors, so that a key or a block that a reader made up never reaches a query.
#[derive(Clone)]
pub(crate) struct CursorKey(Hmac<Sha256>);

impl CursorKey {
    /// HMAC takes a key of any length.
    pub(crate) fn new(key: &[u8]) -> anyhow::Result<Self> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| anyhow::anyhow!("the cursor key has no valid length"))
    }

    pub(crate) fn seal(&self, cursor: &Cursor) -> Result<String> {
        let body = serde_json::to_vec(cursor).map_err(|error| Error::internal(&error))?;
        let mut sealed = self.0.clone().chain_update(&body).finalize().into_bytes()[..TAG_BYTES].to_vec();
        sealed.extend_from_slice(&body);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    pub(crate) fn open(&self, text: &str, filter: &Filter) -> Result<Cursor> {
        const MALFORMED: Error = Error::InvalidCursor("`cursor` is malformed: it is not one that this API gave out");
        if text.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED)?;
        let (tag, body) = sealed.split_at_checked(TAG_BYTES).ok_or(MALFORMED)?;
        self.0
            .clone()
            .chain_update(body)
            .verify_truncated_left(tag)
            .map_err(|_| {
                Error::InvalidCursor("`cursor` was altered, or given out before the server's cursor key changed")
            })?;
        let cursor: Cursor = serde_json::from_slice(body).map_err(|_| MALFORMED)?;
        if cursor.version != VERSION {
            return Err(Error::InvalidCursor(
                "`cursor` was given out by another version of this server",
            ));
        }
        if cursor.filter != *filter {
            return Err(Error::InvalidCursor(
                "`cursor` belongs to another path or other filters than this request's",
            ));
        }
        Ok(cursor)
    }
}

/// Fingerprint of the path and the filters that a cursor belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filter(String);

impl Filter {
    pub(crate) fn of(uri: &Uri, fields: &Fields) -> Self {
        let mut hash = Sha256::new();
        // Lengths keep apart what would read the same when joined.
        for part in std::iter::once(uri.path()).chain(fields.filters().iter().flat_map(|(name, value)| [*name, *value]))
        {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(BASE64_URL_SAFE_NO_PAD.encode(&hash.finalize()[..TAG_BYTES]))
    }
}

/// The block a reader sees, and the newest block up to it that carries rows: the state is the same at both. The second
/// is never pruned, so it still tells years later whether the state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) number: i64,
    pub(crate) hash: Hash,
    pub(crate) time: Timestamp,
    pub(crate) rows_number: i64,
    pub(crate) rows_hash: Hash,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cursor {
    version: u8,
    filter: Filter,
    pub(crate) position: Position,
    /// Sort key of the last row of the page before.
    pub(crate) key: serde_json::Value,
}

impl Cursor {
    pub(crate) fn new(filter: Filter, position: Position, key: &impl Serialize) -> Result<Self> {
        let key = serde_json::to_value(key).map_err(|error| Error::internal(&error))?;
        Ok(Self {
            version: VERSION,
            filter,
            position,
            key,
        })
    }
}

/// The request's own address with the cursor put in: relative, so that it holds behind any proxy.
pub(crate) fn link(uri: &Uri, cursor: Option<&str>) -> String {
    let query = uri.query().unwrap_or_default();
    let others = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=") && *pair != "cursor");
    let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
    let query: Vec<&str> = others.chain(cursor.as_deref()).collect();
    if query.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), query.join("&"))
    }
}
