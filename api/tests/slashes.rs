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
    assert_eq!((&cut["cut"], &cut["account"]), (&json!(true), &json!(addr(601))));
    assert_eq!(
        (&cut["from"], &cut["to"]),
        (&json!("stake_active"), &json!("stake_credit"))
    );
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
