//! `/v1/models` and one model.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, word};

/// Models 1, 2 (from 1) and 3 (from 2); 2 has two versions, a new publisher proposed, and is served by operator 1.
async fn lineage() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.sql(
        "insert into model_registered select 3, n, word(50 + n), addr(400 + n), word(n), word(n - 1), word(0)
         from generate_series(1, 3) n;
         insert into version_published select 3, 10 + n, word(50 + n), word(n), 1, word(100 + n), 'reexecution', 500, 'ipfs://' || n
         from generate_series(1, 3) n;
         insert into version_published values (5, 1, word(60), word(2), 2, word(202), 'tolerance', 700, 'ipfs://2b');
         insert into model_account select 3, word(n), addr(400 + n), decode(repeat('00', 20), 'hex'), 1, false, 0, 0, 0, 0, 0
         from generate_series(1, 3) n;
         insert into model_account values
             (5, word(2), addr(402), decode(repeat('00', 20), 'hex'), 2, false, 0, 0, 0, 0, 0),
             (6, word(2), addr(402), addr(499), 2, true, 3, 18446744073709551616, 1000, 70, 5);
         insert into offering values (4, addr(1), word(2), true, 1, 500, 9, 1767225640),
             (7, addr(1), word(2), true, 2, 700, 11, 1767225640), (4, addr(2), word(2), true, 1, 500, 9, 1767225640),
             (8, addr(2), word(2), false, 1, 500, 9, 1767225640)",
    )
    .await?;
    for period in 0..2 {
        api.period(period, 10 + 10 * period, &[]).await?;
    }
    api.sql("insert into model_verification values (word(2), 0, 4611686018427387904, 4611686018427387904)")
        .await?;
    Ok(api)
}

#[tokio::test]
async fn a_model_shows_versions_lineage_and_who_serves_it() -> Result<()> {
    let api = lineage().await?;
    let model = &api.get(&format!("/v1/models/{}", word(2))).await?.ok()["data"];
    assert_eq!(model["publisher"], addr(402));
    assert_eq!(model["pending_publisher"], addr(499));
    assert_eq!(model["retired"], true);
    assert_eq!(model["parent"], word(1));
    assert_eq!(model["units"], "18446744073709551616");
    assert_eq!(model["fees"]["amount"], "1000");
    assert_eq!(model["audited_units"]["value"], 0.25);
    assert_eq!(model["latest"]["weights_digest"], word(202));
    assert_eq!(model["latest"]["mode"], "tolerance");
    let versions: Vec<&Value> = model["version_history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["uri"])
        .collect();
    assert_eq!(versions, ["ipfs://2b", "ipfs://2"]);
    assert_eq!(
        model["ancestors"],
        json!([{ "id": word(1), "registered_by": addr(401) }])
    );
    assert_eq!(
        model["children"],
        json!([{ "id": word(3), "registered_by": addr(403) }])
    );
    let operators = model["operators"].as_array().unwrap();
    assert_eq!(operators.len(), 1, "one has stopped");
    assert_eq!(
        (&operators[0]["operator"], &operators[0]["version"]),
        (&json!(addr(1)), &json!(2))
    );
    assert_eq!(operators[0]["price_per_unit"]["amount"], "11");
    let grandchild = &api.get(&format!("/v1/models/{}", word(3))).await?.ok()["data"];
    let ancestors: Vec<&Value> = grandchild["ancestors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["id"])
        .collect();
    assert_eq!(ancestors, [&json!(word(2)), &json!(word(1))], "nearest first");
    Ok(())
}

#[tokio::test]
async fn models_are_listed_by_registration_both_ways() -> Result<()> {
    let api = lineage().await?;
    for (order, ids) in [("desc", [3, 2, 1]), ("asc", [1, 2, 3])] {
        let pages = api.pages(&format!("/v1/models?order={order}&limit=1")).await?;
        let found: Vec<&Value> = pages.iter().map(|page| &page[0]["id"]).collect();
        assert_eq!(found, ids.map(|id| json!(word(id))).iter().collect::<Vec<_>>());
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_model_is_not_found_and_a_malformed_id_is_refused() -> Result<()> {
    let api = lineage().await?;
    api.get(&format!("/v1/models/{}", word(9)))
        .await?
        .problem(404, "not-found");
    let refused = api
        .get(&format!("/v1/models/{}", addr(1)))
        .await?
        .problem(422, "invalid-parameter");
    assert!(refused["detail"].as_str().unwrap().contains("64 hex digits"));
    Ok(())
}
