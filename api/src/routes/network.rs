//! The network as a whole: how many, how much, how reliable, how concentrated.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::tokens::Tokens;
use super::uptime::Uptime;
use crate::error::{Problems, Result};
use crate::value::{Amount, Token, TokenAmount};
use crate::view::{Answer, Envelope, Live, View};
use crate::window::{Periods, Span, Windowed};

/// The network as of a block; `uptime` and `served` are of the window, `concentration` of the last closed period.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NetworkSummary {
    operators: OperatorCounts,
    models: ModelCounts,
    /// Null before the contracts' deployment is indexed.
    stake: Option<NetworkStake>,
    /// All operators together, a ratio of sums.
    uptime: Uptime,
    served: Option<NetworkServed>,
    total: Option<NetworkTotal>,
    /// By stake, capacity, served units, fees and rewards; empty before the first period is closed.
    concentration: Vec<Concentration>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct OperatorCounts {
    /// Ever.
    registered: i64,
    active: i64,
    /// Without an enabled enclave, in the source `opengradient`.
    inactive: i64,
    jailed: i64,
    exiting: i64,
    tombstoned: i64,
}

#[derive(Debug, Default, Serialize, ToSchema)]
struct ModelCounts {
    /// Ever.
    registered: i64,
    retired: i64,
}

/// Stake in base units of its token.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkStake {
    active: Amount,
    /// On its way out; a slash still reaches it.
    thawing: Amount,
    token: Token,
}

/// Settled in the closed periods of the window.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkServed {
    units: Amount,
    fees: TokenAmount,
}

/// Since the start.
#[derive(Debug, Serialize, ToSchema)]
struct NetworkTotal {
    units: Amount,
    fees: TokenAmount,
    batches: i64,
    receipts: Amount,
    vouchers: i64,
    /// Punished, periods of downtime included.
    faults: i64,
    slashed_stake: TokenAmount,
    /// Refunds to payers included.
    slashed_earnings: TokenAmount,
    /// Part of `slashed_earnings` that went back to payers.
    refunded: TokenAmount,
    /// Pay for uptime from the reserve, with what went to stakers.
    uptime_rewards: TokenAmount,
}

/// What a share is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Basis {
    /// Active stake at the period's end.
    Stake,
    /// What an operator in service can carry.
    Capacity,
    /// Capacity times uptime.
    Available,
    /// Settled in the period.
    Units,
    /// Settled in the period.
    Fees,
    /// Pay for uptime that was taken in the period.
    Rewards,
}

impl Basis {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Capacity => "capacity",
            Self::Available => "available",
            Self::Units => "units",
            Self::Fees => "fees",
            Self::Rewards => "rewards",
        }
    }
}

/// How concentrated the operators of a closed period were. Figures are null when the total is zero.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Concentration {
    period: i64,
    basis: Basis,
    /// Base units of the stake token, units, or base units of the fee token.
    total: Amount,
    top1_share: Option<f64>,
    top3_share: Option<f64>,
    /// Sum of the squared shares.
    hhi: Option<f64>,
    /// 1 / HHI.
    effective_operators: Option<f64>,
    gini: Option<f64>,
    nakamoto: Nakamoto,
}

/// The fewest operators that together hold strictly more than the fraction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nakamoto {
    pub(super) third: Option<i32>,
    pub(super) half: Option<i32>,
    pub(super) two_thirds: Option<i32>,
}

/// The network at a glance.
///
/// Live view: `finalized` defaults to false. The default window is 30 days.
#[utoipa::path(
    get, path = "/v1/network/summary", operation_id = "summarize_network", tag = "network",
    params(Windowed, Live),
    responses((status = 200, body = Envelope<NetworkSummary>), Problems)
)]
pub(super) async fn summary(mut view: View<Span>) -> Result<Answer<NetworkSummary>> {
    let periods = view.periods(view.parameters).await?;
    let WindowTotals { uptime, units, fees } = totals(&mut view, &periods).await?;
    let tokens = Tokens::load(&mut view.db, &view.at).await?;
    let concentration = match view.at.period {
        Some(period) => concentration(&mut view, period).await?,
        None => Vec::new(),
    };
    let row = account(&mut view).await?;
    let data = NetworkSummary {
        operators: row.as_ref().map_or_else(OperatorCounts::default, Account::operators),
        models: row.as_ref().map_or_else(ModelCounts::default, Account::models),
        stake: tokens.as_ref().map(|tokens| NetworkStake {
            active: row
                .as_ref()
                .map_or_else(Amount::default, |row| row.stake_active.clone()),
            thawing: row
                .as_ref()
                .map_or_else(Amount::default, |row| row.stake_thawing.clone()),
            token: tokens.stake.clone(),
        }),
        uptime,
        served: tokens.as_ref().map(|tokens| NetworkServed {
            units,
            fees: tokens.in_fees(fees),
        }),
        total: row.zip(tokens).map(|(row, tokens)| row.into_total(&tokens)),
        concentration,
    };
    Ok(view
        .answer(data)
        .window(Some(periods.window()))
        .coverage(uptime.coverage))
}

struct Account {
    operators: i64,
    operators_active: i64,
    operators_inactive: i64,
    operators_jailed: i64,
    operators_exiting: i64,
    operators_tombstoned: i64,
    models: i64,
    models_retired: i64,
    batches: i64,
    receipts: Amount,
    vouchers: i64,
    units: Amount,
    fees: Amount,
    slashed_stake: Amount,
    slashed_earnings: Amount,
    refunded: Amount,
    uptime_rewards: Amount,
    faults: i64,
    stake_active: Amount,
    stake_thawing: Amount,
}

impl Account {
    fn operators(&self) -> OperatorCounts {
        OperatorCounts {
            registered: self.operators,
            active: self.operators_active,
            inactive: self.operators_inactive,
            jailed: self.operators_jailed,
            exiting: self.operators_exiting,
            tombstoned: self.operators_tombstoned,
        }
    }

    fn models(&self) -> ModelCounts {
        ModelCounts {
            registered: self.models,
            retired: self.models_retired,
        }
    }

    fn into_total(self, tokens: &Tokens) -> NetworkTotal {
        NetworkTotal {
            units: self.units,
            fees: tokens.in_fees(self.fees),
            batches: self.batches,
            receipts: self.receipts,
            vouchers: self.vouchers,
            faults: self.faults,
            slashed_stake: tokens.in_stake(self.slashed_stake),
            slashed_earnings: tokens.in_fees(self.slashed_earnings),
            refunded: tokens.in_fees(self.refunded),
            uptime_rewards: tokens.in_fees(self.uptime_rewards),
        }
    }
}

/// The newest sums at or below the block; none before the first event.
async fn account(view: &mut View<Span>) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Account,
        r#"select operators, operators_active, operators_inactive, operators_jailed, operators_exiting,
                  operators_tombstoned, models, models_retired, batches, receipts as "receipts: Amount", vouchers, units as "units: Amount", fees as "fees: Amount",
                  slashed_stake as "slashed_stake: Amount", slashed_earnings as "slashed_earnings: Amount",
                  refunded as "refunded: Amount", uptime_rewards as "uptime_rewards: Amount", faults,
                  stake_active as "stake_active: Amount", stake_thawing as "stake_thawing: Amount"
           from network_account where block_number <= $1 order by block_number desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    Ok(row)
}

/// Concentration of a closed period.
pub(super) async fn concentration<P>(view: &mut View<P>, period: i64) -> Result<Vec<Concentration>> {
    let rows = sqlx::query!(
        r#"select basis as "basis: Basis", total as "total: Amount", top1_share, top3_share, hhi, effective_operators,
                  gini, nakamoto_third, nakamoto_half, nakamoto_two_thirds
           from network_concentration where period = $1 and level = 'operator' order by basis"#,
        period
    )
    .fetch_all(&mut *view.db)
    .await?;
    let rows = rows.into_iter().map(|row| Concentration {
        period,
        basis: row.basis,
        total: row.total,
        top1_share: row.top1_share,
        top3_share: row.top3_share,
        hhi: row.hhi,
        effective_operators: row.effective_operators,
        gini: row.gini,
        nakamoto: Nakamoto {
            third: row.nakamoto_third,
            half: row.nakamoto_half,
            two_thirds: row.nakamoto_two_thirds,
        },
    });
    Ok(rows.collect())
}

/// The network's sums over the window.
pub(super) struct WindowTotals {
    pub(super) uptime: Uptime,
    pub(super) units: Amount,
    pub(super) fees: Amount,
}

pub(super) async fn totals<P>(view: &mut View<P>, periods: &Periods) -> Result<WindowTotals> {
    let row = sqlx::query!(
        r#"select coalesce(e.expected_total, 0) - coalesce(b.expected_total, 0) as "expected!",
                  coalesce(e.observed_total, 0) - coalesce(b.observed_total, 0) as "observed!",
                  coalesce(e.hit_total, 0) - coalesce(b.hit_total, 0) as "hit!",
                  coalesce(e.units_total, 0) - coalesce(b.units_total, 0) as "units!: Amount",
                  coalesce(e.fees_total, 0) - coalesce(b.fees_total, 0) as "fees!: Amount"
           from (values (1)) one
           left join lateral (select * from network_period where period < $1 order by period desc limit 1) e on true
           left join lateral (select * from network_period where period < $2 order by period desc limit 1) b on true"#,
        periods.end,
        periods.first,
    )
    .fetch_one(&mut *view.db)
    .await?;
    let uptime = Uptime::new(row.expected, row.observed, row.hit);
    Ok(WindowTotals {
        uptime,
        units: row.units,
        fees: row.fees,
    })
}
