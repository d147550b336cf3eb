//! What every request gets around its handler: bounds, a span, a measurement, and never an answer without a body.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Instrument as _;

use crate::error::Error;

/// Seconds of requests by method, route and status.
const REQUEST_DURATION: &str = "plumbline_http_request_duration_seconds";
const DURATION_BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];
/// Samples pile up until somebody reads them or this long.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Label of requests that no route matched: paths that somebody made up must not become series.
const UNMATCHED: &str = "unmatched";
/// Requests here are short, cursors included.
const MAX_URI_BYTES: usize = 4_096;
/// No request needs a body; a small one does no harm.
const MAX_BODY_BYTES: u64 = 1_024;
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Installs the process's metrics, once; every later call gives the same ones.
///
/// # Errors
/// When something else in the process has installed a recorder before.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(REQUEST_DURATION.to_owned()), &DURATION_BUCKETS)
        .context("set the buckets of the request histogram")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("install the metrics")?;
    metrics::describe_histogram!(
        REQUEST_DURATION,
        metrics::Unit::Seconds,
        "Time from a request's head to the answer's, by method, route and status."
    );
    let upkeep = handle.clone();
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        })
        .context("start the thread that keeps the metrics small")?;
    Ok(installed.insert(handle).clone())
}

/// Refuses what is too large and gives up what takes too long.
pub(crate) async fn bound(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    let uri_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        return Error::UriTooLong {
            bytes: uri_bytes,
            max: MAX_URI_BYTES,
        }
        .into_response();
    }
    let body_bytes = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|bytes| bytes.to_str().ok()?.parse().ok());
    if let Some(bytes) = body_bytes.filter(|bytes| *bytes > MAX_BODY_BYTES) {
        return Error::BodyTooLarge { bytes }.into_response();
    }
    tokio::time::timeout(timeout, next.run(request))
        .await
        .unwrap_or_else(|_| Error::Timeout.into_response())
}

/// Measures the request, and carries the caller's trace on.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    let trace = traceparent(request.headers());
    let trace_id = trace
        .as_ref()
        .and_then(|trace| trace.to_str().ok()?.split('-').nth(1))
        .unwrap_or_default();
    let span = tracing::info_span!("request", method, route, trace_id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16().to_string();
    let elapsed = started.elapsed();
    span.in_scope(|| tracing::debug!(status, elapsed_us = elapsed.as_micros(), "answered"));
    metrics::histogram!(REQUEST_DURATION, "method" => method, "route" => route, "status" => status)
        .record(elapsed.as_secs_f64());
    if let Some(trace) = trace {
        response.headers_mut().insert(TRACEPARENT, trace);
    }
    response
}

/// The caller's trace context (W3C, version 00), if it is well formed.
fn traceparent(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(TRACEPARENT)?;
    let parts: Vec<&str> = value.to_str().ok()?.split('-').collect();
    let [version, trace, parent, flags] = parts.as_slice() else {
        return None;
    };
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let nonzero = |text: &str| text.bytes().any(|byte| byte != b'0');
    let valid =
        *version == "00" && hex(trace, 32) && nonzero(trace) && hex(parent, 16) && nonzero(parent) && hex(flags, 2);
    valid.then(|| value.clone())
}

/// A broken invariant ends the request, not the server.
pub(crate) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied());
    Error::internal(&format!("panic: {}", text.unwrap_or("without a message"))).into_response()
}
