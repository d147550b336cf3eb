//! Stakes, earnings, profiles and offerings of operators.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use plumbline_protocol::{InferenceSettlement, OperatorRegistry, StakeVault};

use super::report::Values;
use super::view::View;
use super::{Check, hex};
use crate::accounts::{Offering, OperatorAccount, OperatorProfile};
use crate::sql::{Uint, address, bytes32};

/// `IOperatorRegistry.Status` by its number.
const STATUSES: [&str; 5] = ["none", "active", "jailed", "exiting", "tombstoned"];

pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    stakes(check).await?;
    tickets(check).await?;
    profiles(check).await?;
    offerings(check).await
}

async fn stakes(check: &mut Check<'_>) -> anyhow::Result<()> {
    // Whoever has events has a row.
    let keys = sqlx::query!(
        r#"select k.operator as "operator!", s.stake_own as "stake_own: Uint"
           from (select operator from operator_account where block_number <= $1
                 union select operator from staked where block_number <= $1
                 union select operator from batch_settled where block_number <= $1) k
           left join lateral (select stake_own from operator_account
                              where operator = k.operator and block_number <= $1
                              order by block_number desc limit 1) s on true"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let stakes = keys
        .iter()
        .map(|row| Ok((address(&row.operator)?, row.stake_own.unwrap_or_default())))
        .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    let keys = stakes.keys().copied().collect();
    let ask = |view, operator, rows| stake(view, operator, rows, stakes[&operator]);
    check
        .ask_states("operator_account", keys, |operator| format!("{operator:#x}"), ask)
        .await
}

async fn stake(view: &View, operator: Address, rows: OperatorAccount, stake_own: Uint) -> anyhow::Result<Values> {
    let (vault, settlement) = (view.addresses.stake_vault, view.addresses.inference_settlement);
    let (pool, position, own, earnings, coverage) = tokio::try_join!(
        view.call(vault, StakeVault::poolCall { operator }),
        view.call(
            vault,
            StakeVault::positionCall {
                operator,
                delegator: operator
            }
        ),
        view.call(
            vault,
            StakeVault::stakeOfCall {
                operator,
                delegator: operator
            }
        ),
        view.call(settlement, InferenceSettlement::earningsCall { operator }),
        view.call(settlement, InferenceSettlement::coverageCall { operator }),
    )?;
    // The contract counts matured buckets as claimable before it says so by an event; the sum is the same.
    let held = rows.earnings_locked.0 + rows.earnings_claimable.0;
    Ok(Values::new()
        .with("stake_active", rows.stake_active, pool.assets)
        .with("stake_own", stake_own, own)
        .with("stake_thawing", rows.stake_thawing, pool.thawAssets)
        .with("shares", rows.shares, pool.shares)
        .with("own_shares", rows.own_shares, position.shares)
        .with("generation", rows.generation, pool.generation)
        .with("earnings_undrawn", rows.earnings_undrawn, earnings.undrawn)
        .with(
            "earnings_locked + earnings_claimable",
            held,
            earnings.locked + earnings.claimable,
        )
        .with("open_risk", rows.open_risk, coverage.openRisk))
}

/// Tickets of thawing stake that were not paid out.
async fn tickets(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select ticket_id as "ticket_id: Uint", operator, delegator, thaw_shares as "thaw_shares: Uint",
                  ready_at as "ready_at: Uint"
           from thawed t where block_number <= $1
             and not exists (select from withdrawn w where w.ticket_id = t.ticket_id and w.block_number <= $1)"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    check
        .ask(
            "thawed",
            rows,
            |row| format!("ticket {}", row.ticket_id),
            |view, row| async move {
                let call = StakeVault::ticketCall {
                    ticketId: row.ticket_id.0,
                };
                let ticket = view.call(view.addresses.stake_vault, call).await?;
                Ok(Values::new()
                    .with("operator", hex(row.operator), hex(ticket.operator))
                    .with("delegator", hex(row.delegator), hex(ticket.owner))
                    .with("thaw_shares", row.thaw_shares, ticket.thawShares)
                    .with("ready_at", row.ready_at, ticket.readyAt))
            },
        )
        .await
}

async fn profiles(check: &mut Check<'_>) -> anyhow::Result<()> {
    let keys = sqlx::query_scalar!(
        r#"select operator as "operator!" from operator_profile where block_number <= $1
           union select operator from operator_registered where block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = keys
        .iter()
        .map(|key| address(key))
        .collect::<anyhow::Result<Vec<_>>>()?;
    check
        .ask_states("operator_profile", keys, |operator| format!("{operator:#x}"), profile)
        .await
}

async fn profile(view: &View, operator: Address, rows: OperatorProfile) -> anyhow::Result<Values> {
    let registry = view.addresses.operator_registry;
    let (record, commission) = tokio::try_join!(
        view.call(registry, OperatorRegistry::operatorOfCall { operator }),
        view.call(registry, OperatorRegistry::commissionOfCall { operator }),
    )?;
    let in_force = if rows.announced_at.0 <= alloy::primitives::U256::from(view.block.timestamp) {
        rows.announced_bps
    } else {
        rows.commission_bps
    };
    let status = STATUSES.get(usize::from(record.status)).copied().unwrap_or("unknown");
    Ok(Values::new()
        .with("operator_index", rows.operator_index, record.index)
        .with("status", rows.status.as_str(), status)
        .with("jailed_until", rows.jailed_until, record.jailedUntil)
        .with("signing_key", rows.signing_key, record.signingKey)
        .with("settler_key", rows.settler_key, record.settlerKey)
        .with("payout", rows.payout, record.payout)
        .with("domain", rows.domain, record.domain)
        .with("commission in force", in_force, commission))
}

async fn offerings(check: &mut Check<'_>) -> anyhow::Result<()> {
    let keys = sqlx::query!(
        r#"select operator as "operator!", model_id as "model_id!" from offering where block_number <= $1
           union select operator, model_id from model_served where block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = keys
        .iter()
        .map(|row| Ok((address(&row.operator)?, bytes32(&row.model_id)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let show = |(operator, model_id): &(Address, B256)| format!("{operator:#x} {model_id}");
    check.ask_states("offering", keys, show, offering).await
}

async fn offering(view: &View, (operator, model_id): (Address, B256), rows: Offering) -> anyhow::Result<Values> {
    let call = OperatorRegistry::offeringCall {
        operator,
        modelId: model_id,
    };
    let offering = view.call(view.addresses.operator_registry, call).await?;
    Ok(Values::new()
        .with("active", rows.active, offering.active)
        .with("version", rows.version, offering.version)
        .with("royalty_bps", rows.royalty_bps, offering.royaltyBps)
        .with("price_per_unit", rows.price_per_unit, offering.pricePerUnit))
}
