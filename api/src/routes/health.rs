//! Whether the server lives, whether its answers are current, and its measurements.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::App;
use crate::error::{Error, Problem, Result};
use crate::schema::{self, Mismatch};

const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

#[derive(Serialize, ToSchema)]
struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
}

/// The server runs. Says nothing of the database; see /readyz.
#[utoipa::path(get, path = "/healthz", operation_id = "show_health", tag = "server", responses((status = 200, body = Alive)))]
pub(super) async fn alive() -> impl IntoResponse {
    (
        NO_STORE,
        Json(Alive {
            status: "ok",
            version: env!("CARGO_PKG_VERSION"),
        }),
    )
}

/// What readiness was judged by.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    /// Newest block that the indexer has committed.
    block_number: i64,
    /// Head of the chain when the indexer last looked.
    head_number: i64,
    finalized_number: i64,
    lag_blocks: i64,
    /// Seconds since the indexer last looked at the chain.
    silence_seconds: i64,
    /// How far the rows are behind those of the primary; null where this is the primary.
    replica_lag_seconds: Option<i64>,
    schema_version: i64,
}

/// The database answers, its schema is the expected one, and the indexer keeps up with the chain.
#[utoipa::path(get, path = "/readyz", operation_id = "show_readiness", tag = "server", responses(
    (status = 200, body = Ready),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "`reasons` says why not"),
))]
pub(super) async fn ready(State(app): State<App>) -> Result<impl IntoResponse> {
    let ready = look(&app.pool, app.max_lag_blocks, app.max_silence).await?;
    Ok((NO_STORE, Json(ready)))
}

async fn look(pool: &PgPool, max_lag_blocks: i64, max_silence: Duration) -> Result<Ready> {
    let unavailable = |error: sqlx::Error| {
        let error = Error::from(error);
        if matches!(error, Error::DatabaseUnavailable) {
            Error::NotReady(vec!["the database cannot be reached".to_owned()])
        } else {
            error
        }
    };
    let mut connection = pool.acquire().await.map_err(unavailable)?;
    schema::check(&mut connection)
        .await
        .map_err(|mismatch| match mismatch {
            Mismatch::Database(error) => unavailable(error),
            Mismatch::Missing | Mismatch::Older { .. } | Mismatch::Newer { .. } | Mismatch::Different { .. } => {
                Error::NotReady(vec![mismatch.to_string()])
            }
        })?;
    let row = sqlx::query!(
        r#"select top.number as block_number, head.number as head_number, head.finalized_number,
                  extract(epoch from now() - head.observed_at)::bigint as "silence_seconds!",
                  case when pg_is_in_recovery()
                       then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::bigint
                  end as replica_lag_seconds
           from chain_head head
           cross join lateral (select number from block order by number desc limit 1) top"#
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(unavailable)?;
    let Some(row) = row else {
        return Err(Error::NotReady(vec![
            "no block is indexed yet; start `plumbline index`".to_owned(),
        ]));
    };
    let lag_blocks = (row.head_number - row.block_number).max(0);
    let mut reasons = Vec::new();
    if lag_blocks > max_lag_blocks {
        reasons.push(format!(
            "the indexer is {lag_blocks} blocks behind the chain (block {} of {}), more than {max_lag_blocks}; it is \
             catching up, or see its log",
            row.block_number, row.head_number
        ));
    }
    if u64::try_from(row.silence_seconds).unwrap_or(0) > max_silence.as_secs() {
        reasons.push(format!(
            "the indexer has not looked at the chain for {} s, more than {}; check that `plumbline index` runs and \
             reaches its RPC endpoint",
            row.silence_seconds,
            max_silence.as_secs()
        ));
    }
    if !reasons.is_empty() {
        return Err(Error::NotReady(reasons));
    }
    Ok(Ready {
        status: "ready",
        block_number: row.block_number,
        head_number: row.head_number,
        finalized_number: row.finalized_number,
        lag_blocks,
        silence_seconds: row.silence_seconds,
        replica_lag_seconds: row.replica_lag_seconds,
        schema_version: *schema::VERSION,
    })
}

/// Measurements in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "show_metrics", tag = "server", responses(
    (status = 200, body = String, content_type = "text/plain; version=0.0.4"),
))]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; version=0.0.4"),
        )],
        app.metrics.render(),
    )
}
