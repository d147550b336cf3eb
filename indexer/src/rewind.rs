//! Takes rows back: past a reorg by itself, beyond finality only when told to.

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use crate::chain::Chain;
use crate::commit::guard;
use crate::config::Config;
use crate::database::{self, Stored};
use crate::error::Halt;
use crate::health::Shared;
use crate::metrics;
use crate::source::Source;

/// Deletes every row above the newest stored block that is still canonical.
pub(crate) async fn past_reorg(db: &mut PgConnection, chain: &Chain, tip: Stored) -> anyhow::Result<()> {
    let finalized = database::finalized(db).await?.unwrap_or(-1);
    let mut candidate = Some(tip);
    let mut replaced = tip;
    while let Some(stored) = candidate {
        let there = chain
            .header(u64::try_from(stored.number)?)
            .await?
            .map(|header| header.hash);
        if there == Some(stored.hash) {
            break;
        }
        if stored.number <= finalized {
            let Some(theirs) = there else {
                // No contradiction yet: an endpoint that was left behind catches up, and one that was reset is told apart
                // by its genesis.
                let problem = format!("no block {}, which is final: the endpoint is behind", stored.number);
                return Err(chain.invalid("eth_getBlockByNumber", &problem).into());
            };
            let rewind_to = last_canonical(db, chain, stored.number - 1).await?;
            let number = u64::try_from(stored.number)?;
            return Err(Halt::DeepReorg {
                number,
                ours: stored.hash,
                theirs,
                rewind_to,
            }
            .into());
        }
        replaced = stored;
        candidate = database::stored_at_or_below(db, stored.number - 1).await?;
    }

    let ancestor = candidate.map(|stored| stored.number);
    let mut transaction = db.begin().await.context("begin a transaction")?;
    guard(&mut transaction, Some(tip)).await?;
    delete_above(&mut transaction, ancestor.unwrap_or(-1)).await?;
    transaction.commit().await.context("commit the rewind")?;
    let depth_blocks = (tip.number - ancestor.unwrap_or(replaced.number - 1)) as u64;
    metrics::reorg(depth_blocks);
    tracing::warn!(
        depth_blocks,
        from = tip.number,
        to = ancestor,
        "the chain was reorganised; rows taken back"
    );
    Ok(())
}

/// The newest stored block at or below `highest` that the chain still has, by halving.
async fn last_canonical(db: &mut PgConnection, chain: &Chain, highest: i64) -> anyhow::Result<i64> {
    let (mut low, mut high) = (-1, highest);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let Some(stored) = database::stored_at_or_below(db, middle)
            .await?
            .filter(|stored| stored.number > low)
        else {
            low = middle;
            continue;
        };
        let there = chain
            .header(u64::try_from(stored.number)?)
            .await?
            .map(|header| header.hash);
        if there == Some(stored.hash) {
            low = middle;
        } else {
            high = stored.number - 1;
        }
    }
    Ok(low.max(0))
}

async fn delete_above(db: &mut PgConnection, number: i64) -> anyhow::Result<u64> {
    let deleted = sqlx::query!("delete from block where number > $1", number)
        .execute(db)
        .await
        .with_context(|| format!("delete the rows above block {number}"))?;
    Ok(deleted.rows_affected())
}

/// `plumbline index --rewind-to N`: forgets all blocks above N, final or not.
pub(crate) async fn by_hand<S: Source>(config: &Config, source: &S, number: u64) -> anyhow::Result<()> {
    let number = i64::try_from(number).context("--rewind-to is no block number")?;
    let mut db = database::open(&database::options(&config.database_url)?, &Shared::default()).await?;
    let mut transaction = db.begin().await.context("begin a transaction")?;
    let start_block = sqlx::query_scalar!("select start_block from deployment")
        .fetch_optional(&mut *transaction)
        .await
        .context("read the deployment")?;
    if start_block.is_some_and(|start| start != source.first_block().number as i64) {
        let problem = "the database holds another deployment than the deployments file names; give the other file";
        return Err(Halt::Configuration(problem.into()).into());
    }
    let deleted = delete_above(&mut transaction, number).await?;
    sqlx::query!(
        "update chain_head set finalized_number = least(finalized_number, $1)",
        number
    )
    .execute(&mut *transaction)
    .await
    .context("lower the finalized block")?;
    // Alerts of what is forgotten are to be looked at again: those that do not come back are retracted.
    sqlx::query!(
        "update webhook set queued_to = least(queued_to, greatest($1::bigint, 0))",
        number
    )
    .execute(&mut *transaction)
    .await
    .context("lower how far alerts are queued")?;
    let tip = database::tip(&mut transaction).await?.map(|tip| tip.number);
    transaction.commit().await.context("commit the rewind")?;
    tracing::info!(
        deleted_blocks = deleted,
        newest_block = tip,
        "rewound; start `plumbline index` again to go on"
    );
    Ok(())
}
