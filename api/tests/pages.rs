//! Cursors, links and entity tags.

use anyhow::Result;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Api, addr, config};

async fn town(operators: i64) -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(30).await?;
    api.operators(operators).await?;
    Ok(api)
}

async fn cursor(api: &Api, path: &str) -> Result<String> {
    Ok(api.get(path).await?.ok()["next_cursor"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn pages_over_a_moving_head_stay_on_their_block() -> Result<()> {
    let api = town(6).await?;
    let path = "/v1/operators?sort=stake&limit=2";
    let first = api.get(path).await?.ok();
    assert_eq!(
        (&first["data"][0]["id"], &first["data"][1]["id"]),
        (&addr(6).into(), &addr(5).into())
    );

    // The next block turns the order round, and brings a newcomer that outdoes all.
    api.blocks(31, 31, 0, 1).await?;
    api.sql("create temporary table moved as select * from operator_account;
             update moved set block_number = 31, stake_active = 1e20 - stake_active;
             insert into operator_account select * from moved;
             insert into operator_registered values (31, 1, word(31), addr(99), 98);
             insert into operator_profile select 31, addr(99), 98, registered_at, status, jailed_until, signing_key, settler_key,
                 payout, domain, endpoint, commission_bps, announced_bps, announced_at from operator_profile limit 1")
        .await?;
    let mut seen = Vec::new();
    let mut next = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(cursor) = next {
        let page = api.get(&format!("{path}&cursor={cursor}")).await?.ok();
        assert_eq!(page["as_of"]["block_number"], 30);
        assert_eq!(page["as_of"]["block_hash"], first["as_of"]["block_hash"]);
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        next = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, [addr(4), addr(3), addr(2), addr(1)]);
    let fresh = api.get(path).await?.ok();
    assert_eq!(fresh["as_of"]["block_number"], 31);
    assert_eq!(fresh["data"][0]["id"], addr(1));
    Ok(())
}

#[tokio::test]
async fn every_sort_pages_through_every_operator_once() -> Result<()> {
    let api = town(7).await?;
    // Equal keys and missing ones among them.
    api.sql(
        "update operator_account set stake_active = 5 where operator in (addr(2), addr(3), addr(4));
             delete from operator_account where operator = addr(5)",
    )
    .await?;
    for sort in [
        "stake",
        "uptime",
        "reliability",
        "incidents",
        "units",
        "fees",
        "slashed",
        "registered",
    ] {
        for order in ["asc", "desc"] {
            let pages = api
                .pages(&format!("/v1/operators?sort={sort}&order={order}&limit=2"))
                .await?;
            let mut ids: Vec<String> = pages
                .iter()
                .flat_map(|page| page.as_array().unwrap())
                .map(|row| row["id"].as_str().unwrap().to_owned())
                .collect();
            ids.sort();
            let mut all: Vec<String> = (1..=7).map(addr).collect();
            all.sort();
            assert_eq!(ids, all, "{sort} {order}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_ends_when_its_block_is_replaced() -> Result<()> {
    let api = town(3).await?;
    let cursor = cursor(&api, "/v1/operators?limit=1").await?;
    api.sql("delete from block where number = 30").await?;
    let behind = api.get(&format!("/v1/operators?limit=1&cursor={cursor}")).await?;
    behind.problem(410, "snapshot-gone");
    api.blocks(30, 32, 7, 5).await?;
    let gone = api
        .get(&format!("/v1/operators?limit=1&cursor={cursor}"))
        .await?
        .problem(410, "snapshot-gone");
    assert_eq!(gone["parameter"], "cursor");
    assert!(
        gone["detail"]
            .as_str()
            .unwrap()
            .contains("start again from the first page")
    );
    Ok(())
}

#[tokio::test]
async fn a_cursor_outlives_its_block_when_that_was_empty_and_dropped_once_final() -> Result<()> {
    let api = town(3).await?;
    api.sql("update block set empty = true where number between 3 and 30")
        .await?;
    let cursor = cursor(&api, "/v1/operators?limit=1").await?;
    api.blocks(31, 40, 0, 1).await?;
    api.sql("delete from block where empty").await?;
    let page = api.get(&format!("/v1/operators?limit=1&cursor={cursor}")).await?.ok();
    assert_eq!(page["as_of"]["block_number"], 30);
    assert_eq!(page["data"][0]["id"], addr(2));
    // But not when the rows that it showed were replaced before.
    api.sql("update block set hash = word(12345) where number = 2").await?;
    api.get(&format!("/v1/operators?limit=1&cursor={cursor}"))
        .await?
        .problem(410, "snapshot-gone");
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_was_made_up_altered_or_moved_is_refused_with_the_reason() -> Result<()> {
    let api = town(3).await?;
    let good = cursor(&api, "/v1/operators?limit=1").await?;
    let mut altered = good.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered)?;
    let cases = [
        ("/v1/operators?limit=1", "!!!", "malformed"),
        ("/v1/operators?limit=1", "", "malformed"),
        ("/v1/operators?limit=1", "AAAA", "malformed"),
        ("/v1/operators?limit=1", &good[..good.len() - 8], "altered"),
        ("/v1/operators?limit=1", &altered, "altered"),
        ("/v1/operators?limit=1&order=asc", &good, "other filters"),
        ("/v1/operators?limit=1&status=active", &good, "other filters"),
        ("/v1/models?limit=1", &good, "other filters"),
    ];
    for (path, cursor, reason) in cases {
        let problem = api
            .get(&format!("{path}&cursor={cursor}"))
            .await?
            .problem(422, "invalid-cursor");
        assert_eq!(problem["parameter"], "cursor");
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
    }
    // The length of a page may change on the way.
    assert_eq!(
        api.get(&format!("/v1/operators?limit=2&cursor={good}")).await?.status,
        200
    );
    Ok(())
}

#[tokio::test]
async fn servers_that_share_a_key_take_each_others_cursors_and_no_others() -> Result<()> {
    let first = town(3).await?;
    let keyed = |key: u8| -> Result<_> {
        let mut config = config(&first.database_url)?;
        config.cursor_key = Some(vec![key; 32]);
        Ok(config)
    };
    let over = async |key| -> Result<Api> {
        first.sql("drop function addr; drop function word").await?;
        Api::over(first.db.clone(), &keyed(key)?).await
    };
    let (one, two, other) = (over(1).await?, over(1).await?, over(2).await?);
    let cursor = cursor(&one, "/v1/operators?limit=1").await?;
    let path = format!("/v1/operators?limit=1&cursor={cursor}");
    assert_eq!(two.get(&path).await?.status, 200);
    other.get(&path).await?.problem(422, "invalid-cursor");
    Ok(())
}

#[tokio::test]
async fn the_next_page_is_linked_with_the_same_filters() -> Result<()> {
    let api = town(3).await?;
    let page = api.get("/v1/operators?limit=2&sort=units").await?;
    let cursor = page.ok()["next_cursor"].as_str().unwrap().to_owned();
    let link = page.header("link");
    assert!(
        link.contains(&format!(
            "</v1/operators?limit=2&sort=units&cursor={cursor}>; rel=\"next\""
        )),
        "{link}"
    );
    assert!(
        link.contains("</v1/operators?limit=2&sort=units>; rel=\"first\""),
        "{link}"
    );
    let last = api
        .get(&format!("/v1/operators?limit=2&sort=units&cursor={cursor}"))
        .await?;
    assert_eq!(last.ok()["next_cursor"], Value::Null);
    assert_eq!(last.header("link"), "");
    Ok(())
}

#[tokio::test]
async fn a_reader_that_has_the_answer_already_is_told_so() -> Result<()> {
    let api = town(3).await?;
    for path in [
        "/v1/operators",
        "/v1/flows/summary",
        "/v1/slashes?limit=5",
        "/v1/network/summary",
    ] {
        let first = api.get(path).await?;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"'), "strong: {etag}");
        let again = api.request(Method::GET, path, &[("if-none-match", &etag)]).await?;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), etag);
        let listed = format!("\"other\", W/{etag}");
        assert_eq!(
            api.request(Method::GET, path, &[("if-none-match", &listed)])
                .await?
                .status,
            304
        );
        assert_eq!(
            api.request(Method::GET, path, &[("if-none-match", "\"other\"")])
                .await?
                .status,
            200
        );
    }
    let etag = api.get("/v1/operators").await?.header("etag").to_owned();
    assert_ne!(
        api.get("/v1/operators?limit=7").await?.header("etag"),
        etag,
        "another query"
    );
    api.blocks(31, 31, 0, 1).await?;
    let moved = api
        .request(Method::GET, "/v1/operators", &[("if-none-match", &etag)])
        .await?;
    assert_eq!(moved.status, 200, "another block");
    // The bytes of an answer hang on finality and lag, too, and a strong tag promises bytes.
    let before = moved.header("etag").to_owned();
    api.sql("update chain_head set finalized_number = 31").await?;
    let final_now = api.get("/v1/operators").await?;
    assert_ne!(final_now.header("etag"), before);
    Ok(())
}
