//! The source of another network's registry of enclaves and settlement relay.

mod details;
mod enclaves;
mod facts;
mod findings;
mod heard;
mod lines;
mod period;
mod watch;

use alloy::primitives::{Address, B256};
use anyhow::Context;
use plumbline_drift::heartbeats::Rules;
use plumbline_protocol::deployment::BlockRef;
use plumbline_protocol::opengradient::Network;
use sqlx::PgConnection;

use crate::accounts::Accounts;
use crate::chain::Chain;
use crate::database;
use crate::identity::{Identity, TokenInfo};
use crate::log::Log;
use crate::rows::{At, Rows};
use crate::schedule::{Closing, Schedule};
use crate::source::Source;
use crate::sql::address;

use enclaves::Enclaves;
use heard::Heard;

/// The contracts of a deployments file of kind `opengradient`.
pub(crate) struct Opengradient {
    network: Network,
}

/// What changes who is in service. Heartbeats and settlements are facts alone, until their period closes.
pub(crate) enum Event {
    Registered {
        tee_id: B256,
        owner: Address,
        tee_type: u8,
        details: details::Details,
    },
    Enabled(B256),
    Disabled(B256),
    Revoked {
        pcr_hash: B256,
        tee_type: u8,
    },
}

pub(crate) struct State {
    accounts: Accounts,
    enclaves: Enclaves,
    heard: Heard,
    schedule: Schedule,
}

impl Opengradient {
    pub(crate) fn new(network: Network) -> Self {
        Self { network }
    }

    fn rules(&self) -> Rules {
        Rules {
            interval_seconds: self.network.heartbeat.interval_seconds,
            max_age_seconds: self.network.heartbeat.max_age_seconds,
        }
    }

    /// Period 0 begins at the first multiple of a period's length after the first block.
    fn schedule_from(&self, deployed_at: u64) -> Schedule {
        let period_seconds = self.network.period.seconds();
        Schedule {
            genesis: (deployed_at / period_seconds + 1) * period_seconds,
            period_seconds,
            slots: self.network.period.slots,
            // So long it takes until the last slots are known not to lie in a gap of the relay.
            report_window: self.rules().relay_gap_seconds(),
            deployed_at,
        }
    }
}

impl Source for Opengradient {
    type Event = Event;
    type State = State;

    fn name(&self) -> &'static str {
        "opengradient"
    }

    fn chain_id(&self) -> u64 {
        self.network.chain_id
    }

    fn first_block(&self) -> BlockRef {
        self.network.block
    }

    fn contracts(&self) -> Vec<(&'static str, Address)> {
        vec![("registry", self.network.registry), ("relay", self.network.relay)]
    }

    fn decode(&self, log: &Log<'_>, rows: &mut Rows) -> anyhow::Result<Option<Event>> {
        facts::decode(&self.network, log, rows)
    }

    async fn complete(&self, chain: &Chain, events: Vec<&mut (At, Event)>) -> anyhow::Result<()> {
        details::complete(chain, self.network.registry, events).await
    }

    async fn claim(&self, db: &mut PgConnection, chain: &Chain, identity: Identity) -> anyhow::Result<()> {
        let first_block = chain.existing_header(self.network.block.number).await?;
        claim(db, self, identity, &self.schedule_from(first_block.timestamp)).await
    }

    async fn check(&self, db: &mut PgConnection) -> anyhow::Result<()> {
        check(db, &self.network).await
    }

    async fn describe(&self, db: &mut PgConnection, _chain: &Chain) -> anyhow::Result<()> {
        let token = TokenInfo {
            token: Address::ZERO,
            symbol: self.network.native_token.symbol.clone(),
            decimals: self.network.native_token.decimals,
        };
        database::record_tokens(db, &[token]).await
    }

    async fn load(&self, db: &mut PgConnection) -> anyhow::Result<State> {
        let deployed_at = sqlx::query_scalar!("select deployed_at from opengradient")
            .fetch_one(&mut *db)
            .await
            .context("read the time of the first block")?;
        let tip = database::tip(db).await?;
        Ok(State {
            accounts: Accounts::default(),
            enclaves: Enclaves::load(db).await?,
            heard: Heard::after(tip.map_or(-1, |tip| tip.number)),
            schedule: self.schedule_from(u64::try_from(deployed_at)?),
        })
    }

    fn schedule(&self, state: &State) -> Option<Schedule> {
        Some(state.schedule)
    }

    async fn apply(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        state: &mut State,
        event: &Event,
        at: At,
    ) -> anyhow::Result<()> {
        let State { accounts, enclaves, .. } = state;
        enclaves.apply(db, rows, accounts, event, at).await
    }

    fn end_block(&self, rows: &mut Rows, state: &mut State, block_number: i64) {
        state.enclaves.write(block_number, rows);
        state.accounts.write(block_number, rows);
    }

    fn keep(&self, state: &mut State, facts: &Rows, last_block: u64) -> anyhow::Result<()> {
        state.heard.add(facts.waiting("heartbeat_received", last_block))
    }

    async fn fold(
        &self,
        db: &mut PgConnection,
        rows: &mut Rows,
        state: &mut State,
        schedule: &Schedule,
        closing: Closing,
    ) -> anyhow::Result<()> {
        let State { accounts, heard, .. } = state;
        period::fold(db, rows, accounts, heard, self.rules(), schedule, closing).await
    }

    fn trim(&self, state: &mut State) {
        state.accounts.trim();
    }
}

async fn claim(
    db: &mut PgConnection,
    source: &Opengradient,
    identity: Identity,
    schedule: &Schedule,
) -> anyhow::Result<()> {
    let network = &source.network;
    sqlx::query!(
        "with none as (select decode(repeat('00', 20), 'hex') as address), made as (
             insert into deployment (source, chain_id, genesis_hash, start_block, model_registry, stake_vault,
                                     operator_registry, uptime_ledger, price_oracle, reward_reserve, inference_settlement,
                                     slasher, block_randomness, verifier_registry, judge_committee, stress_gauge,
                                     case_docket, audit_manager, challenge_manager)
             select 'opengradient', $1, $2::bytea, $3, address, address, address, address, address, address, address,
                    address, address, address, address, address, address, address, address
             from none
         )
         insert into opengradient (registry, relay, heartbeat_interval_seconds, heartbeat_max_age_seconds, genesis,
                                   slot_seconds, slots_per_period, report_window, deployed_at)
         values ($4::bytea, $5::bytea, $6, $7, $8, $9, $10, $11, $12)",
        i64::try_from(identity.chain_id)?,
        identity.genesis_hash.as_slice(),
        i64::try_from(network.block.number)?,
        network.registry.as_slice(),
        network.relay.as_slice(),
        i64::try_from(network.heartbeat.interval_seconds)?,
        i64::try_from(network.heartbeat.max_age_seconds)?,
        i64::try_from(schedule.genesis)?,
        i64::from(network.period.slot_seconds),
        i64::from(network.period.slots),
        i64::try_from(schedule.report_window)?,
        i64::try_from(schedule.deployed_at)?,
    )
    .execute(db)
    .await
    .context("record the deployment")?;
    Ok(())
}

async fn check(db: &mut PgConnection, network: &Network) -> anyhow::Result<()> {
    let row = sqlx::query!(
        "select registry, relay, heartbeat_interval_seconds, heartbeat_max_age_seconds, slot_seconds, slots_per_period
         from opengradient"
    )
    .fetch_one(db)
    .await
    .context("read the deployment's contracts")?;
    database::same("registry", address(&row.registry)?, network.registry)?;
    database::same("relay", address(&row.relay)?, network.relay)?;
    for (what, in_database, given) in [
        (
            "heartbeat.interval_seconds",
            row.heartbeat_interval_seconds,
            i64::try_from(network.heartbeat.interval_seconds)?,
        ),
        (
            "heartbeat.max_age_seconds",
            row.heartbeat_max_age_seconds,
            i64::try_from(network.heartbeat.max_age_seconds)?,
        ),
        (
            "period.slot_seconds",
            row.slot_seconds,
            i64::from(network.period.slot_seconds),
        ),
        ("period.slots", row.slots_per_period, i64::from(network.period.slots)),
    ] {
        database::same(what, in_database, given)?;
    }
    Ok(())
}
