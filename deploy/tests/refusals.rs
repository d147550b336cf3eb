//! Mistakes and failures are named, with what mends them, before anything is spent.

mod common;

use std::fs;

use alloy::primitives::{Address, U256};
use common::{World, testnet};
use plumbline_deploy::{Account, Config, Error, Options};
use plumbline_devnet::ChainOptions;
use plumbline_protocol::deployment::DeploymentError;
use serde_json::json;

#[tokio::test]
async fn a_balance_too_small_is_named_before_the_first_transaction() {
    let world = World::new().await;
    let deployer = world.account.address();
    let pauper = U256::from(1_000_000_000_u64);
    world.chain.rpc("anvil_setBalance", &json!([deployer, pauper])).unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(
        matches!(error, Error::InsufficientBalance { balance, needed, .. } if balance == pauper && needed > balance)
    );
    assert!(error.to_string().contains("has 0.000000001"), "{error}");
    assert_eq!(world.nonce().await, 0);
    let estimate = plumbline_deploy::estimate(&world.url(), deployer, &Config::dev(), &world.options())
        .await
        .unwrap();
    assert!(!estimate.unwrap().is_sufficient());
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_named_without_the_key_in_its_url() {
    let mut world = World::new().await;
    let url = format!("{}/v3/secret-api-key", world.url());
    world.chain.stop().unwrap();
    let error = plumbline_deploy::run(&url, &world.account, &Config::dev(), &world.options())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Rpc { .. }), "{error}");
    let text = format!("{error} {error:?}");
    assert!(error.to_string().contains("cannot read the chain id"), "{error}");
    assert!(!text.contains("secret-api-key"), "{text}");
}

#[tokio::test]
async fn a_url_that_is_none_is_refused() {
    let world = World::new().await;
    let error = plumbline_deploy::run("localhost", &world.account, &Config::dev(), &world.options())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Connect(_) | Error::Rpc { .. }), "{error}");
}

#[tokio::test]
async fn a_deployments_file_of_another_chain_is_refused() {
    let world = World::new().await;
    world.run(&Config::dev(), &world.options()).await.unwrap();
    let other = World::with(&ChainOptions {
        chain_id: 4242,
        ..ChainOptions::default()
    })
    .await;
    let options = Options {
        out: world.options().out,
        ..other.options()
    };
    fs::rename(world.file("31337.json"), world.file("4242.json")).unwrap();
    let error = other.run(&Config::dev(), &options).await.unwrap_err();
    let wrong_chain = matches!(
        &error,
        Error::Deployments(DeploymentError::WrongChain {
            in_file: 31_337,
            on_chain: 4242,
            ..
        })
    );
    assert!(wrong_chain, "{error}");
    assert_eq!(other.nonce().await, 0);
}

#[tokio::test]
async fn a_chain_that_was_started_anew_is_told_from_the_one_deployed_to() {
    let mut world = World::new().await;
    world.run(&Config::dev(), &world.options()).await.unwrap();
    world.chain.restart().unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(matches!(error, Error::ChainReset { .. }), "{error}");
    assert!(error.to_string().contains("--force-new"), "{error}");
    world
        .run(
            &Config::dev(),
            &Options {
                force_new: true,
                ..world.options()
            },
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn other_parameters_than_those_deployed_are_refused() {
    let world = World::new().await;
    world.run(&Config::dev(), &world.options()).await.unwrap();
    let mut config = Config::dev();
    config.settlement.protocol_fee_bps = 1;
    let error = world.run(&config, &world.options()).await.unwrap_err();
    let named =
        matches!(&error, Error::ExistingDiffers { what, .. } if what.contains("settlement.protocol_fee_bps (500)"));
    assert!(named, "{error}");
}

#[tokio::test]
async fn code_that_is_not_what_was_deployed_is_found() {
    let world = World::new().await;
    let deployment = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    let vault = deployment.contracts.stake_vault;
    let code = world.chain.rpc("eth_getCode", &json!([vault, "latest"])).unwrap();
    // An immutable: the thaw period of 900 seconds becomes 901.
    let changed = code
        .as_str()
        .unwrap()
        .replacen(&format!("{:064x}", 900), &format!("{:064x}", 901), 1);
    assert_ne!(code.as_str().unwrap(), changed);
    world.chain.rpc("anvil_setCode", &json!([vault, changed])).unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Mismatch { address, .. } if *address == vault),
        "{error}"
    );
}

#[tokio::test]
async fn a_constructor_that_would_revert_is_named_by_its_error() {
    let world = World::new().await;
    let mut config = Config::dev();
    config.settlement.protocol_fee_bps = 9999;
    let error = world.run(&config, &world.options()).await.unwrap_err();
    assert!(
        matches!(&error, Error::WouldRevert { reason, .. } if reason.contains("ProtocolFeeTooHigh")),
        "{error}"
    );
    assert_eq!(world.nonce().await, 0);
}

#[tokio::test]
async fn a_token_without_code_is_refused() {
    let world = World::new().await;
    let mut config = Config::dev();
    config.tokens.fee.as_mut().unwrap().address = Some(Address::repeat_byte(9));
    let error = world.run(&config, &world.options()).await.unwrap_err();
    assert!(error.to_string().contains("give either `address` alone"), "{error}");
    let fee = config.tokens.fee.as_mut().unwrap();
    (fee.name, fee.symbol, fee.decimals) = (None, None, None);
    let error = world.run(&config, &world.options()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Mismatch { address, .. } if *address == Address::repeat_byte(9)),
        "{error}"
    );
}

#[tokio::test]
async fn two_deployments_at_once_are_refused() {
    let world = World::new().await;
    fs::create_dir_all(world.options().out).unwrap();
    let lock = fs::File::create(world.file("31337.lock")).unwrap();
    lock.lock().unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    drop(lock);
    world.run(&Config::dev(), &world.options()).await.unwrap();
}

#[tokio::test]
async fn damaged_files_are_named() {
    let world = World::new().await;
    fs::create_dir_all(world.options().out).unwrap();
    fs::write(world.file("31337.pending.json"), "{").unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(matches!(&error, Error::Journal { .. }), "{error}");
    fs::write(world.file("31337.json"), "[]").unwrap();
    let error = world.run(&Config::dev(), &world.options()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Deployments(DeploymentError::Parse { .. })),
        "{error}"
    );
    assert_eq!(world.nonce().await, 0);
}

#[test]
fn a_key_that_is_none_is_refused_and_not_repeated() {
    let error = Account::from_key("0xabc123-not-a-key").unwrap_err();
    assert!(!error.to_string().contains("abc123"), "{error}");
    assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
}

#[test]
fn an_account_shows_its_address_alone() {
    let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let account = Account::from_key(key).unwrap();
    assert_eq!(
        format!("{account:?}"),
        "Account(0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266)"
    );
}

#[test]
fn a_public_network_needs_an_admin_and_slow_changes() {
    let mut config = testnet();
    config.access.admin = None;
    let problem = |config: &Config| config.resolve(Address::repeat_byte(1), 0).unwrap_err().to_string();
    assert!(
        problem(&config).contains("access.admin: missing"),
        "{}",
        problem(&config)
    );
    let mut config = testnet();
    config.access.admin_delay_seconds = 1_987_199;
    assert!(problem(&config).contains("access.admin_delay_seconds: 1987199 is less than vault.thaw_seconds"));
    config.dev = true;
    config.resolve(Address::repeat_byte(1), 0).unwrap();
    config.dev = false;
    config.access.admin_delay_seconds = 1_987_200;
    config.access.governor_delay_seconds = 0;
    assert!(problem(&config).contains("access.governor_delay_seconds"));
}

#[test]
fn windows_that_do_not_fit_each_other_are_refused() {
    let change = |change: fn(&mut Config)| {
        let mut config = testnet();
        change(&mut config);
        config.resolve(Address::repeat_byte(1), 0).unwrap_err().to_string()
    };
    assert!(change(|config| config.vault.thaw_seconds -= 1).contains("evidence + dispute + resolution + buffer"));
    assert!(change(|config| config.uptime.report_window_seconds = 604_800).contains("uptime.report_window_seconds"));
    assert!(change(|config| config.settlement.epoch_seconds = 3600).contains("settlement.epoch_seconds"));
    assert!(change(|config| config.audits.grace_seconds = 129_600).contains("audits.grace_seconds"));
    assert!(change(|config| config.audits.answer_seconds = 1_296_000).contains("vault.thaw_seconds"));
    assert!(change(|config| config.audits.bond += U256::ONE).contains("audits.bond"));
    assert!(change(|config| config.audits.min_probability_bps = 0).contains("audits.min_probability_bps"));
    assert!(change(|config| config.rewards.wage = U256::MAX).contains("rewards.wage"));
    assert!(change(|config| config.price = None).contains("price"));
    assert!(change(|config| config.tokens.fee = None).contains("price"));
    assert!(change(|config| config.price.as_mut().unwrap().test_feed = None).contains("price"));
    assert!(
        change(|config| config.operators.commission_delay_seconds = 8 * 86_400)
            .contains("operators.commission_delay_seconds")
    );
    assert!(change(|config| config.uptime.slots_per_period = 0).contains("at least one slot"));
    let long_period = change(|config| {
        config.uptime.slot_seconds = 86_400;
        config.uptime.slots_per_period = 60;
    });
    assert!(
        long_period.contains("a period and its evidence window"),
        "{long_period}"
    );
    assert!(change(|config| config.access.guardian = Some(Address::ZERO)).contains("access.guardian"));
}

#[test]
fn unknown_keys_and_wrong_types_are_named() {
    let dev = include_str!("../config/dev.toml");
    let unknown = Config::parse(&dev.replace("slot_seconds", "slot_secnds"))
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("slot_secnds") && unknown.contains("slot_seconds"),
        "{unknown}"
    );
    let number = Config::parse(&dev.replace("\"1_000_000_000_000_000_000\"", "\"1e18\""))
        .unwrap_err()
        .to_string();
    assert!(number.contains("1e18") && number.contains("decimal digits"), "{number}");
}
