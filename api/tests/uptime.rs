//! `/v1/operators/{id}/uptime`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, BLOCK_SECONDS, PERIOD_SECONDS, START, addr, seen};

async fn three_periods() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(40).await?;
    api.operators(2).await?;
    api.period(
        0,
        9,
        &[
            seen(1, "111111111111", "111111111100", 0),
            seen(2, "000000000000", "000000000000", 0),
        ],
    )
    .await?;
    api.period(
        1,
        15,
        &[
            seen(1, "111100001111", "111100000000", 0),
            seen(2, "000000000000", "000000000000", 0),
        ],
    )
    .await?;
    api.period(
        2,
        21,
        &[
            seen(1, "000000000000", "000000000000", 0),
            seen(2, "000000000000", "000000000000", 0),
        ],
    )
    .await?;
    Ok(api)
}

async fn uptime(api: &Api, n: i64, query: &str) -> Result<Value> {
    Ok(api
        .get(&format!("/v1/operators/{}/uptime?{query}", addr(n)))
        .await?
        .ok())
}

#[tokio::test]
async fn the_total_is_a_ratio_of_sums_with_interval_and_coverage() -> Result<()> {
    let api = three_periods().await?;
    let answer = uptime(&api, 1, "").await?;
    let total = &answer["data"]["total"];
    assert_eq!(total["expected"], 36);
    assert_eq!(total["observed"], 20);
    assert_eq!(total["hit"], 14);
    assert_eq!(total["missed"], 6);
    assert_eq!(total["unobserved"], 16);
    assert_eq!(
        total["uptime"],
        json!({ "value": 0.7, "numerator": 14, "denominator": 20 })
    );
    assert_eq!(answer["coverage"]["numerator"], 20);
    assert_eq!(answer["coverage"]["denominator"], 36);
    let interval = &total["interval"];
    assert_eq!(
        (&interval["level"], &interval["method"]),
        (&json!(0.95), &json!("wilson"))
    );
    // Wilson 14/20, computed with R's binom.confint.
    assert!((interval["low"].as_f64().unwrap() - 0.4810).abs() < 1e-4, "{interval}");
    assert!((interval["high"].as_f64().unwrap() - 0.8545).abs() < 1e-4, "{interval}");
    Ok(())
}

#[tokio::test]
async fn what_was_never_observed_has_no_uptime() -> Result<()> {
    let api = three_periods().await?;
    let answer = uptime(&api, 2, "").await?;
    let total = &answer["data"]["total"];
    assert_eq!(
        total["uptime"],
        json!({ "value": null, "numerator": 0, "denominator": 0 })
    );
    assert_eq!(total["interval"], Value::Null);
    assert_eq!(total["unobserved"], 36);
    assert_eq!(
        answer["coverage"],
        json!({ "value": 0.0, "numerator": 0, "denominator": 36 })
    );
    for bucket in answer["data"]["series"].as_array().unwrap() {
        assert_eq!(bucket["uptime"]["value"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn buckets_of_every_length_add_up_to_the_total() -> Result<()> {
    let api = three_periods().await?;
    for bucket in ["slot", "period", "1d"] {
        for order in ["asc", "desc"] {
            for limit in [1, 5, 200] {
                let path = format!(
                    "/v1/operators/{}/uptime?bucket={bucket}&order={order}&limit={limit}",
                    addr(1)
                );
                let pages = api.pages(&path).await?;
                let buckets: Vec<Value> = pages
                    .iter()
                    .flat_map(|page| page["series"].as_array().unwrap().clone())
                    .collect();
                let sum = |field: &str| {
                    buckets
                        .iter()
                        .map(|bucket| bucket[field].as_i64().unwrap())
                        .sum::<i64>()
                };
                for field in ["expected", "observed", "hit", "missed", "unobserved"] {
                    assert_eq!(json!(sum(field)), pages[0]["total"][field], "{path}: {field}");
                }
                let starts: Vec<&str> = buckets
                    .iter()
                    .map(|bucket| bucket["starts_at"].as_str().unwrap())
                    .collect();
                assert!(
                    starts.is_sorted_by(|a, b| if order == "asc" { a < b } else { a > b }),
                    "{path}: {starts:?}"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn slots_tell_up_down_and_unobserved_apart() -> Result<()> {
    let api = three_periods().await?;
    let answer = uptime(&api, 1, "bucket=slot&order=asc&limit=24").await?;
    let series = answer["data"]["series"].as_array().unwrap();
    let strip: String = series[12..]
        .iter()
        .map(|slot| match (slot["observed"].as_i64(), slot["hit"].as_i64()) {
            (Some(1), Some(1)) => 'u',
            (Some(1), Some(0)) => 'd',
            _ => '.',
        })
        .collect();
    assert_eq!(strip, "uuuu....dddd");
    assert_eq!(series[13]["period"], 1);
    assert_eq!(series[13]["slot"], 1);
    assert_eq!(series[13]["starts_at"], "2026-01-01T00:01:05Z");
    assert_eq!(series[13]["ends_at"], "2026-01-01T00:01:10Z");
    Ok(())
}

#[tokio::test]
async fn a_window_holds_the_periods_that_lie_wholly_in_it() -> Result<()> {
    let api = three_periods().await?;
    // From just after the begin of period 0 to just before the end of period 2: period 1 alone.
    let answer = uptime(&api, 1, "from=2026-01-01T00:00:01Z&to=2026-01-01T00:02:59Z").await?;
    assert_eq!(answer["window"]["first_period"], 1);
    assert_eq!(answer["window"]["last_period"], 1);
    assert_eq!(answer["data"]["total"]["observed"], 8);
    let exact = uptime(&api, 1, "from=2026-01-01T00:00:00Z&to=2026-01-01T00:02:00%2B00:00").await?;
    assert_eq!(exact["window"]["last_period"], 1);
    assert_eq!(exact["data"]["total"]["observed"], 20);
    let before = uptime(&api, 1, "from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z").await?;
    assert_eq!(before["window"]["first_period"], Value::Null);
    assert_eq!(before["data"]["total"]["uptime"]["value"], Value::Null);
    assert_eq!(before["data"]["series"], json!([]));
    Ok(())
}

#[tokio::test]
async fn days_are_those_of_utc_and_hold_the_periods_that_begin_in_them() -> Result<()> {
    let api = Api::empty().await?;
    let day = 86_400;
    api.deployed(2 * day / BLOCK_SECONDS).await?;
    api.operators(1).await?;
    let (last_of_day, next) = (day / PERIOD_SECONDS - 1, day / PERIOD_SECONDS);
    api.period(last_of_day, 9_000, &[seen(1, "111111111111", "111111111111", 0)])
        .await?;
    api.period(next, 9_001, &[seen(1, "111111111111", "000000000000", 0)])
        .await?;
    let answer = uptime(&api, 1, "bucket=1d&order=asc&finalized=false").await?;
    let series = answer["data"]["series"].as_array().unwrap();
    let days: Vec<(&str, &Value)> = series
        .iter()
        .map(|day| (day["starts_at"].as_str().unwrap(), &day["uptime"]["value"]))
        .collect();
    assert_eq!(
        days,
        [
            ("2026-01-01T00:00:00Z", &json!(1.0)),
            ("2026-01-02T00:00:00Z", &json!(0.0))
        ]
    );
    assert_eq!(START % day, 0, "the fixture begins with a day");
    Ok(())
}

#[tokio::test]
async fn history_is_of_finalized_blocks_unless_asked_otherwise() -> Result<()> {
    let api = three_periods().await?;
    // A fourth period, closed by a block that is not final yet.
    api.blocks(41, 41, 0, 1).await?;
    api.period(3, 41, &[seen(1, "111111111111", "111111111111", 0)]).await?;
    let finalized = uptime(&api, 1, "").await?;
    assert_eq!(finalized["as_of"]["finalized"], true);
    assert_eq!(finalized["as_of"]["block_number"], 40);
    assert_eq!(finalized["data"]["total"]["expected"], 36);
    let latest = uptime(&api, 1, "finalized=false").await?;
    assert_eq!(latest["as_of"]["finalized"], false);
    assert_eq!(latest["as_of"]["block_number"], 41);
    assert_eq!(latest["data"]["total"]["expected"], 48);
    Ok(())
}
