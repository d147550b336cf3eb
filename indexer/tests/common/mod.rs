//! A real chain with the contracts on it, clients that use them, and a real PostgreSQL to index into.
#![allow(dead_code, unreachable_pub)]

mod cases;
mod database;
mod governance;
mod http;
mod lifecycle;
mod log;
mod payments;
mod periods;
mod proxy;
mod rewards;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{BlockNumberOrTag, Filter, TransactionReceipt, TransactionRequest};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent, SolStruct, SolValue};
use plumbline_deploy::{Account, Config as DeployConfig, Options};
use plumbline_devnet::{Chain, ChainOptions};
use plumbline_indexer::Config;
use plumbline_protocol::typed_data::{KeyBinding, operator_domain};
use plumbline_protocol::{Deployment, ModelRegistry, OperatorRegistry, StakeVault, TestToken, rpc};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use database::{Database, contents};
#[allow(unused_imports)]
pub use http::{free_address, get};
#[allow(unused_imports)]
pub use log::logged_by;
#[allow(unused_imports)]
pub use proxy::Proxy;

pub type Anyhow<T = ()> = anyhow::Result<T>;

/// Long enough for a busy machine; nothing waits that long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(10);

/// Operators besides the deployer: enough for a committee of seven.
const OPERATORS: usize = 8;
const PAYERS: usize = 2;
/// Failure domains that operators declare in turn: few enough that two share one, enough that judges come from others.
const DOMAINS: usize = 4;
const CLAIM_SECONDS: u64 = 120;
pub const STAKE: u128 = 1_000 * 10_u128.pow(18);
pub const WEIGHTS: B256 = B256::repeat_byte(0x77);

#[derive(Clone)]
pub struct Operator {
    pub address: Address,
    pub signing_key: PrivateKeySigner,
}

/// A chain with contracts, operators and payers.
pub struct World {
    pub chain: Chain,
    pub provider: DynProvider,
    pub deployment: Deployment,
    pub deployer: Address,
    pub operators: Vec<Operator>,
    pub payers: Vec<PrivateKeySigner>,
    pub publisher: Address,
    pub model_id: B256,
    folder: Arc<TempDir>,
}

impl World {
    pub async fn new() -> Anyhow<Self> {
        Self::with(ChainOptions::default()).await
    }

    /// A world in which everything has happened, its rows, and who goes on to write them.
    pub async fn living() -> Anyhow<(Self, Database, Indexer)> {
        let world = Self::new().await?;
        world.lifecycle().await?;
        world.traffic(3, 0).await?;
        let database = Database::new().await?;
        let indexer = Indexer::start(world.config(&database.url));
        world.indexed(&database).await?;
        Ok((world, database, indexer))
    }

    /// A world in which everything has happened, and its rows.
    pub async fn lived() -> Anyhow<(Self, Database)> {
        let (world, database, indexer) = Self::living().await?;
        indexer.stop().await?;
        Ok((world, database))
    }

    /// Contracts, models, operators that serve and payers that hold tokens, on a chain with these options.
    pub async fn with(options: ChainOptions) -> Anyhow<Self> {
        Self::deployed(options, DeployConfig::dev()).await
    }

    /// The same where fees are paid in the stake token, and so have no price.
    pub async fn of_one_token() -> Anyhow<Self> {
        let mut config = DeployConfig::dev();
        config.tokens.fee = None;
        config.price = None;
        Self::deployed(ChainOptions::default(), config).await
    }

    /// The same with periods of eight hours and everything that waits for them, so that a month is 90 periods.
    pub async fn of_long_periods() -> Anyhow<Self> {
        const SCALE: u32 = 480;
        let mut config = DeployConfig::dev();
        let (vault, audits) = (&mut config.vault, &mut config.audits);
        config.uptime.slot_seconds *= SCALE;
        for seconds in [
            &mut config.uptime.report_window_seconds,
            &mut config.settlement.epoch_seconds,
            &mut config.operators.commission_delay_seconds,
            &mut vault.thaw_seconds,
            &mut vault.evidence_seconds,
            &mut vault.dispute_seconds,
            &mut vault.resolution_seconds,
            &mut vault.buffer_seconds,
        ] {
            *seconds *= u64::from(SCALE);
        }
        for seconds in [&mut audits.answer_seconds, &mut audits.grace_seconds] {
            *seconds *= SCALE;
        }
        Self::deployed(ChainOptions::default(), config).await
    }

    async fn deployed(options: ChainOptions, mut config: DeployConfig) -> Anyhow<Self> {
        log::start();
        let chain = start(options)?;
        let provider = rpc::connect(&chain.http_url()).await?;
        let folder = Arc::new(tempfile::tempdir()?);
        let account = Account::from_key(&chain.keys()[0])?;
        let options = Options {
            out: folder.path().to_owned(),
            poll_interval: Duration::from_millis(10),
            ..Options::default()
        };
        // So short that what nobody claims expires within a test.
        config.rewards.claim_seconds = CLAIM_SECONDS;
        let deployment = plumbline_deploy::run(&chain.http_url(), &account, &config, &options)
            .await?
            .deployment;
        let keys = chain
            .keys()
            .iter()
            .map(|key| key.parse())
            .collect::<Result<Vec<PrivateKeySigner>, _>>()?;
        let operators = keys[1..=OPERATORS]
            .iter()
            .map(|key| Operator {
                address: key.address(),
                signing_key: derived(key.address(), "signing"),
            })
            .collect();
        let publisher = keys[OPERATORS + PAYERS + 1].address();
        let world = Self {
            chain,
            provider,
            deployment,
            deployer: keys[0].address(),
            operators,
            payers: keys[OPERATORS + 1..=OPERATORS + PAYERS].to_vec(),
            publisher,
            model_id: keccak256((publisher, WEIGHTS, B256::ZERO).abi_encode()),
            folder,
        };
        world.impersonate().await?;
        world.settle_in().await?;
        Ok(world)
    }

    /// Another world with the same past, whose chain goes its own way from here.
    pub async fn copy(&self, options: ChainOptions) -> Anyhow<Self> {
        let state = self.rpc("anvil_dumpState", json!([])).await?;
        let chain = start(options)?;
        let world = Self {
            provider: rpc::connect(&chain.http_url()).await?,
            chain,
            deployment: self.deployment.clone(),
            deployer: self.deployer,
            operators: self.operators.clone(),
            payers: self.payers.clone(),
            publisher: self.publisher,
            model_id: self.model_id,
            folder: self.folder.clone(),
        };
        world.rpc("anvil_loadState", json!([state])).await?;
        // The clock is not part of the state.
        world.next_block_at(self.head().await?.1 + 1).await?;
        world.impersonate().await?;
        Ok(world)
    }

    async fn impersonate(&self) -> Anyhow {
        self.rpc("anvil_autoImpersonateAccount", json!([true])).await.map(drop)
    }

    async fn settle_in(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let model = ModelRegistry::registerModelCall {
            weightsDigest: WEIGHTS,
            parent: B256::ZERO,
            mode: 0,
            royaltyBps: 500,
            uri: "https://models.example/first".into(),
            salt: B256::ZERO,
        };
        self.send(self.publisher, contracts.model_registry, model).await?;
        for payer in &self.payers {
            self.fund(payer.address()).await?;
        }
        for (index, operator) in self.operators.iter().enumerate() {
            self.fund(operator.address).await?;
            self.send(
                operator.address,
                contracts.stake_vault,
                StakeVault::stakeCall {
                    assets: U256::from(STAKE),
                },
            )
            .await?;
            self.register(operator, index).await?;
            let serve = OperatorRegistry::serveCall {
                modelId: self.model_id,
                version: 1,
                pricePerUnit: 10,
            };
            self.send(operator.address, contracts.operator_registry, serve).await?;
        }
        Ok(())
    }

    /// Gives an account both tokens, which vault, settlement and challenges may take.
    pub async fn fund(&self, account: Address) -> Anyhow {
        let contracts = self.deployment.contracts;
        for token in [contracts.stake_token, contracts.fee_token] {
            self.send(
                account,
                token,
                TestToken::mintCall {
                    to: account,
                    amount: U256::from(100 * STAKE),
                },
            )
            .await?;
            for spender in [
                contracts.stake_vault,
                contracts.inference_settlement,
                contracts.challenge_manager,
            ] {
                self.send(
                    account,
                    token,
                    TestToken::approveCall {
                        spender,
                        value: U256::MAX,
                    },
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn register(&self, operator: &Operator, index: usize) -> Anyhow {
        let registry = self.deployment.contracts.operator_registry;
        let domain = operator_domain(self.deployment.chain_id, registry);
        let key = operator.signing_key.address();
        let binding = KeyBinding {
            operator: operator.address,
            key,
        };
        let call = OperatorRegistry::registerCall {
            signingKey: key,
            settlerKey: Address::ZERO,
            domain: B256::repeat_byte(b'a' + (index % DOMAINS) as u8),
            endpoint: "https://operator.example".into(),
            commissionBps: 1_000,
            keySignature: sign(&operator.signing_key, &binding, &domain)?,
        };
        self.send(operator.address, registry, call).await.map(drop)
    }

    /// Sends a transaction and waits until it is mined; one that reverts is an error.
    pub async fn send<C: SolCall>(&self, from: Address, to: Address, call: C) -> Anyhow<TransactionReceipt> {
        self.send_bytes(from, to, call.abi_encode().into(), C::SIGNATURE).await
    }

    pub async fn send_bytes(&self, from: Address, to: Address, input: Bytes, what: &str) -> Anyhow<TransactionReceipt> {
        let request = TransactionRequest::default().from(from).to(to).input(input.into());
        let failed = |error| anyhow::anyhow!("{what}: {error}");
        let gas = self.provider.estimate_gas(request.clone()).await.map_err(failed)?;
        // In the block that mines it an epoch may have begun, whose slot is new.
        let request = request.gas_limit(2 * gas);
        let hash = *self.provider.send_transaction(request).await.map_err(failed)?.tx_hash();
        let receipt = until("a receipt", async || {
            Ok(self.provider.get_transaction_receipt(hash).await?)
        })
        .await?;
        anyhow::ensure!(receipt.status(), "{what} reverted");
        Ok(receipt)
    }

    pub async fn rpc(&self, method: &'static str, parameters: serde_json::Value) -> Anyhow<serde_json::Value> {
        Ok(self.provider.raw_request(method.into(), parameters).await?)
    }

    pub async fn mine(&self, blocks: u64) -> Anyhow {
        self.rpc("anvil_mine", json!([format!("{blocks:#x}")])).await.map(drop)
    }

    /// The next block has this timestamp.
    pub async fn next_block_at(&self, timestamp: u64) -> Anyhow {
        self.rpc("evm_setNextBlockTimestamp", json!([timestamp]))
            .await
            .map(drop)
    }

    /// Mines a block this many seconds after the newest.
    pub async fn pass(&self, seconds: u64) -> Anyhow {
        self.next_block_at(self.head().await?.1 + seconds).await?;
        self.mine(1).await
    }

    /// Number, timestamp and hash of the newest block.
    pub async fn head(&self) -> Anyhow<(u64, u64, B256)> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let header = block.ok_or_else(|| anyhow::anyhow!("no latest block"))?.header;
        Ok((header.number, header.timestamp, header.hash))
    }

    /// Replaces the newest blocks by as many empty ones.
    pub async fn reorg(&self, depth: u64) -> Anyhow {
        self.rpc("anvil_reorg", json!([depth, []])).await.map(drop)
    }

    /// Logs of the indexed contracts on the chain; `EIP712DomainChanged` is never emitted.
    pub async fn log_count(&self) -> Anyhow<i64> {
        let contracts = self.deployment.contracts;
        let addresses: Vec<Address> = contracts.deployed().map(|(_, address)| address).collect();
        let filter = Filter::new().address(addresses).from_block(0);
        Ok(i64::try_from(self.provider.get_logs(&filter).await?.len())?)
    }

    pub fn deployment_file(&self) -> PathBuf {
        Deployment::path_in(self.folder.path(), self.deployment.chain_id)
    }

    /// How the indexer is told of this world; it looks often, so that tests are quick.
    pub fn config(&self, database_url: &str) -> Config {
        Config {
            poll_interval_ms: 20,
            ..Config::new(database_url, self.chain.http_url(), self.deployment_file())
        }
    }

    /// Waits until the database holds everything up to the chain's head.
    pub async fn indexed(&self, database: &Database) -> Anyhow {
        until("the indexer to reach the head", async || {
            let head = self.head().await?;
            let settled = database.settled_at(head.0, head.2).await?;
            Ok((settled && self.head().await? == head).then_some(()))
        })
        .await
    }

    /// What a fresh index of the same chain holds.
    pub async fn fresh_index(&self) -> Anyhow<Vec<(String, String)>> {
        self.index_into(&Database::new().await?).await
    }

    /// The same, into a database that is empty.
    pub async fn index_into(&self, database: &Database) -> Anyhow<Vec<(String, String)>> {
        let indexer = Indexer::start(self.config(&database.url));
        self.indexed(database).await?;
        indexer.stop().await?;
        contents(database).await
    }

    /// Asserts that every table of the database equals a fresh index of the chain.
    pub async fn assert_exact(&self, database: &Database) -> Anyhow {
        self.assert_exact_but(database, &[]).await
    }

    /// The same without some tables.
    pub async fn assert_exact_but(&self, database: &Database, without: &[&str]) -> Anyhow {
        self.indexed(database).await?;
        let (ours, fresh) = (contents(database).await?, self.fresh_index().await?);
        assert_eq!(ours.len(), fresh.len());
        for ((table, ours), (_, fresh)) in ours.iter().zip(&fresh) {
            let only = |a: &str, b: &str| {
                a.lines()
                    .filter(|line| !b.contains(line))
                    .take(3)
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            let (missing, extra) = (only(fresh, ours), only(ours, fresh));
            let equal = ours == fresh || without.contains(&table.as_str());
            assert!(
                equal,
                "{table} differs from a fresh index; missing:\n{missing}\nnot in it:\n{extra}"
            );
        }
        Ok(())
    }
}

fn start(options: ChainOptions) -> Anyhow<Chain> {
    Chain::start(&ChainOptions {
        accounts: (OPERATORS + PAYERS + 2) as u32,
        ..options
    })
}

/// An indexer in this process.
pub struct Indexer {
    cancel: CancellationToken,
    task: JoinHandle<Anyhow>,
}

impl Indexer {
    pub fn start(config: Config) -> Self {
        let cancel = CancellationToken::new();
        let running = plumbline_indexer::run(config, None, cancel.clone());
        let task = tokio::spawn(async {
            let ended = running.await;
            if let Err(error) = &ended {
                tracing::warn!(error = format!("{error:#}"), "the indexer ended");
            }
            ended
        });
        Self { cancel, task }
    }

    /// Stops it gracefully.
    pub async fn stop(self) -> Anyhow {
        self.cancel.cancel();
        self.task.await?
    }

    /// Waits until it ends by itself and gives its error.
    pub async fn failure(self) -> Anyhow<anyhow::Error> {
        match tokio::time::timeout(PATIENCE, self.task).await?? {
            Ok(()) => anyhow::bail!("the indexer ended without an error"),
            Err(error) => Ok(error),
        }
    }

    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

/// The first event of this type in a transaction.
pub fn event<E: SolEvent>(receipt: &TransactionReceipt) -> Anyhow<E> {
    let found = receipt.logs().iter().find_map(|log| E::decode_log(&log.inner).ok());
    let event = found.ok_or_else(|| anyhow::anyhow!("no {} was emitted", E::SIGNATURE))?;
    Ok(event.data)
}

/// Signs an EIP-712 struct.
pub fn sign<T: SolStruct>(
    signer: &PrivateKeySigner,
    message: &T,
    domain: &alloy::sol_types::Eip712Domain,
) -> Anyhow<Bytes> {
    Ok(Bytes::from(
        signer
            .sign_hash_sync(&message.eip712_signing_hash(domain))?
            .as_bytes()
            .to_vec(),
    ))
}

/// A key that follows from an address and a purpose.
pub fn derived(address: Address, purpose: &str) -> PrivateKeySigner {
    let secret = keccak256((address, purpose.to_owned()).abi_encode());
    PrivateKeySigner::from_bytes(&secret).expect("a hash is a valid key, but for a chance of one in 2^128")
}

/// Waits for something to be there, within generous bounds.
pub async fn until<T, F: Future<Output = Anyhow<Option<T>>>>(what: &str, mut look: impl FnMut() -> F) -> Anyhow<T> {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(POLL).await;
        }
    });
    waited.await.map_err(|_| anyhow::anyhow!("waited in vain for {what}"))?
}
