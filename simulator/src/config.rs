//! What a simulation is told: size and pace, and the secrets behind its accounts.

use std::fmt;
use std::path::PathBuf;

use alloy::primitives::U256;
use alloy::signers::local::{MnemonicBuilder, PrivateKeySigner};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The words behind the accounts that every development chain funds. Public: never for value.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Chain id of development chains (anvil, hardhat), the only ones where the public words are used unasked.
pub const DEV_CHAIN_ID: u64 = 31_337;
/// The last of the ten accounts that a development chain funds: the first deploys.
const DEV_FAUCET_INDEX: u32 = 9;
const DEV_ACCOUNTS: u32 = 10;

/// A committee needs five operators; metrics of concentration are calibrated up to 450.
const OPERATORS: std::ops::RangeInclusive<u32> = 5..=450;
const MAX_PAYERS: u32 = 2_000;
const MAX_DELEGATORS: u32 = 500;
const MAX_REQUESTS_PER_SLOT: u32 = 5_000;

/// Size and pace of a simulation. It has no `Debug`: RPC URLs hold keys, and logs must not.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// http, https, ws or wss.
    pub rpc_url: String,
    /// The same seed gives the same operators, payers, outages and requests.
    pub seed: u64,
    pub operators: u32,
    pub payers: u32,
    pub delegators: u32,
    /// Requests for inference in each slot, of all payers together.
    pub requests_per_slot: u32,
    /// Slots between two settlements of an operator.
    pub settle_slots: u32,
    /// Transactions a second once set up; none for as many as there are to send.
    pub max_tx_per_second: Option<u32>,
    /// Milliseconds between two looks at the chain's head.
    pub poll_interval_ms: u64,
    /// Seconds of chain time to run after set-up; none to run until cancelled.
    pub duration_seconds: Option<u64>,
    /// Seconds for which the RPC endpoint may fail before the simulation gives up.
    pub outage_limit_seconds: u64,
    /// Folder for receipts and probe replies as JSON; none keeps only their hashes.
    pub evidence_dir: Option<PathBuf>,
    /// Native base units that each account is kept supplied with.
    #[serde(with = "plumbline_protocol::deployment::decimal")]
    pub gas_per_account: U256,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rpc_url: "http://127.0.0.1:8545".into(),
            seed: 7,
            operators: 32,
            payers: 24,
            delegators: 8,
            requests_per_slot: 48,
            settle_slots: 3,
            max_tx_per_second: Some(10),
            poll_interval_ms: 200,
            duration_seconds: None,
            outage_limit_seconds: 600,
            evidence_dir: None,
            gas_per_account: U256::from(1_000_000_000_000_000_000_u64),
        }
    }
}

impl Config {
    /// # Errors
    /// When a size is out of its range; the message names the range.
    pub fn validate(&self) -> Result<()> {
        ensure!(
            OPERATORS.contains(&self.operators),
            "operators is {}, but must be {} to {}",
            self.operators,
            OPERATORS.start(),
            OPERATORS.end()
        );
        within("payers", self.payers, 1, MAX_PAYERS)?;
        within("delegators", self.delegators, 0, MAX_DELEGATORS)?;
        within("requests per slot", self.requests_per_slot, 0, MAX_REQUESTS_PER_SLOT)?;
        within("settle slots", self.settle_slots, 1, 1_000)?;
        ensure!(
            self.max_tx_per_second != Some(0),
            "the rate of transactions is 0, but must be at least 1 a second"
        );
        ensure!(
            self.poll_interval_ms >= 10,
            "the poll interval is {} ms, but must be at least 10",
            self.poll_interval_ms
        );
        ensure!(
            self.gas_per_account > U256::ZERO,
            "gas per account is 0: no account could send anything"
        );
        Ok(())
    }
}

fn within(name: &str, value: u32, low: u32, high: u32) -> Result<()> {
    ensure!(
        (low..=high).contains(&value),
        "{name} is {value}, but must be {low} to {high}"
    );
    Ok(())
}

/// The words that all accounts of the simulation are derived from, and the key that funds them.
#[derive(Clone)]
pub struct Secrets {
    pub mnemonic: String,
    pub faucet: PrivateKeySigner,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("faucet", &self.faucet.address())
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// The public words of development chains, and the last account such a chain funds.
    pub fn dev() -> Self {
        let faucet = MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, DEV_FAUCET_INDEX);
        Self {
            mnemonic: DEV_MNEMONIC.into(),
            faucet,
        }
    }

    /// Accounts that may be asked to act for the network itself, such as to answer a test feed: the faucet, and on a
    /// development chain all that it funds.
    pub(crate) fn guardians(&self, chain_id: u64) -> Vec<PrivateKeySigner> {
        let public = if chain_id == DEV_CHAIN_ID { DEV_ACCOUNTS } else { 0 };
        (0..public)
            .map(|index| MnemonicBuilder::from_phrase_nth(DEV_MNEMONIC, index))
            .chain([self.faucet.clone()])
            .collect()
    }

    /// What was given, and on a development chain the public accounts for what was not.
    ///
    /// # Errors
    /// When something is missing on another chain, or the faucet's key is none.
    pub fn resolve(chain_id: u64, mnemonic: Option<String>, faucet_key: Option<String>) -> Result<Self> {
        let mnemonic = mnemonic.filter(|text| !text.trim().is_empty());
        let faucet_key = faucet_key.filter(|text| !text.trim().is_empty());
        if chain_id == DEV_CHAIN_ID && mnemonic.is_none() && faucet_key.is_none() {
            return Ok(Self::dev());
        }
        ensure!(
            mnemonic.is_some() || chain_id == DEV_CHAIN_ID,
            "chain {chain_id} is no development chain, and the accounts known from there are public; set \
             PLUMBLINE_SIMULATOR_MNEMONIC to words of your own"
        );
        ensure!(
            faucet_key.is_some() || chain_id == DEV_CHAIN_ID,
            "chain {chain_id} has no faucet known to us; set PLUMBLINE_FAUCET_KEY to the private key of an account that \
             holds native coins"
        );
        let faucet = match faucet_key {
            // The parser's error may quote its input, which is a secret.
            Some(key) => key
                .trim()
                .parse()
                .ok()
                .context("PLUMBLINE_FAUCET_KEY is no private key: 64 hex digits")?,
            None => Self::dev().faucet,
        };
        Ok(Self {
            mnemonic: mnemonic.unwrap_or_else(|| DEV_MNEMONIC.into()),
            faucet,
        })
    }
}
