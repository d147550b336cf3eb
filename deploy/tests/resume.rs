//! A deployment that was stopped continues, and deploys nothing twice.

// The exemption for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use common::{TRANSACTIONS, World, testnet};
use plumbline_deploy::{Config, Error, Options, Step, Stop};
use plumbline_devnet::ChainOptions;
use serde_json::{Value, json};

async fn stop(world: &World, step: Step, stop: Stop) {
    let options = Options {
        stop_at: Some((step, stop)),
        ..world.options()
    };
    let error = world.run(&Config::dev(), &options).await.unwrap_err();
    assert!(matches!(error, Error::Stopped(at) if at == step), "{error}");
}

/// A plain transfer from the deployer's account, as another program might send it.
async fn send_something_else(world: &World) {
    let request = TransactionRequest::default()
        .with_from(world.account.address())
        .with_to(Address::repeat_byte(1))
        .with_value(U256::from(1));
    let hash: Value = world
        .provider
        .raw_request("eth_sendTransaction".into(), [request])
        .await
        .unwrap();
    assert!(hash.is_string());
}

fn pending(world: &World) -> Value {
    serde_json::from_str(&std::fs::read_to_string(world.file("31337.pending.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn it_continues_wherever_it_was_stopped() {
    for at in [Stop::Journaled, Stop::Sent, Stop::Mined] {
        let world = World::new().await;
        for step in Step::ALL {
            stop(&world, step, at).await;
            assert!(!world.file("31337.json").exists());
        }
        let expected = pending(&world)["addresses"].clone();
        let outcome = world.run(&Config::dev(), &world.options()).await.unwrap();
        assert!(outcome.is_new);
        assert_eq!(world.nonce().await, TRANSACTIONS, "stopped at {at:?}");
        assert_eq!(json!(outcome.deployment.contracts), expected);
    }
}

#[tokio::test]
async fn the_time_of_the_first_period_stays_that_of_the_beginning() {
    let world = World::new().await;
    stop(&world, Step::ModelRegistry, Stop::Mined).await;
    let genesis = pending(&world)["parameters"]["uptime"]["genesis"].clone();
    world.chain.rpc("evm_increaseTime", &json!([3600])).unwrap();
    world.chain.rpc("anvil_mine", &json!(["0x1"])).unwrap();
    let deployment = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    assert_eq!(json!(deployment.parameters.uptime.genesis), genesis);
}

#[tokio::test]
async fn a_deployment_whose_journal_was_left_behind_is_whole() {
    let world = World::new().await;
    stop(&world, Step::Roles, Stop::Mined).await;
    let journal = std::fs::read(world.file("31337.pending.json")).unwrap();
    world.run(&Config::dev(), &world.options()).await.unwrap();
    // As if it had been killed between writing the result and removing the journal.
    std::fs::write(world.file("31337.pending.json"), journal).unwrap();
    assert!(!world.run(&Config::dev(), &world.options()).await.unwrap().is_new);
    assert!(!world.file("31337.pending.json").exists());
    assert_eq!(world.nonce().await, TRANSACTIONS);
}

#[tokio::test]
async fn a_nonce_used_by_another_transaction_is_named_and_the_next_run_continues() {
    let world = World::new().await;
    stop(&world, Step::StakeVault, Stop::Journaled).await;
    send_something_else(&world).await;
    // The step was journaled, never sent, and its nonce is gone.
    let outcome = world.run(&Config::dev(), &world.options()).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS + 1);
    assert!(!world.run(&Config::dev(), &world.options()).await.unwrap().is_new);
    assert_eq!(outcome.deployment.transactions.len() as u64, TRANSACTIONS);
}

#[tokio::test]
async fn a_nonce_taken_during_the_run_is_an_error_that_loses_nothing() {
    let world = World::new().await;
    world.chain.rpc("evm_setAutomine", &json!([false])).unwrap();
    let (config, options) = (Config::dev(), world.options());
    let run = world.run(&config, &options);
    let interfere = async {
        // Once the first step waits in the pool, somebody replaces it with the same nonce and higher fees.
        while pool_size(&world) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.chain.rpc("anvil_dropAllTransactions", &json!([])).unwrap();
        send_something_else(&world).await;
        world.chain.rpc("anvil_mine", &json!(["0x1"])).unwrap();
    };
    let (outcome, ()) = tokio::join!(run, interfere);
    let error = outcome.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NonceTaken {
                step: Step::AccessManager,
                nonce: 0,
                ..
            }
        ),
        "{error}"
    );

    world.chain.rpc("evm_setAutomine", &json!([true])).unwrap();
    world.run(&config, &options).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS + 1);
}

fn pool_size(world: &World) -> usize {
    let status = world.chain.rpc("txpool_status", &json!([])).unwrap();
    let digits = status["pending"].as_str().unwrap().trim_start_matches("0x").to_owned();
    usize::from_str_radix(&digits, 16).unwrap()
}

#[tokio::test]
async fn a_transaction_that_is_not_mined_is_replaced_with_higher_fees() {
    let world = World::new().await;
    world.chain.rpc("evm_setAutomine", &json!([false])).unwrap();
    let config = Config::dev();
    let options = Options {
        receipt_timeout: Duration::from_millis(300),
        ..world.options()
    };
    let error = world.run(&config, &options).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotMined {
                step: Step::AccessManager,
                nonce: 0,
                attempts: 5
            }
        ),
        "{error}"
    );
    let attempts = pending(&world)["steps"][0]["attempts"].as_array().unwrap().clone();
    let fees: Vec<u64> = attempts
        .iter()
        .map(|attempt| attempt["fees"]["max_fee_per_gas"].as_u64().unwrap())
        .collect();
    assert_eq!(fees.len(), 5);
    assert!(fees.windows(2).all(|pair| pair[1] * 100 >= pair[0] * 125), "{fees:?}");
    assert_eq!(pool_size(&world), 1, "each replaced the one before");

    world.chain.rpc("evm_setAutomine", &json!([true])).unwrap();
    world.chain.rpc("anvil_mine", &json!(["0x1"])).unwrap();
    world.run(&config, &world.options()).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS);
}

#[tokio::test]
async fn a_reverted_step_is_tried_again_with_a_new_nonce() {
    let world = World::new().await;
    stop(&world, Step::ModelRegistry, Stop::Mined).await;
    // The same transaction as the next step, with too little gas to create the contract.
    let path = world.file("unsigned.json");
    let (config, options) = (Config::dev(), world.options());
    plumbline_deploy::write_unsigned(&world.url(), world.account.address(), &config, &options, &path)
        .await
        .unwrap();
    let unsigned: plumbline_deploy::UnsignedFile = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let step = &unsigned.transactions[0];
    assert_eq!(step.step, Step::StakeVault);
    let starved = TransactionRequest::default()
        .with_from(unsigned.from)
        .with_kind(alloy::primitives::TxKind::Create)
        .with_input(step.input.clone())
        .with_gas_limit(1_000_000);
    let hash = world
        .provider
        .raw_request("eth_sendTransaction".into(), [starved])
        .await
        .unwrap();
    let mut receipt = None;
    while receipt.is_none() {
        receipt = world.provider.get_transaction_receipt(hash).await.unwrap();
    }
    assert!(!receipt.unwrap().status());

    world.run(&config, &options).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS + 1);
}

#[tokio::test]
async fn the_same_files_with_other_parameters_or_another_deployer_are_refused() {
    let world = World::new().await;
    stop(&world, Step::ModelRegistry, Stop::Mined).await;
    let mut config = Config::dev();
    config.vault.thaw_seconds += 1;
    let error = world.run(&config, &world.options()).await.unwrap_err();
    assert!(
        matches!(&error, Error::PendingDiffers { what, .. } if what.contains("vault.thaw_seconds (900)")),
        "{error}"
    );
    let error = world.run(&testnet(), &world.options()).await.unwrap_err();
    assert!(matches!(error, Error::PendingDiffers { .. }), "{error}");

    let other = plumbline_deploy::Account::from_key(&world.chain.keys()[1]).unwrap();
    let error = plumbline_deploy::run(&world.url(), &other, &Config::dev(), &world.options())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::PendingDiffers { what, .. } if what.contains("another deployer")),
        "{error}"
    );
    assert_eq!(world.nonce().await, 4);
}

#[tokio::test]
async fn blocks_that_come_by_the_clock_are_waited_for() {
    let block_time = Some(Duration::from_secs(1));
    let world = World::with(&ChainOptions {
        block_time,
        ..ChainOptions::default()
    })
    .await;
    let options = Options {
        confirmations: 2,
        ..world.options()
    };
    let deployment = world.run(&Config::dev(), &options).await.unwrap().deployment;
    let last = deployment
        .transactions
        .iter()
        .map(|transaction| transaction.block_number)
        .max()
        .unwrap();
    assert!(world.provider.get_block_number().await.unwrap() > last);
}

#[tokio::test]
async fn transactions_that_a_reorganisation_dropped_are_sent_again() {
    let world = World::new().await;
    stop(&world, Step::UptimeLedger, Stop::Mined).await;
    let planned = pending(&world)["addresses"].clone();
    world.chain.rpc("anvil_rollback", &json!([3])).unwrap();
    assert_eq!(world.nonce().await, 4);
    let deployment = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    assert_eq!(json!(deployment.contracts), planned);
    assert_eq!(world.nonce().await, TRANSACTIONS);
}

#[tokio::test]
async fn a_node_that_goes_down_in_the_middle_is_an_error_that_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let options = ChainOptions {
        data_dir: Some(data.path().to_owned()),
        block_time: Some(Duration::from_millis(500)),
        ..ChainOptions::default()
    };
    let mut world = World::with(&options).await;
    let (url, account, deploy_options) = (world.url(), world.account.clone(), world.options());
    let run = tokio::spawn(async move { plumbline_deploy::run(&url, &account, &Config::dev(), &deploy_options).await });
    while world.nonce().await < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.chain.stop().unwrap();
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Rpc { .. }), "{error}");

    world.chain.restart().unwrap();
    world.run(&Config::dev(), &world.options()).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS);
    world.chain.restart().unwrap();
    assert!(!world.run(&Config::dev(), &world.options()).await.unwrap().is_new);
}
