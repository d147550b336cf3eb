//! Every operational metric: its name, unit and meaning, and the one call that records it.

use std::time::Duration;

use anyhow::Context;
use metrics::{Unit, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::RpcFailureKind;

const HEAD_BLOCK: &str = "plumbline_indexer_head_block";
const INDEXED_BLOCK: &str = "plumbline_indexer_indexed_block";
const FINALIZED_BLOCK: &str = "plumbline_indexer_finalized_block";
const LAG_BLOCKS: &str = "plumbline_indexer_lag_blocks";
const RANGE_BLOCKS: &str = "plumbline_indexer_range_blocks";
const ROWS: &str = "plumbline_indexer_rows_total";
const REORGS: &str = "plumbline_indexer_reorgs_total";
const REORG_DEPTH: &str = "plumbline_indexer_reorg_depth_blocks";
const RPC_REQUESTS: &str = "plumbline_indexer_rpc_requests_total";
const RPC_ERRORS: &str = "plumbline_indexer_rpc_errors_total";
const RETRIES: &str = "plumbline_indexer_retries_total";
const COMMIT_SECONDS: &str = "plumbline_indexer_commit_seconds";
const FOLD_SECONDS: &str = "plumbline_indexer_fold_seconds";

const SECONDS_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const DEPTH_BUCKETS: [f64; 8] = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 100.0];

/// Starts to record; to be called once in a process. The handle renders what was recorded.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(REORG_DEPTH.into()), &DEPTH_BUCKETS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("start to record metrics")?;
    describe();
    Ok(handle)
}

/// Names, units and meanings of all metrics.
pub fn describe() {
    metrics::describe_gauge!(HEAD_BLOCK, "Newest block that the endpoint reported.");
    metrics::describe_gauge!(INDEXED_BLOCK, "Newest block whose rows are committed.");
    metrics::describe_gauge!(FINALIZED_BLOCK, "Newest block that the chain calls final.");
    metrics::describe_gauge!(
        LAG_BLOCKS,
        "Blocks between the head and the newest block whose rows are committed."
    );
    metrics::describe_gauge!(
        RANGE_BLOCKS,
        "Blocks asked for in one request for logs of final blocks."
    );
    metrics::describe_counter!(
        ROWS,
        "Rows written, by table; rows of transactions that were rolled back count too."
    );
    metrics::describe_counter!(REORGS, "Reorgs that were rewound.");
    metrics::describe_histogram!(REORG_DEPTH, "Blocks taken back by a reorg.");
    metrics::describe_counter!(RPC_REQUESTS, "Requests sent, by method.");
    metrics::describe_counter!(RPC_ERRORS, "Requests that failed, by method and kind.");
    metrics::describe_counter!(RETRIES, "Steps that failed and were tried again.");
    metrics::describe_histogram!(
        COMMIT_SECONDS,
        Unit::Seconds,
        "Time to write a range of blocks in one transaction."
    );
    metrics::describe_histogram!(
        FOLD_SECONDS,
        Unit::Seconds,
        "Time to derive the rows of a closed period."
    );
}

pub(crate) fn head_seen(head: u64, finalized: u64) {
    gauge!(HEAD_BLOCK).set(head as f64);
    gauge!(FINALIZED_BLOCK).set(finalized as f64);
}

pub(crate) fn indexed(number: u64, lag_blocks: u64) {
    gauge!(INDEXED_BLOCK).set(number as f64);
    gauge!(LAG_BLOCKS).set(lag_blocks as f64);
}

pub(crate) fn range_blocks(blocks: u64) {
    gauge!(RANGE_BLOCKS).set(blocks as f64);
}

pub(crate) fn rows_written(table: &'static str, rows: u64) {
    counter!(ROWS, "table" => table).increment(rows);
}

pub(crate) fn reorg(depth_blocks: u64) {
    counter!(REORGS).increment(1);
    histogram!(REORG_DEPTH).record(depth_blocks as f64);
}

pub(crate) fn rpc_requested(method: &'static str) {
    counter!(RPC_REQUESTS, "method" => method).increment(1);
}

pub(crate) fn rpc_failed(method: &'static str, kind: RpcFailureKind) {
    counter!(RPC_ERRORS, "method" => method, "kind" => kind.as_str()).increment(1);
}

pub(crate) fn retried() {
    counter!(RETRIES).increment(1);
}

pub(crate) fn committed(took: Duration) {
    histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn folded(took: Duration) {
    histogram!(FOLD_SECONDS).record(took.as_secs_f64());
}
