//! A whole deployment on a real chain, and what it leaves behind.

mod common;

use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent};
use common::{ADMIN, GOVERNOR, TRANSACTIONS, World, testnet};
use plumbline_deploy::{
    AUDITOR, CANARY, Config, GOVERNOR as GOVERNOR_ROLE, GUARDIAN, JUDGE, SLASHER as SLASHER_ROLE, Step,
};
use plumbline_protocol::{
    AccessManager, Contract, Deployment, InferenceSettlement, OperatorRegistry, Slasher, StakeVault, TestToken,
    UptimeLedger,
};

const ADMIN_ROLE: u64 = 0;

#[tokio::test]
async fn every_contract_stands_with_its_parameters() {
    let world = World::new().await;
    let config = Config::dev();
    let outcome = world.run(&config, &world.options()).await.unwrap();
    assert!(outcome.is_new);
    let Deployment {
        contracts, parameters, ..
    } = outcome.deployment;
    let provider = &world.provider;

    let vault = StakeVault::new(contracts.stake_vault, provider);
    assert_eq!(vault.STAKE_TOKEN().call().await.unwrap(), contracts.stake_token);
    assert_eq!(vault.FEE_TOKEN().call().await.unwrap(), contracts.fee_token);
    assert_eq!(vault.THAW().call().await.unwrap(), config.vault.thaw_seconds);
    assert_eq!(
        vault.OWN_STAKE_FLOOR().call().await.unwrap(),
        config.vault.own_stake_floor
    );
    assert_eq!(vault.SINK().call().await.unwrap(), world.account.address());
    let registry = OperatorRegistry::new(contracts.operator_registry, provider);
    assert_eq!(registry.STAKE_VAULT().call().await.unwrap(), contracts.stake_vault);
    assert_eq!(
        registry.MODEL_REGISTRY().call().await.unwrap(),
        contracts.model_registry
    );
    let settlement = InferenceSettlement::new(contracts.inference_settlement, provider);
    assert_eq!(
        settlement.PROTOCOL_FEE_BPS().call().await.unwrap(),
        config.settlement.protocol_fee_bps
    );
    assert_eq!(
        settlement.EXIT_DELAY().call().await.unwrap(),
        config.settlement.exit_delay_seconds
    );
    let schedule = UptimeLedger::new(contracts.uptime_ledger, provider)
        .schedule()
        .call()
        .await
        .unwrap();
    assert_eq!(schedule.genesis, parameters.uptime.genesis);
    assert_eq!((schedule.slotSeconds, schedule.slotsPerPeriod), (5, 12));
    let slasher = Slasher::new(contracts.slasher, provider);
    assert_eq!(
        slasher.EVIDENCE_WINDOW().call().await.unwrap(),
        config.vault.evidence_seconds
    );
    assert_eq!(
        slasher.downtimePenalty().call().await.unwrap().earningsBps,
        config.slasher.earnings_bps
    );
    let fee_token = TestToken::new(contracts.fee_token, provider);
    assert_eq!(fee_token.decimals().call().await.unwrap(), 6);
    assert_eq!(fee_token.symbol().call().await.unwrap(), "tUSD");
}

#[tokio::test]
async fn the_deployments_file_tells_blocks_gas_and_compiler_as_the_chain_does() {
    let world = World::new().await;
    let written = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    let read = Deployment::read_for_chain(&world.file("31337.json"), 31_337).unwrap();
    assert_eq!(read, written);
    assert!(!world.file("31337.pending.json").exists());

    let first = world
        .provider
        .get_block_by_number(read.block.number.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.header.hash, read.block.hash);
    let mut spent = U256::ZERO;
    for transaction in &read.transactions {
        let receipt = world
            .provider
            .get_transaction_receipt(transaction.hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(receipt.gas_used, transaction.gas_used);
        assert_eq!(
            receipt.contract_address.unwrap_or(transaction.contract),
            transaction.contract
        );
        assert!(receipt.block_number >= Some(read.block.number));
        spent += transaction.cost;
    }
    let balance = world.provider.get_balance(world.account.address()).await.unwrap();
    let before = world
        .provider
        .get_balance(world.account.address())
        .number(0)
        .await
        .unwrap();
    assert_eq!(before - balance, spent);
    let compiler = &read.compiler;
    assert_eq!(
        (compiler.solc.as_str(), compiler.evm_version.as_str()),
        ("0.8.37", "cancun")
    );
    assert_eq!((compiler.via_ir, compiler.optimizer_runs), (true, 1_000_000));
    assert_eq!(compiler.creation_code_hash, plumbline_deploy::creation_code_hash());

    // Every contract's first log is at or after the block that an indexer starts from.
    for contract in Contract::ALL {
        let filter = Filter::new()
            .address(read.contracts.of(contract))
            .to_block(read.block.number.saturating_sub(1));
        assert!(world.provider.get_logs(&filter).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn periods_begin_at_the_next_full_period_of_utc() {
    let world = World::new().await;
    let now = world
        .provider
        .get_block_by_number(0.into())
        .await
        .unwrap()
        .unwrap()
        .header
        .timestamp;
    let genesis = world
        .run(&testnet(), &world.options())
        .await
        .unwrap()
        .deployment
        .parameters
        .uptime
        .genesis;
    assert_eq!(genesis % 86_400, 0);
    assert!(genesis > now && genesis <= now + 86_400);
}

#[tokio::test]
async fn a_second_run_checks_and_sends_nothing() {
    let world = World::new().await;
    let first = world.run(&Config::dev(), &world.options()).await.unwrap();
    let second = world.run(&Config::dev(), &world.options()).await.unwrap();
    assert!(!second.is_new);
    assert_eq!(second.deployment, first.deployment);
    assert_eq!(world.nonce().await, TRANSACTIONS);
}

#[tokio::test]
async fn force_new_deploys_again_and_keeps_the_old_file() {
    let world = World::new().await;
    let first = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    let again = plumbline_deploy::Options {
        force_new: true,
        ..world.options()
    };
    let second = world.run(&Config::dev(), &again).await.unwrap().deployment;
    assert_ne!(first.contracts.slasher, second.contracts.slasher);
    assert_eq!(Deployment::read(&world.file("31337.json")).unwrap(), second);
    assert_eq!(Deployment::read(&world.file("31337.json.1.old")).unwrap(), first);
}

#[tokio::test]
async fn roles_are_as_specified_and_the_deployer_keeps_none() {
    let world = World::new().await;
    let config = testnet();
    let contracts = world.run(&config, &world.options()).await.unwrap().deployment.contracts;
    let manager = AccessManager::new(contracts.access_manager, &world.provider);

    let members = [
        (SLASHER_ROLE, contracts.slasher, 0),
        (AUDITOR, contracts.case_docket, 0),
        (AUDITOR, contracts.audit_manager, 0),
        (AUDITOR, contracts.challenge_manager, 0),
        (JUDGE, contracts.case_docket, 0),
        (GUARDIAN, ADMIN, 0),
        (CANARY, ADMIN, 0),
        (GOVERNOR_ROLE, GOVERNOR, config.access.governor_delay_seconds),
        (ADMIN_ROLE, ADMIN, config.access.admin_delay_seconds),
    ];
    let granted = Filter::new()
        .address(contracts.access_manager)
        .event_signature(AccessManager::RoleGranted::SIGNATURE_HASH)
        .from_block(0);
    for log in world.provider.get_logs(&granted).await.unwrap() {
        let event = AccessManager::RoleGranted::decode_log(&log.inner).unwrap();
        let found = manager.hasRole(event.roleId, event.account).call().await.unwrap();
        let wanted = members
            .iter()
            .find(|(role, account, _)| (*role, *account) == (event.roleId, event.account));
        assert_eq!(
            found.isMember,
            wanted.is_some(),
            "role {} of {}",
            event.roleId,
            event.account
        );
        assert_eq!(wanted.map_or(0, |(_, _, delay)| *delay), found.executionDelay);
    }

    let deployer = world.account.address();
    let restricted: [(Address, [u8; 4], Address); 4] = [
        (
            contracts.stake_vault,
            StakeVault::slashCall::SELECTOR,
            contracts.slasher,
        ),
        (
            contracts.inference_settlement,
            InferenceSettlement::seizeCall::SELECTOR,
            contracts.slasher,
        ),
        (
            contracts.operator_registry,
            OperatorRegistry::jailCall::SELECTOR,
            contracts.slasher,
        ),
        (
            contracts.slasher,
            Slasher::changeDowntimePenaltyCall::SELECTOR,
            GOVERNOR,
        ),
    ];
    for (target, selector, caller) in restricted {
        let may = manager.canCall(caller, target, selector.into()).call().await.unwrap();
        let delay = if caller == GOVERNOR {
            config.access.governor_delay_seconds
        } else {
            0
        };
        assert_eq!((may.immediate, may.delay), (delay == 0, delay));
        let may = manager.canCall(deployer, target, selector.into()).call().await.unwrap();
        assert_eq!((may.immediate, may.delay), (false, 0));
    }
    let vault = StakeVault::new(contracts.stake_vault, &world.provider);
    let slash = vault.slash(ADMIN, U256::from(1), U256::ZERO, ADMIN);
    assert!(slash.from(deployer).call().await.is_err());
}

#[tokio::test]
async fn existing_tokens_are_used_and_may_be_one() {
    let world = World::new().await;
    let first = world.run(&Config::dev(), &world.options()).await.unwrap().deployment;
    let mut config = testnet();
    config.tokens.stake.address = Some(first.contracts.stake_token);
    (
        config.tokens.stake.name,
        config.tokens.stake.symbol,
        config.tokens.stake.decimals,
    ) = (None, None, None);
    (config.tokens.fee, config.price) = (None, None);
    let options = plumbline_deploy::Options {
        out: world.folder.path().join("second"),
        ..world.options()
    };
    let second = world.run(&config, &options).await.unwrap().deployment;
    assert_eq!(second.contracts.stake_token, first.contracts.stake_token);
    assert_eq!(second.contracts.fee_token, first.contracts.stake_token);
    assert!(
        !second
            .transactions
            .iter()
            .any(|row| row.step == Step::StakeToken.to_string())
    );
    assert!(!world.run(&config, &options).await.unwrap().is_new);
}

#[tokio::test]
async fn one_test_token_serves_for_stake_and_fees() {
    let world = World::new().await;
    let mut config = Config::dev();
    (config.tokens.fee, config.price) = (None, None);
    let contracts = world.run(&config, &world.options()).await.unwrap().deployment.contracts;
    assert_eq!(contracts.fee_token, contracts.stake_token);
    assert_eq!((contracts.price_feed, contracts.price_oracle), Default::default());
    let settlement = InferenceSettlement::new(contracts.inference_settlement, &world.provider);
    assert_eq!(settlement.FEE_TOKEN().call().await.unwrap(), contracts.stake_token);
}

#[tokio::test]
async fn the_estimate_sends_nothing_and_is_near_what_is_used() {
    let world = World::new().await;
    let (config, options) = (Config::dev(), world.options());
    let deployer = world.account.address();
    let estimate = plumbline_deploy::estimate(&world.url(), deployer, &config, &options)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.nonce().await, 0);
    assert_eq!(world.provider.get_block_number().await.unwrap(), 0);
    assert!(!options.out.exists());
    assert!(estimate.is_sufficient());
    assert_eq!(estimate.steps.len() as u64, TRANSACTIONS);

    let used = world.run(&config, &options).await.unwrap().deployment.transactions;
    for (estimated, used) in estimate.steps.iter().zip(&used) {
        assert_eq!(estimated.contract, used.contract);
        let difference = estimated.gas.abs_diff(used.gas_used);
        assert!(
            difference * 40 < used.gas_used,
            "{}: {} against {}",
            used.step,
            estimated.gas,
            used.gas_used
        );
    }
    assert!(
        plumbline_deploy::estimate(&world.url(), deployer, &config, &options)
            .await
            .unwrap()
            .is_none()
    );
}
