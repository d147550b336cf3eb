//! The floors of the machine: fetching the logs and doing nothing with them, and writing the rows by COPY alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alloy::sol_types::SolEvent;
use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::recording::{HeartbeatReceived, REGISTRY, Recording};

const FETCH_CONNECTIONS: usize = 4;
/// Logs in one answer.
const FETCH_LOGS: u64 = 8_000;
/// Bytes handed to the connection at a time.
const COPY_CHUNK_BYTES: usize = 1 << 20;

/// Asks for all logs by several connections and drops the answers' bytes.
pub(crate) async fn fetch(recording: &Arc<Recording>, url: &str) -> anyhow::Result<Duration> {
    let client = reqwest::Client::new();
    let mut ranges = Vec::new();
    let mut from = 0;
    while from <= recording.last_busy_block() {
        let to = recording.reach(from, FETCH_LOGS);
        ranges.push((from, to));
        from = to + 1;
    }
    let bytes = AtomicU64::new(0);
    let started = Instant::now();
    futures::stream::iter(ranges.into_iter().map(Ok))
        .try_for_each_concurrent(FETCH_CONNECTIONS, |(from, to)| {
            let request = client.post(url).json(&json!({
                "jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{
                    "address": REGISTRY, "topics": [HeartbeatReceived::SIGNATURE_HASH],
                    "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
                }],
            }));
            let bytes = &bytes;
            async move {
                let mut body = request.send().await.context("ask for logs")?.bytes_stream();
                while let Some(chunk) = body.next().await {
                    bytes.fetch_add(chunk.context("read logs")?.len() as u64, Ordering::Relaxed);
                }
                anyhow::Ok(())
            }
        })
        .await?;
    let elapsed = started.elapsed();
    ensure!(bytes.into_inner() > 0, "the replay server sent nothing");
    Ok(elapsed)
}

/// The rows of a table in COPY's binary format.
pub(crate) async fn rows(db: &mut PgConnection, table: &str) -> anyhow::Result<Vec<u8>> {
    let statement = format!("copy {table} to stdout binary");
    let chunks = db.copy_out_raw(&statement).await.context("read the rows of a floor")?;
    chunks
        .try_fold(Vec::new(), |mut rows, chunk| async move {
            rows.extend_from_slice(&chunk);
            Ok(rows)
        })
        .await
        .context("read the rows of a floor")
}

/// Writes rows into an empty table like the one they came from, with its primary key, in one transaction.
pub(crate) async fn copy(db: &mut PgConnection, like: &str, rows: &[u8]) -> anyhow::Result<Duration> {
    let make = format!("drop table if exists floor; create table floor (like {like} including all)");
    sqlx::raw_sql(AssertSqlSafe(make))
        .execute(&mut *db)
        .await
        .context("make the table of a floor")?;
    let started = Instant::now();
    let mut transaction = db.begin().await.context("begin a transaction")?;
    let mut sink = transaction
        .copy_in_raw("copy floor from stdin binary")
        .await
        .context("begin to copy")?;
    for chunk in rows.chunks(COPY_CHUNK_BYTES) {
        sink.send(chunk).await.context("copy rows")?;
    }
    sink.finish().await.context("copy rows")?;
    transaction.commit().await.context("commit the rows of a floor")?;
    Ok(started.elapsed())
}
