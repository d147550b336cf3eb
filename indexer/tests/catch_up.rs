//! Catching up, following and starting again: the rows agree with a fresh index, however they came to be.

mod common;

use alloy::primitives::Bytes;
use alloy::sol_types::SolCall;
use common::{Anyhow, Database, Indexer, WEIGHTS, World, contents, free_address, get, until};
use metrics_exporter_prometheus::PrometheusBuilder;
use plumbline_devnet::ChainOptions;
use plumbline_protocol::{ModelRegistry, TestToken};
use tokio_util::sync::CancellationToken;

/// Finality two blocks below the head: nearly all of the chain is read by ranges.
fn final_soon() -> ChainOptions {
    ChainOptions {
        slots_in_an_epoch: 1,
        ..ChainOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_has_its_row_and_every_event_was_seen() -> Anyhow {
    let world = World::new().await?;
    world.lifecycle().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;

    let mut rows = 0;
    for table in database.fact_tables().await? {
        let count = database.count(&table).await?;
        assert_ne!(count, 0, "no log of {table}");
        rows += count;
    }
    assert_eq!(rows, world.log_count().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_one_token_has_no_price_and_is_indexed_all_the_same() -> Anyhow {
    let world = World::of_one_token().await?;
    world.traffic(3, 0).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    assert_eq!(database.count("price_oracle_configured").await?, 0);
    assert_eq!(database.count("batch_settled").await?, 3);
    assert_eq!(database.count("token").await?, 1);

    // What the vault holds of the one token is stake and rewards together.
    let contracts = world.deployment.contracts;
    let token = TestToken::new(contracts.stake_token, &world.provider);
    let held = token.balanceOf(contracts.stake_vault).call().await?;
    let journal = "select (sum(amount) filter (where to_class in ('stake_active','stake_thawing','stake_credit','rewards'))
                           - sum(amount) filter (where from_class in ('stake_active','stake_thawing','stake_credit','rewards')))::text
                   from flow";
    assert_eq!(database.text(journal).await?, held.to_string());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn following_live_and_catching_up_give_the_same_rows() -> Anyhow {
    let world = World::with(final_soon()).await?;
    let database = Database::new().await?;
    let mut config = world.config(&database.url);
    config.ws_url = Some(world.chain.ws_url());
    let indexer = Indexer::start(config);
    world.lifecycle().await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_length_of_ranges_changes_no_row() -> Anyhow {
    let world = World::with(final_soon()).await?;
    world.lifecycle().await?;
    for max_range in [1, 7] {
        let database = Database::new().await?;
        let indexer = Indexer::start(plumbline_indexer::Config {
            max_range,
            ..world.config(&database.url)
        });
        world.assert_exact(&database).await?;
        indexer.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_stopped() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    for round in 0..4 {
        let indexer = Indexer::start(world.config(&database.url));
        world.traffic(2, 2 * round).await?;
        // Stopped in the midst of it, wherever that is; then more happens while nobody looks.
        indexer.stop().await?;
        world.traffic(1, round).await?;
    }
    let indexer = Indexer::start(world.config(&database.url));
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_blocks_are_kept_only_until_they_are_final() -> Anyhow {
    let world = World::with(final_soon()).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.mine(300).await?;
    world.indexed(&database).await?;
    let empty = "select count(*) from block, chain_head where empty and block.number < finalized_number";
    assert_eq!(database.number(empty).await?, 0);
    let window = "select count(*) from block, chain_head where block.number >= finalized_number";
    assert_eq!(
        database.number(window).await?,
        3,
        "the final block and the two above it"
    );
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_utf8_is_stored_with_replacement_characters() -> Anyhow {
    let world = World::new().await?;
    let call = ModelRegistry::registerModelCall {
        weightsDigest: WEIGHTS,
        parent: alloy::primitives::B256::ZERO,
        mode: 1,
        royaltyBps: 0,
        uri: "ABCD".into(),
        salt: alloy::primitives::B256::repeat_byte(9),
    };
    let mut input = call.abi_encode();
    let text = input
        .windows(4)
        .rposition(|window| window == b"ABCD")
        .expect("the text is in the call");
    input[text + 1] = 0xff;
    input[text + 2] = 0;
    world
        .send_bytes(
            world.publisher,
            world.deployment.contracts.model_registry,
            Bytes::from(input),
            "register",
        )
        .await?;

    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    let uri = "select uri from version_published order by block_number desc limit 1";
    assert_eq!(database.text(uri).await?, "A\u{fffd}\u{fffd}D");
    assert!(indexer.is_running());
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_news_says_that_the_indexer_lives() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    let before = contents(&database).await?;
    let beats = "select (extract(epoch from observed_at) * 1000)::bigint from chain_head";
    let first = database.number(beats).await?;
    until("a heartbeat", async || {
        Ok((database.number(beats).await? > first).then_some(()))
    })
    .await?;
    assert_eq!(contents(&database).await?, before);
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_tells_of_readiness_and_renders_metrics() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let address = free_address()?;
    let config = plumbline_indexer::Config {
        listen: Some(address),
        ..world.config(&database.url)
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(plumbline_indexer::run(config, Some(recorder), stop.clone()));
    world.indexed(&database).await?;
    let ready = until("readiness", async || {
        Ok(get(address, "/readyz").await.filter(|(code, _)| *code == 200))
    })
    .await?;
    assert!(ready.1.contains("\"lag_blocks\":0"), "{}", ready.1);
    assert_eq!(get(address, "/healthz").await.map(|(code, _)| code), Some(200));
    let (_, metrics) = get(address, "/metrics").await.unwrap_or_default();
    let head = world.head().await?.0;
    for line in [
        format!("plumbline_indexer_head_block {head}"),
        format!("plumbline_indexer_indexed_block {head}"),
        "plumbline_indexer_lag_blocks 0".into(),
        "plumbline_indexer_rows_total{table=\"staked\"}".into(),
        "# HELP plumbline_indexer_commit_seconds".into(),
    ] {
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
    stop.cancel();
    running.await?
}
