//! What is asked wrongly is refused by name, and every refusal is a problem detail.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Api, addr};

#[tokio::test]
async fn before_anything_is_indexed_every_list_says_that_it_is_not_ready() -> Result<()> {
    let api = Api::empty().await?;
    for path in [
        "/v1/operators",
        "/v1/slashes",
        "/v1/flows/summary",
        "/v1/network/summary",
        "/v1/periods/0",
    ] {
        let answer = api.get(path).await?;
        let problem = answer.problem(503, "not-ready");
        assert!(
            problem["reasons"][0].as_str().unwrap().contains("plumbline index"),
            "{problem}"
        );
        assert_eq!(answer.header("retry-after"), "2");
    }
    Ok(())
}

#[tokio::test]
async fn before_anything_is_final_histories_name_the_way_out() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(5, 9, 0, 9).await?;
    let problem = api.get("/v1/slashes").await?.problem(503, "not-ready");
    assert!(
        problem["detail"].as_str().unwrap().contains("finalized=false"),
        "{problem}"
    );
    assert_eq!(
        api.get("/v1/slashes?finalized=false").await?.ok()["as_of"]["finalized"],
        false
    );
    Ok(())
}

#[tokio::test]
async fn values_out_of_range_are_refused_and_never_clamped() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    let cases = [
        ("limit=0", "limit", "1 to 200"),
        ("limit=201", "limit", "1 to 200"),
        ("limit=abc", "limit", "1 to 200"),
        ("limit=-1", "limit", "1 to 200"),
        ("limit=", "limit", "1 to 200"),
        ("sort=size", "sort", "`stake`"),
        ("order=up", "order", "`asc`"),
        ("status=Active", "status", "`jailed`"),
        ("model=0x12", "model", "64 hex digits"),
        ("domain=a-name-that-is-longer-than-thirty-two", "domain", "32 bytes"),
        ("finalized=yes", "finalized", "true or false"),
        ("window=2d", "window", "`30d`"),
        ("window=1d&from=2026-01-01T00:00:00Z", "window", "either"),
        ("from=2026-01-01T00:00:00Z", "to", "needs `to`"),
        ("to=2026-01-01T00:00:00Z", "from", "needs `from`"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "later"),
        ("from=yesterday&to=2026-01-01T00:00:00Z", "from", "RFC 3339"),
        ("from=1969-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "1970"),
        ("limit=5&limit=6", "limit", "more than once"),
    ];
    for (query, parameter, right) in cases {
        let problem = api
            .get(&format!("/v1/operators?{query}"))
            .await?
            .problem(422, "invalid-parameter");
        assert_eq!(problem["parameter"], parameter, "{query}");
        assert!(
            problem["detail"].as_str().unwrap().contains(right),
            "{query}: {problem}"
        );
    }
    for limit in [1, 200] {
        api.get(&format!("/v1/operators?limit={limit}")).await?.ok();
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_parameter_is_named_beside_the_known_ones_on_every_path() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(9).await?;
    api.operators(1).await?;
    let document = api.get("/openapi.json").await?.json();
    let mut checked = 0;
    for (path, item) in document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/v1"))
    {
        let documented: Vec<&str> = item["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let id = if path.starts_with("/v1/models/") {
            crate::harness::word(1)
        } else if path.starts_with("/v1/operators/") {
            addr(1)
        } else {
            "1".to_owned()
        };
        let path = path
            .replace("{id}", &id)
            .replace("{n}", "0")
            .replace("{address}", &addr(1));
        let path = path.replace("{dataset}", "flows");
        let problem = api
            .get(&format!("{path}?colour=blue"))
            .await?
            .problem(422, "unknown-parameter");
        assert_eq!(problem["parameter"], "colour");
        let mut allowed: Vec<&str> = problem["allowed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let mut documented = documented;
        allowed.sort_unstable();
        documented.sort_unstable();
        assert_eq!(allowed, documented, "{path}: what is read is what is documented");
        // The documented default of `finalized` is the one that answers show.
        let finalized = item["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|p| p["name"] == "finalized");
        let endless = ["/v1/stream", "/v1/export/"]
            .iter()
            .any(|other| path.starts_with(other));
        if let Some(default) = finalized.map(|parameter| parameter["schema"]["default"].as_bool().unwrap())
            && !endless
        {
            let answer = api.get(&path).await?;
            if answer.status == 200 {
                assert_eq!(
                    answer.json()["as_of"]["block_number"],
                    if default { 8 } else { 9 },
                    "{path}"
                );
            }
        }
        checked += 1;
    }
    assert!(checked >= 15, "only {checked} paths");
    Ok(())
}

#[tokio::test]
async fn paths_methods_bodies_and_lengths_that_do_not_fit_are_problems_too() -> Result<()> {
    let api = Api::empty().await?;
    for path in ["/nothing", "/v1", "/v1/operators/", "/v2/operators", "/problems/none"] {
        api.get(path).await?.problem(404, "unknown-path");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = api.request(method, "/v1/operators", &[]).await?;
        answer.problem(405, "method-not-allowed");
        assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    }
    let long = format!("/v1/operators?domain={}", "a".repeat(5_000));
    api.get(&long).await?.problem(414, "uri-too-long");
    let huge = reqwest::Client::new()
        .get(format!("{}/v1/operators", api.url))
        .body("x".repeat(2_000))
        .send()
        .await?;
    assert_eq!(huge.status(), 413);
    assert_eq!(huge.headers()["content-type"], "application/problem+json");
    Ok(())
}

#[tokio::test]
async fn every_type_of_problem_has_its_page() -> Result<()> {
    let api = Api::empty().await?;
    let kind = api.get("/nothing").await?.json()["type"].as_str().unwrap().to_owned();
    let page = api.get(&kind).await?;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("Unknown path"));
    let all = api.get("/problems").await?.text;
    for slug in [
        "unknown-parameter",
        "invalid-cursor",
        "snapshot-gone",
        "not-ready",
        "database-unavailable",
        "timeout",
    ] {
        assert!(all.contains(&format!("id=\"{slug}\"")), "{slug}");
        assert_eq!(api.get(&format!("/problems/{slug}")).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_looks_like_sql_is_only_a_name() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(9).await?;
    api.operators(1).await?;
    let answer = api.get("/v1/operators?domain=%27%20or%201%3D1%20--").await?.ok();
    assert_eq!(answer["data"], Value::Array(Vec::new()));
    api.get("/v1/operators?sort=stake%3Bdrop%20table%20block")
        .await?
        .problem(422, "invalid-parameter");
    Ok(())
}
