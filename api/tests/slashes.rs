//! `/v1/slashes` and an operator's.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, word};

/// Two faults of operator 1 in one block, the second with principal; one of operator 2 in another.
async fn slashed() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.sql(
        "insert into downtime_punished values
             (10, 2, word(91), addr(1), 4, addr(601), 12, 6, 1, 100, 0, 0),
             (10, 9, word(92), addr(1), 5, addr(601), 12, 12, 3, 50, 7000, 1767229200),
             (12, 4, word(93), addr(2), 6, addr(602), 12, 12, 1, 0, 0, 0);
         insert into outage_weighed values (9, 1, word(90), 5, 450, 300, 15000);
         insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         values
             (10, 1, 0, 'slash_cut', addr(802), 'earnings_claimable', addr(1), 'fee_credit', addr(601), addr(1), 5),
             (10, 1, 1, 'slash', addr(802), 'earnings_claimable', addr(1), 'fee_credit', addr(702), addr(1), 95),
             (10, 7, 0, 'slash', addr(802), 'earnings_locked', addr(1), 'fee_credit', addr(702), addr(1), 50),
             (10, 8, 0, 'slash_cut', addr(801), 'stake_active', addr(1), 'stake_credit', addr(601), addr(1), 350),
             (10, 8, 1, 'slash', addr(801), 'stake_active', addr(1), 'stake_credit', addr(701), addr(1), 6000),
             (10, 8, 2, 'slash', addr(801), 'stake_thawing', addr(1), 'stake_credit', addr(701), addr(1), 650),
             (10, 8, 3, 'deposit', addr(802), 'wallet', addr(5), 'escrow', addr(5), addr(1), 1)",
    )
    .await?;
    Ok(api)
}

#[tokio::test]
async fn every_slash_tells_what_it_took_and_where_that_went() -> Result<()> {
    let api = slashed().await?;
    let answer = api.get("/v1/slashes").await?.ok();
    let slashes = answer["data"].as_array().unwrap();
    let places: Vec<_> = slashes
        .iter()
        .map(|slash| (&slash["block_number"], &slash["log_index"]))
        .collect();
    assert_eq!(
        places,
        [
            (&json!(12), &json!(4)),
            (&json!(10), &json!(9)),
            (&json!(10), &json!(2))
        ]
    );

    let repeated = &slashes[1];
    assert_eq!(repeated["operator"], addr(1));
    assert_eq!(repeated["fault"], "downtime");
    assert_eq!(repeated["period"], 5);
    assert_eq!(repeated["strikes"], 3);
    assert_eq!(repeated["reporter"], addr(601));
    assert_eq!(
        repeated["correlation_factor"],
        json!({ "value": 1.5, "numerator": 15000, "denominator": 10000 })
    );
    for absent in ["offence", "case", "request", "victim"] {
        assert_eq!(repeated[absent], Value::Null, "{absent}");
    }
    assert_eq!(repeated["jailed_until"], "2026-01-01T01:00:00Z");
    assert_eq!(repeated["tx_hash"], word(92));
    assert_eq!(repeated["block_time"], "2026-01-01T00:01:40Z");
    assert_eq!(repeated["principal_taken"]["amount"], "7000");
    assert_eq!(repeated["principal_taken"]["symbol"], "STK");
    assert_eq!(repeated["earnings_taken"]["symbol"], "FEE");
    assert_eq!(slashes[2]["jailed_until"], Value::Null);
    assert_eq!(slashes[0]["movements"], json!([]));

    // The two faults of one block keep their movements apart, and those add up to what was taken.
    for (slash, stake, fees, count) in [(repeated, 7000, 50, 4), (&slashes[2], 0, 100, 2)] {
        let movements = slash["movements"].as_array().unwrap();
        assert_eq!(movements.len(), count);
        let sum = |symbol: &str| -> u64 {
            let of_token = movements
                .iter()
                .filter(|movement| movement["amount"]["symbol"] == symbol);
            of_token
                .map(|movement| movement["amount"]["amount"].as_str().unwrap().parse::<u64>().unwrap())
                .sum()
        };
        assert_eq!((sum("STK"), sum("FEE")), (stake, fees));
    }
    let cut = &repeated["movements"][1];
    assert_eq!(
        (&cut["kind"], &cut["account"]),
        (&json!("slash_cut"), &json!(addr(601)))
    );
    assert_eq!(
        (&cut["from"], &cut["to"]),
        (&json!("stake_active"), &json!("stake_credit"))
    );
    let sources: Vec<_> = repeated["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| {
            (
                source["class"].as_str().unwrap(),
                source["amount"]["amount"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        sources,
        [
            ("earnings_locked", "50"),
            ("stake_active", "6350"),
            ("stake_thawing", "650")
        ]
    );
    Ok(())
}

/// One of each fault but downtime, each with what proves it, among the downtime of [`slashed`]. A case that cost nothing
/// is closed right before one that did.
async fn faulty() -> Result<Api> {
    let api = slashed().await?;
    api.sql(
        "insert into case_closed values
             (10, 20, word(94), addr(1), 6, 'failed', false),
             (10, 21, word(94), addr(1), 7, 'withheld', true),
             (11, 1, word(95), addr(1), 8, 'failed', true);
         insert into equivocation_proved values (13, 1, word(96), addr(2), addr(603), word(83), word(31), word(32), word(33));
         insert into judge_punished values (13, 10, word(97), addr(2), 8, word(84)), (13, 20, word(98), addr(2), 9, word(85));
         insert into fault_punished values
             (10, 25, word(94), addr(1), 'withheld', word(81), addr(601), decode(repeat('00', 20), 'hex'), 30, 0, 1767229200, false),
             (11, 5, word(95), addr(1), 'wrong_output', word(82), addr(601), addr(502), 100, 900, 0, true),
             (13, 3, word(96), addr(2), 'equivocation', word(83), addr(603), decode(repeat('00', 20), 'hex'), 0, 0, 0, true),
             (13, 13, word(97), addr(2), 'unrevealed', word(84), decode(repeat('00', 20), 'hex'), decode(repeat('00', 20), 'hex'), 0, 0, 0, false),
             (13, 23, word(98), addr(2), 'false_report', word(85), decode(repeat('00', 20), 'hex'), decode(repeat('00', 20), 'hex'), 0, 0, 0, false);
         insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         values
             (10, 22, 0, 'slash', addr(802), 'earnings_locked', addr(1), 'fee_credit', addr(702), addr(1), 30),
             (11, 2, 0, 'refund', addr(802), 'earnings_claimable', addr(1), 'fee_credit', addr(502), addr(1), 40),
             (11, 2, 1, 'slash_cut', addr(802), 'earnings_claimable', addr(1), 'fee_credit', addr(601), addr(1), 10),
             (11, 2, 2, 'slash_burn', addr(802), 'earnings_undrawn', addr(1), 'fee_credit', addr(666), addr(1), 30),
             (11, 2, 3, 'slash', addr(802), 'earnings_undrawn', addr(1), 'fee_credit', addr(702), addr(1), 20),
             (11, 3, 0, 'slash', addr(801), 'stake_active', addr(1), 'stake_credit', addr(701), addr(1), 900)",
    )
    .await?;
    Ok(api)
}

#[tokio::test]
async fn every_fault_is_in_one_list_with_the_case_that_proved_it() -> Result<()> {
    let api = faulty().await?;
    let answer = api.get("/v1/slashes").await?.ok();
    let faults: Vec<_> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slash| {
            let case = slash["case"].as_str();
            (
                slash["fault"].as_str().unwrap(),
                slash["block_number"].as_i64().unwrap(),
                case,
            )
        })
        .collect();
    assert_eq!(
        faults,
        [
            ("false_report", 13, Some("9")),
            ("unrevealed", 13, Some("8")),
            ("equivocation", 13, None),
            ("downtime", 12, None),
            ("wrong_output", 11, Some("8")),
            ("withheld", 10, Some("7")),
            ("downtime", 10, None),
            ("downtime", 10, None),
        ]
    );
    let equivocation = &answer["data"][2];
    assert_eq!(
        (&equivocation["request"], &equivocation["offence"]),
        (&json!(word(31)), &json!(word(83)))
    );
    assert_eq!(answer["data"][1]["reporter"], Value::Null, "nobody gets a part");

    let wrong = &answer["data"][4];
    for absent in [
        "period",
        "observed_slots",
        "missed_slots",
        "strikes",
        "correlation_factor",
        "request",
    ] {
        assert_eq!(wrong[absent], Value::Null, "{absent}");
    }
    assert_eq!(
        (&wrong["victim"], &wrong["tombstoned"]),
        (&json!(addr(502)), &json!(true))
    );
    assert_eq!(
        (
            &wrong["refunded"]["amount"],
            &wrong["burned"]["amount"],
            &wrong["earnings_taken"]["amount"]
        ),
        (&json!("40"), &json!("30"), &json!("100"))
    );
    let sources: Vec<_> = wrong["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (&source["class"], &source["amount"]["amount"]))
        .collect();
    assert_eq!(
        sources,
        [
            (&json!("earnings_claimable"), &json!("50")),
            (&json!("earnings_undrawn"), &json!("50")),
            (&json!("stake_active"), &json!("900")),
        ]
    );
    // The withheld receipt's movements are not those of the downtime before it in the block.
    let withheld = answer["data"][5]["movements"].as_array().unwrap();
    assert_eq!(withheld.len(), 1);
    assert_eq!(withheld[0]["amount"]["amount"], "30");
    Ok(())
}

#[tokio::test]
async fn pages_run_through_both_sources_in_one_order() -> Result<()> {
    let api = faulty().await?;
    let all = api.get("/v1/slashes").await?.ok()["data"].as_array().unwrap().clone();
    for limit in [1, 2, 3] {
        let pages = api.pages(&format!("/v1/slashes?limit={limit}")).await?;
        let paged: Vec<Value> = pages.iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
        assert_eq!(paged, all, "pages of {limit}");
    }
    let of_one = api.pages(&format!("/v1/operators/{}/slashes?limit=2", addr(1))).await?;
    let of_one: Vec<Value> = of_one
        .iter()
        .flat_map(|page| page.as_array().unwrap().clone())
        .collect();
    let own: Vec<Value> = all.into_iter().filter(|slash| slash["operator"] == addr(1)).collect();
    assert_eq!((of_one.len(), of_one), (4, own));
    Ok(())
}

#[tokio::test]
async fn an_operators_slashes_are_its_own() -> Result<()> {
    let api = slashed().await?;
    let pages = api.pages(&format!("/v1/operators/{}/slashes?limit=1", addr(1))).await?;
    let periods: Vec<i64> = pages.iter().map(|page| page[0]["period"].as_i64().unwrap()).collect();
    assert_eq!(periods, [5, 4]);
    let other = api.get(&format!("/v1/operators/{}/slashes", addr(2))).await?.ok();
    assert_eq!(other["data"].as_array().unwrap().len(), 1);
    Ok(())
}
