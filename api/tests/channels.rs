//! `/v1/channels` and `/v1/payers`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, word};

/// Payer 501 with operators 1 and 2, payer 502 with operator 1; an exit that a pause moves, and vouchers not paid in full.
async fn channels() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.sql(
        "insert into channel_account values
             (3, addr(501), addr(1), 100, 0, 0, 0, 0), (5, addr(501), addr(1), 100, 30, 0, 0, 0),
             (6, addr(501), addr(1), 100, 30, 5, 1767226600, 1767226600),
             (4, addr(501), addr(2), 40, 40, 0, 0, 0), (4, addr(502), addr(1), 7, 0, 0, 0, 0);
         insert into pause_clock values (7, 1767225670, 1767225970, 0);
         insert into credit_account values (8, 'fee_credit', addr(501), 9, 4), (8, 'stake_credit', addr(501), 1, 1);
         insert into voucher_skipped values
             (5, 3, word(53), addr(1), addr(501), word(7), 1, 'stale', 0),
             (6, 3, word(63), addr(1), addr(501), word(7), 2, 'underfunded', 12),
             (6, 4, word(63), addr(1), addr(502), word(7), 2, 'invalid_signer', 3)",
    )
    .await?;
    Ok(api)
}

#[tokio::test]
async fn a_channel_shows_what_is_left_its_exit_and_why_a_voucher_was_not_paid() -> Result<()> {
    let api = channels().await?;
    let path = format!("/v1/channels?payer={}&operator={}", addr(501), addr(1));
    let channels = api.get(&path).await?.ok()["data"].clone();
    assert_eq!(channels.as_array().unwrap().len(), 1);
    let channel = &channels[0];
    let amounts = ["deposited", "settled", "returned", "escrow"].map(|name| channel[name]["amount"].clone());
    assert_eq!(amounts, ["100", "30", "5", "65"].map(Value::from));
    assert_eq!(channel["escrow"]["symbol"], "FEE");
    assert_eq!(
        channel["exit"],
        json!({ "announced_for": "2026-01-01T00:16:40Z", "possible_from": "2026-01-01T00:21:40Z" }),
        "moved by the five minutes of the pause"
    );
    let skip = &channel["last_skip"];
    assert_eq!(
        (&skip["reason"], &skip["unpaid"]["amount"]),
        (&json!("underfunded"), &json!("12"))
    );
    assert_eq!((&skip["batch"], &skip["block_number"]), (&json!("2"), &json!(6)));
    Ok(())
}

#[tokio::test]
async fn a_pause_after_a_deadline_does_not_move_it() -> Result<()> {
    let api = channels().await?;
    api.sql("update channel_account set exit_at = 1767225660, exit_running = 1767225660 where block_number = 6")
        .await?;
    let channels = api.get(&format!("/v1/channels?operator={}", addr(1))).await?.ok();
    let exit = &channels["data"][0]["exit"];
    assert_eq!(exit["possible_from"], "2026-01-01T00:01:00Z");
    Ok(())
}

#[tokio::test]
async fn channels_are_filtered_and_paged() -> Result<()> {
    let api = channels().await?;
    for (filter, count) in [
        (String::new(), 3),
        (format!("&payer={}", addr(501)), 2),
        (format!("&operator={}", addr(1)), 2),
        (format!("&payer={}&operator={}", addr(502), addr(2)), 0),
        (format!("&payer={}", addr(777)), 0),
    ] {
        let pages = api.pages(&format!("/v1/channels?limit=1{filter}")).await?;
        let channels: Vec<&Value> = pages.iter().flat_map(|page| page.as_array().unwrap()).collect();
        assert_eq!(channels.len(), count, "{filter}");
        let mut keys: Vec<_> = channels
            .iter()
            .map(|c| (c["payer"].as_str(), c["operator"].as_str()))
            .collect();
        keys.dedup();
        assert_eq!(keys.len(), count, "each once");
    }
    // A channel that is newer than the snapshot is no part of it.
    api.sql("insert into channel_account values (30, addr(503), addr(1), 7, 0, 0, 0, 0)")
        .await?;
    let final_ones = api.get("/v1/channels?finalized=true").await?.ok();
    assert_eq!(final_ones["data"].as_array().unwrap().len(), 3);
    assert_eq!(api.get("/v1/channels").await?.ok()["data"].as_array().unwrap().len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_payer_is_the_sum_of_its_channels() -> Result<()> {
    let api = channels().await?;
    let payer = &api.get(&format!("/v1/payers/{}", addr(501))).await?.ok()["data"];
    let names = [
        "deposited",
        "settled",
        "returned",
        "escrow",
        "credit",
        "credit_collected",
    ];
    let amounts = names.map(|name| payer[name]["amount"].clone());
    assert_eq!(amounts, ["140", "70", "5", "65", "9", "4"].map(Value::from));
    assert_eq!(
        (&payer["exits"], &payer["channels_total"], &payer["complete"]),
        (&json!(1), &json!(2), &json!(true))
    );
    assert_eq!(payer["channels"].as_array().unwrap().len(), 2);
    let unknown = api
        .get(&format!("/v1/payers/{}", addr(9)))
        .await?
        .problem(404, "not-found");
    assert!(unknown["detail"].as_str().unwrap().contains(&addr(9)));
    let malformed = api.get("/v1/payers/0x12").await?.problem(422, "invalid-parameter");
    assert_eq!(malformed["parameter"], "address");
    Ok(())
}

#[tokio::test]
async fn who_serves_a_model_is_paged_and_its_line_is_told_both_ways() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(3).await?;
    api.sql(
        "insert into model_registered select 3, n, word(50 + n), addr(400 + n), word(n), word(n / 2), word(0)
         from generate_series(1, 7) n;
         insert into version_published select 3, 10 + n, word(50 + n), word(n), 1, word(100 + n), 'proof', 500, ''
         from generate_series(1, 7) n;
         insert into model_account select 3, word(n), addr(400 + n), addr(1), 1, n = 2, 0, 0, 0, 0, 0
         from generate_series(1, 7) n;
         insert into offering select 4, addr(n), word(2), true, 1, 500, n, 1767225640 from generate_series(1, 3) n;
         insert into offering values (5, addr(2), word(2), false, 1, 500, 9, 1767225640)",
    )
    .await?;
    let pages = api.pages(&format!("/v1/models/{}/operators?limit=1", word(2))).await?;
    let served: Vec<(&Value, &Value)> = pages
        .iter()
        .flat_map(|page| page.as_array().unwrap())
        .map(|row| (&row["operator"], &row["price_per_unit"]["amount"]))
        .collect();
    assert_eq!(
        served,
        [(&json!(addr(1)), &json!("1")), (&json!(addr(3)), &json!("3"))],
        "one has stopped"
    );
    let line = &api.get(&format!("/v1/models/{}/lineage", word(2))).await?.ok()["data"];
    let ids = |name: &str| -> Vec<(Value, Value)> {
        let kin = line[name].as_array().unwrap().iter();
        kin.map(|kin| (kin["id"].clone(), kin["distance"].clone())).collect()
    };
    assert_eq!(ids("ancestors"), [(json!(word(1)), json!(1))]);
    assert_eq!(
        ids("descendants"),
        [(json!(word(4)), json!(1)), (json!(word(5)), json!(1))]
    );
    assert_eq!(line["complete"], true);
    let root = &api.get(&format!("/v1/models/{}/lineage", word(1))).await?.ok()["data"];
    let distances: Vec<i64> = root["descendants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| k["distance"].as_i64().unwrap())
        .collect();
    assert_eq!(distances, [1, 1, 2, 2, 2, 2], "nearest first");
    for rest in ["operators", "lineage"] {
        api.get(&format!("/v1/models/{}/{rest}", word(99)))
            .await?
            .problem(404, "not-found");
    }
    Ok(())
}
