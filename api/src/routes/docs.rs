//! What is for people: the way in, the browsable document, and a page for each kind of problem.

use axum::extract::{Path, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{App, openapi_json};
use crate::error::{Error, KINDS, Kind};

/// The page runs nothing and loads nothing but from this server.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);
const POLICY_NAME: HeaderName = header::CONTENT_SECURITY_POLICY;

pub(super) fn router(document: &OpenApi) -> Router<App> {
    let paths: Vec<String> = document.paths.paths.keys().cloned().collect();
    // The default would ask a validator elsewhere what it thinks of the document.
    let config = Config::from("/openapi.json")
        .validator_url("none")
        .try_it_out_enabled(true);
    let browsable = Router::from(SwaggerUi::new("/docs").config(config)).layer(middleware::from_fn(with_policy));
    Router::new()
        .route("/", get(async move || Json(landing(&paths))))
        .route("/openapi.json", get(openapi))
        .route("/problems", get(problems))
        .route("/problems/{slug}", get(problem))
        .merge(browsable)
}

fn landing(paths: &[String]) -> serde_json::Value {
    json!({
        "name": "plumbline",
        "version": env!("CARGO_PKG_VERSION"),
        "docs": "/docs",
        "openapi": "/openapi.json",
        "problems": "/problems",
        "paths": paths,
    })
}

async fn with_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(POLICY_NAME, POLICY);
    response
}

async fn openapi() -> Result<impl IntoResponse, Error> {
    let document = openapi_json().map_err(|error| Error::internal(&format!("{error:#}")))?;
    Ok((
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        document,
    ))
}

async fn problems() -> impl IntoResponse {
    let sections: String = KINDS.iter().map(|kind| section(kind)).collect();
    page("Problems", &sections)
}

async fn problem(Path(slug): Path<String>) -> Result<impl IntoResponse, Error> {
    let kind = KINDS.iter().find(|kind| kind.slug == slug).ok_or(Error::UnknownPath)?;
    Ok(page(kind.title, &section(kind)))
}

fn section(kind: &Kind) -> String {
    let Kind {
        slug,
        status,
        title,
        advice,
    } = kind;
    format!("<h2 id=\"{slug}\">{title}</h2><p><code>/problems/{slug}</code>, status {status}</p><p>{advice}</p>")
}

fn page(title: &str, body: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · Plumbline API</title>\
         <body>{body}<p><a href=\"/problems\">All problems</a> · <a href=\"/docs\">API</a></p></body></html>"
    );
    ([(POLICY_NAME, POLICY)], Html(html))
}
