//! `/v1/stream`: what is new, what was missed, what was replaced.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Api, addr};

const PATIENCE: Duration = Duration::from_secs(30);

/// A message of the stream.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    event: String,
    id: Option<String>,
    data: Value,
}

fn messages(text: &str) -> Vec<Message> {
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let blocks = whole.split("\n\n").filter(|block| block.contains("data:"));
    let field = |block: &str, name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found.map(|value| value.trim().to_owned())
    };
    let message = |block: &str| Message {
        event: field(block, "event:").unwrap(),
        id: field(block, "id:"),
        data: serde_json::from_str(&field(block, "data:").unwrap()).unwrap(),
    };
    blocks.map(message).collect()
}

/// A reader with an open connection.
struct Listener {
    response: reqwest::Response,
    text: String,
}

impl Listener {
    async fn open(api: &Api, path: &str, id: &str) -> Result<Self> {
        let mut request = reqwest::Client::new().get(format!("{}{path}", api.url));
        if !id.is_empty() {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await?.error_for_status()?;
        Ok(Self {
            response,
            text: String::new(),
        })
    }

    /// Reads until a message of this kind about this block comes; what is told of heads before is left out.
    async fn until(&mut self, event: &str, block: i64) -> Result<Vec<Message>> {
        let wanted = |message: &Message| message.event == event && message.data["block_number"] == block;
        let reading = async {
            while !messages(&self.text).iter().any(wanted) {
                let chunk = self.response.chunk().await?;
                let chunk = chunk.ok_or_else(|| anyhow::anyhow!("the stream ended after {}", self.text))?;
                self.text.push_str(std::str::from_utf8(&chunk)?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, reading).await??;
        let told = messages(&self.text);
        let end = told.iter().position(wanted).unwrap();
        let told = told.into_iter().take(end + 1);
        Ok(told
            .filter(|message| message.event != "head" || wanted(message))
            .collect())
    }
}

/// What a new reader is told until the head is this block.
async fn until(api: &Api, path: &str, id: &str, head: i64) -> Result<Vec<Message>> {
    Listener::open(api, path, id).await?.until("head", head).await
}

async fn flows(api: &Api, block: i64) -> Result<()> {
    api.sql(format!(
        "insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         values ({block}, 1, 0, 'fee', addr(802), 'escrow', addr(501), 'earnings_undrawn', addr(1), addr(1), 85),
                ({block}, 1, 1, 'royalty', addr(802), 'escrow', addr(501), 'fee_credit', addr(702), addr(1), 10),
                ({block}, 4, 0, 'deposit', addr(802), 'wallet', addr(501), 'escrow', addr(501), addr(2), 1)"
    ))
    .await
}

async fn town() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(20).await?;
    api.operators(2).await?;
    flows(&api, 5).await?;
    Ok(api)
}

#[tokio::test]
async fn a_new_reader_is_told_what_is_new_and_up_to_which_block() -> Result<()> {
    let api = town().await?;
    let told = until(&api, "/v1/stream", "", 20).await?;
    assert_eq!(told.len(), 1, "nothing of before: {told:?}");
    assert_eq!(told[0].data["block_number"], 20);
    let id = told[0].id.clone().unwrap();
    assert!(id.starts_with("20:2147483647:"), "{id}");

    api.blocks(21, 21, 0, 1).await?;
    flows(&api, 21).await?;
    api.period(0, 21, &[]).await?;
    api.sql("insert into downtime_punished values (21, 9, word(7), addr(2), 0, addr(5), 12, 12, 1, 7, 3, 0);
             insert into audit_opened values (21, 6, word(7), addr(1), 1, 1, 0, 7, 1);
             insert into case_account values (21, 1, 'audit', addr(1), 0, 1, addr(5), 'seeding', 'none', 0, 0, 0, addr(5), addr(5), word(1), word(1), 1, 1, false)")
        .await?;
    let told = until(&api, "/v1/stream", &id, 21).await?;
    let events: Vec<&str> = told.iter().map(|message| message.event.as_str()).collect();
    assert_eq!(
        events,
        ["flow", "flow", "flow", "case", "slash", "alert", "period", "head"]
    );
    assert_eq!(told[0].id, None, "a log is told whole before its id is");
    assert!(told[1].id.as_ref().unwrap().starts_with("21:1:"));
    assert_eq!(
        (&told[1].data["kind"], &told[1].data["type"]),
        (&"royalty".into(), &"flow".into())
    );
    assert_eq!(
        (&told[3].data["case"], &told[3].data["step"]),
        (&"1".into(), &"opened".into())
    );
    assert_eq!(told[4].data["earnings_taken"]["amount"], "7");
    assert_eq!(told[5].data["detail"]["fault"], "downtime");
    assert_eq!(told[6].data["period"], 0);
    Ok(())
}

#[tokio::test]
async fn a_reader_that_comes_back_is_told_what_it_missed_and_nothing_twice() -> Result<()> {
    let api = town().await?;
    let all = until(&api, "/v1/stream?after=0:0", "", 20).await?;
    assert_eq!(all.len(), 4);
    let id = all[1].id.clone().unwrap();
    let rest = until(&api, "/v1/stream", &id, 20).await?;
    assert_eq!(rest, all[2..]);
    let filtered = until(
        &api,
        &format!("/v1/stream?after=0:0&types=flow,slash&operator={}", addr(2)),
        "",
        20,
    )
    .await?;
    assert_eq!(filtered[0].data["kind"], "deposit");
    assert_eq!(filtered.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_reader_of_all_alerts_is_told_each_once_however_many_are_read_at_once() -> Result<()> {
    let api = Api::empty().await?;
    api.deployed(60).await?;
    api.operators(2).await?;
    for period in 0..50 {
        api.period(period, period + 1, &[]).await?;
    }
    api.sql(
        "insert into downtime_punished
             select 1 + n / 600, n, word(7), addr(2), 0, addr(5), 12, 12, 1, 7, 3, 0 from generate_series(0, 1199) n;
         insert into drift_alarm
             select n, 1, addr(1), 'onset', 1767225600, 9.5, 9.1, 0.01, 0.05, false from generate_series(0, 49) n",
    )
    .await?;
    let told = until(&api, "/v1/stream?after=0:0&types=alert", "", 60).await?;
    let alerts = &told[..told.len() - 1];
    let ids: BTreeSet<&str> = alerts.iter().map(|alert| alert.data["id"].as_str().unwrap()).collect();
    assert_eq!((alerts.len(), ids.len()), (1_250, 1_250));
    let place = |alert: &Message| {
        let log = alert.data["log_index"].as_i64().unwrap_or(i64::from(i32::MAX));
        (alert.data["block_number"].as_i64().unwrap(), log)
    };
    assert!(alerts.is_sorted_by_key(place));
    Ok(())
}

#[tokio::test]
async fn what_was_replaced_is_taken_back_while_a_reader_listens() -> Result<()> {
    let api = town().await?;
    api.sql("update chain_head set finalized_number = 15").await?;
    let mut listener = Listener::open(&api, "/v1/stream", "").await?;
    listener.until("head", 20).await?;
    api.sql(
        "begin; delete from block where number >= 19;
             insert into block select n, word(7000000 + n), 1767225600 + 10 * n, false from generate_series(19, 21) n;
             update chain_head set number = 21; commit",
    )
    .await?;
    let reorg = listener.until("reorg", 18).await?.pop().unwrap();
    assert_eq!(reorg.id, None);
    assert_eq!(
        listener.until("head", 21).await?.len(),
        2,
        "nothing happened in the new blocks"
    );
    Ok(())
}

#[tokio::test]
async fn a_reader_that_was_away_while_its_block_was_replaced_goes_back_to_what_is_final() -> Result<()> {
    let api = town().await?;
    api.sql("update chain_head set finalized_number = 15").await?;
    let id = until(&api, "/v1/stream", "", 20).await?[0].id.clone().unwrap();
    api.sql(
        "begin; delete from block where number >= 17;
             insert into block select n, word(7000000 + n), 1767225600 + 10 * n, false from generate_series(17, 21) n;
             update chain_head set number = 21, finalized_number = 15; commit",
    )
    .await?;
    flows(&api, 17).await?;
    let told = until(&api, "/v1/stream", &id, 21).await?;
    assert_eq!(
        (told[0].event.as_str(), &told[0].data["block_number"]),
        ("reorg", &15.into())
    );
    let events: Vec<&str> = told[1..].iter().map(|message| message.event.as_str()).collect();
    assert_eq!(events, ["flow", "flow", "flow", "head"]);
    Ok(())
}

#[tokio::test]
async fn readers_of_final_events_are_told_them_when_they_are_final() -> Result<()> {
    let api = town().await?;
    api.sql("update chain_head set finalized_number = 4").await?;
    let told = until(&api, "/v1/stream?finalized=true&after=0:0", "", 4).await?;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].data["block_number"], 4);
    api.sql("update chain_head set finalized_number = 8").await?;
    let told = until(&api, "/v1/stream?finalized=true", told[0].id.as_deref().unwrap(), 8).await?;
    assert_eq!(told.len(), 4);
    Ok(())
}

#[tokio::test]
async fn what_a_stream_is_asked_wrongly_is_refused_by_name() -> Result<()> {
    let api = town().await?;
    for (query, parameter, right) in [
        ("types=flow,slush", "types", "slush"),
        ("after=5", "after", "block:log_index"),
        ("after=5:1:xyz", "after", "block:log_index"),
        ("operator=0x12", "operator", "40 hex digits"),
    ] {
        let problem = api
            .get(&format!("/v1/stream?{query}"))
            .await?
            .problem(422, "invalid-parameter");
        assert_eq!(problem["parameter"], parameter);
        assert!(problem["detail"].as_str().unwrap().contains(right), "{problem}");
    }
    let id = [("last-event-id", "five")];
    let problem = api
        .request(Method::GET, "/v1/stream", &id)
        .await?
        .problem(422, "invalid-parameter");
    assert_eq!(problem["parameter"], "Last-Event-ID");
    Api::empty().await?.get("/v1/stream").await?.problem(503, "not-ready");
    Ok(())
}
