//! Takes rows back: past a reorg by itself, beyond finality only when told to.

use alloy::primitives::B256;
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

/// Blocks that are looked at in one request: few at first, since most reorgs are shallow.
const FIRST_LOOK: i64 = 4;
const LONGEST_LOOK: i64 = 64;

/// Deletes every row above the newest stored block that is still canonical.
pub(crate) async fn past_reorg(db: &mut PgConnection, chain: &Chain, tip: Stored) -> anyhow::Result<()> {
    let finalized = database::finalized(db).await?.unwrap_or(-1);
    let (mut next, mut look, mut replaced) = (tip.number, FIRST_LOOK, tip);
    let ancestor = 'searched: loop {
        let candidates = database::newest_stored(db, next, look).await?;
        let Some(oldest) = candidates.last() else { break None };
        (next, look) = (oldest.number - 1, (4 * look).min(LONGEST_LOOK));
        let numbers = candidates.iter().map(|stored| stored.number as u64).collect();
        let headers = chain.found_headers(numbers).await?;
        for stored in candidates {
            let there = headers.get(&(stored.number as u64)).map(|header| header.hash);
            if there == Some(stored.hash) {
                break 'searched Some(stored.number);
            }
            if stored.number <= finalized {
                return Err(beyond_finality(db, chain, stored, there).await);
            }
            replaced = stored;
        }
    };
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

async fn beyond_finality(db: &mut PgConnection, chain: &Chain, ours: Stored, theirs: Option<B256>) -> anyhow::Error {
    let Some(theirs) = theirs else {
        // No contradiction yet: an endpoint that was left behind catches up, and one that was reset is told apart by its
        // genesis.
        let problem = format!("no block {}, which is final: the endpoint is behind", ours.number);
        return chain.invalid("eth_getBlockByNumber", &problem).into();
    };
    match last_canonical(db, chain, ours.number - 1).await {
        Ok(rewind_to) => Halt::DeepReorg {
            number: ours.number as u64,
            ours: ours.hash,
            theirs,
            rewind_to,
        }
        .into(),
        Err(error) => error,
    }
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
