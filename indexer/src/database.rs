//! The one connection that writes: it holds the lock that makes it the only one.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use alloy::primitives::B256;
use anyhow::Context;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use crate::error::Halt;
use crate::health::Shared;
use crate::identity::{Identity, TokenInfo};
use crate::relay;
use crate::schedule::Schedule;
use crate::source::Source;
use crate::sql::bytes32;

/// Key of the advisory lock that elects the one writer of a database.
const WRITER_LOCK: i64 = 0x706c_756d_626c_696e;
/// How often a standby tries to become the writer: a wait in the server would hold back its vacuum.
const STANDBY_PAUSE: Duration = Duration::from_millis(500);
/// The server notices within about ten seconds that a writer's machine is gone, and lets go of its lock.
const KEEPALIVE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "4"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];
/// A crash of the server may take the last moments of what was committed, and they are read from the chain again.
const DURABILITY: (&str, &str) = ("synchronous_commit", "off");

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
    Ok(options
        .application_name("plumbline index")
        .options(KEEPALIVE)
        .options([DURABILITY]))
}

/// Connects, becomes the only writer and brings the schema up to date.
///
/// Waits as long as another process is the writer.
pub(crate) async fn open(options: &PgConnectOptions, status: &Shared) -> anyhow::Result<PgConnection> {
    let mut db = connect(options).await?;
    stand_by(&mut db, status).await?;
    // `run` does the same, but the future that awaits it could not move between threads.
    crate::MIGRATOR
        .run_direct(None, &mut db, false)
        .await
        .context("bring the schema up to date")?;
    Ok(db)
}

pub(crate) async fn connect(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    relay::connect(options)
        .await
        .with_context(|| format!("connect to {}", place(options)))
}

/// Host and name of the database: all that may be logged of its URL.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("database {database} at {}:{}", options.get_host(), options.get_port())
}

async fn stand_by(db: &mut PgConnection, status: &Shared) -> anyhow::Result<()> {
    for attempt in 0_u64.. {
        let locked = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, WRITER_LOCK)
            .fetch_one(&mut *db)
            .await
            .context("become the writer")?;
        if locked {
            if attempt != 0 {
                tracing::info!("the other indexer let go; taking over");
            }
            break;
        }
        if attempt == 0 {
            tracing::info!("another indexer writes to the database; standing by");
            status.standing_by();
        }
        tokio::time::sleep(STANDBY_PAUSE).await;
    }
    Ok(())
}

/// Whether the database holds this deployment already; one of another is refused.
pub(crate) async fn holds<S: Source>(db: &mut PgConnection, source: &S, identity: Identity) -> anyhow::Result<bool> {
    let row = sqlx::query!("select source, chain_id, genesis_hash, start_block from deployment")
        .fetch_optional(&mut *db)
        .await
        .context("read the deployment")?;
    let Some(row) = row else { return Ok(false) };
    let genesis_hash = bytes32(&row.genesis_hash)?;
    same("contracts of", row.source.as_str(), source.name())?;
    same("chain", u64::try_from(row.chain_id)?, identity.chain_id)?;
    // An endpoint without old blocks shows no genesis; the first block is compared in any case.
    if !genesis_hash.is_zero() && !identity.genesis_hash.is_zero() {
        same("a chain with genesis block", genesis_hash, identity.genesis_hash)?;
    }
    let first_block = source.first_block().number;
    same("a deployment from block", u64::try_from(row.start_block)?, first_block)?;
    source.check(db).await?;
    Ok(true)
}

/// Refuses a database that holds something else than what was given.
pub(crate) fn same<T: PartialEq + Display>(what: &'static str, in_database: T, given: T) -> Result<(), Halt> {
    if in_database == given {
        return Ok(());
    }
    Err(Halt::OtherDeployment {
        what,
        in_database: in_database.to_string(),
        given: given.to_string(),
    })
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
    Ok(newest_stored(db, number, 1).await?.pop())
}

/// The newest stored blocks at or below a height, from the highest down.
pub(crate) async fn newest_stored(db: &mut PgConnection, highest: i64, count: i64) -> anyhow::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        "select number, hash from block where number <= $1 order by number desc limit $2",
        highest,
        count,
    )
    .fetch_all(db)
    .await
    .context("read stored blocks")?;
    rows.iter()
        .map(|row| {
            Ok(Stored {
                number: row.number,
                hash: bytes32(&row.hash)?,
            })
        })
        .collect()
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
