//! A simulation that is stopped, cut off from the chain, or overtaken by a reorg goes on from what the chain says.
// An unwrap in a helper of tests fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy::providers::Provider;
use common::World;
use plumbline_devnet::ChainOptions;
use plumbline_simulator::{CancellationToken, Config, Secrets};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_takes_up_what_the_first_has_built() {
    let world = World::new().await;
    let mut first = world.connect(world.config()).await;
    first.bootstrap(&CancellationToken::new()).await.unwrap();
    world.advance_to(&mut first, 2).await;
    // In the middle of a period: its probes so far are lost with the first run.
    world.advance(&mut first).await;
    let before = first.report();
    drop(first);

    let mut second = world.connect(world.config()).await;
    second.bootstrap(&CancellationToken::new()).await.unwrap();
    let ready = second.report();
    assert_eq!(
        (
            ready.operators_registered,
            ready.models_registered,
            ready.session_keys_authorized
        ),
        (0, 0, 0)
    );
    assert!(ready.transactions_sent < before.transactions_sent / 10, "{ready:#?}");

    // A voucher whose sums did not continue from the chain would be skipped as a replay, and pay nothing.
    let paid = before.vouchers_paid;
    world
        .advance_until(&mut second, |report| report.vouchers_paid > paid && report.posts > 0)
        .await;
    world.assert_sums_hold(&second, world.latest().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_is_noticed_and_what_it_took_away_is_done_again() {
    let world = World::new().await;
    let mut simulation = world.connect(world.config()).await;
    simulation.bootstrap(&CancellationToken::new()).await.unwrap();
    world.advance_to(&mut simulation, 2).await;
    let mut reorgs = 0;
    for depth in [1, 5, 20] {
        // So deep that the block which the simulation saw last is replaced: what it sent came after that one.
        let seen = world.advance(&mut simulation).await.block;
        world.wait_until_all_is_mined().await;
        let head = world.provider.get_block_number().await.unwrap();
        let hash = world.hash(seen).await;
        world
            .chain
            .rpc("anvil_reorg", &json!([head - seen + depth, []]))
            .unwrap();
        // An empty block may be replaced by its equal.
        reorgs += u64::from(world.hash(seen).await != hash);
        world.advance(&mut simulation).await;
    }
    let before = simulation.report();
    assert!(reorgs > 0);
    assert_eq!(before.reorgs, reorgs);
    world
        .advance_until(&mut simulation, |report| {
            report.posts >= before.posts + 2 && report.vouchers_paid > before.vouchers_paid
        })
        .await;
    world.assert_sums_hold(&simulation, world.latest().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_goes_away_fails_the_step_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(folder.path().to_owned());
    let mut world = World::with(ChainOptions {
        data_dir,
        ..ChainOptions::default()
    })
    .await;
    let config = Config {
        operators: 6,
        payers: 3,
        delegators: 1,
        ..world.config()
    };
    let mut simulation = world.connect(config).await;
    simulation.bootstrap(&CancellationToken::new()).await.unwrap();
    world.advance_to(&mut simulation, 1).await;
    let before = simulation.report();

    // What anvil has not mined is gone with it, and would be given up only after a while.
    world.wait_until_all_is_mined().await;
    let now = world.timestamp().await;
    world.chain.stop().unwrap();
    let error = simulation.step().await.unwrap_err();
    assert!(format!("{error:#}").contains("read a block"), "{error:#}");
    world.chain.restart().unwrap();
    // anvil forgets how far the time was moved.
    world.chain.rpc("anvil_setTime", &json!([now])).unwrap();

    world
        .advance_until(&mut simulation, |report| {
            report.vouchers_paid > before.vouchers_paid && report.posts > before.posts
        })
        .await;
    assert_eq!(simulation.report().operators_registered, before.operators_registered);
    world.assert_sums_hold(&simulation, world.latest().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_when_its_chain_time_is_over() {
    let world = World::new().await;
    let duration = 2 * u64::from(common::SLOT_SECONDS * common::SLOTS_PER_PERIOD);
    let config = Config {
        duration_seconds: Some(duration),
        ..world.config()
    };
    let (secrets, cancel) = (Secrets::dev(), CancellationToken::new());
    let run = plumbline_simulator::run(config, &secrets, &world.deployment, &cancel);
    let time_passes = async {
        loop {
            world.tick();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let report = tokio::select! {
        report = run => report.unwrap(),
        () = time_passes => unreachable!("time passes for ever"),
    };
    assert_eq!(report.operators_registered, 12);
    assert!(report.transactions_mined > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends() {
    let world = World::new().await;
    let cancel = CancellationToken::new();
    let ending = cancel.clone();
    let (config, secrets) = (world.config(), Secrets::dev());
    let mut simulation = plumbline_simulator::Simulation::connect(config, &secrets, &world.deployment)
        .await
        .unwrap()
        .on_period(move |_, _| ending.cancel());
    let report = simulation.run(&cancel).await.unwrap();
    assert_eq!(report.operators_registered, 12);
}
