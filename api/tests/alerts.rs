//! `/v1/alerts` and what became of the messages that tell of them.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, word};

/// A slash and, in the block that closed period 5, an alarm, an outage that began and ended, and an alarm of the network.
async fn alerted() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(2).await?;
    api.period(5, 20, &[]).await?;
    api.sql(
        "insert into downtime_punished values (10, 2, word(91), addr(1), 4, addr(601), 12, 6, 1, 100, 0, 0);
         insert into incident values (addr(2), 5, 2, 1767225910, null, false);
         insert into incident_end values (addr(2), 5, 2, 5, 9, 1767225945, 7, 0);
         insert into drift_alarm values (5, 4, addr(2), 'onset', 1767225925, 9.5, 9.1, 0.01, 0.05, false);
         insert into network_alarm values (5, 0, 'common_mode', 'up', 1767225925, 2, null, 0.5, 0.5, 0.3, false)",
    )
    .await?;
    Ok(api)
}

fn column(answer: &Value, name: &str) -> Vec<Value> {
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[name].clone())
        .collect()
}

#[tokio::test]
async fn alerts_of_every_kind_are_listed_newest_first() -> Result<()> {
    let api = alerted().await?;
    let answer = api.get("/v1/alerts").await?.ok();
    assert_eq!(
        column(&answer, "kind"),
        ["network", "incident", "incident", "drift", "slash"]
    );
    let slash = &answer["data"][4];
    let hash = word(10);
    assert_eq!(slash["id"], format!("slash:10:2:{}", &hash[2..18]));
    assert_eq!((&slash["operator"], &slash["period"]), (&json!(addr(1)), &json!(4)));
    assert_eq!(slash["detail"]["missed_slots"], 6);
    assert_eq!(slash["block_hash"], hash);
    assert_eq!(answer["data"][0]["operator"], Value::Null);
    assert_eq!(answer["data"][3]["detail"]["threshold"], 9.1);
    Ok(())
}

#[tokio::test]
async fn alerts_are_filtered_by_kind_and_paged_without_a_gap() -> Result<()> {
    let api = alerted().await?;
    let incidents = api.get("/v1/alerts?kind=incident").await?.ok();
    assert_eq!(column(&incidents, "kind"), ["incident", "incident"]);
    let all = api.get("/v1/alerts").await?.ok();
    let pages = api.pages("/v1/alerts?limit=1").await?;
    let paged: Vec<Value> = pages.iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
    assert_eq!(Value::Array(paged), all["data"]);
    api.get("/v1/alerts?kind=flood")
        .await?
        .problem(422, "invalid-parameter");
    Ok(())
}

#[tokio::test]
async fn messages_tell_their_state_and_not_where_they_go() -> Result<()> {
    let api = alerted().await?;
    api.sql(
        "insert into webhook values ('0123456789abcdef', 'https://hooks.example', 0);
         insert into webhook_message (webhook, alert, sequence, block_number, block_hash, body, state, attempts, last_error,
                                      ended_at)
         values ('0123456789abcdef', 'slash:10:2:00', 0, 10, word(10), '{}', 'dead', 14, 'it answered 503', now()),
                ('0123456789abcdef', 'drift:20:1:00', 0, 20, word(20), '{}', 'pending', 0, null, null)",
    )
    .await?;
    let all = api.get("/v1/alerts/messages").await?;
    assert_eq!(all.header("cache-control"), "no-store");
    assert!(
        !all.text.contains("hooks.example") && !all.text.contains("503"),
        "{}",
        all.text
    );
    let dead = api.get("/v1/alerts/messages?state=dead").await?.ok();
    assert_eq!(column(&dead, "alert"), ["slash:10:2:00"]);
    assert_eq!(
        (&dead["data"][0]["attempts"], &dead["data"][0]["event"]),
        (&json!(14), &json!("raised"))
    );
    let first = api.get("/v1/alerts/messages?limit=1").await?.ok();
    assert_eq!(column(&first, "state"), ["pending"]);
    let next = api
        .get(&format!("/v1/alerts/messages?limit=1&before={}", first["next_before"]))
        .await?
        .ok();
    assert_eq!(
        (column(&next, "state"), &next["next_before"]),
        (vec![json!("dead")], &Value::Null)
    );
    api.get("/v1/alerts/messages?state=lost")
        .await?
        .problem(422, "invalid-parameter");
    Ok(())
}
