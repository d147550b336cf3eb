//! Every operational metric: its name, unit and meaning, and the one call that records it.

use std::time::Duration;

use metrics::{Unit, counter, gauge, histogram};

use crate::error::RpcFailureKind;

const HEAD_BLOCK: &str = "plumbline_indexer_head_block";
const INDEXED_BLOCK: &str = "plumbline_indexer_indexed_block";
const FINALIZED_BLOCK: &str = "plumbline_indexer_finalized_block";
const LAG_BLOCKS: &str = "plumbline_indexer_lag_blocks";
const RANGE_BLOCKS: &str = "plumbline_indexer_range_blocks";
const ROWS: &str = "plumbline_indexer_rows_total";
const QUEUE_BYTES: &str = "plumbline_indexer_queue_bytes";
const STALLED: &str = "plumbline_indexer_stalled";
const ENDPOINT_UP: &str = "plumbline_indexer_endpoint_up";
const ENDPOINT_HEAD_BLOCK: &str = "plumbline_indexer_endpoint_head_block";
const ENDPOINT_SECONDS: &str = "plumbline_indexer_endpoint_seconds";
const REORGS: &str = "plumbline_indexer_reorgs_total";
const REORG_DEPTH: &str = "plumbline_indexer_reorg_depth_blocks";
const RPC_REQUESTS: &str = "plumbline_indexer_rpc_requests_total";
const RPC_ERRORS: &str = "plumbline_indexer_rpc_errors_total";
const RETRIES: &str = "plumbline_indexer_retries_total";
const COMMIT_SECONDS: &str = "plumbline_indexer_commit_seconds";
const WEBHOOK_ATTEMPTS: &str = "plumbline_indexer_webhook_attempts_total";
const WEBHOOK_PENDING: &str = "plumbline_indexer_webhook_pending_messages";
const WEBHOOK_DEAD: &str = "plumbline_indexer_webhook_dead_messages";
const WEBHOOK_OLDEST: &str = "plumbline_indexer_webhook_oldest_pending_seconds";
const FOLD_SECONDS: &str = "plumbline_indexer_fold_seconds";

/// Names, units and meanings of all metrics.
pub(crate) fn describe() {
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
    metrics::describe_gauge!(
        QUEUE_BYTES,
        Unit::Bytes,
        "Rows that are decoded and wait to be written."
    );
    metrics::describe_gauge!(STALLED, "1 while no block is written although there are some to write.");
    metrics::describe_gauge!(
        ENDPOINT_UP,
        "1 while an endpoint works and serves the contracts, by endpoint."
    );
    metrics::describe_gauge!(
        ENDPOINT_HEAD_BLOCK,
        "Newest block that an endpoint reported, by endpoint."
    );
    metrics::describe_histogram!(
        ENDPOINT_SECONDS,
        Unit::Seconds,
        "Time in which an endpoint tells its newest block, by endpoint."
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
    metrics::describe_counter!(
        WEBHOOK_ATTEMPTS,
        "Attempts to deliver an alert, by webhook and outcome: delivered, failed, or dead for the last that failed."
    );
    metrics::describe_gauge!(WEBHOOK_PENDING, "Messages that wait for a webhook.");
    metrics::describe_gauge!(
        WEBHOOK_DEAD,
        "Messages to a webhook that were given up and not retried by hand."
    );
    metrics::describe_gauge!(
        WEBHOOK_OLDEST,
        Unit::Seconds,
        "Time for which the oldest message to a webhook has waited."
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

pub(crate) fn queued(bytes: usize) {
    gauge!(QUEUE_BYTES).increment(bytes as f64);
}

pub(crate) fn unqueued(bytes: usize) {
    gauge!(QUEUE_BYTES).decrement(bytes as f64);
}

pub(crate) fn stalled(stalled: bool) {
    gauge!(STALLED).set(f64::from(u8::from(stalled)));
}

pub(crate) fn endpoint_up(endpoint: &str, up: bool) {
    gauge!(ENDPOINT_UP, "endpoint" => endpoint.to_owned()).set(f64::from(u8::from(up)));
}

pub(crate) fn endpoint_answered(endpoint: &str, head: u64, took: Duration) {
    gauge!(ENDPOINT_HEAD_BLOCK, "endpoint" => endpoint.to_owned()).set(head as f64);
    histogram!(ENDPOINT_SECONDS, "endpoint" => endpoint.to_owned()).record(took.as_secs_f64());
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

/// What became of an attempt to deliver an alert.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    Delivered,
    /// It will be attempted again.
    Failed,
    /// It was the last one.
    Dead,
}

impl Delivery {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

pub(crate) fn webhook_attempted(host: &str, delivery: Delivery) {
    counter!(WEBHOOK_ATTEMPTS, "webhook" => host.to_owned(), "outcome" => delivery.as_str()).increment(1);
}

pub(crate) fn webhook_backlog(host: &str, pending: i64, dead: i64, oldest_seconds: f64) {
    let label = || host.to_owned();
    gauge!(WEBHOOK_PENDING, "webhook" => label()).set(pending as f64);
    gauge!(WEBHOOK_DEAD, "webhook" => label()).set(dead as f64);
    gauge!(WEBHOOK_OLDEST, "webhook" => label()).set(oldest_seconds);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const PREFIX: &str = "plumbline_indexer_";

    /// Names of metrics in a text; a histogram's sum and count are the histogram.
    fn names(text: &str) -> BTreeSet<&str> {
        let after = text.split(PREFIX).skip(1);
        let names = after.map(|rest| {
            let end = rest
                .find(|c: char| c != '_' && !c.is_ascii_lowercase())
                .unwrap_or(rest.len());
            let name = &rest[..end];
            ["_sum", "_count"]
                .iter()
                .find_map(|part| name.strip_suffix(part))
                .unwrap_or(name)
        });
        names.filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn rules_dashboard_and_manual_name_the_metrics_that_there_are() {
        let recorded = names(include_str!("metrics.rs"));
        let rules = names(include_str!("../../deploy/monitoring/alerts.yml"));
        let dashboard = names(include_str!("../../deploy/monitoring/dashboard.json"));
        let manual = names(include_str!("../../docs/operations.md"));
        assert_eq!(rules.difference(&recorded).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert_eq!(dashboard, recorded);
        assert_eq!(manual, recorded);
    }

    #[test]
    fn every_alert_is_in_the_manual() {
        let manual = include_str!("../../docs/operations.md");
        let alerts = include_str!("../../deploy/monitoring/alerts.yml").lines();
        for alert in alerts.filter_map(|line| line.trim().strip_prefix("- alert: ")) {
            assert!(manual.contains(&format!("| `{alert}` |")), "{alert}");
        }
    }
}
