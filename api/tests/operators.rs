//! `/v1/operators` and one operator.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, seen, word};

const ALL: &str = "111111111111";
const HALF: &str = "111111000000";
const NONE: &str = "000000000000";

fn ids(page: &Value) -> Vec<String> {
    page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn operators_come_by_stake_unless_sorted_otherwise() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(3).await?;
    api.period(
        0,
        9,
        &[seen(1, ALL, ALL, 5), seen(2, ALL, HALF, 50), seen(3, NONE, NONE, 0)],
    )
    .await?;

    let by =
        async |query: &str| -> Result<Vec<String>> { Ok(ids(&api.get(&format!("/v1/operators{query}")).await?.ok())) };
    assert_eq!(by("").await?, [addr(3), addr(2), addr(1)]);
    assert_eq!(by("?order=asc").await?, [addr(1), addr(2), addr(3)]);
    assert_eq!(by("?sort=units").await?, [addr(2), addr(1), addr(3)]);
    assert_eq!(by("?sort=registered&order=asc").await?, [addr(1), addr(2), addr(3)]);
    // Nothing was observed of the third: it has no uptime and comes last either way.
    assert_eq!(by("?sort=uptime").await?, [addr(1), addr(2), addr(3)]);
    assert_eq!(by("?sort=uptime&order=asc").await?, [addr(2), addr(1), addr(3)]);
    Ok(())
}

#[tokio::test]
async fn an_operator_is_shown_as_of_the_block_with_its_window() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.period(0, 9, &[seen(1, ALL, ALL, 30), seen(2, ALL, ALL, 10)])
        .await?;
    api.period(1, 15, &[seen(1, ALL, HALF, 0), seen(2, NONE, NONE, 0)])
        .await?;

    let answer = api.get(&format!("/v1/operators/{}", addr(1))).await?.ok();
    let operator = &answer["data"];
    assert_eq!(operator["id"], addr(1));
    assert_eq!(operator["domain"], "aws/eu-west-1");
    assert_eq!(operator["status"], "active");
    assert_eq!(operator["registered_at"], "2026-01-01T00:00:20Z");
    assert_eq!(
        operator["keys"],
        json!({ "signing": addr(1001), "settler": null, "payout": addr(1) })
    );
    assert_eq!(operator["key_history"][0]["key"], addr(1001));
    assert_eq!(operator["stake"]["own"], "500000000000000000");
    assert_eq!(operator["stake"]["delegated"], "500000000000000000");
    assert_eq!(
        operator["stake"]["token"],
        json!({ "address": addr(801), "symbol": "STK", "decimals": 18 })
    );
    assert_eq!(
        operator["uptime"]["uptime"],
        json!({ "value": 0.75, "numerator": 18, "denominator": 24 })
    );
    assert_eq!(
        operator["served"]["units_share"],
        json!({ "value": 0.75, "numerator": "30", "denominator": "40" })
    );
    let fees = json!({ "amount": "300", "token": addr(802), "symbol": "FEE", "decimals": 6 });
    assert_eq!(operator["served"]["fees"], fees);
    assert_eq!(answer["as_of"]["block_number"], 30);
    assert_eq!(answer["as_of"]["block_hash"], word(30));
    assert_eq!(answer["as_of"]["period"], 1);
    assert_eq!(answer["as_of"]["finalized"], false);
    assert_eq!(answer["window"]["first_period"], 0);
    assert_eq!(answer["window"]["last_period"], 1);
    Ok(())
}

#[tokio::test]
async fn a_commission_binds_from_its_time_on() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    // Block 30 is at second 300.
    api.sql("update operator_profile set announced_bps = 1500, announced_at = 1767225600 + 300 where operator = addr(1);
             update operator_profile set announced_bps = 1500, announced_at = 1767225600 + 301 where operator = addr(2)")
        .await?;
    let commission = async |n| -> Result<Value> {
        Ok(api.get(&format!("/v1/operators/{}", addr(n))).await?.ok()["data"]["commission"].clone())
    };
    assert_eq!(commission(1).await?, json!({ "bps": 1500, "announced": null }));
    let announced = json!({ "bps": 1500, "effective_at": "2026-01-01T00:05:01Z" });
    assert_eq!(commission(2).await?, json!({ "bps": 1000, "announced": announced }));
    Ok(())
}

#[tokio::test]
async fn filters_leave_only_operators_of_the_status_domain_and_model() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(6).await?;
    api.sql("insert into operator_profile
             select 5, operator, operator_index, registered_at, 'jailed', 1767229200, signing_key, settler_key, payout, domain,
                    endpoint, commission_bps, announced_bps, announced_at
             from operator_profile where operator = addr(4);
             insert into offering values (6, addr(1), word(7), true, 1, 100, 5, 0), (6, addr(4), word(7), true, 1, 100, 5, 0),
                 (7, addr(4), word(7), false, 1, 100, 5, 0)")
        .await?;
    let jailed = api.get("/v1/operators?status=jailed").await?.ok();
    assert_eq!(ids(&jailed), [addr(4)]);
    assert_eq!(jailed["data"][0]["jailed_until"], "2026-01-01T01:00:00Z");
    assert_eq!(
        ids(&api.get("/v1/operators?domain=aws/eu-west-1").await?.ok()),
        [addr(4), addr(1)]
    );
    assert_eq!(
        ids(&api.get(&format!("/v1/operators?model={}", word(7))).await?.ok()),
        [addr(1)]
    );
    assert_eq!(
        ids(&api.get("/v1/operators?domain=aws/eu-west-1&status=active").await?.ok()),
        [addr(1)]
    );
    let one = api.get(&format!("/v1/operators/{}", addr(1))).await?.ok();
    assert_eq!(one["data"]["models"][0]["model"], word(7));
    let none = api.get(&format!("/v1/operators/{}", addr(4))).await?.ok();
    assert_eq!(none["data"]["models"], json!([]));
    Ok(())
}

#[tokio::test]
async fn an_operator_tells_its_open_risk_and_what_came_of_its_cases() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.sql(
        "update operator_account set earnings_undrawn = 70, open_risk = 90, batches = 9, batches_released = 6, refunded = 4,
             uptime_rewards = 8, audits = 3, challenges = 2, cases_open = 1, cases_lost = 2 where operator = addr(1);
         update operator_profile set status = 'tombstoned' where operator = addr(1)",
    )
    .await?;
    let operator = &api.get(&format!("/v1/operators/{}", addr(1))).await?.ok()["data"];
    let verification = &operator["verification"];
    assert_eq!(verification["open_risk"]["amount"], "90");
    let counts =
        ["batches_open", "audits", "challenges", "cases_open", "cases_lost"].map(|name| verification[name].clone());
    assert_eq!(counts, [3, 3, 2, 1, 2].map(Value::from));
    let total = &operator["total"];
    let amounts = ["earnings_undrawn", "refunded", "uptime_rewards"].map(|name| total[name]["amount"].clone());
    assert_eq!(amounts, ["70", "4", "8"].map(Value::from));
    assert_eq!(ids(&api.get("/v1/operators?status=tombstoned").await?.ok()), [addr(1)]);
    Ok(())
}

#[tokio::test]
async fn nothing_delegated_is_a_plain_zero() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(1).await?;
    api.sql("update operator_account set stake_own = stake_active").await?;
    let stake = &api.get("/v1/operators").await?.ok()["data"][0]["stake"];
    assert_eq!(
        (&stake["own"], &stake["delegated"]),
        (&json!("1000000000000000000"), &json!("0"))
    );
    Ok(())
}

#[tokio::test]
async fn the_largest_amounts_are_exact() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    let largest = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    api.sql(format!(
        "update operator_account set stake_active = {largest}, stake_own = 1, slashed_stake = 1e77 where operator = addr(1)"
    ))
    .await?;
    let list = api.get("/v1/operators?limit=1").await?.ok();
    let stake = &list["data"][0]["stake"];
    assert_eq!(list["data"][0]["id"], addr(1));
    assert_eq!(stake["active"], largest);
    assert_eq!(
        stake["delegated"],
        "115792089237316195423570985008687907853269984665640564039457584007913129639934"
    );
    assert_eq!(
        list["data"][0]["total"]["slashed_stake"]["amount"],
        format!("1{}", "0".repeat(77))
    );
    // The sort key of the page's last row is such a number, too.
    assert_eq!(api.pages("/v1/operators?limit=1").await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_unknown_operator_is_not_found_and_a_malformed_address_is_refused() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(3).await?;
    api.operators(1).await?;
    for rest in ["", "/uptime", "/slashes", "/flows"] {
        let unknown = api
            .get(&format!("/v1/operators/{}{rest}?finalized=false", addr(2)))
            .await?;
        assert!(
            unknown.problem(404, "not-found")["detail"]
                .as_str()
                .unwrap()
                .contains(&addr(2))
        );
        let malformed = api
            .get(&format!("/v1/operators/0x12{rest}"))
            .await?
            .problem(422, "invalid-parameter");
        assert_eq!(malformed["parameter"], "id");
        assert!(malformed["detail"].as_str().unwrap().contains("40 hex digits"));
    }
    // Case carries the checksum: all lower is fine, mixed and wrong is a typing error.
    assert_eq!(
        api.get(&format!("/v1/operators/{}", addr(1).to_lowercase()))
            .await?
            .status,
        200
    );
    let upper = addr(1).replace('a', "A").replace('b', "B");
    let typo = if upper == addr(1) {
        upper.replacen('A', "a", 1)
    } else {
        upper
    };
    let refused = api
        .get(&format!("/v1/operators/{typo}"))
        .await?
        .problem(422, "invalid-parameter");
    assert!(refused["detail"].as_str().unwrap().contains(&addr(1)));
    Ok(())
}
