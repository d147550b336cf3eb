//! The document, and the pages for people.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use crate::harness::{Api, addr, differences, seen};

#[test]
fn the_committed_document_is_the_one_that_the_handlers_give() -> Result<()> {
    let committed = include_str!("../openapi.json");
    assert_eq!(
        committed,
        plumbline_api::openapi_json()?,
        "run `make openapi` and commit api/openapi.json"
    );
    Ok(())
}

#[tokio::test]
async fn the_document_is_served_and_every_reference_in_it_resolves() -> Result<()> {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    found.push(reference.to_owned());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let api = Api::empty().await?;
    let document = api.get("/openapi.json").await?.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(
            operations.insert(item["get"]["operationId"].as_str().unwrap()),
            "{path}: names of operations are unique"
        );
        assert!(item["get"]["summary"].is_string(), "{path} has no summary");
        for (status, response) in item["get"]["responses"].as_object().unwrap() {
            if !status.starts_with('2') {
                assert!(
                    response["content"]["application/problem+json"].is_object(),
                    "{path} {status}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn answers_have_exactly_the_members_that_the_document_promises() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(3).await?;
    api.period(
        0,
        9,
        &[
            seen(1, "111111111111", "111111111100", 3),
            seen(2, "000000000000", "000000000000", 0),
        ],
    )
    .await?;
    api.sql(
        "insert into network_core values (0, 1, 1, null, null, null, null, 1);
         insert into core_member values (0, addr(1), 1, 3, 1, 0)",
    )
    .await?;
    let document = api.get("/openapi.json").await?.ok();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| {
        let others = [
            "/v1/models/",
            "/v1/audits/",
            "/v1/batches/",
            "/v1/payers/",
            "/v1/stream",
            "/v1/export/",
        ];
        !others.iter().any(|other| path.starts_with(other))
    }) {
        let answer = api.get(&path.replace("{id}", &addr(1)).replace("{n}", "0")).await?;
        if path == "/metrics" {
            continue;
        }
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut found = Vec::new();
        differences(&document, schema, &answer.ok(), path, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_browsable_page_loads_nothing_from_elsewhere() -> Result<()> {
    let api = Api::empty().await?;
    let page = api.get("/docs").await?;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    for attribute in ["src=\"", "href=\""] {
        for target in page
            .text
            .split(attribute)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default())
        {
            assert!(
                target.starts_with("./") || target.starts_with("data:") || !target.contains("//"),
                "{target}"
            );
            let path = target.trim_start_matches("./");
            assert_eq!(api.get(&format!("/docs/{path}")).await?.status, 200, "{target}");
        }
    }
    let start = api.get("/docs/swagger-initializer.js").await?.text;
    assert!(
        start.contains("/openapi.json") && start.contains("\"validatorUrl\": \"none\""),
        "{start}"
    );
    Ok(())
}

#[tokio::test]
async fn the_way_in_lists_what_there_is() -> Result<()> {
    let api = Api::empty().await?;
    let landing = api.get("/").await?.ok();
    for (name, path) in [
        ("docs", "/docs"),
        ("openapi", "/openapi.json"),
        ("problems", "/problems"),
    ] {
        assert_eq!(landing[name], path);
        assert_eq!(api.get(path).await?.status, 200);
    }
    assert!(
        landing["paths"]
            .as_array()
            .unwrap()
            .iter()
            .any(|path| path == "/v1/operators")
    );
    Ok(())
}

#[tokio::test]
async fn the_document_names_every_value_that_the_schema_allows() -> Result<()> {
    let api = Api::empty().await?;
    let document = api.get("/openapi.json").await?.ok();
    let columns = [
        ("flow", &["kind"][..], "Kind"),
        ("flow", &["from_class", "to_class"][..], "Class"),
        ("operator_profile", &["status"][..], "Status"),
        ("fault_punished", &["fault"][..], "Fault"),
        ("case_account", &["kind"][..], "CaseKind"),
        ("case_account", &["stage"][..], "Stage"),
        ("case_account", &["verdict"][..], "Verdict"),
        ("version_published", &["mode"][..], "Mode"),
        ("network_concentration", &["basis"][..], "Basis"),
    ];
    for (table, columns, schema) in columns {
        let mut allowed = BTreeSet::new();
        for column in columns {
            let check: String = sqlx::query_scalar(
                "select pg_get_constraintdef(oid) from pg_constraint where conrelid = $1::regclass and conname = $2",
            )
            .bind(table)
            .bind(format!("{table}_{column}_check"))
            .fetch_one(&api.db)
            .await?;
            allowed.extend(check.split('\'').skip(1).step_by(2).map(str::to_owned));
        }
        if schema == "Fault" {
            // It has a table of its own.
            allowed.insert("downtime".to_owned());
        }
        let schema = &document["components"]["schemas"][schema];
        let values = schema["enum"].as_array().unwrap();
        let documented: BTreeSet<String> = values.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
        assert_eq!(documented, allowed, "{table}.{columns:?}");
    }
    Ok(())
}
