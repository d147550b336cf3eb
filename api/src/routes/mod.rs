//! The whole URL space, its OpenAPI document, and what answers where there is nothing.

mod alerts;
mod audit;
mod audits;
mod batches;
mod channels;
mod concentration;
mod core;
mod dependency;
mod docs;
mod drift;
mod enclaves;
pub(crate) mod events;
mod export;
mod findings;
mod flow_summary;
mod flows;
mod health;
mod incentives;
mod incidents;
mod lineage;
pub(crate) mod methods;
mod model_operators;
mod models;
mod network;
mod network_drift;
mod operator;
mod operators;
mod params;
mod payers;
mod periods;
mod slashes;
mod stream;
mod tokens;
mod uptime;
mod verification;

use std::time::Duration;

pub(crate) use export::Exports;

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

use crate::answers::Answers;
use crate::error::Error;
use crate::limit::{self, Limiter};
use crate::observe;
use crate::page::CursorKey;
use crate::snapshot::Looks;
use crate::stream::Hub;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) pool: PgPool,
    pub(crate) cursors: CursorKey,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) max_lag_blocks: i64,
    pub(crate) max_silence: Duration,
    pub(crate) stream: Hub,
    pub(crate) exports: Exports,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) looks: Looks,
    pub(crate) answers: Answers,
}

impl FromRef<App> for PgPool {
    fn from_ref(app: &App) -> Self {
        app.pool.clone()
    }
}

impl FromRef<App> for Hub {
    fn from_ref(app: &App) -> Self {
        app.stream.clone()
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
        (name = "drift", description = "Whether operators, or the network, get worse"),
        (name = "audits", description = "Whether the work was done: batches of receipts, audits and challenges"),
        (name = "flows", description = "Every movement of tokens, in double entry"),
        (name = "payers", description = "What payers put up, paid and took back"),
        (name = "models", description = "Provenance of the models"),
        (name = "network", description = "The network as a whole"),
        (name = "stream", description = "What happens, as it happens, and everything that happened"),
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
        .routes(routes!(incidents::of_operator))
        .routes(routes!(incidents::list))
        .routes(routes!(drift::one))
        .routes(routes!(drift::alarms))
        .routes(routes!(slashes::of_operator))
        .routes(routes!(slashes::list))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::messages))
        .routes(routes!(audits::list))
        .routes(routes!(audit::one))
        .routes(routes!(batches::one))
        .routes(routes!(findings::list))
        .routes(routes!(flows::of_operator))
        .routes(routes!(flows::list))
        .routes(routes!(flow_summary::summary))
        .routes(routes!(models::list))
        .routes(routes!(models::one))
        .routes(routes!(model_operators::list))
        .routes(routes!(lineage::one))
        .routes(routes!(channels::list))
        .routes(routes!(payers::one))
        .routes(routes!(network::summary))
        .routes(routes!(concentration::list))
        .routes(routes!(dependency::list))
        .routes(routes!(core::list))
        .routes(routes!(core::one))
        .routes(routes!(incentives::list))
        .routes(routes!(network_drift::one))
        .routes(routes!(verification::summary))
        .routes(routes!(periods::list))
        .routes(routes!(periods::one))
        .routes(routes!(params::list))
        .routes(routes!(methods::list))
        .routes(routes!(stream::follow))
        .routes(routes!(export::export))
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
        .layer(middleware::from_fn_with_state(app.limiter.clone(), limit::limit))
        .layer(cors())
        .layer(middleware::from_fn(observe::measure))
        .with_state(app)
}

/// Anybody may read from anywhere; there is nothing here that a cookie could open.
fn cors() -> CorsLayer {
    let exposed: [HeaderName; 6] = [
        header::ETAG,
        header::LINK,
        header::RETRY_AFTER,
        limit::RATE_LIMIT,
        limit::RATE_LIMIT_POLICY,
        observe::TRACEPARENT,
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([axum::http::Method::GET, axum::http::Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH, stream::LAST_EVENT_ID, observe::TRACEPARENT])
        .expose_headers(exposed)
}
