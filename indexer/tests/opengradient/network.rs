//! A real chain with stand-ins of the other network's contracts, and a clock that tests move.

use std::path::PathBuf;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{BlockNumberOrTag, TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use plumbline_devnet::{Chain, ChainOptions};
use plumbline_indexer::Config;
use plumbline_protocol::rpc;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Anyhow, Database, Indexer, until};

pub(crate) const INTERVAL: u64 = 900;
pub(crate) const MAX_AGE: u64 = 1_800;
const SLOTS: u64 = 4;
pub(crate) const PERIOD: u64 = SLOTS * INTERVAL;
/// Longest silence of the relay that is none, and what a period waits for after its end.
const RELAY_GAP: u64 = 1_200;
const GAS: u64 = 10_000_000;

#[allow(missing_docs, clippy::too_many_arguments)]
mod bindings {
    alloy::sol!(EnclaveRegistry, "../contracts/abi/EnclaveRegistry.json");
    alloy::sol!(EnclaveOwner, "../contracts/abi/EnclaveOwner.json");
    alloy::sol!(SettlementRelay, "../contracts/abi/SettlementRelay.json");
}

pub(crate) use bindings::EnclaveRegistry as registry;
pub(crate) use bindings::SettlementRelay as relay;

pub(crate) struct Network {
    _chain: Chain,
    url: String,
    provider: DynProvider,
    pub(crate) admin: Address,
    pub(crate) owners: Vec<Address>,
    /// Where every enclave is paid.
    pub(crate) payment: Address,
    registry: Address,
    relay: Address,
    contract_owner: Address,
    /// Unix seconds at which period 0 begins.
    genesis: u64,
    folder: TempDir,
}

impl Network {
    /// The contracts, without any enclave.
    pub(crate) async fn new() -> Anyhow<Self> {
        let chain = Chain::start(&ChainOptions {
            accounts: 5,
            ..ChainOptions::default()
        })?;
        let url = chain.http_url();
        let provider = rpc::connect(&url).await?;
        let accounts = provider.get_accounts().await?;
        let deploy = async |code: &Bytes| deploy(&provider, accounts[0], code).await;
        let first = deploy(&registry::BYTECODE).await?;
        let relay = deploy(&relay::BYTECODE).await?;
        let owner = deploy(&bindings::EnclaveOwner::BYTECODE).await?;
        let number = first.block_number.unwrap_or_default();
        let block = provider.get_block_by_number(number.into()).await?;
        let header = block.ok_or_else(|| anyhow::anyhow!("no block {number}"))?.header;
        let network = Self {
            url,
            admin: accounts[0],
            owners: accounts[1..4].to_vec(),
            payment: accounts[4],
            registry: address(&first)?,
            relay: address(&relay)?,
            contract_owner: address(&owner)?,
            genesis: (header.timestamp / PERIOD + 1) * PERIOD,
            folder: tempfile::tempdir()?,
            provider,
            _chain: chain,
        };
        network.write_file(&json!({
            "source": "opengradient",
            "chain_id": network.provider.get_chain_id().await?,
            "block": { "number": number, "hash": header.hash },
            "registry": network.registry,
            "relay": network.relay,
            "native_token": { "symbol": "NAT", "decimals": 18 },
            "heartbeat": { "interval_seconds": INTERVAL, "max_age_seconds": MAX_AGE },
            "period": { "slot_seconds": INTERVAL, "slots": SLOTS },
        }))?;
        Ok(network)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("network.json")
    }

    fn write_file(&self, content: &Value) -> Anyhow {
        Ok(std::fs::write(self.file(), serde_json::to_vec(content)?)?)
    }

    pub(crate) fn change_file(&self, change: impl FnOnce(&mut Value)) -> Anyhow {
        let mut content = serde_json::from_slice(&std::fs::read(self.file())?)?;
        change(&mut content);
        self.write_file(&content)
    }

    pub(crate) fn config(&self, database_url: &str) -> Config {
        Config {
            poll_interval_ms: 20,
            ..Config::new(database_url, &self.url, self.file())
        }
    }

    async fn send(&self, from: Address, to: Address, input: Vec<u8>) -> Anyhow<TransactionReceipt> {
        let request = TransactionRequest::default()
            .from(from)
            .to(to)
            .input(Bytes::from(input).into());
        sent(&self.provider, request).await
    }

    pub(crate) async fn registry_call<C: SolCall>(&self, from: Address, call: C) -> Anyhow {
        self.send(from, self.registry, call.abi_encode()).await.map(drop)
    }

    pub(crate) async fn relay_call<C: SolCall>(&self, call: C) -> Anyhow {
        self.send(self.admin, self.relay, call.abi_encode()).await.map(drop)
    }

    /// Registers an enclave whose key is the owner's with this name, and gives its identity.
    pub(crate) async fn register(&self, owner: Address, key: &str, code: &[u8], endpoint: &str) -> Anyhow<B256> {
        let key = [owner.as_slice(), key.as_bytes()].concat();
        let call = registry::registerTEEWithAttestationCall {
            attestationDocument: code.to_vec().into(),
            signingPublicKey: key.clone().into(),
            tlsCertificate: Bytes::new(),
            paymentAddress: self.payment,
            endpoint: endpoint.to_owned(),
            teeType: 1,
        };
        self.registry_call(owner, call).await?;
        Ok(keccak256(key))
    }

    /// One enclave of each owner.
    pub(crate) async fn register_one_each(&self) -> Anyhow<Vec<B256>> {
        let mut enclaves = Vec::new();
        for owner in &self.owners {
            enclaves.push(self.register(*owner, "one", b"code", "").await?);
        }
        Ok(enclaves)
    }

    /// The same through a contract, which then is the owner.
    pub(crate) async fn register_by_contract(&self, key: &str, endpoint: &str) -> Anyhow {
        let call = bindings::EnclaveOwner::registerCall {
            registry: self.registry,
            publicKey: key.as_bytes().to_vec().into(),
            payment: self.payment,
            endpoint: endpoint.to_owned(),
        };
        self.send(self.admin, self.contract_owner, call.abi_encode())
            .await
            .map(drop)
    }

    /// The next block is so many seconds after period 0 began.
    pub(crate) async fn at(&self, seconds: u64) -> Anyhow {
        let time = self.genesis + seconds;
        self.rpc("evm_setNextBlockTimestamp", json!([time])).await
    }

    /// Heartbeats of several enclaves, signed so many seconds after period 0 began.
    pub(crate) async fn beat(&self, enclaves: &[B256], signed: u64) -> Anyhow {
        let call = registry::heartbeatsCall {
            teeIds: enclaves.to_vec(),
            timestamp: U256::from(self.genesis + signed),
        };
        self.registry_call(self.admin, call).await
    }

    /// A settlement of the receipt of this number.
    pub(crate) async fn settle(&self, tee_id: B256, number: u64) -> Anyhow {
        let call = relay::settleCall {
            teeId: tee_id,
            ethAddress: self.payment,
            inputHash: B256::from(U256::from(number)),
            outputHash: B256::from(U256::from(number)),
            timestamp: U256::from(self.genesis + number),
            walrusBlobId: "blob".into(),
            signature: "signature".into(),
        };
        self.relay_call(call).await
    }

    /// Mines the block that closes a period.
    pub(crate) async fn close(&self, period: u64) -> Anyhow {
        self.at((period + 1) * PERIOD + RELAY_GAP).await?;
        self.rpc("anvil_mine", json!(["0x1"])).await
    }

    pub(crate) async fn reorg(&self, depth: u64) -> Anyhow {
        self.rpc("anvil_reorg", json!([depth, []])).await
    }

    async fn rpc(&self, method: &'static str, parameters: Value) -> Anyhow {
        let _: Value = self.provider.raw_request(method.into(), parameters).await?;
        Ok(())
    }

    /// Waits until the database holds everything up to the head.
    pub(crate) async fn settled(&self, database: &Database) -> Anyhow {
        until("the indexer to reach the head", async || {
            let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
            let header = block.ok_or_else(|| anyhow::anyhow!("no latest block"))?.header;
            let settled = database.settled_at(header.number, header.hash).await?;
            Ok(settled.then_some(()))
        })
        .await
    }

    /// Indexes what is new.
    pub(crate) async fn catch_up(&self, database: &Database) -> Anyhow {
        let indexer = Indexer::start(self.config(&database.url));
        self.settled(database).await?;
        indexer.stop().await
    }

    /// A fresh database with everything up to the head.
    pub(crate) async fn indexed(&self) -> Anyhow<Database> {
        let database = Database::new().await?;
        self.catch_up(&database).await?;
        Ok(database)
    }

    /// The same once a period is closed.
    pub(crate) async fn closed(&self, period: u64) -> Anyhow<Database> {
        self.close(period).await?;
        self.indexed().await
    }
}

async fn sent(provider: &DynProvider, request: TransactionRequest) -> Anyhow<TransactionReceipt> {
    // An estimate is made at another time than that which the block gets, and then a word may cost less to write.
    let request = request.gas_limit(GAS);
    let hash = *provider.send_transaction(request).await?.tx_hash();
    let receipt = until("a receipt", async || Ok(provider.get_transaction_receipt(hash).await?)).await?;
    anyhow::ensure!(receipt.status(), "transaction {hash} reverted");
    Ok(receipt)
}

async fn deploy(provider: &DynProvider, from: Address, code: &Bytes) -> Anyhow<TransactionReceipt> {
    let request = TransactionRequest::default().from(from).with_deploy_code(code.clone());
    sent(provider, request).await
}

fn address(receipt: &TransactionReceipt) -> Anyhow<Address> {
    receipt
        .contract_address
        .ok_or_else(|| anyhow::anyhow!("no contract was created"))
}
