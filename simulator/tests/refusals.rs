//! Mistakes are named, with what mends them, before anything is sent.
// An unwrap in a helper of tests fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod common;

use alloy::primitives::U256;
use common::World;
use plumbline_simulator::{CancellationToken, Config, Secrets, Simulation};
use serde_json::json;

async fn refusal(world: &World, config: Config) -> String {
    let Err(error) = Simulation::connect(config, &Secrets::dev(), &world.deployment).await else {
        panic!("the simulation connects");
    };
    format!("{error:#}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_refused_with_its_range() {
    let world = World::new().await;
    let refused = refusal(
        &world,
        Config {
            operators: 4,
            ..world.config()
        },
    )
    .await;
    assert!(refused.contains("operators is 4, but must be 5 to 450"), "{refused}");
    let refused = refusal(
        &world,
        Config {
            max_tx_per_second: Some(0),
            ..world.config()
        },
    )
    .await;
    assert!(refused.contains("at least 1 a second"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_another_chain_is_refused() {
    let mut world = World::new().await;
    world.deployment.chain_id = 1;
    let refused = refusal(&world, world.config()).await;
    assert!(
        refused.contains("the deployment is for chain 1") && refused.contains("serves chain 31337"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_the_contracts_is_refused() {
    let mut world = World::new().await;
    world.chain.restart().unwrap();
    let refused = refusal(&world, world.config()).await;
    assert!(refused.contains("plumbline deploy"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_is_named_without_the_key_in_its_url() {
    let mut world = World::new().await;
    let rpc_url = format!("{}/v3/secret-api-key", world.chain.http_url());
    world.chain.stop().unwrap();
    let refused = refusal(
        &world,
        Config {
            rpc_url,
            ..world.config()
        },
    )
    .await;
    assert!(
        refused.contains("does not answer") && refused.contains("http://127.0.0.1:"),
        "{refused}"
    );
    assert!(!refused.contains("secret-api-key"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faucet_that_is_too_poor_is_told_how_much_it_needs() {
    let world = World::new().await;
    let mut config = world.config();
    config.gas_per_account = U256::from(10).pow(U256::from(22));
    let mut simulation = world.connect(config).await;
    let error = simulation.bootstrap(&CancellationToken::new()).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("the faucet") && error.contains("lower --gas-per-account"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn set_up_says_which_transaction_cannot_succeed() {
    let world = World::new().await;
    let registry = world.deployment.contracts.model_registry;
    // A contract that reverts whatever is asked.
    world
        .chain
        .rpc("anvil_setCode", &json!([registry, "0x60006000fd"]))
        .unwrap();
    let mut simulation = world.connect(world.config()).await;
    let error = simulation.bootstrap(&CancellationToken::new()).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("set-up cannot go on: register a model by"),
        "{error:#}"
    );
}

#[test]
fn public_accounts_are_used_on_development_chains_only() {
    assert!(Secrets::resolve(31_337, None, None).is_ok());
    let refused = Secrets::resolve(10_740, None, None).unwrap_err().to_string();
    assert!(refused.contains("PLUMBLINE_SIMULATOR_MNEMONIC"), "{refused}");
    let words = Some(plumbline_simulator::DEV_MNEMONIC.to_owned());
    let refused = Secrets::resolve(10_740, words.clone(), None).unwrap_err().to_string();
    assert!(refused.contains("PLUMBLINE_FAUCET_KEY"), "{refused}");
    let refused = Secrets::resolve(10_740, words, Some("not-a-key".into())).unwrap_err();
    assert!(!format!("{refused:#}").contains("not-a-key"));
    assert!(!format!("{:?}", Secrets::dev()).contains("junk"));
}
