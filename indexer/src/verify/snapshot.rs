//! Which block is verified, and whether the database holds what it takes.

use anyhow::{Context, bail, ensure};
use sqlx::PgConnection;

use super::Config;
use crate::chain::{Chain, Header};
use crate::database;
use crate::error::{Halt, Moved};
use crate::identity::Identity;
use crate::source::Source;

/// The block to verify at.
pub(super) struct Chosen {
    pub(super) header: Header,
    pub(super) finalized: bool,
}

/// The schema must be this version's; only the indexer changes it.
pub(super) async fn check_schema(db: &mut PgConnection) -> anyhow::Result<()> {
    let expected = crate::MIGRATOR.iter().map(|migration| migration.version).max();
    let applied: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
        .fetch_one(db)
        .await
        .context("read the version of the schema; is this a database of `plumbline index`?")?;
    ensure!(
        applied == expected,
        "the database has schema {}, and this version verifies schema {}: verify with the version that indexes",
        applied.unwrap_or_default(),
        expected.unwrap_or_default()
    );
    Ok(())
}

/// The database must hold this deployment.
pub(super) async fn check_deployment<S: Source>(
    db: &mut PgConnection,
    source: &S,
    identity: Identity,
) -> anyhow::Result<()> {
    if database::holds(db, source, identity).await? {
        return Ok(());
    }
    Err(Halt::Configuration("the database holds no deployment yet: start `plumbline index` first".into()).into())
}

/// The block that was asked for, or the newest that is indexed and (unless told otherwise) final.
pub(super) async fn choose(
    db: &mut PgConnection,
    config: &Config,
    first: u64,
    chain: &Chain,
) -> anyhow::Result<Chosen> {
    let Some(tip) = database::tip(db).await? else {
        bail!("nothing is indexed yet: wait for `plumbline index` to write its first blocks");
    };
    let finalized = database::finalized(db).await?.unwrap_or(-1);
    let newest = if config.unfinalized {
        tip.number
    } else {
        tip.number.min(finalized)
    };
    let number = match config.block {
        Some(number) => i64::try_from(number).context("--block is no block number")?,
        None => newest,
    };
    let start = i64::try_from(first)?;
    ensure!(
        number <= tip.number,
        "block {number} is not indexed yet, the newest is {}: wait, or give another --block",
        tip.number
    );
    ensure!(
        number >= start,
        "block {number} is before the deployment's first, {start}: nothing is indexed and final yet; wait, give another \
         --block, or --unfinalized"
    );
    let header = chain.header(u64::try_from(number)?).await?.with_context(|| {
        format!(
            "{} has no block {number}: it is behind the indexer's; give another RPC URL or an older --block",
            chain.endpoint()
        )
    })?;
    // An empty block that is final has no row; then the newest below it tells whether both speak of the same chain.
    if let Some(stored) = database::stored_at_or_below(db, number).await? {
        let there = if stored.number == number {
            Some(header)
        } else {
            chain.header(u64::try_from(stored.number)?).await?
        };
        if there.is_none_or(|there| there.hash != stored.hash) {
            let what = format!("block {} is indexed with hash {}", stored.number, stored.hash);
            return Err(Moved(what).into());
        }
    }
    Ok(Chosen {
        header,
        finalized: number <= finalized,
    })
}
