//! `/v1/network/summary`, `/v1/params` and `/v1/methods`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, seen, word};

#[tokio::test]
async fn the_network_is_summed_up_as_a_ratio_of_sums() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    // Uptimes of 1/1 and 0/11: their mean would be a half.
    api.period(
        0,
        9,
        &[
            seen(1, "100000000000", "100000000000", 3),
            seen(2, "011111111111", "000000000000", 1),
        ],
    )
    .await?;
    api.sql(
        "insert into network_account values (8, 2, 1, 1, 0, 4, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21);
         insert into network_concentration values (0, 'stake', 30, 0.5, 1, 0.5, 2, 0, 1, 2, 2);
         insert into network_concentration (period, basis, total) values (0, 'units', 0)",
    )
    .await?;
    let answer = api.get("/v1/network/summary").await?.ok();
    let data = &answer["data"];
    assert_eq!(
        data["operators"],
        json!({ "registered": 2, "active": 1, "jailed": 1, "exiting": 0 })
    );
    assert_eq!(data["models"], json!({ "registered": 4, "retired": 1 }));
    assert_eq!(
        data["uptime"]["uptime"],
        json!({ "value": 1.0 / 12.0, "numerator": 1, "denominator": 12 })
    );
    assert_eq!(
        answer["coverage"],
        json!({ "value": 0.5, "numerator": 12, "denominator": 24 })
    );
    assert_eq!(data["stake"]["active"], "18");
    assert_eq!(data["stake"]["thawing"], "19");
    assert_eq!(data["served"]["units"], "4");
    assert_eq!(data["total"]["faults"], 12);
    let stake = &data["concentration"][0];
    assert_eq!((&stake["basis"], &stake["period"]), (&json!("stake"), &json!(0)));
    assert_eq!(stake["effective_operators"], 2.0);
    assert_eq!(stake["nakamoto"], json!({ "third": 1, "half": 2, "two_thirds": 2 }));
    assert_eq!(data["concentration"][1]["hhi"], Value::Null, "nothing was served");
    Ok(())
}

#[tokio::test]
async fn a_network_without_contracts_has_no_figures_rather_than_zeros() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 3, 0, 1).await?;
    let answer = api.get("/v1/network/summary").await?.ok();
    let data = &answer["data"];
    assert_eq!(data["operators"]["registered"], 0);
    for absent in ["stake", "served", "total"] {
        assert_eq!(data[absent], Value::Null);
    }
    assert_eq!(data["uptime"]["uptime"]["value"], Value::Null);
    assert_eq!(data["concentration"], json!([]));
    assert_eq!(answer["as_of"]["period"], Value::Null);
    for list in [
        "/v1/operators",
        "/v1/models",
        "/v1/flows",
        "/v1/slashes",
        "/v1/periods",
        "/v1/params",
    ] {
        assert_eq!(api.get(list).await?.ok()["data"], json!([]), "{list}");
    }
    let flows = api.get("/v1/flows/summary").await?.ok();
    assert_eq!(flows["data"], json!({ "tokens": [], "balances": [] }));
    Ok(())
}

#[tokio::test]
async fn parameters_come_with_their_history() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.sql(
        "insert into downtime_penalty_changed values
                 (7, 3, word(77), 1000, 100, 500, 3, 30, 3600, 2000, 100, 500, 3, 30, 18446744073709551615)",
    )
    .await?;
    let answer = api.get("/v1/params").await?.ok();
    let parameter = |contract: &str, name: &str| {
        let all = answer["data"].as_array().unwrap();
        all.iter()
            .find(|p| p["contract"] == contract && p["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(parameter("UptimeLedger", "slots_per_period")["value"], "12");
    assert_eq!(parameter("StakeVault", "thaw")["value"], "1987200");
    assert_eq!(parameter("StakeVault", "thaw")["unit"], "seconds");
    assert_eq!(parameter("InferenceSettlement", "reserve")["value"], addr(702));
    let earnings = parameter("Slasher", "earnings_bps");
    assert_eq!(earnings["value"], "2000");
    assert_eq!(earnings["contract_address"], addr(906));
    let values: Vec<&Value> = earnings["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|setting| &setting["value"])
        .collect();
    assert_eq!(values, ["2000", "1000"]);
    assert_eq!(earnings["history"][0]["tx_hash"], word(77));
    assert_eq!(parameter("Slasher", "jail_seconds")["value"], "18446744073709551615");
    Ok(())
}

#[tokio::test]
async fn every_figure_is_defined() -> Result<()> {
    let api = Api::empty().await?;
    let methods = api.get("/v1/methods").await?.ok();
    let ids: Vec<&str> = methods["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["id"].as_str().unwrap())
        .collect();
    for id in [
        "uptime",
        "coverage",
        "uptime_interval",
        "concentration",
        "nakamoto",
        "served_share",
        "flow_balance",
        "slash",
    ] {
        assert!(ids.contains(&id), "{id}");
    }
    api.blocks(1, 2, 0, 1).await?;
    let answer = api.get("/v1/operators").await?.ok();
    assert_eq!(answer["method_version"], methods["method_version"]);
    Ok(())
}
