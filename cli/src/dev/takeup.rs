//! Whether chain, deployments file and database belong together, before any of them is written to.

use std::path::Path;

use alloy::primitives::{Address, B256};
use alloy::providers::{DynProvider, Provider};
use anyhow::{Context, anyhow, ensure};
use plumbline_protocol::Deployment;
use sqlx::{Connection, PgConnection};

/// What an earlier run left, if it all fits together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No deployment, neither in the file nor in the database.
    Nothing,
    Deployment,
}

/// What the parts say about the chain they belong to.
pub(super) struct Evidence<'a> {
    pub(super) provider: &'a DynProvider,
    pub(super) chain_id: u64,
    pub(super) deployments: &'a Path,
    pub(super) database_url: &'a str,
    /// How the user begins anew, for the message.
    pub(super) remedy: &'a str,
}

struct Indexed {
    chain_id: i64,
    genesis_hash: B256,
    operator_registry: Address,
    /// The newest block with rows that the chain had called final.
    finalized: Option<(u64, B256)>,
}

/// Looks at all of them.
///
/// # Errors
/// When they are about different chains; the message says which part is missing or other, and what to do.
pub(super) async fn look(evidence: &Evidence<'_>) -> anyhow::Result<Found> {
    let &Evidence {
        provider,
        chain_id,
        deployments,
        remedy,
        ..
    } = evidence;
    let path = Deployment::path_in(deployments, chain_id);
    let deployment = if path.exists() {
        Some(Deployment::read_for_chain(&path, chain_id)?)
    } else {
        None
    };
    let indexed = indexed(evidence.database_url, remedy).await?;
    if let Some(deployment) = &deployment {
        let there = block_hash(provider, deployment.block.number).await?;
        ensure!(
            there == Some(deployment.block.hash),
            "the contracts of {} are not on this chain: it was begun anew or its state was lost; {remedy}",
            path.display()
        );
    }
    let Some(indexed) = indexed else {
        return Ok(if deployment.is_some() {
            Found::Deployment
        } else {
            Found::Nothing
        });
    };
    let genesis = block_hash(provider, 0).await?.context("read the chain's first block")?;
    ensure!(
        u64::try_from(indexed.chain_id) == Ok(chain_id) && indexed.genesis_hash == genesis,
        "the database holds rows of another chain (id {}, first block {}) than the one that runs (id {chain_id}, first \
         block {genesis}): the chain was begun anew or its state was lost; {remedy}",
        indexed.chain_id,
        indexed.genesis_hash
    );
    let deployment = deployment.with_context(|| {
        format!(
            "the database holds rows of a deployment, but {} is missing; {remedy}",
            path.display()
        )
    })?;
    ensure!(
        deployment.contracts.operator_registry == indexed.operator_registry,
        "the database holds rows of another deployment (operator registry {}) than {} (operator registry {}); {remedy}",
        indexed.operator_registry,
        path.display(),
        deployment.contracts.operator_registry
    );
    if let Some((number, hash)) = indexed.finalized {
        let there = block_hash(provider, number).await?;
        ensure!(
            there == Some(hash),
            "the database holds rows of block {number} ({hash}), which was final and is not on the chain: a crash of the \
             machine took the chain's last minute; {remedy}"
        );
    }
    Ok(Found::Deployment)
}

async fn block_hash(provider: &DynProvider, number: u64) -> anyhow::Result<Option<B256>> {
    let block = provider.get_block_by_number(number.into()).await;
    // The error may repeat the URL, which may hold a key.
    let block = block.map_err(|_| anyhow!("the chain did not answer when asked for block {number}"))?;
    Ok(block.map(|block| block.header.hash))
}

/// The deployment whose rows the database holds; none where there are no tables yet.
async fn indexed(database_url: &str, remedy: &str) -> anyhow::Result<Option<Indexed>> {
    let mut connection = PgConnection::connect(database_url)
        .await
        .context("connect to the database")?;
    let exists = sqlx::query_scalar!(r#"select to_regclass('deployment') is not null as "exists!""#)
        .fetch_one(&mut connection)
        .await
        .context("look for the indexer's tables")?;
    if !exists {
        return Ok(None);
    }
    check_version(&mut connection, remedy).await?;
    let row = sqlx::query!("select chain_id, genesis_hash, operator_registry from deployment")
        .fetch_optional(&mut connection)
        .await
        .context("read the deployment that the database holds")?;
    let Some(row) = row else { return Ok(None) };
    let finalized = sqlx::query!(
        "select number, hash from block where number <= (select finalized_number from chain_head)
         order by number desc limit 1"
    )
    .fetch_optional(&mut connection)
    .await
    .context("read the newest final block that the database holds")?;
    let finalized = finalized
        .map(|block| -> anyhow::Result<_> {
            Ok((
                u64::try_from(block.number).context("read a block number")?,
                hash(&block.hash)?,
            ))
        })
        .transpose()?;
    Ok(Some(Indexed {
        chain_id: row.chain_id,
        genesis_hash: hash(&row.genesis_hash)?,
        operator_registry: Address::try_from(row.operator_registry.as_slice()).context("read an address")?,
        finalized,
    }))
}

/// Tables of another version are not migrated in place unless they are of an earlier one.
async fn check_version(connection: &mut PgConnection, remedy: &str) -> anyhow::Result<()> {
    let applied = sqlx::query!("select version, checksum from _sqlx_migrations")
        .fetch_all(connection)
        .await
        .context("read which version made the tables")?;
    for migration in applied {
        let known = plumbline_indexer::MIGRATOR
            .iter()
            .find(|known| known.version == migration.version);
        ensure!(
            known.is_some_and(|known| *known.checksum == *migration.checksum),
            "the database was made by another version of plumbline (migration {}); use that one, or {remedy}",
            migration.version
        );
    }
    Ok(())
}

fn hash(bytes: &[u8]) -> anyhow::Result<B256> {
    B256::try_from(bytes).context("read a block hash")
}
