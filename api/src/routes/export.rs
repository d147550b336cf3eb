//! Exports: whole datasets as of one block, in pieces, so that neither side needs to hold them.

mod datasets;
mod encode;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures::stream;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::IntoParams;

use super::App;
use super::flows::blocks;
use super::methods::METHOD_VERSION;
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::stream::Place;
use crate::value::Hash;
use crate::view::{History, View};
use crate::window::{Span, Windowed};
use datasets::{Dataset, Range};
use encode::{Encoder, Format};

/// Exports that are under way at once.
const MAX_EXPORTS: usize = 8;
const AS_OF: HeaderName = HeaderName::from_static("plumbline-as-of");
const BEGIN: &str = "begin isolation level repeatable read read only";

/// Places for exports.
#[derive(Clone)]
pub(crate) struct Exports(Arc<Semaphore>);

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_EXPORTS)))
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Export {
    /// Default `csv`.
    #[param(inline)]
    format: Option<Format>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for Export {
    const PAGED: bool = false;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            format: fields.take("format")?,
            span: Span::read(fields)?,
        })
    }
}

/// A dataset whole.
///
/// History: `finalized` defaults to true. Without a window: from the start; the operators of a window are those that
/// registered in it. The state is that of the block in `Plumbline-As-Of`, which Arrow and Parquet hold in their metadata,
/// too. Amounts are decimal numbers of base units, as text. Where the block is replaced meanwhile, the answer breaks off.
#[utoipa::path(
    get, path = "/v1/export/{dataset}", operation_id = "export_dataset", tag = "stream",
    params(("dataset" = inline(Dataset), Path, description = "Which dataset"), Export, Windowed, History),
    responses(
        (status = 200, description = "Row by row, oldest first", content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        Problems
    )
)]
pub(super) async fn export(
    State(app): State<App>,
    Path(dataset): Path<Dataset>,
    mut view: View<Export>,
) -> Result<Response> {
    let place = app.exports.0.clone().try_acquire_owned();
    let place =
        place.map_err(|_| Error::Busy("as many exports are under way as this server allows; try again later"))?;
    let (first, last) = range(dataset, &mut view).await?;
    let (block, hash) = view.at.rows();
    let format = view.parameters.format.unwrap_or_default();
    let facts = [
        ("dataset", dataset.name().to_owned()),
        ("block_number", block.to_string()),
        ("block_hash", hash.to_string()),
        ("method_version", METHOD_VERSION.to_owned()),
    ];
    let facts = facts.map(|(name, value)| (format!("plumbline.{name}"), value)).to_vec();
    let encoder = Encoder::new(format, dataset.columns(), facts).map_err(|error| Error::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "attachment; filename=\"plumbline-{}-{block}.{}\"",
                dataset.name(),
                format.extension()
            ),
        ),
        (header::CACHE_CONTROL, "public, no-cache".to_owned()),
        (AS_OF, format!("{block}; hash={hash}")),
    ];
    let etag = view.into_etag();
    let run = Run {
        pool: app.pool,
        dataset,
        range: Range { last, block },
        hash,
        after: Some(Place::end_of(first - 1)),
        encoder: Some(encoder),
        _place: place,
    };
    let pieces = stream::try_unfold(run, |mut run| async move {
        let piece = run
            .next()
            .await
            .inspect_err(|error| tracing::warn!(%error, "an export breaks off"));
        piece.map(|piece| piece.map(|piece| (piece, run)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).map_err(|error| Error::internal(&error))?;
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}

/// First and last block or period.
async fn range(dataset: Dataset, view: &mut View<Export>) -> Result<(i64, i64)> {
    let span = view.parameters.span;
    if !dataset.of_periods() {
        let blocks = blocks(view, span).await?;
        // Operators are numbered from 0, whichever blocks they registered in.
        let first = if dataset == Dataset::Operators { 0 } else { blocks.first };
        return Ok((first, blocks.last));
    }
    let last = view.at.period.unwrap_or(-1);
    match span {
        Span::Unset => Ok((0, last)),
        Span::Length(_) | Span::Between(..) => {
            let periods = view.periods(span).await?;
            Ok((periods.first, periods.end - 1))
        }
    }
}

/// An export under way. Between two pieces it holds no connection, so that slow readers cost nothing.
struct Run {
    pool: PgPool,
    dataset: Dataset,
    range: Range,
    /// Of the block that the rows are as of.
    hash: Hash,
    /// Nothing once all is read.
    after: Option<Place>,
    encoder: Option<Encoder>,
    _place: OwnedSemaphorePermit,
}

impl Run {
    /// The next piece that is not empty.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(mut encoder) = self.encoder.take() else {
                return Ok(None);
            };
            let internal = |error: anyhow::Error| Error::internal(&format!("{error:#}"));
            let bytes = match self.after {
                Some(after) => {
                    let chunk = self.read(after).await?;
                    self.after = chunk.next;
                    let bytes = encoder.write(chunk.rows).map_err(internal)?;
                    self.encoder = Some(encoder);
                    bytes
                }
                None => encoder.finish().map_err(internal)?,
            };
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
        }
    }

    /// Rows up to a block do not change as long as the block stands.
    async fn read(&mut self, after: Place) -> Result<datasets::Chunk> {
        let mut db = self.pool.begin_with(BEGIN).await?;
        let hash = sqlx::query_scalar!(
            r#"select hash as "hash: Hash" from block where number = $1"#,
            self.range.block
        )
        .fetch_optional(&mut *db)
        .await?;
        if hash != Some(self.hash) {
            return Err(Error::SnapshotGone {
                block_number: self.range.block,
                block_hash: self.hash.to_string(),
            });
        }
        self.dataset.read(&mut db, after, self.range).await
    }
}
