//! The whole way: contracts on a real chain, their logs through the indexer, JSON out, held against what the contracts
//! say of themselves at the same block.

#[path = "../../indexer/tests/common/mod.rs"]
mod world;

use alloy::primitives::{Address, U256};
use anyhow::Result;
use plumbline_protocol::{InferenceSettlement, StakeVault, TestToken};
use serde_json::Value;
use world::{Database, Indexer, World};

use crate::harness::{Api, config, differences};

/// A world in which every event has happened, indexed, and a server over its rows.
async fn lived() -> Result<(World, Api)> {
    let world = World::new().await?;
    world.lifecycle().await?;
    world.traffic(3, 0).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    let api = Api::over(database.pool, &config(&database.url)?).await?;
    Ok((world, api))
}

fn amount(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_and_stakes_are_those_that_the_contracts_hold() -> Result<()> {
    let (world, api) = lived().await?;
    let contracts = world.deployment.contracts;
    let summary = api.get("/v1/flows/summary").await?.ok();
    assert_eq!(summary["as_of"]["block_number"], world.head().await?.0);
    let balances = summary["data"]["balances"].as_array().unwrap();
    assert!(!balances.is_empty());
    for balance in balances {
        let holder: Address = balance["address"].as_str().unwrap().parse()?;
        let token: Address = balance["amount"]["token"].as_str().unwrap().parse()?;
        let held = TestToken::new(token, &world.provider).balanceOf(holder).call().await?;
        assert_eq!(amount(&balance["amount"]["amount"]), held, "{balance}");
    }
    let vault = StakeVault::new(contracts.stake_vault, &world.provider);
    let operators = api.get("/v1/operators?limit=200").await?.ok();
    assert_eq!(operators["data"].as_array().unwrap().len(), world.operators.len());
    for operator in operators["data"].as_array().unwrap() {
        let id: Address = operator["id"].as_str().unwrap().parse()?;
        let (pool, own) = (vault.pool(id).call().await?, vault.stakeOf(id, id).call().await?);
        let stake = &operator["stake"];
        assert_eq!(amount(&stake["active"]), U256::from(pool.assets));
        assert_eq!(amount(&stake["thawing"]), U256::from(pool.thawAssets));
        assert_eq!(amount(&stake["own"]), own);
        assert_eq!(
            amount(&stake["own"]) + amount(&stake["delegated"]),
            U256::from(pool.assets)
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slashes_uptime_and_the_network_agree_with_each_other_and_the_contracts() -> Result<()> {
    let (world, api) = lived().await?;
    let punished = world.operators[0].address;
    let slashes = api
        .get(&format!("/v1/operators/{punished}/slashes?finalized=false"))
        .await?
        .ok();
    let slashes = slashes["data"].as_array().unwrap();
    assert_eq!(slashes.len(), 2, "two bad periods");
    assert_eq!(slashes[0]["strikes"], 2);
    assert_ne!(slashes[0]["principal_taken"]["amount"], "0", "repeated");
    assert_eq!(slashes[1]["principal_taken"]["amount"], "0", "the first");
    for slash in slashes {
        let taken = amount(&slash["earnings_taken"]["amount"]) + amount(&slash["principal_taken"]["amount"]);
        let movements = slash["movements"].as_array().unwrap();
        assert_eq!(
            movements
                .iter()
                .map(|movement| amount(&movement["amount"]["amount"]))
                .sum::<U256>(),
            taken
        );
        assert!(taken > U256::ZERO);
        // Where a period was punished, more than a third of what was observed in it was missed.
        let period = slash["period"].as_i64().unwrap();
        let path = format!("/v1/operators/{punished}/uptime?bucket=period&finalized=false&limit=200");
        let uptime = api.get(&path).await?.ok();
        let series = uptime["data"]["series"].as_array().unwrap();
        let bucket = series.iter().find(|bucket| bucket["period"] == period).unwrap();
        assert_eq!(bucket["observed"], slash["observed_slots"]);
        assert_eq!(bucket["missed"], slash["missed_slots"]);
    }
    let settlement = InferenceSettlement::new(world.deployment.contracts.inference_settlement, &world.provider);
    let network = api.get("/v1/network/summary").await?.ok();
    assert_eq!(
        network["data"]["total"]["batches"],
        u64::try_from(settlement.batchCount().call().await?)?
    );
    assert_eq!(network["data"]["total"]["faults"], 2);
    let operators = api.get("/v1/operators?limit=200").await?.ok();
    let sum = |pointer: &str| -> i64 {
        operators["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.pointer(pointer).unwrap().as_i64().unwrap())
            .sum()
    };
    for field in ["expected", "observed", "hit"] {
        assert_eq!(
            network["data"]["uptime"][field],
            sum(&format!("/uptime/{field}")),
            "{field}: a ratio of sums"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_full_world_is_as_documented() -> Result<()> {
    let (world, api) = lived().await?;
    let document = api.get("/openapi.json").await?.ok();
    let (operator, model) = (world.operators[0].address.to_string(), world.model_id.to_string());
    let period = api.get("/v1/periods?finalized=false").await?.ok()["data"][0]["period"].to_string();
    for (path, item) in document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, _)| path.starts_with("/v1"))
    {
        let id = if path.contains("models") { &model } else { &operator };
        let mut asked = path.replace("{id}", id).replace("{n}", &period);
        if item["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "finalized")
        {
            asked += "?finalized=false";
        }
        let answer = api.get(&asked).await?.ok();
        assert_ne!(answer["data"], Value::Array(Vec::new()), "{path} has something to show");
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut found = Vec::new();
        differences(&document, schema, &answer, path, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}
