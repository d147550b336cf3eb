//! The one connection that writes: it holds the lock that makes it the only one.

use std::str::FromStr;
use std::time::Duration;

use alloy::primitives::B256;
use anyhow::Context;
use plumbline_protocol::{Contract, Deployment};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::book::Parameters;
use crate::error::Halt;
use crate::identity::{Identity, TokenInfo};
use crate::schedule::Schedule;
use crate::sql::{Uint, address, bytes32};

/// Key of the advisory lock that elects the one writer of a database.
const WRITER_LOCK: i64 = 0x706c_756d_626c_696e;
/// A writer that was killed holds its lock until the server notices.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// A block that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) number: i64,
    pub(crate) hash: B256,
}

/// Where the database is; a mistake in its URL shows here, before anything is waited for.
pub(crate) fn options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let expected = "expected postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE";
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err(Halt::Configuration(format!("the database URL is of another kind of database; {expected}")).into());
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Halt::Configuration(format!("the database URL is not valid ({error}); {expected}")))?;
    Ok(options.application_name("plumbline index"))
}

/// Connects, becomes the only writer and brings the schema up to date.
pub(crate) async fn open(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let mut db = options
        .connect()
        .await
        .with_context(|| format!("connect to {}", place(options)))?;
    lock(&mut db).await?;
    // `run` does the same, but the future that awaits it could not move between threads.
    crate::MIGRATOR
        .run_direct(None, &mut db, false)
        .await
        .context("bring the schema up to date")?;
    Ok(db)
}

/// Host and name of the database: all that may be logged of its URL.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("database {database} at {}:{}", options.get_host(), options.get_port())
}

async fn lock(db: &mut PgConnection) -> anyhow::Result<()> {
    for attempt in 1..=LOCK_ATTEMPTS {
        let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, WRITER_LOCK)
            .fetch_one(&mut *db)
            .await
            .context("become the writer")?;
        if locked {
            return Ok(());
        }
        if attempt == 1 {
            tracing::info!("another indexer holds the database; waiting for it to let go");
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    let problem = "another `plumbline index` writes to this database; stop it first, or use another database";
    Err(Halt::SecondWriter(problem.into()).into())
}

/// Whether the database holds this deployment already; one of another is refused.
pub(crate) async fn holds(db: &mut PgConnection, deployment: &Deployment, identity: Identity) -> anyhow::Result<bool> {
    let row = sqlx::query!(
        "select chain_id, genesis_hash, start_block, model_registry, stake_vault, operator_registry, uptime_ledger,
                price_oracle, reward_reserve, inference_settlement, slasher, block_randomness, verifier_registry,
                judge_committee, stress_gauge, case_docket, audit_manager, challenge_manager
         from deployment"
    )
    .fetch_optional(db)
    .await
    .context("read the deployment")?;
    let Some(row) = row else { return Ok(false) };
    let contracts = &deployment.contracts;
    let genesis_hash = bytes32(&row.genesis_hash)?;
    // An endpoint without old blocks shows no genesis; the deployment's block is compared in any case.
    let given_genesis = if identity.genesis_hash.is_zero() {
        genesis_hash
    } else {
        identity.genesis_hash
    };
    let same = |what, in_database: String, given: String| {
        if in_database == given {
            Ok(())
        } else {
            Err(Halt::OtherDeployment {
                what,
                in_database,
                given,
            })
        }
    };
    same("chain", row.chain_id.to_string(), identity.chain_id.to_string())?;
    same(
        "a chain with genesis block",
        genesis_hash.to_string(),
        given_genesis.to_string(),
    )?;
    same(
        "a deployment from block",
        row.start_block.to_string(),
        deployment.block.number.to_string(),
    )?;
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
        same(
            contract.name(),
            address(in_database)?.to_string(),
            contracts.of(contract).to_string(),
        )?;
    }
    Ok(true)
}

/// Makes an empty database one of this deployment.
pub(crate) async fn claim(db: &mut PgConnection, deployment: &Deployment, identity: Identity) -> anyhow::Result<()> {
    let contracts = &deployment.contracts;
    sqlx::query!(
        "insert into deployment (chain_id, genesis_hash, start_block, model_registry, stake_vault, operator_registry,
                                 uptime_ledger, price_oracle, reward_reserve, inference_settlement, slasher,
                                 block_randomness, verifier_registry, judge_committee, stress_gauge, case_docket,
                                 audit_manager, challenge_manager)
         values ($1, $2::bytea, $3, $4::bytea, $5::bytea, $6::bytea, $7::bytea, $8::bytea, $9::bytea, $10::bytea,
                 $11::bytea, $12::bytea, $13::bytea, $14::bytea, $15::bytea, $16::bytea, $17::bytea, $18::bytea)",
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

/// Records what the tokens say of themselves.
pub(crate) async fn record_tokens(db: &mut PgConnection, tokens: &[TokenInfo]) -> anyhow::Result<()> {
    for token in tokens {
        sqlx::query!(
            "insert into token (token, symbol, decimals) values ($1::bytea, $2, $3)
             on conflict (token) do update set symbol = excluded.symbol, decimals = excluded.decimals",
            token.token.as_slice(),
            token.symbol.replace('\0', "\u{fffd}"),
            i16::from(token.decimals),
        )
        .execute(&mut *db)
        .await
        .context("record the tokens")?;
    }
    Ok(())
}

/// The newest stored block.
pub(crate) async fn tip(db: &mut PgConnection) -> anyhow::Result<Option<Stored>> {
    let row = sqlx::query!("select number, hash from block order by number desc limit 1")
        .fetch_optional(db)
        .await
        .context("read the newest stored block")?;
    row.map(|row| {
        Ok(Stored {
            number: row.number,
            hash: bytes32(&row.hash)?,
        })
    })
    .transpose()
}

/// The newest stored block at or below a height.
pub(crate) async fn stored_at_or_below(db: &mut PgConnection, number: i64) -> anyhow::Result<Option<Stored>> {
    let row = sqlx::query!(
        "select number, hash from block where number <= $1 order by number desc limit 1",
        number
    )
    .fetch_optional(db)
    .await
    .context("read a stored block")?;
    row.map(|row| {
        Ok(Stored {
            number: row.number,
            hash: bytes32(&row.hash)?,
        })
    })
    .transpose()
}

/// Height of the newest block that was called final.
pub(crate) async fn finalized(db: &mut PgConnection) -> anyhow::Result<Option<i64>> {
    sqlx::query_scalar!("select finalized_number from chain_head")
        .fetch_optional(db)
        .await
        .context("read the finalized block")
}

/// Records what was last seen of the chain; what was once final stays so.
pub(crate) async fn observe(db: &mut PgConnection, head: u64, finalized: u64) -> anyhow::Result<i64> {
    sqlx::query_scalar!(
        "insert into chain_head (number, finalized_number, observed_at) values ($1, $2, now())
         on conflict (singleton) do update set
             number = excluded.number,
             finalized_number = greatest(chain_head.finalized_number, excluded.finalized_number),
             observed_at = excluded.observed_at
         returning finalized_number",
        i64::try_from(head)?,
        i64::try_from(finalized)?,
    )
    .fetch_one(db)
    .await
    .context("record the head")
}

/// What the contracts were configured with, as far as it is indexed.
pub(crate) async fn parameters(db: &mut PgConnection, deployment: &Deployment) -> anyhow::Result<Parameters> {
    let row = sqlx::query!(
        r#"select (select reserve from inference_settlement_configured limit 1) as reserve,
                  (select sink from stake_vault_configured limit 1) as sink"#
    )
    .fetch_one(&mut *db)
    .await
    .context("read the configuration")?;
    let schedule = sqlx::query!(
        r#"select genesis as "genesis: Uint", slot_seconds, slots_per_period, report_window as "report_window: Uint",
                  timestamp
           from uptime_ledger_configured join block on number = block_number limit 1"#
    )
    .fetch_optional(db)
    .await
    .context("read the schedule")?;
    let schedule = match schedule {
        Some(row) => Some(Schedule {
            genesis: row.genesis.0.to(),
            period_seconds: u64::try_from(row.slot_seconds)? * u64::try_from(row.slots_per_period)?,
            slots: u32::try_from(row.slots_per_period)?,
            report_window: row.report_window.0.to(),
            deployed_at: u64::try_from(row.timestamp)?,
        }),
        None => None,
    };
    Ok(Parameters {
        addresses: deployment.contracts,
        reserve: row.reserve.as_deref().map(address).transpose()?,
        sink: row.sink.as_deref().map(address).transpose()?,
        schedule,
    })
}

/// The first period that is not closed yet.
pub(crate) async fn next_period(db: &mut PgConnection, schedule: &Schedule) -> anyhow::Result<u64> {
    let last = sqlx::query_scalar!("select max(period) from network_period")
        .fetch_one(db)
        .await
        .context("read the newest closed period")?;
    Ok(match last {
        Some(period) => u64::try_from(period)? + 1,
        None => schedule.first_period(),
    })
}
