//! One run of the deployer: begin or continue, send what is missing, read everything back, write the result.

use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use plumbline_protocol::Deployment;
use plumbline_protocol::deployment::{Addresses, BlockRef, Parameters, SourceKind, Transaction};
use serde_json::Value;
use tokio::time::Instant;

use crate::account::Account;
use crate::config::Config;
use crate::error::Error;
use crate::journal::{Folder, Journal, Record};
use crate::node::Node;
use crate::plan::{self, Blueprint, Step};
use crate::{compiler, estimate, verify};

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of deployments files.
    pub out: PathBuf,
    /// Deploy again though there is a deployment of this chain; its files are kept under another name.
    pub force_new: bool,
    /// Blocks that have to hold the last transaction before the result is written, its own included.
    pub confirmations: u64,
    /// How long to wait for a transaction before it is sent again with higher fees.
    pub receipt_timeout: Duration,
    pub poll_interval: Duration,
    /// Ends with `Error::Stopped` at this point, as a crash would: for drills and tests.
    pub stop_at: Option<(Step, Stop)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            out: PathBuf::from("deployments"),
            force_new: false,
            confirmations: 1,
            receipt_timeout: Duration::from_secs(120),
            poll_interval: Duration::from_millis(250),
            stop_at: None,
        }
    }
}

/// Where in a step to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The transaction is in the journal, but was not sent.
    Journaled,
    /// Sent, and not waited for.
    Sent,
    /// Mined.
    Mined,
}

/// A deployment and how it came about.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub deployment: Deployment,
    /// False when it stood already and was only checked.
    pub is_new: bool,
}

/// What there is when a run begins.
pub(crate) enum Opened {
    /// A whole deployment, checked.
    Existing(Deployment),
    /// Something to do.
    Begun(Session),
}

/// A deployment in progress.
pub(crate) struct Session {
    pub(crate) node: Node,
    pub(crate) folder: Folder,
    pub(crate) options: Options,
    pub(crate) journal: Journal,
}

impl Session {
    /// Looks at the files and the chain, and decides what there is to do. Sends nothing; writes nothing when `dry`.
    pub(crate) async fn open(
        rpc_url: &str,
        deployer: Address,
        config: &Config,
        options: &Options,
        dry: bool,
    ) -> Result<Opened, Error> {
        let node = Node::connect(rpc_url).await?;
        let chain_id = node.chain_id().await?;
        let folder = if dry {
            Folder::read_only(&options.out, chain_id)
        } else {
            Folder::lock(&options.out, chain_id)?
        };
        let journal = if options.force_new {
            None
        } else {
            if let Some(existing) = folder.deployment()? {
                check_existing(&node, &folder, config, &existing).await?;
                if !dry {
                    folder.remove_journal()?;
                }
                return Ok(Opened::Existing(existing));
            }
            folder.journal()?
        };
        let journal = match journal {
            Some(journal) => {
                check_journal(&node, &folder, config, deployer, &journal).await?;
                journal
            }
            None => new_journal(&node, chain_id, deployer, config).await?,
        };
        let mut session = Self {
            node,
            folder,
            options: options.clone(),
            journal,
        };
        session.renumber().await?;
        if !dry {
            if options.force_new {
                session.folder.set_aside()?;
            }
            session.folder.write_journal(&session.journal)?;
        }
        Ok(Opened::Begun(session))
    }

    /// Steps whose nonce was used by something else get new nonces; nothing else can still happen under the old ones.
    async fn renumber(&mut self) -> Result<(), Error> {
        let mined = self.node.nonce(self.journal.deployer).await?;
        for index in 0..self.journal.steps.len() {
            let record = &self.journal.steps[index];
            if record.nonce >= mined {
                break;
            }
            match self.settled(record).await {
                Ok(()) => {}
                Err(Error::Reverted { .. } | Error::NonceTaken { .. }) => {
                    let next = self.node.pending_nonce(self.journal.deployer).await?;
                    tracing::warn!(step = %record.step, nonce = record.nonce, next, "the step failed before; numbering anew");
                    self.journal.number(index, next);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Steps that are not on chain yet.
    pub(crate) async fn open_records(&self) -> Result<&[Record], Error> {
        let mined = self.node.nonce(self.journal.deployer).await?;
        let first = self.journal.steps.iter().position(|record| record.nonce >= mined);
        Ok(first.map_or(&[], |first| &self.journal.steps[first..]))
    }

    /// Fails before the first expense when the balance cannot cover all.
    pub(crate) async fn check_balance(&self) -> Result<(), Error> {
        let open = self.open_records().await?;
        let Some(first) = open.first() else {
            return Ok(());
        };
        let estimates = estimate::steps(&self.node, &self.journal.blueprint(), open).await?;
        let gas: u64 = estimates.iter().map(|estimate| estimate.gas).sum();
        let needed = U256::from(gas) * U256::from(self.node.gas_price().await?);
        let balance = self.node.balance(self.journal.deployer).await?;
        if balance < needed {
            let address = self.journal.deployer;
            return Err(Error::InsufficientBalance {
                address,
                balance,
                needed,
                step: first.step,
            });
        }
        Ok(())
    }

    /// Sends or awaits every step, reads all back and writes the deployments file.
    pub(crate) async fn complete(mut self, account: &Account) -> Result<Deployment, Error> {
        for index in 0..self.journal.steps.len() {
            self.execute(index, account).await?;
        }
        let deployment = self.collect().await?;
        self.await_confirmations(&deployment).await?;
        // A reorganisation while waiting may have moved or dropped transactions.
        let deployment = self.collect().await?;
        let blueprint = self.journal.blueprint();
        for record in &self.journal.steps {
            if record.step != Step::Roles {
                verify::code(&self.node, &blueprint, record.step).await?;
            }
        }
        if let Some(detail) = verify::role_fault(&self.node, &blueprint).await? {
            let address = blueprint.addresses.access_manager;
            return Err(Error::Mismatch {
                what: "AccessManager".into(),
                address,
                detail,
            });
        }
        self.folder.finish(&deployment)?;
        Ok(deployment)
    }

    async fn await_confirmations(&self, deployment: &Deployment) -> Result<(), Error> {
        let last = deployment
            .transactions
            .iter()
            .map(|transaction| transaction.block_number)
            .max()
            .unwrap_or_default();
        let deadline = Instant::now()
            + self.options.receipt_timeout * u32::try_from(self.options.confirmations).unwrap_or(u32::MAX);
        while self.node.block_number().await? + 1 < last + self.options.confirmations {
            if Instant::now() > deadline {
                return Err(Error::NotConfirmed {
                    confirmations: self.options.confirmations,
                });
            }
            tokio::time::sleep(self.options.poll_interval).await;
        }
        Ok(())
    }

    /// The deployment as its receipts tell it.
    async fn collect(&self) -> Result<Deployment, Error> {
        let journal = &self.journal;
        let mut transactions = Vec::with_capacity(journal.steps.len());
        let mut first_block: Option<BlockRef> = None;
        for record in &journal.steps {
            let receipt = self.find_receipt(record).await?;
            let vanished = || Error::Vanished { step: record.step };
            let number = receipt.block_number.ok_or_else(vanished)?;
            let hash = receipt.block_hash.ok_or_else(vanished)?;
            if first_block.is_none_or(|first| number < first.number) {
                first_block = Some(BlockRef { number, hash });
            }
            transactions.push(Transaction {
                step: record.step.to_string(),
                contract: record.step.address(&journal.addresses),
                hash: receipt.transaction_hash,
                block_number: number,
                gas_used: receipt.gas_used,
                cost: U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price),
            });
        }
        Ok(Deployment {
            source: SourceKind::Plumbline,
            chain_id: journal.chain_id,
            block: first_block.ok_or(Error::Vanished {
                step: Step::AccessManager,
            })?,
            contracts: journal.addresses,
            parameters: journal.parameters.clone(),
            compiler: compiler::used(),
            deployer: journal.deployer,
            transactions,
        })
    }

    async fn find_receipt(&self, record: &Record) -> Result<alloy::rpc::types::TransactionReceipt, Error> {
        for attempt in &record.attempts {
            if let Some(receipt) = self.node.receipt(attempt.hash).await? {
                return Ok(receipt);
            }
        }
        // Signed elsewhere: the hash is not known here.
        let (from, after) = (self.journal.deployer, self.journal.start_block);
        if let Some(hash) = self.node.find_transaction(from, record.nonce, after).await?
            && let Some(receipt) = self.node.receipt(hash).await?
        {
            return Ok(receipt);
        }
        Err(Error::Vanished { step: record.step })
    }
}

async fn new_journal(node: &Node, chain_id: u64, deployer: Address, config: &Config) -> Result<Journal, Error> {
    let parameters = config.resolve(deployer, node.time().await?)?;
    let (stake, fee) = config.given_tokens();
    let feed = config.given_feed();
    let given = [("the token", stake), ("the token", fee), ("the price feed", feed)];
    for (what, address) in given.into_iter().filter_map(|(what, given)| Some((what, given?))) {
        if node.code(address).await?.is_empty() {
            let detail = "there is no contract on this chain".into();
            return Err(Error::Mismatch {
                what: what.into(),
                address,
                detail,
            });
        }
    }
    let mut addresses = Addresses::default();
    addresses.stake_token = stake.unwrap_or_default();
    // Without a token of its own for fees, the stake token serves for both.
    addresses.fee_token = if config.tokens.fee.is_none() {
        addresses.stake_token
    } else {
        fee.unwrap_or_default()
    };
    addresses.price_feed = feed.unwrap_or_default();
    let steps = Step::needed(&parameters);
    let mut journal = Journal {
        chain_id,
        genesis_hash: genesis_hash(node).await?,
        start_block: node.block_number().await?,
        deployer,
        creation_code_hash: plan::creation_code_hash(),
        parameters,
        addresses,
        steps: steps
            .into_iter()
            .map(|step| Record {
                step,
                nonce: 0,
                attempts: Vec::new(),
            })
            .collect(),
    };
    journal.number(0, node.pending_nonce(deployer).await?);
    Ok(journal)
}

async fn genesis_hash(node: &Node) -> Result<B256, Error> {
    Ok(node.block_hash(0).await?.unwrap_or_default())
}

/// A journal may be continued only by the same deployer with the same contracts and parameters on the same chain.
async fn check_journal(
    node: &Node,
    folder: &Folder,
    config: &Config,
    deployer: Address,
    journal: &Journal,
) -> Result<(), Error> {
    let path = folder.journal_path();
    if genesis_hash(node).await? != journal.genesis_hash {
        return Err(Error::ChainReset {
            path,
            detail: "the genesis block differs".into(),
        });
    }
    let difference = if deployer == journal.deployer {
        difference(
            config,
            deployer,
            journal.creation_code_hash,
            &journal.parameters,
            &journal.addresses,
        )?
    } else {
        Some(format!("another deployer ({})", journal.deployer))
    };
    difference.map_or(Ok(()), |what| Err(Error::PendingDiffers { path, what }))
}

/// Checks that a deployments file is about this chain and this configuration, and that the code is there.
async fn check_existing(node: &Node, folder: &Folder, config: &Config, existing: &Deployment) -> Result<(), Error> {
    let path = folder.deployment_path();
    if node.block_hash(existing.block.number).await? != Some(existing.block.hash) {
        let detail = format!("block {} is not {}", existing.block.number, existing.block.hash);
        return Err(Error::ChainReset { path, detail });
    }
    let built = existing.compiler.creation_code_hash;
    if let Some(what) = difference(
        config,
        existing.deployer,
        built,
        &existing.parameters,
        &existing.contracts,
    )? {
        return Err(Error::ExistingDiffers { path, what });
    }
    let (deployer, parameters, addresses) = (existing.deployer, &existing.parameters, &existing.contracts);
    let blueprint = Blueprint {
        deployer,
        parameters,
        addresses,
    };
    for step in Step::needed(parameters) {
        if step != Step::Roles {
            verify::code(node, &blueprint, step).await?;
        }
    }
    Ok(())
}

/// First difference between what the configuration asks for and what was begun or done.
fn difference(
    config: &Config,
    deployer: Address,
    creation_code_hash: B256,
    parameters: &Parameters,
    addresses: &Addresses,
) -> Result<Option<String>, Error> {
    if creation_code_hash != plan::creation_code_hash() {
        return Ok(Some("other contract code".into()));
    }
    let (stake, fee) = config.given_tokens();
    for (given, used) in [(stake, addresses.stake_token), (fee, addresses.fee_token)] {
        if given.is_some_and(|given| given != used) {
            return Ok(Some(format!("another token ({used})")));
        }
    }
    if config.given_feed().is_some_and(|given| given != addresses.price_feed) {
        return Ok(Some(format!("another price feed ({})", addresses.price_feed)));
    }
    let mut wanted = config.resolve(deployer, 0)?;
    if config.uptime.genesis.is_none() {
        wanted.uptime.genesis = parameters.uptime.genesis;
    }
    let [wanted, used] = [&wanted, parameters].map(|parameters| serde_json::json!(parameters));
    Ok(first_difference("", &wanted, &used).map(|(key, value)| format!("another {key} ({value})")))
}

fn first_difference(key: &str, wanted: &Value, used: &Value) -> Option<(String, String)> {
    match (wanted, used) {
        (Value::Object(wanted), Value::Object(used)) => wanted.iter().find_map(|(name, value)| {
            let key = if key.is_empty() {
                name.clone()
            } else {
                format!("{key}.{name}")
            };
            first_difference(&key, value, &used[name])
        }),
        _ if wanted == used => None,
        _ => Some((key.to_owned(), used.to_string())),
    }
}
