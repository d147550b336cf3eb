//! Channels, batches, royalties, credits and the clock of pauses.

use alloy::primitives::{Address, B256, U256};
use anyhow::Context;
use plumbline_protocol::bindings::inference_settlement::IBatches::Batch;
use plumbline_protocol::{AuditManager, ChallengeManager, InferenceSettlement, ModelRegistry, StakeVault};

use super::Check;
use super::report::Values;
use super::view::View;
use crate::accounts::{Channel, Credit, CreditClass, Model, PauseClock, Running};
use crate::sql::{Uint, address, bytes32};

pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    let paused = pauses(check).await?;
    channels(check, paused).await?;
    batches(check).await?;
    models(check).await?;
    credits(check).await
}

/// Seconds paused until the block, as the contract counts them.
async fn pauses(check: &mut Check<'_>) -> anyhow::Result<U256> {
    let rows = PauseClock::load(check.db, (), check.block).await?.unwrap_or_default();
    let settlement = check.view.addresses.inference_settlement;
    let (paused, until) = tokio::try_join!(
        check.view.call(settlement, InferenceSettlement::pausedSecondsCall {}),
        check.view.call(settlement, InferenceSettlement::pausedUntilCall {}),
    )?;
    let now = check.view.block.timestamp;
    let seconds = rows
        .paused_seconds(now)
        .map_or_else(|| "none".into(), |seconds| seconds.to_string());
    // Of a pause that is over the contract does not say when it ended; the seconds do.
    let ends_at = if U256::from(now) < rows.ends_at.0 {
        rows.ends_at.0
    } else {
        U256::ZERO
    };
    let until = if now < until { U256::from(until) } else { U256::ZERO };
    let values = Values::new()
        .with("paused seconds", seconds, paused)
        .with("ends_at", ends_at, until);
    check.tally.record("pause_clock", "the settlement's", values);
    Ok(U256::from(paused))
}

async fn channels(check: &mut Check<'_>, paused: U256) -> anyhow::Result<()> {
    let keys = sqlx::query!(
        r#"select payer as "payer!", operator as "operator!" from channel_account where block_number <= $1
           union select payer, operator from deposited where block_number <= $1
           union select payer, operator from exit_started where block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = keys
        .iter()
        .map(|row| Ok((address(&row.payer)?, address(&row.operator)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let show = |(payer, operator): &(Address, Address)| format!("{payer:#x} {operator:#x}");
    let ask = |view, key, rows| channel(view, key, rows, paused);
    check.ask_states("channel_account", keys, show, ask).await
}

async fn channel(
    view: &View,
    (payer, operator): (Address, Address),
    rows: Channel,
    paused: U256,
) -> anyhow::Result<Values> {
    let call = InferenceSettlement::channelCall { payer, operator };
    let channel = view.call(view.addresses.inference_settlement, call).await?;
    // Deadlines stand still in pauses, those that began after it and those under way.
    let exit_at = if rows.exit_running.0.is_zero() {
        U256::ZERO
    } else {
        rows.exit_running.0 + paused
    };
    Ok(Values::new()
        .with(
            "deposited - returned",
            rows.deposited.0.saturating_sub(rows.returned.0),
            channel.balance,
        )
        .with("settled", rows.settled, channel.settled)
        .with("exit_at", exit_at, channel.exitAt))
}

/// What the rows say of a batch, hashed by the contract, is what it committed to.
async fn batches(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select s.batch_id as "batch_id: Uint", s.operator, s.block_number, b.timestamp, s.receipts_root,
                  s.receipt_count, s.earned as "earned: Uint", s.risk as "risk: Uint",
                  exists (select from batch_released r where r.batch_id = s.batch_id and r.block_number <= $1)
                    as "released!",
                  coalesce((select d.case_id from batch_drawn d
                            where d.batch_id = s.batch_id and d.block_number <= $1), 0) as "case_id!: Uint"
           from batch_settled s join block b on b.number = s.block_number where s.block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    check
        .ask(
            "batch_settled",
            rows,
            |row| format!("batch {}", row.batch_id),
            |view, row| async move {
                let batch_id = row.batch_id.0;
                let batch = Batch {
                    operator: address(&row.operator)?,
                    settledAt: u64::try_from(row.timestamp)?,
                    settledBlock: u64::try_from(row.block_number)?,
                    receiptCount: u32::try_from(row.receipt_count)?,
                    receiptsRoot: bytes32(&row.receipts_root)?,
                    earned: row.earned.0.saturating_to(),
                    risk: row.risk.0.saturating_to(),
                };
                let is_batch = InferenceSettlement::isBatchCall {
                    batchId: batch_id,
                    batch,
                    released: row.released,
                };
                let addresses = view.addresses;
                let (committed, audit) = tokio::try_join!(
                    view.call(addresses.inference_settlement, is_batch),
                    view.call(addresses.audit_manager, AuditManager::auditOfCall { batchId: batch_id }),
                )?;
                Ok(Values::new()
                    .with("is what the contract committed to", true, committed)
                    .with("its audit", row.case_id, audit))
            },
        )
        .await
}

async fn models(check: &mut Check<'_>) -> anyhow::Result<()> {
    let keys = sqlx::query_scalar!(
        r#"select model_id as "model_id!" from model_account where block_number <= $1
           union select model_id from model_registered where block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = keys
        .iter()
        .map(|key| bytes32(key))
        .collect::<anyhow::Result<Vec<_>>>()?;
    check.ask_states("model_account", keys, B256::clone, model).await
}

async fn model(view: &View, model_id: B256, rows: Model) -> anyhow::Result<Values> {
    let addresses = view.addresses;
    let (model, royalties) = tokio::try_join!(
        view.call(addresses.model_registry, ModelRegistry::modelCall { modelId: model_id }),
        view.call(
            addresses.inference_settlement,
            InferenceSettlement::royaltiesCall { modelId: model_id }
        ),
    )?;
    Ok(Values::new()
        .with("publisher", rows.publisher, model.publisher)
        .with("pending_publisher", rows.pending_publisher, model.pendingPublisher)
        .with("versions", rows.versions, model.versions)
        .with("retired", rows.retired, model.retired)
        .with("royalties", rows.royalties, royalties))
}

async fn credits(check: &mut Check<'_>) -> anyhow::Result<()> {
    let keys = sqlx::query!(
        r#"select class as "class!", account as "account!" from credit_account where block_number <= $1
           union select to_class, to_account from flow
           where block_number <= $1 and to_class in ('fee_credit', 'stake_credit', 'bond_credit')"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let mut credits = Vec::with_capacity(keys.len());
    for row in keys {
        let class = CreditClass::ALL.into_iter().find(|class| class.as_str() == row.class);
        let class = class.with_context(|| format!("{:?} is no class of credits", row.class))?;
        credits.push((class, address(&row.account)?));
    }
    let show = |(class, account): &(CreditClass, Address)| format!("{} {account:#x}", class.as_str());
    check.ask_states("credit_account", credits, show, credit).await
}

async fn credit(view: &View, (class, account): (CreditClass, Address), rows: Credit) -> anyhow::Result<Values> {
    let addresses = view.addresses;
    let owed = match class {
        CreditClass::Fee => {
            let call = InferenceSettlement::creditedCall { account };
            view.call(addresses.inference_settlement, call).await?
        }
        CreditClass::Stake => {
            view.call(addresses.stake_vault, StakeVault::creditedCall { account })
                .await?
        }
        CreditClass::Bond => {
            let call = ChallengeManager::creditedCall { account };
            view.call(addresses.challenge_manager, call).await?
        }
    };
    Ok(Values::new().with("balance", rows.balance, owed))
}
