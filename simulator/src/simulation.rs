//! The simulation: everything that is due at the chain's present time is done in one step; steps follow the chain.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, U256};
use anyhow::{Context, Result, bail};
use plumbline_protocol::Deployment;
use tokio_util::sync::CancellationToken;

use crate::accounts::Keyring;
use crate::availability::Availability;
use crate::books::Books;
use crate::canaries::Canaries;
use crate::clerk::Clerk;
use crate::committee::Committee;
use crate::config::{Config, Secrets};
use crate::delegators::Delegator;
use crate::disputes::Disputes;
use crate::docket::Docket;
use crate::evidence::Evidence;
use crate::gauges::Gauges;
use crate::judges::Findings;
use crate::keeper::Keeper;
use crate::misdeeds::Misdeeds;
use crate::network::{Head, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::payers::Payer;
use crate::population::{MODELS, Population};
use crate::publishers::Publishers;
use crate::report::Report;
use crate::results::Results;
use crate::rewards::Rewards;

/// Rounds of set-up: each account needs at most a handful, but the faucet serves only so many accounts in one.
const MAX_SETUP_ROUNDS: u32 = 96;
/// Rounds in a row in which nothing can be sent before set-up gives up.
const MAX_IDLE_ROUNDS: u32 = 5;
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Where a simulation stands.
#[derive(Debug, Clone)]
pub struct Status {
    pub block: u64,
    pub timestamp: u64,
    /// False before the ledger's genesis.
    pub begun: bool,
    pub period: u64,
    /// Counted from genesis.
    pub slot: u64,
    pub operators_up: usize,
    pub transactions_pending: usize,
}

type Callback = Box<dyn Fn(&Status, &Report) + Send + Sync>;

/// Many clients of the contracts, played by one.
pub struct Simulation {
    pub(crate) config: Config,
    pub(crate) network: Network,
    pub(crate) keyring: Keyring,
    pub(crate) population: Population,
    pub(crate) availability: Availability,
    pub(crate) publishers: Publishers,
    pub(crate) operators: Vec<Operator>,
    pub(crate) payers: Vec<Payer>,
    pub(crate) delegators: Vec<Delegator>,
    pub(crate) committee: Committee,
    pub(crate) keeper: Keeper,
    pub(crate) clerk: Clerk,
    pub(crate) gauges: Gauges,
    pub(crate) rewards: Rewards,
    pub(crate) misdeeds: Misdeeds,
    pub(crate) disputes: Disputes,
    pub(crate) canaries: Canaries,
    pub(crate) findings: Findings,
    pub(crate) docket: Docket,
    pub(crate) results: Results,
    /// Newest block that has a transaction of ours, as far as is known.
    pub(crate) mined_until: u64,
    pub(crate) books: Books,
    pub(crate) evidence: Evidence,
    pub(crate) outbox: Outbox,
    pub(crate) report: Report,
    pub(crate) faucet_coins: U256,
    /// Who is who, for reading logs.
    pub(crate) by_address: BTreeMap<Address, Actor>,
    pub(crate) seen: Option<Head>,
    pub(crate) refreshed_period: Option<u64>,
    /// What is to be done once in this period; it is sent as the rate allows.
    pub(crate) chores: Vec<Call>,
    pub(crate) served_until: Option<u64>,
    pub(crate) on_period: Option<Callback>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    Operator(usize),
    Payer(usize),
}

/// How far set-up got in a round.
#[derive(Debug)]
pub(crate) enum Setup {
    Complete,
    Continues,
    /// Something is missing, but nothing could be sent.
    Stuck,
    /// It cannot succeed, and why.
    Impossible(String),
}

/// Patience with an endpoint that fails: longer and longer pauses, up to a limit.
struct Patience {
    limit: Duration,
    failing_since: Option<Instant>,
    pause: Duration,
}

impl Patience {
    fn new(config: &Config) -> Self {
        let limit = Duration::from_secs(config.outage_limit_seconds);
        Self {
            limit,
            failing_since: None,
            pause: Duration::from_millis(config.poll_interval_ms),
        }
    }

    fn succeed(&mut self, config: &Config) {
        if self.failing_since.take().is_some() {
            tracing::info!("the chain answers again");
        }
        self.pause = Duration::from_millis(config.poll_interval_ms);
    }

    /// How long to wait before the next attempt.
    fn fail(&mut self, error: anyhow::Error) -> Result<Duration> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.limit {
            let limit = self.limit.as_secs();
            return Err(error.context(format!("nothing has worked for {limit} s; giving up")));
        }
        tracing::warn!(
            error = format!("{error:#}"),
            retry_in_ms = self.pause.as_millis(),
            "a step failed"
        );
        let pause = self.pause;
        self.pause = (self.pause * 2).min(MAX_BACKOFF);
        Ok(pause)
    }
}

impl Simulation {
    /// Connects to the chain and derives all accounts. Sends nothing.
    ///
    /// # Errors
    /// When the configuration is out of range, the endpoint does not answer, or the deployment is not on its chain.
    pub async fn connect(config: Config, secrets: &Secrets, deployment: &Deployment) -> Result<Self> {
        config.validate()?;
        let faucet = secrets.faucet.address();
        let network = Network::connect(&config.rpc_url, deployment, faucet).await?;
        let keyring = Keyring::new(&secrets.mnemonic)?;
        let sizes = [config.operators, config.payers, config.delegators].map(|size| size as usize);
        let population = Population::generate(config.seed, sizes[0], sizes[1], sizes[2]);
        let slots = u32::try_from(network.schedule.slots_per_period).context("count slots")?;
        let availability = Availability::new(config.seed, &population, slots);

        let mut outbox = Outbox::default();
        outbox.add_account(&secrets.faucet);
        let publishers = Publishers::new(&keyring, &mut outbox)?;
        let mut operators = Vec::with_capacity(sizes[0]);
        for (index, spec) in population.operators.iter().enumerate() {
            operators.push(Operator::new(&keyring, index, spec.clone(), &mut outbox)?);
        }
        let mut payers = Vec::with_capacity(sizes[1]);
        for index in 0..sizes[1] {
            let requests = config.requests_per_slot;
            payers.push(Payer::new(
                &network,
                &keyring,
                index,
                &population,
                requests,
                &mut outbox,
            )?);
        }
        let mut delegators = Vec::with_capacity(sizes[2]);
        for (index, spec) in population.delegators.iter().enumerate() {
            delegators.push(Delegator::new(&keyring, index, *spec, &operators, &mut outbox)?);
        }
        let guardians = secrets.guardians(network.chain_id);
        let gauges = Gauges::new(&network, &keyring, &deployment.parameters, &guardians, &mut outbox).await?;
        let operator_addresses = operators.iter().map(Operator::address).zip((0..).map(Actor::Operator));
        let payer_addresses = payers.iter().map(Payer::address).zip((0..).map(Actor::Payer));
        Ok(Self {
            by_address: operator_addresses.chain(payer_addresses).collect(),
            committee: Committee::new(&keyring, config.seed, &mut outbox)?,
            keeper: Keeper::new(&keyring, &mut outbox)?,
            clerk: Clerk::new(&keyring, &mut outbox)?,
            rewards: Rewards::new(&network, &keyring, &mut outbox).await?,
            gauges,
            canaries: Canaries::new(deployment.parameters.access.canary, &guardians, &mut outbox),
            misdeeds: Misdeeds::new(config.seed, &population),
            disputes: Disputes::default(),
            findings: Findings::default(),
            docket: Docket::default(),
            results: Results::default(),
            mined_until: 0,
            evidence: Evidence::new(config.evidence_dir.as_deref())?,
            books: Books::default(),
            report: Report::default(),
            faucet_coins: U256::ZERO,
            seen: None,
            refreshed_period: None,
            chores: Vec::new(),
            served_until: None,
            on_period: None,
            config,
            network,
            keyring,
            population,
            availability,
            publishers,
            operators,
            payers,
            delegators,
            outbox,
        })
    }

    /// Calls back once in every period, when it begins.
    #[must_use]
    pub fn on_period(mut self, callback: impl Fn(&Status, &Report) + Send + Sync + 'static) -> Self {
        self.on_period = Some(Box::new(callback));
        self
    }

    /// What was done so far.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        let counts = self.outbox.counts;
        report.transactions_sent = counts.sent;
        report.transactions_mined = counts.mined;
        report.transactions_failed = counts.failed;
        report.transactions_lost = counts.lost;
        report.gas_used = counts.gas;
        report.reports_signed = self.committee.reports_signed;
        report
    }

    /// Who takes part.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// Addresses of the operators, in the order of the population.
    pub fn operator_addresses(&self) -> Vec<Address> {
        self.operators.iter().map(Operator::address).collect()
    }

    /// Addresses of the payers, in the order of the population.
    pub fn payer_addresses(&self) -> Vec<Address> {
        self.payers.iter().map(Payer::address).collect()
    }

    /// Addresses of the keepers, who are rewarded for what they prove, and of who plants canaries.
    pub fn keeper_addresses(&self) -> Vec<Address> {
        let desks = self.clerk.coins().map(|(account, _)| account);
        let planter = self.canaries.planter();
        [self.keeper.address()]
            .into_iter()
            .chain(desks)
            .chain(planter)
            .collect()
    }

    /// Models by name, and their ids.
    pub fn models(&self) -> impl Iterator<Item = (&'static str, B256)> {
        MODELS
            .iter()
            .map(|spec| spec.name)
            .zip(self.publishers.models.iter().map(|model| model.id))
    }

    /// Sets everything up that is not yet: models, stakes, operators, offerings, channels, delegations. What an earlier
    /// run has set up is taken up.
    ///
    /// # Errors
    /// When the endpoint fails for longer than the limit, or a transaction cannot be made to succeed.
    pub async fn bootstrap(&mut self, cancel: &CancellationToken) -> Result<()> {
        let started = Instant::now();
        let mut patience = Patience::new(&self.config);
        let mut idle_rounds = 0;
        for round in 0..MAX_SETUP_ROUNDS {
            let result = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                result = self.setup_round() => result,
            };
            match result {
                Ok(Setup::Complete) => {
                    let (seconds, transactions) = (started.elapsed().as_secs(), self.outbox.counts.sent);
                    tracing::info!(seconds, transactions, rounds = round, "set up");
                    return Ok(());
                }
                Ok(Setup::Continues) => idle_rounds = 0,
                Ok(Setup::Stuck) if idle_rounds < MAX_IDLE_ROUNDS => idle_rounds += 1,
                Ok(Setup::Stuck) => {
                    let failure = self.outbox.last_failure.as_deref();
                    bail!(
                        "set-up cannot go on: {}",
                        failure.unwrap_or("no transaction can be sent")
                    );
                }
                Ok(Setup::Impossible(reason)) => bail!(reason),
                Err(error) => {
                    let pause = patience.fail(error)?;
                    self.pause(pause, cancel).await;
                    continue;
                }
            }
            patience.succeed(&self.config);
        }
        bail!("set-up did not come to an end in {MAX_SETUP_ROUNDS} rounds; the chain drops transactions")
    }

    /// Sets up, and then follows the chain until cancelled, or until the configured duration of chain time is over.
    ///
    /// # Errors
    /// As `bootstrap`.
    pub async fn run(&mut self, cancel: &CancellationToken) -> Result<Report> {
        self.bootstrap(cancel).await?;
        self.outbox.limit_rate(self.config.max_tx_per_second);
        let mut patience = Patience::new(&self.config);
        let mut ends_at = None;
        while !cancel.is_cancelled() {
            let result = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                result = self.step() => result,
            };
            let pause = match result {
                Ok(status) => {
                    patience.succeed(&self.config);
                    let duration = self.config.duration_seconds;
                    let end = *ends_at.get_or_insert(duration.map(|seconds| status.timestamp + seconds));
                    if end.is_some_and(|end| status.timestamp >= end) {
                        break;
                    }
                    Duration::from_millis(self.config.poll_interval_ms)
                }
                Err(error) => patience.fail(error)?,
            };
            self.pause(pause, cancel).await;
        }
        Ok(self.report())
    }

    async fn pause(&self, pause: Duration, cancel: &CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
