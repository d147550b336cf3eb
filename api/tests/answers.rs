//! Answers that are kept in memory.

use anyhow::Result;
use reqwest::Method;

use crate::harness::{Api, config};

/// A network of three operators, whose server keeps answers.
async fn keeping(bytes: u64) -> Result<Api> {
    let first = Api::empty().await?;
    first.deployed(9).await?;
    first.operators(3).await?;
    first.sql("drop function addr; drop function word").await?;
    let mut config = config(&first.database_url)?;
    config.kept_answer_bytes = bytes;
    Api::over(first.db, &config).await
}

async fn kept(api: &Api) -> Result<u64> {
    let metrics = api.get("/metrics").await?.text;
    let counter = metrics
        .lines()
        .find_map(|line| line.strip_prefix("plumbline_http_answers_total{kept=\"true\"} "));
    Ok(counter.map(str::parse).transpose()?.unwrap_or(0))
}

#[tokio::test]
async fn an_answer_is_kept_until_there_is_a_new_block() -> Result<()> {
    const PATH: &str = "/v1/operators?limit=2";
    let api = keeping(1 << 20).await?;
    let first = api.get(PATH).await?;
    let before = kept(&api).await?;
    // No indexer writes rows of a block that it has written: whoever finds the old row here was answered from memory.
    api.sql("update operator_profile set endpoint = 'https://changed.example'")
        .await?;
    let again = api.get(PATH).await?;
    assert_eq!(again.ok(), first.ok());
    for header in ["etag", "cache-control", "content-type", "link"] {
        assert!(!again.header(header).is_empty(), "{header}");
        assert_eq!(again.header(header), first.header(header));
    }
    assert!(kept(&api).await? > before);
    let head = api.request(Method::HEAD, PATH, &[]).await?;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    // Asked for otherwise, it is another answer.
    let other = api.get("/v1/operators?limit=3").await?.ok();
    assert_eq!(other["data"][0]["endpoint"], "https://changed.example");

    api.blocks(10, 10, 0, 1).await?;
    let next = api.get(PATH).await?;
    assert_eq!(next.ok()["as_of"]["block_number"], 10);
    assert_eq!(next.ok()["data"][0]["endpoint"], "https://changed.example");
    assert_ne!(next.header("etag"), first.header("etag"));
    Ok(())
}

#[tokio::test]
async fn a_page_is_kept_as_long_as_its_block_is_part_of_the_chain() -> Result<()> {
    let api = keeping(1 << 20).await?;
    let first = api.get("/v1/operators?limit=2").await?.ok();
    let page = format!(
        "/v1/operators?limit=2&cursor={}",
        first["next_cursor"].as_str().unwrap()
    );
    let second = api.get(&page).await?.ok();
    api.sql("update operator_profile set endpoint = 'https://changed.example'")
        .await?;
    assert_eq!(api.get(&page).await?.ok(), second);
    api.sql("delete from block where number = 9").await?;
    api.blocks(9, 9, 1, 1).await?;
    api.get(&page).await?.problem(410, "snapshot-gone");
    Ok(())
}

#[tokio::test]
async fn without_memory_every_answer_comes_from_the_database() -> Result<()> {
    let api = keeping(0).await?;
    let first = api.get("/v1/operators").await?;
    api.sql("update operator_profile set endpoint = 'https://changed.example'")
        .await?;
    let again = api.get("/v1/operators").await?;
    assert_ne!(again.ok(), first.ok());
    Ok(())
}

#[tokio::test]
async fn many_at_once_are_told_of_a_block_that_is_there_when_they_ask() -> Result<()> {
    let api = keeping(1 << 20).await?;
    for number in 10..30 {
        api.blocks(number, number, 0, 1).await?;
        let asked = (0..8).map(|_| api.get("/v1/network/summary"));
        for answer in futures::future::try_join_all(asked).await? {
            assert_eq!(answer.ok()["as_of"]["block_number"], number);
        }
    }
    Ok(())
}
