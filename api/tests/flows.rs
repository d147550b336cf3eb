//! `/v1/flows`, an operator's, and the summary.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, word};

/// Everything that a fee can go through, over blocks 3 to 8; one base unit each way tells a rounding from a balance.
async fn flowing() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.sql(
        "insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         values
             (3, 1, 0, 'deposit', addr(802), 'wallet', addr(501), 'escrow', addr(501), addr(1), 1000000000000000000000000000001),
             (3, 2, 0, 'stake', addr(801), 'wallet', addr(1), 'stake_active', addr(1), addr(1), 900),
             (4, 1, 0, 'fee', addr(802), 'escrow', addr(501), 'earnings_locked', addr(1), addr(1), 85),
             (4, 1, 1, 'royalty', addr(802), 'escrow', addr(501), 'royalties', word(7), addr(1), 10),
             (4, 1, 2, 'protocol_fee', addr(802), 'escrow', addr(501), 'fee_credit', addr(702), addr(1), 5),
             (5, 1, 0, 'release', addr(802), 'earnings_locked', addr(1), 'earnings_claimable', addr(1), addr(1), 80),
             (6, 1, 0, 'claim', addr(802), 'earnings_claimable', addr(1), 'wallet', addr(1), addr(1), 30),
             (6, 2, 0, 'reward', addr(802), 'earnings_claimable', addr(1), 'rewards', addr(1), addr(1), 49),
             (7, 1, 0, 'thaw', addr(801), 'stake_active', addr(1), 'stake_thawing', addr(1), addr(1), 400),
             (7, 2, 0, 'deposit', addr(802), 'wallet', addr(502), 'escrow', addr(502), addr(2), 50),
             (8, 1, 0, 'burn', addr(802), 'fee_credit', addr(702), 'burned', addr(702), null, 2),
             (8, 2, 0, 'royalty_claim', addr(802), 'royalties', word(7), 'wallet', addr(503), null, 10);
         insert into flow_total
         select block_number, token, kind, from_class, to_class,
                sum(sum(amount)) over (partition by token, kind, from_class, to_class order by block_number),
                sum(count(*)) over (partition by token, kind, from_class, to_class order by block_number)
         from flow group by block_number, token, kind, from_class, to_class",
    )
    .await?;
    Ok(api)
}

fn number(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// For each token: every node balances, links and nodes tell the same, and a unit that goes in comes out or stays.
fn assert_balanced(summary: &Value) {
    for token in summary["tokens"].as_array().unwrap() {
        let (nodes, links) = (token["nodes"].as_array().unwrap(), token["links"].as_array().unwrap());
        let sum = |end: &str, id: &Value| -> i128 {
            links
                .iter()
                .filter(|link| link[end] == *id)
                .map(|link| number(&link["amount"]))
                .sum()
        };
        for node in nodes {
            let (inflow, outflow) = (number(&node["inflow"]), number(&node["outflow"]));
            assert_eq!(inflow, sum("target", &node["id"]), "{node}");
            assert_eq!(outflow, sum("source", &node["id"]), "{node}");
            match node["contract"].is_null() {
                true => assert!(inflow == 0 || outflow == 0, "outside, one way only: {node}"),
                false => assert_eq!(
                    number(&node["opening"]) + inflow - outflow,
                    number(&node["closing"]),
                    "{node}"
                ),
            }
        }
        let over = |field: &str, nodes: &[&Value]| nodes.iter().map(|node| number(&node[field])).sum::<i128>();
        let inside: Vec<&Value> = nodes.iter().filter(|node| !node["contract"].is_null()).collect();
        let outside: Vec<&Value> = nodes.iter().filter(|node| node["contract"].is_null()).collect();
        assert_eq!(
            over("closing", &inside) - over("opening", &inside),
            over("outflow", &outside) - over("inflow", &outside)
        );
    }
}

#[tokio::test]
async fn the_summary_balances_to_the_base_unit() -> Result<()> {
    let api = flowing().await?;
    let answer = api.get("/v1/flows/summary").await?.ok();
    let summary = &answer["data"];
    assert_balanced(summary);
    assert_eq!(answer["window"], Value::Null);
    let balance = |contract: &str, symbol: &str| {
        let balances = summary["balances"].as_array().unwrap();
        let found = balances
            .iter()
            .find(|b| b["contract"] == contract && b["amount"]["symbol"] == symbol);
        found.map(|balance| balance["amount"]["amount"].clone())
    };
    // Deposits, less the claim, the reward, the burn and the royalty that left.
    let settlement = 1_000_000_000_000_000_000_000_000_000_001_i128 + 50 - 30 - 49 - 2 - 10;
    assert_eq!(
        balance("inference_settlement", "FEE"),
        Some(json!(settlement.to_string()))
    );
    assert_eq!(balance("stake_vault", "FEE"), Some(json!("49")));
    assert_eq!(balance("stake_vault", "STK"), Some(json!("900")));
    assert_eq!(balance("inference_settlement", "STK"), None);
    let fees = summary["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["token"]["symbol"] == "FEE")
        .unwrap();
    let deposits = fees["links"]
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["kind"] == "deposit")
        .unwrap();
    assert_eq!(deposits["movements"], 2);
    assert_eq!(
        (&deposits["source"], &deposits["target"]),
        (&json!("wallet_in"), &json!("escrow"))
    );
    Ok(())
}

#[tokio::test]
async fn a_windows_opening_and_closing_balances_frame_its_flows() -> Result<()> {
    let api = flowing().await?;
    // Blocks 5 and 6; block n is at second 10 n.
    let answer = api
        .get("/v1/flows/summary?from=2026-01-01T00:00:50Z&to=2026-01-01T00:01:10Z")
        .await?
        .ok();
    assert_balanced(&answer["data"]);
    let fees = &answer["data"]["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["token"]["symbol"] == "FEE")
        .unwrap()
        .clone();
    let node = |id: &str| {
        fees["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|node| node["id"] == id)
            .unwrap()
            .clone()
    };
    assert_eq!(node("earnings_locked")["opening"], "85");
    assert_eq!(node("earnings_locked")["closing"], "5");
    assert_eq!(node("earnings_claimable")["closing"], "1");
    assert_eq!(node("escrow")["inflow"], "0");
    let kinds: Vec<&Value> = fees["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["kind"])
        .collect();
    assert_eq!(kinds, ["claim", "release", "reward"]);
    Ok(())
}

#[tokio::test]
async fn a_window_after_the_last_flow_holds_the_balances_and_no_flow() -> Result<()> {
    let api = flowing().await?;
    let answer = api
        .get("/v1/flows/summary?from=2027-01-01T00:00:00Z&to=2028-01-01T00:00:00Z")
        .await?
        .ok();
    assert_balanced(&answer["data"]);
    let tokens = answer["data"]["tokens"].as_array().unwrap();
    assert!(tokens.iter().all(|token| token["links"] == json!([])));
    let all = api.get("/v1/flows/summary").await?.ok();
    assert_eq!(answer["data"]["balances"], all["data"]["balances"]);
    Ok(())
}

#[tokio::test]
async fn rewards_that_expired_are_set_off_against_their_release() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.sql(
        "insert into flow_total values
             (3, addr(802), 'collect', 'fee_credit', 'reserve_pending', 500, 1),
             (4, addr(802), 'receive', 'reserve_pending', 'reserve', 500, 1),
             (4, addr(802), 'reward_release', 'reserve', 'reward_owed', 300, 1),
             (5, addr(802), 'claim', 'reward_owed', 'wallet', 100, 1),
             (6, addr(802), 'expire', 'reward_owed', 'reserve', 120, 1),
             (6, addr(802), 'bond', 'wallet', 'bond', 60, 1),
             (7, addr(802), 'bond_credit', 'bond', 'bond_credit', 50, 2)",
    )
    .await?;
    let release = |summary: &Value, kind: &str| {
        let links = summary["tokens"][0]["links"].as_array().unwrap();
        let found = links.iter().find(|link| link["kind"] == kind);
        found.map(|link| link["amount"].as_str().unwrap().to_owned())
    };
    let all = &api.get("/v1/flows/summary").await?.ok()["data"];
    assert_balanced(all);
    assert_eq!(release(all, "reward_release").as_deref(), Some("180"));
    assert_eq!(release(all, "expire"), None, "it would close a circle");
    let held: Vec<_> = all["balances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|balance| {
            (
                balance["contract"].as_str().unwrap(),
                balance["amount"]["amount"].as_str().unwrap(),
            )
        })
        .filter(|(contract, _)| *contract != "inference_settlement")
        .collect();
    assert_eq!(held, [("reward_reserve", "400"), ("challenge_manager", "60")]);
    // Block 6 alone: more came back than was released.
    let path = "/v1/flows/summary?from=2026-01-01T00:01:00Z&to=2026-01-01T00:01:10Z";
    let window = &api.get(path).await?.ok()["data"];
    assert_balanced(window);
    assert_eq!(release(window, "expire").as_deref(), Some("120"));
    Ok(())
}

#[tokio::test]
async fn flows_are_listed_newest_first_with_both_holders() -> Result<()> {
    let api = flowing().await?;
    let answer = api.get("/v1/flows?limit=2").await?.ok();
    let [claim, burn] = answer["data"].as_array().unwrap().as_slice() else {
        panic!("{answer}")
    };
    assert_eq!(claim["from"], json!({ "class": "royalties", "account": word(7) }));
    assert_eq!(claim["to"], json!({ "class": "wallet", "account": addr(503) }));
    assert_eq!(claim["operator"], Value::Null);
    assert_eq!(burn["kind"], "burn");
    assert_eq!(burn["amount"]["amount"], "2");
    assert_eq!(burn["amount"]["decimals"], 6);
    let all = api.pages("/v1/flows?limit=5").await?;
    assert_eq!(
        all.iter()
            .map(|page| page.as_array().unwrap().len())
            .collect::<Vec<_>>(),
        [5, 5, 2]
    );
    Ok(())
}

#[tokio::test]
async fn flows_are_filtered_by_kind_operator_and_time() -> Result<()> {
    let api = flowing().await?;
    let count = async |path: String| -> Result<usize> {
        Ok(api
            .pages(&path)
            .await?
            .iter()
            .map(|page| page.as_array().unwrap().len())
            .sum())
    };
    assert_eq!(count("/v1/flows?kind=deposit&limit=1".into()).await?, 2);
    assert_eq!(count(format!("/v1/operators/{}/flows?limit=3", addr(1))).await?, 9);
    assert_eq!(count(format!("/v1/operators/{}/flows?kind=deposit", addr(1))).await?, 1);
    assert_eq!(count(format!("/v1/operators/{}/flows", addr(2))).await?, 1);
    assert_eq!(
        count("/v1/flows?from=2026-01-01T00:00:40Z&to=2026-01-01T00:00:50Z".into()).await?,
        3
    );
    assert_eq!(
        count("/v1/flows?from=2027-01-01T00:00:00Z&to=2028-01-01T00:00:00Z".into()).await?,
        0
    );
    assert_eq!(
        count("/v1/flows?from=1999-01-01T00:00:00Z&to=2000-01-01T00:00:00Z".into()).await?,
        0
    );
    assert_eq!(count("/v1/flows?window=1d".into()).await?, 12);
    Ok(())
}
