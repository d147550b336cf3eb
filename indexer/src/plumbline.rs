//! The source of this project's own contracts.

use alloy::primitives::Address;
use anyhow::Context;
use plumbline_protocol::deployment::BlockRef;
use plumbline_protocol::{Contract, Deployment};
use sqlx::PgConnection;

use crate::accounts::Accounts;
use crate::book::{Book, Page, Parameters};
use crate::chain::Chain;
use crate::events::{self, Event};
use crate::identity::{Identity, tokens};
use crate::log::Log;
use crate::rows::{At, Rows};
use crate::schedule::{Closing, Schedule};
use crate::source::Source;
use crate::sql::{Uint, address};
use crate::{database, fold, refold};

/// The contracts of a deployments file that `plumbline deploy` wrote.
pub(crate) struct Plumbline {
    deployment: Deployment,
}

impl Plumbline {
    pub(crate) fn new(deployment: Deployment) -> Self {
        Self { deployment }
    }
}

/// Balances and standing of every account, and what the contracts were configured with.
pub(crate) struct State {
    accounts: Accounts,
    parameters: Parameters,
}

impl Source for Plumbline {
    type Event = Event;
    type State = State;

    fn name(&self) -> &'static str {
        "plumbline"
    }

    fn chain_id(&self) -> u64 {
        self.deployment.chain_id
    }

    fn first_block(&self) -> BlockRef {
        self.deployment.block
    }

    fn contracts(&self) -> Vec<(&'static str, Address)> {
        let deployed = self.deployment.contracts.deployed();
        deployed.map(|(contract, address)| (contract.name(), address)).collect()
    }

    fn decode(&self, log: &Log<'_>, rows: &mut Rows) -> anyhow::Result<Option<Event>> {
        let addresses = &self.deployment.contracts;
        let event = events::decode(log, addresses)?;
        let mut page = Page {
            rows,
            addresses,
            at: log.at,
        };
        events::fact(&event, &mut page)?;
        Ok(Some(event))
    }

    fn configures(&self, event: &Event, at: At) -> anyhow::Result<Option<Schedule>> {
        event.schedule(at)
    }

    async fn claim(&self, db: &mut PgConnection, _chain: &Chain, identity: Identity) -> anyhow::Result<()> {
        claim(db, &self.deployment, identity).await
    }

    async fn check(&self, db: &mut PgConnection) -> anyhow::Result<()> {
        check(db, &self.deployment).await
    }

    async fn describe(&self, db: &mut PgConnection, chain: &Chain) -> anyhow::Result<()> {
        database::record_tokens(db, &tokens(chain, &self.deployment.contracts).await?).await?;
        refold::if_outdated(db).await
    }

    async fn load(&self, db: &mut PgConnection) -> anyhow::Result<State> {
        Ok(State {
            accounts: Accounts::default(),
            parameters: parameters(db, &self.deployment).await?,
        })
    }

    fn schedule(&self, state: &State) -> Option<Schedule> {
        state.parameters.schedule
    }

    async fn apply(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        state: &mut State,
        event: &Event,
        at: At,
    ) -> anyhow::Result<()> {
        let mut book = Book::new(db, rows, &mut state.accounts, &mut state.parameters, at);
        events::apply(event, &mut book).await
    }

    fn end_block(&self, rows: &mut Rows, state: &mut State, block_number: i64) {
        state.accounts.write(block_number, rows);
    }

    async fn fold(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        _state: &mut State,
        schedule: &Schedule,
        closing: Closing,
    ) -> anyhow::Result<()> {
        fold::fold(db, rows, schedule, closing).await
    }

    fn trim(&self, state: &mut State) {
        state.accounts.trim();
    }
}

async fn check(db: &mut PgConnection, deployment: &Deployment) -> anyhow::Result<()> {
    let row = sqlx::query!(
        "select model_registry, stake_vault, operator_registry, uptime_ledger, price_oracle, reward_reserve,
                inference_settlement, slasher, block_randomness, verifier_registry, judge_committee, stress_gauge,
                case_docket, audit_manager, challenge_manager
         from deployment"
    )
    .fetch_one(db)
    .await
    .context("read the deployment's contracts")?;
    for (contract, in_database) in [
        (Contract::ModelRegistry, &row.model_registry),
        (Contract::StakeVault, &row.stake_vault),
        (Contract::OperatorRegistry, &row.operator_registry),
        (Contract::UptimeLedger, &row.uptime_ledger),
        (Contract::PriceOracle, &row.price_oracle),
        (Contract::RewardReserve, &row.reward_reserve),
        (Contract::InferenceSettlement, &row.inference_settlement),
        (Contract::Slasher, &row.slasher),
        (Contract::BlockRandomness, &row.block_randomness),
        (Contract::VerifierRegistry, &row.verifier_registry),
        (Contract::JudgeCommittee, &row.judge_committee),
        (Contract::StressGauge, &row.stress_gauge),
        (Contract::CaseDocket, &row.case_docket),
        (Contract::AuditManager, &row.audit_manager),
        (Contract::ChallengeManager, &row.challenge_manager),
    ] {
        let given = deployment.contracts.of(contract);
        database::same(contract.name(), address(in_database)?, given)?;
    }
    Ok(())
}

async fn claim(db: &mut PgConnection, deployment: &Deployment, identity: Identity) -> anyhow::Result<()> {
    let contracts = &deployment.contracts;
    sqlx::query!(
        "insert into deployment (source, chain_id, genesis_hash, start_block, model_registry, stake_vault,
                                 operator_registry, uptime_ledger, price_oracle, reward_reserve, inference_settlement,
                                 slasher, block_randomness, verifier_registry, judge_committee, stress_gauge, case_docket,
                                 audit_manager, challenge_manager)
         values ('plumbline', $1, $2::bytea, $3, $4::bytea, $5::bytea, $6::bytea, $7::bytea, $8::bytea, $9::bytea,
                 $10::bytea, $11::bytea, $12::bytea, $13::bytea, $14::bytea, $15::bytea, $16::bytea, $17::bytea,
                 $18::bytea)",
        i64::try_from(identity.chain_id)?,
        identity.genesis_hash.as_slice(),
        i64::try_from(deployment.block.number)?,
        contracts.model_registry.as_slice(),
        contracts.stake_vault.as_slice(),
        contracts.operator_registry.as_slice(),
        contracts.uptime_ledger.as_slice(),
        contracts.price_oracle.as_slice(),
        contracts.reward_reserve.as_slice(),
        contracts.inference_settlement.as_slice(),
        contracts.slasher.as_slice(),
        contracts.block_randomness.as_slice(),
        contracts.verifier_registry.as_slice(),
        contracts.judge_committee.as_slice(),
        contracts.stress_gauge.as_slice(),
        contracts.case_docket.as_slice(),
        contracts.audit_manager.as_slice(),
        contracts.challenge_manager.as_slice(),
    )
    .execute(db)
    .await
    .context("record the deployment")?;
    Ok(())
}

/// What the contracts were configured with, as far as it is indexed.
async fn parameters(db: &mut PgConnection, deployment: &Deployment) -> anyhow::Result<Parameters> {
    let row = sqlx::query!(
        r#"select (select reserve from inference_settlement_configured limit 1) as reserve,
                  (select sink from stake_vault_configured limit 1) as sink"#
    )
    .fetch_one(&mut *db)
    .await
    .context("read the configuration")?;
    let schedule = schedule(db).await?;
    Ok(Parameters {
        addresses: deployment.contracts,
        reserve: row.reserve.as_deref().map(address).transpose()?,
        sink: row.sink.as_deref().map(address).transpose()?,
        schedule,
    })
}

/// The schedule of the uptime ledger, once it is indexed.
pub(crate) async fn schedule(db: &mut PgConnection) -> anyhow::Result<Option<Schedule>> {
    let row = sqlx::query!(
        r#"select genesis as "genesis: Uint", slot_seconds, slots_per_period, report_window as "report_window: Uint",
                  timestamp
           from uptime_ledger_configured join block on number = block_number limit 1"#
    )
    .fetch_optional(db)
    .await
    .context("read the schedule")?;
    Ok(match row {
        Some(row) => Some(Schedule {
            genesis: row.genesis.0.to(),
            period_seconds: u64::try_from(row.slot_seconds)? * u64::try_from(row.slots_per_period)?,
            slots: u32::try_from(row.slots_per_period)?,
            report_window: row.report_window.0.to(),
            deployed_at: u64::try_from(row.timestamp)?,
        }),
        None => None,
    })
}
