//! The chain that every run begins with, and what people do on it.

use alloy::primitives::{Address, B256, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use plumbline_devnet::ChainOptions;
use plumbline_protocol::{InferenceSettlement, OperatorRegistry, StakeVault};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::common::{Anyhow, World, until};

/// Deeper than what a run reorganises and mines above it together: nothing that is final is ever taken back.
const SLOTS_IN_AN_EPOCH: u64 = 120;
pub(crate) const DEEPEST_REORG: u64 = 100;
/// Rounds of traffic above what the world was set up with, and empty blocks in each: more than the deepest reorg, so that
/// the contracts stay.
const ROUNDS: u64 = 10;
const BLOCKS_OF_ROUND: u64 = 10;

/// Of the first block, which every copy of a chain makes for itself.
const BEGINNING: &str = "1800000000";

fn options() -> ChainOptions {
    ChainOptions {
        slots_in_an_epoch: SLOTS_IN_AN_EPOCH,
        args: vec!["--timestamp".into(), BEGINNING.into()],
        ..ChainOptions::default()
    }
}

/// A world with a little of everything, in the blocks that reorgs take back too.
pub(crate) async fn set() -> Anyhow<World> {
    let world = World::with(options()).await?;
    world.run_period(&[2]).await?;
    world.traffic(1, 0).await?;
    Ok(world)
}

/// A chain of one's own with that past.
pub(crate) async fn copy(world: &World, random: &mut StdRng) -> Anyhow<World> {
    let world = world.copy(options()).await?;
    for round in 0..ROUNDS {
        act(&world, random).await?;
        world.mine(BLOCKS_OF_ROUND).await?;
        if round == ROUNDS / 2 {
            world
                .run_period(&[random.random_range(0..world.operators.len())])
                .await?;
        }
    }
    Ok(world)
}

/// The same chain up to now, and another one from here on.
pub(crate) async fn fork(world: &World, random: &mut StdRng, blocks: u64) -> Anyhow<World> {
    let fork = world.copy(options()).await?;
    for _ in 0..blocks {
        fork.next_block_at(fork.head().await?.1 + 7).await?;
        act(&fork, random).await?;
    }
    Ok(fork)
}

/// One transaction of somebody in a block of its own; after a reorg it may be one that reverts.
pub(crate) async fn act(world: &World, random: &mut StdRng) -> Anyhow {
    let request = transaction(world, random);
    let hash = *world.provider.send_transaction(request).await?.tx_hash();
    // The chain does not bear it to be reorganised while it makes a block.
    until("a receipt", async || {
        Ok(world.provider.get_transaction_receipt(hash).await?)
    })
    .await?;
    Ok(())
}

/// Replaces the newest blocks by as many others, with transactions in some of them.
pub(crate) async fn reorg(world: &World, random: &mut StdRng, depth: u64) -> Anyhow {
    let mut others: Vec<(Value, u64)> = Vec::new();
    for block in 0..depth {
        if random.random_range(0..4) == 0 {
            others.push((serde_json::to_value(transaction(world, random))?, block));
        }
    }
    world.rpc("anvil_reorg", json!([depth, others])).await.map(drop)
}

fn transaction(world: &World, random: &mut StdRng) -> TransactionRequest {
    let contracts = world.deployment.contracts;
    let operator = world.operators[random.random_range(0..world.operators.len())].address;
    let payer = world.payers[random.random_range(0..world.payers.len())].address();
    let (vault, settlement, registry) = (
        contracts.stake_vault,
        contracts.inference_settlement,
        contracts.operator_registry,
    );
    let amount = |random: &mut StdRng, least: u128| U256::from(least + random.random_range(0..1_000_000));
    let (from, to, input): (Address, Address, Vec<u8>) = match random.random_range(0..7) {
        0 | 1 => {
            let (assets, none) = (amount(random, 10_u128.pow(18)), U256::ZERO);
            let delegate = StakeVault::delegateCall {
                operator,
                assets,
                minShares: none,
            };
            (payer, vault, delegate.abi_encode())
        }
        2 => {
            let shares = amount(random, 10_u128.pow(20));
            (operator, vault, StakeVault::thawCall { operator, shares }.abi_encode())
        }
        3 => {
            let amount = amount(random, 1);
            let deposit = InferenceSettlement::depositCall {
                payer,
                operator,
                amount,
            };
            (payer, settlement, deposit.abi_encode())
        }
        4 => (
            payer,
            settlement,
            InferenceSettlement::startExitCall { operator }.abi_encode(),
        ),
        5 => (
            payer,
            settlement,
            InferenceSettlement::cancelExitCall { operator }.abi_encode(),
        ),
        _ => {
            let domain = B256::repeat_byte(b'a' + random.random_range(0..4));
            let endpoint = format!("https://operator.example/{}", random.random_range(0..u64::MAX));
            let change = OperatorRegistry::changeEndpointCall { domain, endpoint };
            (operator, registry, change.abi_encode())
        }
    };
    // One that reverts is mined too.
    TransactionRequest::default()
        .from(from)
        .to(to)
        .input(input.into())
        .gas_limit(1_000_000)
}
