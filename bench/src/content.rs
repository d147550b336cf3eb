//! Contents of tables as digests: two tables are alike when theirs are.

use alloy::primitives::hex;
use anyhow::Context;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::recording::Recording;

/// Digest of the heartbeats as they were recorded, one line each: block, log, transaction, enclave, time.
pub(crate) fn recorded(recording: &Recording) -> String {
    let mut hasher = Sha256::new();
    for beat in recording.all_heartbeats() {
        let line = format!(
            "{}\t{}\t{:x}\t{:x}\t{}\n",
            beat.block_number, beat.log_index, beat.tx_hash, beat.tee_id, beat.timestamp
        );
        hasher.update(line);
    }
    hex::encode(hasher.finalize())
}

/// Digest of a query's rows, which have to be those columns in that form and order.
pub(crate) async fn stored(db: &mut PgConnection, query: &str) -> anyhow::Result<String> {
    let statement = format!("copy ({query}) to stdout");
    let mut rows = db.copy_out_raw(&statement).await.context("read a table")?;
    let mut hasher = Sha256::new();
    while let Some(bytes) = rows.try_next().await.context("read a table")? {
        hasher.update(&bytes);
    }
    Ok(hex::encode(hasher.finalize()))
}
