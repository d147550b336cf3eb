//! Reorgs: whatever the chain takes back, the rows equal a fresh index afterwards.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alloy::primitives::B256;
use common::{Anyhow, Database, Indexer, Proxy, World, free_address, get, until};
use plumbline_devnet::ChainOptions;
use plumbline_indexer::{Config, Halt};
use serde_json::{Value, json};

/// In which some periods close.
const MINUTES: u64 = 180;

#[tokio::test(flavor = "multi_thread")]
async fn reorgs_of_depth_one_and_five_during_traffic_leave_no_trace() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    for (round, depth) in [1, 5, 1, 5].into_iter().enumerate() {
        world.traffic(2, 3 * round).await?;
        world.indexed(&database).await?;
        world.reorg(depth).await?;
        // Other transactions than before, in the replaced heights and above.
        world.traffic(1, 3 * round + 2).await?;
    }
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn reorgs_of_every_depth_down_to_finality_leave_no_trace() -> Anyhow {
    let world = World::with(ChainOptions {
        slots_in_an_epoch: 60,
        ..ChainOptions::default()
    })
    .await?;
    // The contracts stay, whatever is taken back.
    world.mine(100).await?;
    // A search that asked for each block alone would never get to the end of a hundred.
    let asked = AtomicU64::new(0);
    let down = move |_: &Value| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        (turn % 25 == 24).then(|| (503, "Service Unavailable".to_owned()))
    };
    let proxy = Proxy::start(world.chain.http_url(), down, |_, _| ()).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![proxy.url.clone()],
        ..world.config(&database.url)
    });
    for (round, depth) in [100, 40, 10, 3, 1].into_iter().enumerate() {
        world.traffic(1, 2 * round).await?;
        world.indexed(&database).await?;
        world.reorg(depth).await?;
        world.traffic(1, 2 * round + 1).await?;
    }
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_that_nobody_watched_is_found_at_the_next_start() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(2, 0).await?;
    world.indexed(&database).await?;
    indexer.stop().await?;
    world.reorg(5).await?;
    world.traffic(3, 5).await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_period_is_taken_back_with_its_block_and_closed_again() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    let period = world.next_period().await?;
    let members = world.draw(period).await?;
    world.report(period, members.clone(), &[2], 5).await?;
    world.close(period).await?;
    world.indexed(&database).await?;
    let missed = format!(
        "select missed::bigint from operator_period join operator_registered using (operator)
                          where period = {period} and operator_index = "
    );
    assert_eq!(database.number(&format!("{missed} 2")).await?, 12);

    // The report and the block after it are gone; the report that comes instead tells of another operator.
    world.reorg(2).await?;
    world.report(period, members, &[3], 6).await?;
    world.close(period).await?;
    world.assert_exact(&database).await?;
    assert_eq!(database.number(&format!("{missed} 2")).await?, 0);
    assert_eq!(database.number(&format!("{missed} 3")).await?, 12);
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_between_two_questions_closes_no_period() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    let (tip, timestamp, _) = world.head().await?;
    world.pass(MINUTES).await?;
    // The block that is indexed is another when its time is asked for, once; the next look finds it as it was.
    let moved = AtomicBool::new(false);
    let proxy = Proxy::start(
        world.chain.http_url(),
        |_| None,
        move |request, answer| {
            let asked = request["method"] == "eth_getBlockByNumber" && request["params"][0] == format!("{tip:#x}");
            if asked && !moved.swap(true, Ordering::Relaxed) {
                answer["result"]["hash"] = json!(B256::repeat_byte(0xab));
                answer["result"]["timestamp"] = json!(format!("{:#x}", timestamp + MINUTES));
            }
        },
    )
    .await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![proxy.url.clone()],
        ..world.config(&database.url)
    });
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_goes_backwards_takes_rows_with_it() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(2, 0).await?;
    world.indexed(&database).await?;
    world.rpc("anvil_rollback", json!([4])).await?;
    // What was once final stays so, whatever a fresh look at the shorter chain says.
    world.assert_exact_but(&database, &["block", "chain_head"]).await?;
    world.traffic(1, 9).await?;
    world.mine(4).await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_beyond_finality_halts_until_it_is_rewound_by_hand() -> Anyhow {
    // Final two blocks below the head, so that a reorg of five is beyond it.
    let world = World::with(ChainOptions {
        slots_in_an_epoch: 1,
        ..ChainOptions::default()
    })
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(2, 0).await?;
    world.indexed(&database).await?;
    let before = common::contents(&database).await?;
    world.reorg(5).await?;
    let error = indexer.failure().await?;
    assert_eq!(common::contents(&database).await?, before, "the rows are evidence");

    let Some(Halt::DeepReorg { rewind_to, .. }) = error.downcast_ref::<Halt>() else {
        panic!("{error:#}")
    };
    let command = format!("plumbline index --rewind-to {rewind_to}");
    assert!(error.to_string().contains(&command), "{error:#}");

    // A listener tells whoever watches the process; it is stopped by hand.
    let address = free_address()?;
    let halted = Indexer::start(Config {
        listen: Some(address),
        ..world.config(&database.url)
    });
    let (code, body) = until("a halt", async || {
        let answer = get(address, "/readyz").await;
        Ok(answer.filter(|(_, body)| body.contains("halted")))
    })
    .await?;
    assert_eq!(code, 503);
    assert!(body.contains(&command), "{body}");
    assert_eq!(get(address, "/healthz").await.map(|(code, _)| code), Some(503));
    let error = halted.stop().await.expect_err("it was halted");
    assert!(error.is::<Halt>(), "{error:#}");

    let rewind = Config {
        rewind_to: Some(u64::try_from(*rewind_to)?),
        ..world.config(&database.url)
    };
    plumbline_indexer::run(rewind, None, Default::default()).await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(1, 4).await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}
