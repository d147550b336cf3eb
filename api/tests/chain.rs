//! The whole way: contracts on a real chain, their logs through the indexer, JSON out, held against what the contracts
//! say of themselves at the same block.

#[path = "../../indexer/tests/common/mod.rs"]
mod world;

use alloy::primitives::{Address, U256};
use anyhow::Result;
use plumbline_protocol::{CaseDocket, InferenceSettlement, StakeVault, TestToken};
use serde_json::Value;
use world::World;

use crate::harness::{Api, config, differences};

/// Lists that a world of a few periods may have nothing for.
const QUIET: [&str; 8] = [
    "/incidents",
    "/dependency",
    "/core",
    "/incentives",
    "/concentration",
    // Nobody has a webhook.
    "/messages",
    // They are of another source.
    "/findings",
    "/enclaves",
];

/// A world in which every event has happened, indexed, and a server over its rows.
async fn lived() -> Result<(World, Api)> {
    let (world, database) = World::lived().await?;
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
    // And what is told of no balance is none, for every token and every contract.
    let told = |holder: Address, token: Address| {
        let same = |value: &Value, address: Address| value.as_str().unwrap().parse() == Ok(address);
        let found = balances
            .iter()
            .find(|b| same(&b["address"], holder) && same(&b["amount"]["token"], token));
        found.map_or(U256::ZERO, |balance| amount(&balance["amount"]["amount"]))
    };
    for token in [contracts.stake_token, contracts.fee_token] {
        for (name, holder) in contracts.deployed() {
            let held = TestToken::new(token, &world.provider).balanceOf(holder).call().await?;
            assert_eq!(told(holder, token), held, "{name}");
        }
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
    let all = api.get("/v1/slashes?finalized=false&limit=200").await?.ok();
    assert_eq!(
        network["data"]["total"]["faults"],
        all["data"].as_array().unwrap().len()
    );
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
async fn cases_and_what_they_cost_agree_with_the_docket() -> Result<()> {
    let (world, api) = lived().await?;
    let docket = CaseDocket::new(world.deployment.contracts.case_docket, &world.provider);
    let cases = api.get("/v1/audits?finalized=false&limit=200").await?.ok();
    let cases = cases["data"].as_array().unwrap();
    assert_eq!(U256::from(cases.len()), docket.caseCount().call().await?);
    let slashes = api.get("/v1/slashes?finalized=false&limit=200").await?.ok();
    let slashes = slashes["data"].as_array().unwrap();
    const STAGES: [&str; 7] = [
        "none",
        "seeding",
        "answering",
        "proving",
        "judging",
        "decided",
        "closed",
    ];
    const VERDICTS: [&str; 6] = ["none", "passed", "failed", "inconclusive", "withheld", "voided"];
    for case in cases {
        let kept = docket.caseOf(amount(&case["id"])).call().await?;
        assert_eq!(case["stage"], STAGES[usize::from(kept.stage)], "{case}");
        assert_eq!(case["verdict"], VERDICTS[usize::from(kept.verdict)], "{case}");
        assert_eq!(case["operator"], kept.operator.to_checksum(None));
        assert_eq!(amount(&case["principal_cap"]["amount"]), kept.principalCap);
        let costs = |slash: &&Value| slash["case"] == case["id"] && slash["operator"] == case["operator"];
        let found: Vec<&Value> = slashes.iter().filter(costs).collect();
        assert_eq!(found.len(), usize::from(case["punished"] == true), "{case}");
        for slash in found {
            assert!(
                slash["fault"] == "withheld" || slash["fault"] == "wrong_output",
                "{slash}"
            );
            if slash["fault"] == "wrong_output" {
                assert_eq!(slash["offence"], case["offence"]);
            }
        }
        if let Some(batch) = case["batch"].as_str() {
            let batch = api.get(&format!("/v1/batches/{batch}?finalized=false")).await?.ok();
            assert_eq!(batch["data"]["draw"]["case"], case["id"]);
            assert_eq!(
                batch["data"]["state"] == "released",
                case["stage"] == "closed",
                "{batch}"
            );
        }
    }
    // What was taken is what moved, to the base unit, whatever the fault; judges and doubles have their evidence.
    for slash in slashes {
        for (taken, class) in [("earnings_taken", "earnings"), ("principal_taken", "stake")] {
            let movements = slash["movements"].as_array().unwrap().iter();
            let of_class = movements.filter(|movement| movement["from"].as_str().unwrap().starts_with(class));
            let moved: U256 = of_class.map(|movement| amount(&movement["amount"]["amount"])).sum();
            assert_eq!(moved, amount(&slash[taken]["amount"]), "{slash}");
        }
        let judge = slash["fault"] == "unrevealed" || slash["fault"] == "false_report";
        assert!(!judge || slash["case"].is_string(), "{slash}");
    }
    let verification = &api.get("/v1/network/verification").await?.ok()["data"];
    let count = |kind: &str, verdict: &str| {
        let found = cases
            .iter()
            .filter(|case| case["kind"] == kind && case["verdict"] == verdict && case["stage"] == "closed");
        found.count()
    };
    for verdict in ["passed", "failed", "withheld", "inconclusive"] {
        assert_eq!(verification["audits"][verdict], count("audit", verdict), "{verdict}");
    }
    for (name, verdict) in [("won", "failed"), ("lost", "passed"), ("voided", "voided")] {
        assert_eq!(verification["challenges"][name], count("challenge", verdict), "{name}");
    }
    let settlement = InferenceSettlement::new(world.deployment.contracts.inference_settlement, &world.provider);
    assert_eq!(
        verification["batches"]["settled"],
        u64::try_from(settlement.batchCount().call().await?)?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_full_world_is_as_documented() -> Result<()> {
    let (world, api) = lived().await?;
    let document = api.get("/openapi.json").await?.ok();
    let (operator, model) = (world.operators[0].address.to_string(), world.model_id.to_string());
    let payer = world.payers[0].address().to_string();
    let first = "1".to_owned();
    let period = api.get("/v1/periods?finalized=false").await?.ok()["data"][0]["period"].to_string();
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| {
        path.starts_with("/v1") && !path.starts_with("/v1/stream") && !path.starts_with("/v1/export")
    }) {
        let id = match path.split('/').nth(2) {
            Some("models") => &model,
            Some("payers") => &payer,
            Some("audits" | "batches") => &first,
            Some(_) | None => &operator,
        };
        let mut asked = path
            .replace("{id}", id)
            .replace("{address}", id)
            .replace("{n}", &period);
        if item["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|parameter| parameter["name"] == "finalized")
        {
            asked += "?finalized=false";
        }
        let answer = api.get(&asked).await?.ok();
        let quiet = QUIET.iter().any(|end| path.ends_with(end));
        assert!(
            quiet || answer["data"] != Value::Array(Vec::new()),
            "{path} has something to show"
        );
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut found = Vec::new();
        differences(&document, schema, &answer, path, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}
