//! A deployment that is signed by another program, and picked up from the chain.

// The exemption for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::providers::Provider;
use common::{TRANSACTIONS, World};
use plumbline_deploy::{Account, Config, Error, Options, Step, Stop};
use plumbline_protocol::Deployment;
use serde_json::json;

/// Signs with ethers; a list of raw transactions.
fn sign(file: &Path, key: &str) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sign.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(file)
        .env("SIGNER_KEY", key)
        .output()
        .expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn watched(world: &World) -> Account {
    Account::Watched(world.account.address())
}

async fn write(world: &World) -> (usize, PathBuf) {
    let path = world.folder.path().join("unsigned.json");
    let (config, options, deployer) = (Config::dev(), world.options(), world.account.address());
    let count = plumbline_deploy::write_unsigned(&world.url(), deployer, &config, &options, &path)
        .await
        .unwrap();
    (count, path)
}

async fn run_watched(world: &World) -> Result<plumbline_deploy::Outcome, Error> {
    plumbline_deploy::run(&world.url(), &watched(world), &Config::dev(), &world.options()).await
}

async fn broadcast(world: &World, lines: &[String]) -> Result<plumbline_deploy::Outcome, Error> {
    let path = world.folder.path().join("signed.txt");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let (config, options, deployer) = (Config::dev(), world.options(), world.account.address());
    plumbline_deploy::broadcast(&world.url(), deployer, &config, &options, &path).await
}

#[tokio::test]
async fn transactions_signed_by_ethers_and_sent_elsewhere_are_picked_up() {
    let world = World::new().await;
    let (count, path) = write(&world).await;
    assert_eq!((count as u64, world.nonce().await), (TRANSACTIONS, 0));
    let error = run_watched(&world).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::AwaitingTransaction {
                step: Step::AccessManager,
                nonce: 0,
                ..
            }
        ),
        "{error}"
    );

    let signed = sign(&path, &world.chain.keys()[0]);
    for raw in &signed[..4] {
        world.chain.rpc("eth_sendRawTransaction", &json!([raw])).unwrap();
    }
    let error = run_watched(&world).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::AwaitingTransaction {
                step: Step::StakeVault,
                nonce: 4,
                ..
            }
        ),
        "{error}"
    );

    for raw in &signed[4..] {
        world.chain.rpc("eth_sendRawTransaction", &json!([raw])).unwrap();
    }
    let deployment = run_watched(&world).await.unwrap().deployment;
    assert_eq!(Deployment::read(&world.file("31337.json")).unwrap(), deployment);
    assert_eq!(deployment.transactions.len() as u64, TRANSACTIONS);
    for (transaction, nonce) in deployment.transactions.iter().zip(0..) {
        let on_chain = world
            .provider
            .get_transaction_by_hash(transaction.hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(alloy::consensus::Transaction::nonce(&on_chain), nonce);
    }
    assert!(!run_watched(&world).await.unwrap().is_new);
}

#[tokio::test]
async fn signed_transactions_are_checked_sent_and_awaited() {
    let world = World::new().await;
    let (_, path) = write(&world).await;
    let mut signed = sign(&path, &world.chain.keys()[0]);
    // Any order will do.
    signed.reverse();
    assert!(broadcast(&world, &signed).await.unwrap().is_new);
    assert_eq!(world.nonce().await, TRANSACTIONS);
    assert!(!broadcast(&world, &signed).await.unwrap().is_new);
}

#[tokio::test]
async fn what_was_sent_with_a_key_is_left_out_of_the_unsigned_file() {
    let world = World::new().await;
    let options = Options {
        stop_at: Some((Step::UptimeLedger, Stop::Mined)),
        ..world.options()
    };
    world.run(&Config::dev(), &options).await.unwrap_err();
    let (count, path) = write(&world).await;
    assert_eq!(count as u64, TRANSACTIONS - 7);
    broadcast(&world, &sign(&path, &world.chain.keys()[0])).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS);
    assert_eq!(write(&world).await.0, 0);
}

#[tokio::test]
async fn a_signed_transaction_that_is_not_the_planned_one_is_refused_before_any_is_sent() {
    let world = World::new().await;
    let (_, path) = write(&world).await;
    let signed = sign(&path, &world.chain.keys()[0]);

    let foreign = sign(&path, &world.chain.keys()[1]);
    let error = broadcast(&world, &[signed[0].clone(), foreign[1].clone()])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("signed transaction 2: signed by 0x"),
        "{error}"
    );

    let text = std::fs::read_to_string(&path).unwrap();
    let mut changed: plumbline_deploy::UnsignedFile = serde_json::from_str(&text).unwrap();
    for (nonce, transaction) in changed.transactions.iter_mut().rev().enumerate() {
        rewrite_nonce(transaction, nonce as u64);
    }
    std::fs::write(&path, serde_json::to_string(&changed).unwrap()).unwrap();
    let swapped = sign(&path, &world.chain.keys()[0]);
    let error = broadcast(&world, &[signed[0].clone(), swapped[1].clone()])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("input or chain id differ"), "{error}");

    for (content, problem) in [
        ("0xzz", "not hexadecimal"),
        ("0x02", "not a transaction"),
        ("", "holds none"),
    ] {
        let error = broadcast(&world, &[content.to_owned()]).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert_eq!(world.nonce().await, 0);
}

#[tokio::test]
async fn a_signed_transaction_that_reverts_is_named_and_can_be_made_up_for() {
    let world = World::new().await;
    let (_, path) = write(&world).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let mut starved: plumbline_deploy::UnsignedFile = serde_json::from_str(&text).unwrap();
    rewrite(&mut starved.transactions[0], |transaction| {
        transaction.gas_limit = 1_000_000
    });
    std::fs::write(&path, serde_json::to_string(&starved).unwrap()).unwrap();
    let error = broadcast(&world, &sign(&path, &world.chain.keys()[0])[..1])
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Reverted {
                step: Step::AccessManager,
                ..
            }
        ),
        "{error}"
    );

    let (count, path) = write(&world).await;
    assert_eq!(count as u64, TRANSACTIONS);
    broadcast(&world, &sign(&path, &world.chain.keys()[0])).await.unwrap();
    assert_eq!(world.nonce().await, TRANSACTIONS + 1);
}

fn rewrite_nonce(transaction: &mut plumbline_deploy::UnsignedTransaction, nonce: u64) {
    rewrite(transaction, |inner| inner.nonce = nonce);
}

/// Changes a transaction in every form in which the file holds it.
fn rewrite(
    transaction: &mut plumbline_deploy::UnsignedTransaction,
    change: impl FnOnce(&mut alloy::consensus::TxEip1559),
) {
    use alloy::consensus::SignableTransaction;
    let mut inner = alloy::consensus::TxEip1559 {
        chain_id: transaction.chain_id,
        nonce: transaction.nonce,
        gas_limit: transaction.gas_limit,
        max_fee_per_gas: transaction.max_fee_per_gas.parse().unwrap(),
        max_priority_fee_per_gas: transaction.max_priority_fee_per_gas.parse().unwrap(),
        to: transaction.to.into(),
        input: transaction.input.clone(),
        ..Default::default()
    };
    change(&mut inner);
    transaction.nonce = inner.nonce;
    transaction.gas_limit = inner.gas_limit;
    transaction.unsigned_rlp = inner.encoded_for_signing().into();
    transaction.signing_hash = inner.signature_hash();
}
