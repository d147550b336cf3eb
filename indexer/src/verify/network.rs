//! What the contracts hold and count: token balances against flows, the reserve's books, sums of the network.

use alloy::primitives::{Address, U256};
use plumbline_protocol::{
    CaseDocket, InferenceSettlement, OperatorRegistry, RewardReserve, StakeVault, StressGauge, TestToken,
};

use super::Check;
use super::report::{Unaccounted, Values};
use crate::accounts::{Network, Running};
use crate::sql::{Uint, address};

pub(super) async fn check(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = Network::load(check.db, (), check.block).await?.unwrap_or_default();
    counts(check, &rows).await?;
    books(check, &rows).await?;
    holdings(check, &rows).await?;
    rewards(check).await
}

async fn counts(check: &mut Check<'_>, rows: &Network) -> anyhow::Result<()> {
    let (view, to) = (check.view, check.view.addresses);
    let (operators, batches, cases, open, stake, thawing) = tokio::try_join!(
        view.call(to.operator_registry, OperatorRegistry::operatorCountCall {}),
        view.call(to.inference_settlement, InferenceSettlement::batchCountCall {}),
        view.call(to.case_docket, CaseDocket::caseCountCall {}),
        view.call(to.stress_gauge, StressGauge::openCasesCall {}),
        view.call(to.stake_vault, StakeVault::totalAssetsCall {}),
        view.call(to.stake_vault, StakeVault::totalThawingCall {}),
    )?;
    let values = Values::new()
        .with("operators", rows.operators, operators)
        .with("batches", rows.batches, batches)
        .with("audits + challenges", rows.audits + rows.challenges, cases)
        .with("cases_open", rows.cases_open, open)
        .with("stake_active", rows.stake_active, stake)
        .with("stake_thawing", rows.stake_thawing, thawing);
    check.tally.record("network_account", "all", values);
    Ok(())
}

async fn books(check: &mut Check<'_>, rows: &Network) -> anyhow::Result<()> {
    let (view, reserve) = (check.view, check.view.addresses.reward_reserve);
    let (funds, owed, unburned) = tokio::try_join!(
        view.call(reserve, RewardReserve::fundsCall {}),
        view.call(reserve, RewardReserve::owedCall {}),
        view.call(reserve, RewardReserve::unburnedCall {}),
    )?;
    let values = Values::new()
        .with("reserve", rows.reserve, funds)
        .with("reward_owed", rows.reward_owed, owed)
        .with("unburned", rows.unburned, unburned);
    check.tally.record("network_account", "the reserve", values);
    Ok(())
}

/// What a contract must hold of a token, by the rows.
struct Holding {
    contract: &'static str,
    holder: Address,
    token: Address,
    classes: &'static [&'static str],
    /// By the sums of the network.
    sum: U256,
}

fn owed(check: &Check<'_>, rows: &Network) -> Vec<Holding> {
    let to = &check.view.addresses;
    let sum = |parts: &[Uint]| parts.iter().fold(U256::ZERO, |sum, part| sum.saturating_add(part.0));
    let of = |contract, holder, token, classes, parts: &[Uint]| Holding {
        contract,
        holder,
        token,
        classes,
        sum: sum(parts),
    };
    vec![
        of(
            "InferenceSettlement",
            to.inference_settlement,
            to.fee_token,
            &[
                "escrow",
                "earnings_undrawn",
                "earnings_locked",
                "earnings_claimable",
                "royalties",
                "fee_credit",
            ],
            &[
                rows.escrow,
                rows.earnings_undrawn,
                rows.earnings_locked,
                rows.earnings_claimable,
                rows.royalties,
                rows.fee_credit,
            ],
        ),
        of(
            "StakeVault",
            to.stake_vault,
            to.stake_token,
            &["stake_active", "stake_thawing", "stake_credit"],
            &[rows.stake_active, rows.stake_thawing, rows.stake_credit],
        ),
        of(
            "StakeVault",
            to.stake_vault,
            to.fee_token,
            &["rewards"],
            &[rows.rewards],
        ),
        of(
            "RewardReserve",
            to.reward_reserve,
            to.fee_token,
            &["reserve_pending", "reserve", "reward_owed", "unburned"],
            &[rows.reserve_pending, rows.reserve, rows.reward_owed, rows.unburned],
        ),
        of(
            "ChallengeManager",
            to.challenge_manager,
            to.fee_token,
            &["bond", "bond_credit"],
            &[rows.bond, rows.bond_credit],
        ),
    ]
}

/// A contract holds what the flows and the sums say, or more: tokens that come by a plain transfer are nobody's.
async fn holdings(check: &mut Check<'_>, rows: &Network) -> anyhow::Result<()> {
    let holdings = owed(check, rows);
    for holding in &holdings {
        let (contract, token) = (holding.contract, holding.token);
        let call = TestToken::balanceOfCall {
            account: holding.holder,
        };
        let held = check.view.call(token, call).await?;
        // Where both tokens are one, the vault's two accounts of it are held together.
        let same = |other: &&Holding| (other.holder, other.token) == (holding.holder, token);
        let sum = holdings
            .iter()
            .filter(same)
            .fold(U256::ZERO, |sum, other| sum + other.sum);
        let mut flowed = U256::ZERO;
        for other in holdings.iter().filter(same) {
            flowed += by_flows(check, token, other.classes).await?;
        }
        let excess = held.saturating_sub(sum);
        let key = format!("{contract} of {token:#x}");
        let accounted = held - excess;
        for (table, rows) in [("network_account", sum), ("flow", flowed)] {
            let values = Values::new().with("token balance", rows, accounted);
            check.tally.record(table, &key, values);
        }
        if !excess.is_zero() {
            let (contract, token, amount) = (contract.to_owned(), token.to_string(), excess.to_string());
            let found = Unaccounted {
                contract,
                token,
                amount,
            };
            if !check.tally.unaccounted.contains(&found) {
                check.tally.unaccounted.push(found);
            }
        }
    }
    Ok(())
}

async fn by_flows(check: &mut Check<'_>, token: Address, classes: &[&str]) -> anyhow::Result<U256> {
    let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
    let row = sqlx::query!(
        r#"select coalesce(sum(amount) filter (where to_class = any($3)), 0) as "inflow!: Uint",
                  coalesce(sum(amount) filter (where from_class = any($3)), 0) as "outflow!: Uint"
           from flow where block_number <= $1 and token = $2::bytea"#,
        check.block,
        token.as_slice(),
        &classes,
    )
    .fetch_one(&mut *check.db)
    .await?;
    Ok(row.inflow.0.saturating_sub(row.outflow.0))
}

/// Periods that the reserve closed, and what operators reported in them.
async fn rewards(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select period as "period: Uint", weight as "weight: Uint", expires_at as "expires_at: Uint",
                  release as "release: Uint",
                  coalesce((select sum(amount) from rewards_expired e
                            where e.period = c.period and e.block_number <= $1), 0) as "expired!: Uint"
           from period_closed c where block_number <= $1"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    check
        .ask(
            "period_closed",
            rows,
            |row| format!("period {}", row.period),
            |view, row| async move {
                let call = RewardReserve::periodOfCall {
                    period: row.period.0.saturating_to(),
                };
                let period = view.call(view.addresses.reward_reserve, call).await?;
                let kept = row.release.0.saturating_sub(row.expired.0);
                Ok(Values::new()
                    .with("weight", row.weight, period.weight)
                    .with("release - expired", kept, period.release)
                    .with("expires_at", row.expires_at, period.expiresAt))
            },
        )
        .await?;
    entries(check).await
}

/// Of rewards that were not claimed: a claim clears the entry.
async fn entries(check: &mut Check<'_>) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select distinct on (period, operator) period as "period: Uint", operator, collateral as "collateral: Uint"
           from operator_enrolled e where block_number <= $1
             and not exists (select from reward_claimed c where c.operator = e.operator and c.period = e.period
                             and c.block_number <= $1)
           order by period, operator, block_number desc, log_index desc"#,
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let keys = rows
        .iter()
        .map(|row| Ok((row.period, address(&row.operator)?, row.collateral)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let key = |(period, operator, _): &(Uint, Address, Uint)| format!("{operator:#x} in period {period}");
    check
        .ask(
            "operator_enrolled",
            keys,
            key,
            |view, (period, operator, collateral)| async move {
                let period = period.0.saturating_to();
                let call = RewardReserve::entryOfCall { period, operator };
                let entry = view.call(view.addresses.reward_reserve, call).await?;
                Ok(Values::new().with("collateral", collateral, entry.enrolled))
            },
        )
        .await
}
