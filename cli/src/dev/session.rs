//! One run of everything: brought up in the order of dependence, watched, and stopped in the reverse order.

use std::net::Ipv4Addr;
use std::time::Duration;

use alloy::providers::{DynProvider, Provider};
use anyhow::{Context, anyhow, bail};
use plumbline_deploy::Account;
use plumbline_devnet::{Chain, ChainOptions, Postgres, PostgresOptions};
use plumbline_protocol::{Deployment, rpc};
use plumbline_simulator::{Secrets, Simulation};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::Args;
use super::data::DataDir;
use super::part::Part;
use super::places::Places;
use super::status::Status;
use super::takeup::{self, Evidence, Found};
use super::terminal::Terminal;
use crate::simulate;

const DATABASE: &str = "plumbline";
/// How often the local chain makes a block. While contracts are deployed each transaction makes one at once.
const BLOCK_TIME: Duration = Duration::from_secs(2);
/// Blocks of the local chain are final after twice as many: half a minute, and deeper than reorgs that are tried out.
const SLOTS_IN_AN_EPOCH: u64 = 8;
/// How often the two servers are looked after.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
const POLL_INTERVAL_MS: u64 = 200;
/// For a chain that does not tell what is final.
const FINALITY_DEPTH: u64 = 64;
const MAX_RANGE_BLOCKS: u64 = 2_000;
/// The chain id of development chains, whose accounts are public.
const DEV_CHAIN_ID: u64 = 31_337;

/// What runs. The fields are in the order of stopping, which also holds when it is dropped.
pub(super) struct Session<'a> {
    args: &'a Args,
    data: &'a DataDir,
    terminal: Terminal,
    simulator: Option<Part>,
    api: Option<Part>,
    indexer: Option<Part>,
    chain: Option<Chain>,
    postgres: Option<Postgres>,
}

impl<'a> Session<'a> {
    pub(super) fn new(args: &'a Args, data: &'a DataDir, terminal: Terminal) -> Self {
        Self {
            args,
            data,
            terminal,
            simulator: None,
            api: None,
            indexer: None,
            chain: None,
            postgres: None,
        }
    }

    /// Brings everything up, and then tells of every period until a part fails.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        let age = if self.data.is_new() { "new" } else { "taken up again" };
        self.terminal.line(&format!(
            "plumbline dev, data in {} ({age})\n",
            self.data.path().display()
        ));
        let places = self.bring_up().await?;
        let mut status = Status::new(&places.api_url)?;
        self.wait_for_operators(&mut status).await?;
        for line in places.lines(self.args, self.data, self.terminal.elapsed()) {
            self.terminal.line(&line);
        }
        loop {
            let line = tokio::select! {
                line = status.next_line() => line,
                error = self.failure() => return Err(error),
            };
            self.terminal.line(&line);
        }
    }

    async fn bring_up(&mut self) -> anyhow::Result<Places> {
        let database_url = self.start_database().await?;
        let rpc_url = self.start_chain().await?;
        let provider = rpc::connect(&rpc_url).await?;
        let chain_id = provider.get_chain_id().await.map_err(|_| {
            anyhow!(
                "the chain at {} does not answer; check --rpc-url (PLUMBLINE_RPC_URL)",
                rpc::redact(&rpc_url)
            )
        })?;
        // Before anything is paid for.
        let secrets = self.simulator_secrets(chain_id)?;
        let deployment = self.deploy(&provider, &rpc_url, chain_id, &database_url).await?;
        let places = Places {
            database_url,
            rpc_url,
            api_url: format!("http://127.0.0.1:{}", self.args.api_port),
            chain_id,
            deployment,
        };
        self.start_api_and_indexer(&places).await?;
        if let Some(secrets) = &secrets {
            self.start_simulator(&places, secrets).await?;
        }
        self.mine_by_the_clock().await?;
        Ok(places)
    }

    async fn start_database(&mut self) -> anyhow::Result<String> {
        if let Some(url) = &self.args.database_url {
            self.terminal.line("  PostgreSQL          –  the one of DATABASE_URL");
            return Ok(url.clone());
        }
        let options = PostgresOptions {
            data_dir: Some(self.data.postgres()),
            ..PostgresOptions::default()
        };
        let start = async {
            let postgres = spawn_blocking(move || Postgres::start(&options))
                .await
                .context("start PostgreSQL")??;
            let postgres = self.postgres.insert(postgres);
            postgres.database(DATABASE).await
        };
        let said = |_: &String| "accepts connections".to_owned();
        self.terminal.step("PostgreSQL", "starting", start, said).await
    }

    async fn start_chain(&mut self) -> anyhow::Result<String> {
        if let Some(url) = &self.args.rpc_url {
            self.terminal
                .line(&format!("  chain               –  the one at {}", rpc::redact(url)));
            return Ok(url.clone());
        }
        let directory = self.data.chain();
        let options = ChainOptions {
            port: Some(self.args.rpc_port),
            // A chain without contracts is a new one, or one whose set-up was cut short.
            block_time: self.data.has_deployment(DEV_CHAIN_ID).then_some(BLOCK_TIME),
            data_dir: Some(directory),
            slots_in_an_epoch: SLOTS_IN_AN_EPOCH,
            chain_id: DEV_CHAIN_ID,
            ..ChainOptions::default()
        };
        let start = async {
            let chain = spawn_blocking(move || Chain::start(&options))
                .await
                .context("start the chain")??;
            let url = chain.http_url();
            let head = chain.rpc("eth_blockNumber", &json!([]))?;
            self.chain = Some(chain);
            let number = head
                .as_str()
                .and_then(|hex| u64::from_str_radix(hex.trim_start_matches("0x"), 16).ok());
            Ok((url, number.context("read the number of the newest block")?))
        };
        let said = |(_, number): &(String, u64)| format!("at block {number}");
        Ok(self.terminal.step("chain", "starting", start, said).await?.0)
    }

    async fn deploy(
        &self,
        provider: &DynProvider,
        rpc_url: &str,
        chain_id: u64,
        database_url: &str,
    ) -> anyhow::Result<Deployment> {
        let deployments = self.data.deployments();
        let remedy = self.remedy();
        let evidence = Evidence {
            provider,
            chain_id,
            deployments: &deployments,
            database_url,
            remedy: &remedy,
        };
        let found = takeup::look(&evidence).await?;
        let doing = match found {
            Found::Nothing => "deploying",
            Found::Deployment => "checking the deployment",
        };
        let config = match &self.args.config {
            Some(path) => plumbline_deploy::Config::read(path)?,
            None => plumbline_deploy::Config::dev(),
        };
        let options = plumbline_deploy::Options {
            out: deployments,
            poll_interval: Duration::from_millis(50),
            ..plumbline_deploy::Options::default()
        };
        let account = self.deployer(chain_id, found)?;
        let run = async {
            plumbline_deploy::run(rpc_url, &account, &config, &options)
                .await
                .map_err(|error| in_dev(error, &remedy))
        };
        let said = |outcome: &plumbline_deploy::Outcome| {
            let count = outcome.deployment.transactions.len();
            if outcome.is_new {
                format!("deployed in {count} transactions")
            } else {
                "as deployed before".to_owned()
            }
        };
        Ok(self.terminal.step("contracts", doing, run, said).await?.deployment)
    }

    /// A key given by the environment; on a development chain else the first public one.
    fn deployer(&self, chain_id: u64, found: Found) -> anyhow::Result<Account> {
        if let Some(account) = Account::from_environment()? {
            return Ok(account);
        }
        if let Some(key) = self.chain.as_ref().and_then(|chain| chain.keys().first()) {
            return Ok(Account::from_key(key)?);
        }
        match found {
            // Nothing will be signed.
            Found::Deployment => Ok(Account::Watched(alloy::primitives::Address::ZERO)),
            Found::Nothing if chain_id == DEV_CHAIN_ID => Ok(Account::Key(
                alloy::signers::local::MnemonicBuilder::from_phrase_nth(plumbline_devnet::MNEMONIC, 0),
            )),
            Found::Nothing => bail!(
                "deploying to chain {chain_id} takes a key: set {} to the private key of an account that holds native \
                 coins there, or deploy first with `plumbline deploy --out {}`",
                plumbline_deploy::KEY_VARIABLE,
                self.data.deployments().display()
            ),
        }
    }

    /// From now on blocks come by the clock, as on a network.
    async fn mine_by_the_clock(&mut self) -> anyhow::Result<()> {
        if let Some(chain) = self.chain.take() {
            let (chain, result) = spawn_blocking(move || {
                let result = chain.rpc("evm_setIntervalMining", &json!([BLOCK_TIME.as_secs()]));
                (chain, result)
            })
            .await
            .context("set the time between blocks")?;
            self.chain = Some(chain);
            result?;
        }
        Ok(())
    }

    async fn start_api_and_indexer(&mut self, places: &Places) -> anyhow::Result<()> {
        // Before the indexer, whose measurements it also takes.
        let metrics = plumbline_api::install_metrics()?;
        let indexer = plumbline_indexer::Config {
            database_url: places.database_url.clone(),
            rpc_urls: vec![places.rpc_url.clone()],
            quorum: false,
            ws_url: self.chain.as_ref().map(Chain::ws_url),
            deployment: Deployment::path_in(&self.data.deployments(), places.chain_id),
            poll_interval_ms: POLL_INTERVAL_MS,
            finality_depth: FINALITY_DEPTH,
            max_range: MAX_RANGE_BLOCKS,
            listen: None,
            rewind_to: None,
            progress_bar: false,
            webhooks: self.args.webhooks.clone(),
        };
        let recorder = Some(metrics.clone());
        self.indexer = Some(Part::start("indexer", |stop| {
            plumbline_indexer::run(indexer, recorder, stop)
        }));
        let listen = (Ipv4Addr::LOCALHOST, self.args.api_port).into();
        let config = plumbline_api::Config::new(places.database_url.clone(), listen, metrics);
        let terminal = self.terminal;
        let start = async {
            tokio::select! {
                server = plumbline_api::Server::start(&config) => server,
                error = self.failure() => Err(error),
            }
        };
        let said = |server: &plumbline_api::Server| format!("listens at {}", server.address());
        let server = terminal
            .step("API", "waiting for the indexer's tables", start, said)
            .await?;
        let serve = |stop| async move {
            server.run(stop).await;
            Ok(())
        };
        self.api = Some(Part::start("API", serve));
        Ok(())
    }

    /// None when nothing is to be simulated.
    fn simulator_secrets(&self, chain_id: u64) -> anyhow::Result<Option<Secrets>> {
        if self.args.no_simulate {
            return Ok(None);
        }
        let secrets = simulate::secrets_from_environment(chain_id);
        secrets
            .map(Some)
            .context("no network can be simulated (leave it out by --no-simulate)")
    }

    /// Sets the simulated network up and lets it run. What an earlier run has set up is taken up.
    async fn start_simulator(&mut self, places: &Places, secrets: &Secrets) -> anyhow::Result<()> {
        let config = plumbline_simulator::Config {
            rpc_url: places.rpc_url.clone(),
            ..simulated(self.args)
        };
        let terminal = self.terminal;
        let stop = CancellationToken::new();
        let set_up = plumbline_simulator::bootstrap(config, secrets, &places.deployment, &stop);
        let work = async {
            tokio::select! {
                simulation = set_up => simulation.context("set up the simulated network"),
                error = self.failure() => Err(error),
            }
        };
        let said = |simulation: &Simulation| {
            let transactions = simulation.report().transactions_sent;
            if transactions == 0 {
                "as set up before".to_owned()
            } else {
                format!("set up by {transactions} transactions")
            }
        };
        let mut simulation = terminal
            .step("simulator", "setting up operators and payers", work, said)
            .await?;
        self.simulator = Some(Part::start("simulator", |stop| async move {
            let report = simulation.run(&stop).await?;
            tracing::info!(?report, "simulated");
            Ok(())
        }));
        Ok(())
    }

    /// Ready is what a reader sees, not what was started.
    async fn wait_for_operators(&mut self, status: &mut Status) -> anyhow::Result<()> {
        let least = if self.args.no_simulate {
            0
        } else {
            u64::from(self.args.operators)
        };
        let terminal = self.terminal;
        let wait = async {
            tokio::select! {
                operators = status.wait_for_operators(least) => Ok(operators),
                error = self.failure() => Err(error),
            }
        };
        terminal
            .step("indexer", "catching up", wait, |operators| {
                format!("{operators} operators are in the API")
            })
            .await?;
        Ok(())
    }

    /// Resolves when something that should run does not.
    async fn failure(&mut self) -> anyhow::Error {
        let Self {
            simulator,
            api,
            indexer,
            chain,
            postgres,
            ..
        } = self;
        tokio::select! {
            error = failure_of(simulator) => error,
            error = failure_of(api) => error,
            error = failure_of(indexer) => error,
            error = failure_of_servers(chain, postgres) => error,
        }
    }

    fn remedy(&self) -> String {
        if self.args.database_url.is_some() {
            format!(
                "give an empty database, remove {}, and start again",
                self.data.deployments().display()
            )
        } else {
            "begin anew with `plumbline dev --reset` (PLUMBLINE_RESET=true make dev)".to_owned()
        }
    }

    /// Stops what runs, whoever depends on others first. Everything is stopped even when something fails to.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let mut result = Ok(());
        self.terminal.line("");
        for part in [self.simulator.take(), self.api.take(), self.indexer.take()]
            .into_iter()
            .flatten()
        {
            let name = part.name();
            let stopped = self
                .terminal
                .step(name, "stopping", part.stop(), |()| "stopped".to_owned())
                .await;
            result = result.and(stopped);
        }
        if let Some(mut chain) = self.chain.take() {
            let stop = async { spawn_blocking(move || chain.stop()).await.context("stop the chain")? };
            let said = |(): &()| "stopped".to_owned();
            result = result.and(self.terminal.step("chain", "writing its state", stop, said).await);
        }
        if let Some(mut postgres) = self.postgres.take() {
            let stop = async {
                spawn_blocking(move || postgres.stop())
                    .await
                    .context("stop PostgreSQL")?
            };
            result = result.and(
                self.terminal
                    .step("PostgreSQL", "stopping", stop, |()| "stopped".to_owned())
                    .await,
            );
        }
        result
    }
}

/// The network to simulate, wherever the chain is.
pub(super) fn simulated(args: &Args) -> plumbline_simulator::Config {
    plumbline_simulator::Config {
        seed: args.seed,
        operators: args.operators,
        ..plumbline_simulator::Config::default()
    }
}

async fn failure_of(part: &mut Option<Part>) -> anyhow::Error {
    match part {
        Some(part) => part.failure().await,
        None => std::future::pending().await,
    }
}

async fn failure_of_servers(chain: &mut Option<Chain>, postgres: &mut Option<Postgres>) -> anyhow::Error {
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    loop {
        ticks.tick().await;
        let chain = chain.as_mut().map_or(Ok(None), Chain::exited);
        let postgres = postgres.as_mut().map_or(Ok(None), Postgres::exited);
        match (chain, postgres) {
            (Err(error), _) | (_, Err(error)) => return error,
            (Ok(Some(ended)), _) => return anyhow!("the chain stopped: {ended}"),
            (_, Ok(Some(ended))) => return anyhow!("PostgreSQL stopped: {ended}"),
            (Ok(None), Ok(None)) => {}
        }
    }
}

/// The remedies of `plumbline deploy` are flags that `plumbline dev` does not have.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all other errors tell themselves what mends them"
)]
fn in_dev(error: plumbline_deploy::Error, remedy: &str) -> anyhow::Error {
    use plumbline_deploy::Error;
    match error {
        Error::PendingDiffers { path, what } | Error::ExistingDiffers { path, what } => {
            anyhow!(
                "{} was made with {what} than now; use what it was made with, or {remedy}",
                path.display()
            )
        }
        Error::ChainReset { path, detail } => anyhow!(
            "{} is about another chain with the same id ({detail}): the chain was begun anew or its state was lost; \
             {remedy}",
            path.display()
        ),
        Error::Journal { path, cause } => anyhow!("{} is not valid: {cause}; restore it, or {remedy}", path.display()),
        other => other.into(),
    }
}
