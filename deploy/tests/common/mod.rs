//! A chain, a folder and the configurations that the tests share.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, address};
use alloy::providers::{DynProvider, Provider};
use plumbline_deploy::{Account, Config, Options};
use plumbline_devnet::{Chain, ChainOptions};
use plumbline_protocol::rpc;
use tempfile::TempDir;

/// Transactions of a whole deployment with both test tokens.
pub const TRANSACTIONS: u64 = 20;
pub const ADMIN: Address = address!("00000000000000000000000000000000000ad317");
pub const GOVERNOR: Address = address!("0000000000000000000000000000000000090733");

pub struct World {
    pub chain: Chain,
    pub folder: TempDir,
    pub provider: DynProvider,
    pub account: Account,
}

impl World {
    pub async fn new() -> Self {
        Self::with(&ChainOptions::default()).await
    }

    pub async fn with(options: &ChainOptions) -> Self {
        let chain = Chain::start(options).expect("anvil starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let provider = rpc::connect(&chain.http_url()).await.expect("anvil answers");
        let account = Account::from_key(&chain.keys()[0]).expect("anvil's key is valid");
        Self {
            chain,
            folder,
            provider,
            account,
        }
    }

    pub fn url(&self) -> String {
        self.chain.http_url()
    }

    pub fn options(&self) -> Options {
        Options {
            out: self.folder.path().join("deployments"),
            poll_interval: Duration::from_millis(20),
            ..Options::default()
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("deployments").join(name)
    }

    pub async fn nonce(&self) -> u64 {
        self.provider
            .get_transaction_count(self.account.address())
            .await
            .expect("anvil answers")
    }

    pub async fn run(
        &self,
        config: &Config,
        options: &Options,
    ) -> Result<plumbline_deploy::Outcome, plumbline_deploy::Error> {
        plumbline_deploy::run(&self.url(), &self.account, config, options).await
    }
}

/// The shipped configuration of test networks, governed by somebody who is not the deployer.
pub fn testnet() -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/testnet.toml");
    let mut config = Config::read(&path).expect("the shipped testnet.toml is valid");
    config.access.admin = Some(ADMIN);
    config.access.governor = Some(GOVERNOR);
    config
}
