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
        "insert into network_account (block_number, operators, operators_active, operators_jailed, operators_exiting,
             operators_tombstoned, models, models_retired, batches, batches_released, receipts, vouchers, units, fees,
             slashed_stake, slashed_earnings, refunded, faults, audits, challenges, cases_open, cases_lost, uptime_rewards,
             open_risk, escrow, earnings_undrawn, earnings_locked, earnings_claimable, royalties, fee_credit, stake_active,
             stake_thawing, stake_credit, rewards, reserve_pending, reserve, reward_owed, unburned, bond, bond_credit)
         values (8, 5, 2, 1, 0, 2, 4, 1, 5, 4, 6, 7, 8, 9, 10, 11, 3, 12, 1, 1, 1, 0, 6, 2, 13, 0, 14, 15, 16, 17, 18, 19, 20, 21,
                 0, 0, 0, 0, 0, 0);
         insert into network_concentration values (0, 'stake', 30, 0.5, 1, 0.5, 2, 0, 1, 2, 2);
         insert into network_concentration (period, basis, total) values (0, 'units', 0)",
    )
    .await?;
    let answer = api.get("/v1/network/summary").await?.ok();
    let data = &answer["data"];
    assert_eq!(
        data["operators"],
        json!({ "registered": 5, "active": 2, "inactive": 0, "jailed": 1, "exiting": 0, "tombstoned": 2 })
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
    assert_eq!(data["total"]["refunded"]["amount"], "3");
    assert_eq!(data["total"]["uptime_rewards"]["amount"], "6");
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
        "/v1/audits",
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
    let earnings = parameter("Slasher", "downtime.earnings_bps");
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
    assert_eq!(
        parameter("Slasher", "downtime.jail_seconds")["value"],
        "18446744073709551615"
    );
    Ok(())
}

#[tokio::test]
async fn parameters_of_every_contract_are_listed() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.sql(
        "insert into fault_terms_changed values
             (1, 20, word(1), 'withheld', 0, 0, 0, 0, false, 0, 5000, 100, 3000, 1000, false, 600),
             (1, 21, word(1), 'wrong_output', 0, 0, 0, 0, false, 0, 10000, 8444, 0, 2000, true, 0),
             (8, 1, word(78), 'withheld', 5000, 100, 3000, 1000, false, 600, 6000, 100, 3000, 1000, false, 600);
         insert into coverage_configured values (1, 22, word(1), addr(907), 30000, 8000, 8000, 8444, 1000);
         insert into price_oracle_configured values (1, 23, word(1), addr(801), addr(802), 86400);
         insert into feed_changed values (1, 24, word(1), addr(0), addr(950), 0, 3600);
         insert into reward_reserve_configured values (1, 25, word(1), addr(905), addr(902), addr(903), addr(802), 1000, 600, 700);
         insert into reward_parameters_changed values
             (1, 26, word(1), 0, 0, 0, 0, 500, 1500, 3000), (9, 1, word(79), 12, 500, 1500, 3000, 400, 1500, 3000);
         insert into block_randomness_configured values (1, 27, word(1), 4, 200);
         insert into audit_parameters_changed values
             (1, 28, word(1), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10000000000000000, 60, 8, 100, 200, 300, 400, 500, 600, 700);
         insert into stress_parameters_changed values (1, 29, word(1), 0, 0, 3600, 50)",
    )
    .await?;
    let answer = api.get("/v1/params").await?.ok();
    let parameter = |contract: &str, name: &str| {
        let all = answer["data"].as_array().unwrap();
        let found = all.iter().find(|p| p["contract"] == contract && p["name"] == name);
        let found = found.unwrap_or_else(|| panic!("{contract}.{name}"));
        let (value, unit) = (found["value"].as_str().unwrap(), found["unit"].as_str().unwrap());
        (
            value.to_owned(),
            unit.to_owned(),
            found["history"].as_array().unwrap().len(),
        )
    };
    let expected = [
        ("Slasher", "correlation_window", "259200", "seconds", 1),
        ("Slasher", "withheld.earnings_bps", "6000", "bps", 2),
        ("Slasher", "wrong_output.tombstone", "true", "flag", 1),
        ("Slasher", "wrong_output.principal_bps", "8444", "bps", 1),
        ("InferenceSettlement", "coverage.beta_bps", "30000", "bps", 1),
        ("PriceOracle", "time_window", "86400", "seconds", 1),
        ("PriceOracle", "max_age", "3600", "seconds", 1),
        ("RewardReserve", "bond", "1000", "stake_token", 1),
        ("RewardReserve", "wage", "400", "fee_token", 2),
        ("RewardReserve", "first_period", "12", "count", 2),
        ("BlockRandomness", "delay", "4", "blocks", 1),
        ("CaseDocket", "min_probability", "10000000000000000", "fraction", 1),
        ("CaseDocket", "dispute_window", "700", "seconds", 1),
        ("StressGauge", "backlog_capacity", "50", "count", 1),
    ];
    for (contract, name, value, unit, settings) in expected {
        assert_eq!(
            parameter(contract, name),
            (value.to_owned(), unit.to_owned(), settings),
            "{contract}.{name}"
        );
    }
    assert_eq!(parameter("PriceOracle", "feed").0, addr(950));
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
        "case",
        "open_risk",
        "batches_drawn",
        "audited_earnings",
    ] {
        assert!(ids.contains(&id), "{id}");
    }
    api.blocks(1, 2, 0, 1).await?;
    let answer = api.get("/v1/operators").await?.ok();
    assert_eq!(answer["method_version"], methods["method_version"]);
    Ok(())
}
