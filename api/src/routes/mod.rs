//! The whole URL space, its OpenAPI document, and what answers where there is nothing.

mod audit;
mod audits;
mod batches;
mod docs;
mod enclaves;
mod findings;
mod flow_summary;
mod flows;
mod health;
pub(crate) mod methods;
mod models;
mod network;
mod operator;
mod operators;
mod params;
mod periods;
mod slashes;
mod tokens;
mod uptime;
mod verification;

use std::time::Duration;

use anyhow::Context as _;
use axum::extract::FromRef;
use axum::http::{HeaderName, header};
use axum::{Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::observe;
use crate::page::CursorKey;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) pool: PgPool,
    pub(crate) cursors: CursorKey,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) max_lag_blocks: i64,
    pub(crate) max_silence: Duration,
}

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.pool.clone()
    }
}

impl FromRef<App> for CursorKey {
    fn from_ref(app: &App) -> Self {
        app.cursors.clone()
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plumbline",
        description = "Who runs the models of an open inference network, whether they are up, what they are paid and \
            what they lose, from the events of its contracts.\n\nEvery answer names the block it is as of. Amounts are \
            decimal strings of base units, ratios come with numerator and denominator, times are UTC, and no data is \
            null rather than a number. Errors are problem details (RFC 9457); unknown parameters are errors.",
    ),
    tags(
        (name = "operators", description = "Who runs the models"),
        (name = "audits", description = "Whether the work was done: batches of receipts, audits and challenges"),
        (name = "flows", description = "Every movement of tokens, in double entry"),
        (name = "models", description = "Provenance of the models"),
        (name = "network", description = "The network as a whole"),
        (name = "server", description = "The state of this server"),
    )
)]
struct Document;

fn api() -> OpenApiRouter<App> {
    let mut api = routes();
    require_members(api.get_openapi_mut());
    api
}

/// Members without a value are written as null, never left out; only a problem's extensions come and go.
fn require_members(document: &mut utoipa::openapi::OpenApi) {
    fn require(schema: &mut RefOr<Schema>) {
        match schema {
            RefOr::T(Schema::Object(object)) => object.required = object.properties.keys().cloned().collect(),
            RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(require),
            RefOr::T(_) | RefOr::Ref(_) => {}
        }
    }
    let schemas = document
        .components
        .as_mut()
        .map(|components| components.schemas.iter_mut());
    schemas
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "Problem")
        .for_each(|(_, schema)| require(schema));
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(operators::list))
        .routes(routes!(operator::one))
        .routes(routes!(uptime::series))
        .routes(routes!(enclaves::of_operator))
        .routes(routes!(slashes::of_operator))
        .routes(routes!(slashes::list))
        .routes(routes!(audits::list))
        .routes(routes!(audit::one))
        .routes(routes!(batches::one))
        .routes(routes!(findings::list))
        .routes(routes!(flows::of_operator))
        .routes(routes!(flows::list))
        .routes(routes!(flow_summary::summary))
        .routes(routes!(models::list))
        .routes(routes!(models::one))
        .routes(routes!(network::summary))
        .routes(routes!(verification::summary))
        .routes(routes!(periods::list))
        .routes(routes!(periods::one))
        .routes(routes!(params::list))
        .routes(routes!(methods::list))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// The API's OpenAPI document, as it is served and committed.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn openapi_json() -> anyhow::Result<String> {
    let document = api()
        .to_openapi()
        .to_pretty_json()
        .context("write the OpenAPI document")?;
    Ok(document + "\n")
}

pub(crate) fn router(app: App, timeout: Duration) -> Router {
    let (router, document) = api().split_for_parts();
    router
        .merge(docs::router(&document))
        .fallback(async || Error::UnknownPath)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(timeout, observe::bound))
        .layer(cors())
        .layer(middleware::from_fn(observe::measure))
        .with_state(app)
}

/// Anybody may read from anywhere; there is nothing here that a cookie could open.
fn cors() -> CorsLayer {
    let exposed: [HeaderName; 4] = [header::ETAG, header::LINK, header::RETRY_AFTER, observe::TRACEPARENT];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([axum::http::Method::GET, axum::http::Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH, observe::TRACEPARENT])
        .expose_headers(exposed)
}
