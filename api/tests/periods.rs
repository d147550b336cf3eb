//! `/v1/periods` and one period.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, seen, word};

const ALL: &str = "111111111111";

async fn two_periods() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(3).await?;
    for period in 0..2 {
        api.period(period, 9 + 6 * period, &[seen(1, ALL, ALL, 5)]).await?;
    }
    api.sql(
        "insert into committee_drawn values (4, 1, word(70), 1, word(71), 3, '{2,0}');
         insert into period_reported values
             (12, 1, word(72), 1, addr(601), 1, word(73), '', '', ''), (13, 1, word(74), 1, addr(602), 3, word(75), '', '', ''),
             (16, 1, word(76), 1, addr(603), 7, word(77), '', '', '')",
    )
    .await?;
    Ok(api)
}

#[tokio::test]
async fn closed_periods_are_listed_both_ways() -> Result<()> {
    let api = two_periods().await?;
    for (order, expected) in [("desc", [1, 0]), ("asc", [0, 1])] {
        let pages = api.pages(&format!("/v1/periods?order={order}&limit=1")).await?;
        let found: Vec<i64> = pages.iter().map(|page| page[0]["period"].as_i64().unwrap()).collect();
        assert_eq!(found, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_period_shows_its_committee_and_the_result_that_closed_it() -> Result<()> {
    let api = two_periods().await?;
    let answer = api.get("/v1/periods/1").await?;
    let period = &answer.ok()["data"];
    assert_eq!(period["starts_at"], "2026-01-01T00:01:00Z");
    assert_eq!(period["units"], "5");
    assert_eq!(period["uptime"]["uptime"]["value"], 1.0);
    assert_eq!(
        period["committee"],
        json!({ "seed": word(71), "members": [addr(3), addr(1)], "tx_hash": word(70) })
    );
    // The newest report before the close, not one that came after it.
    let result = json!({ "result_hash": word(75), "seats": [0, 1], "posted_by": addr(602), "tx_hash": word(74) });
    assert_eq!(period["result"], result);
    let undrawn = api.get("/v1/periods/0").await?.ok();
    assert_eq!(
        (&undrawn["data"]["committee"], &undrawn["data"]["result"]),
        (&Value::Null, &Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn a_final_period_never_changes_and_may_be_kept() -> Result<()> {
    let api = two_periods().await?;
    assert!(
        api.get("/v1/periods/1")
            .await?
            .header("cache-control")
            .contains("immutable")
    );
    // Closed by the newest block, which may yet be replaced.
    api.period(2, 30, &[]).await?;
    assert_eq!(
        api.get("/v1/periods/2?finalized=false").await?.header("cache-control"),
        "public, no-cache"
    );
    let open = api.get("/v1/periods/2").await?.problem(404, "not-found");
    assert!(open["detail"].as_str().unwrap().contains("last closed one is 1"));
    Ok(())
}

#[tokio::test]
async fn a_period_that_is_no_number_is_refused() -> Result<()> {
    let api = two_periods().await?;
    for wrong in ["-1", "one", "9223372036854775808"] {
        let refused = api
            .get(&format!("/v1/periods/{wrong}"))
            .await?
            .problem(422, "invalid-parameter");
        assert_eq!(refused["parameter"], "n");
    }
    api.get("/v1/periods/9223372036854775807")
        .await?
        .problem(404, "not-found");
    Ok(())
}
