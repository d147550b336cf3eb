//! Incentives: whether uptime is still paid for, and whether it would outlast a fall of the price.

use serde::Serialize;
use utoipa::ToSchema;

use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::value::{Amount, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{OfPeriods, Windowed};

/// Incentives at the end of a closed period; null where there is no reserve, no price, or nothing to divide by.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Incentives {
    period: i64,
    reserve: Reserve,
    service: Service,
    price: Price,
}

/// Of the periods that the reserve closed in this one.
#[derive(Debug, Serialize, ToSchema)]
struct Reserve {
    /// What it can release.
    balance: Option<TokenAmount>,
    /// What pay for uptime is meant to be.
    reward_target: Option<TokenAmount>,
    protocol_fees: Option<TokenAmount>,
    /// Protocol fees, seizures, gifts.
    received: Option<TokenAmount>,
    released: Option<TokenAmount>,
    /// Balance over the net release of a period, by 30 days; null when it does not shrink.
    runway_periods: Option<f64>,
    /// Protocol fees of the reward target, over 30 days: above 1 the network pays for itself.
    fee_coverage: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Service {
    /// In service at the end.
    operators: i32,
    entered: i32,
    exited: i32,
    /// Of those in service in the period before.
    exit_rate: Option<f64>,
    /// Of all stake.
    thawing_share: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Price {
    /// Of a whole stake token; null before it was observed.
    stake_token: Option<TokenAmount>,
    /// ln of the price over that of 30 days before.
    change: Option<f64>,
    /// Uptime of 7 days less that of the 7 days which ended 30 days before.
    uptime_change: Option<f64>,
    elasticity: Elasticity,
}

/// Slope of uptime on ln price over 30 days (Theil–Sen): above zero uptime falls when the price does.
#[derive(Debug, Serialize, ToSchema)]
struct Elasticity {
    slope: Option<f64>,
    /// 95 % interval.
    low: Option<f64>,
    high: Option<f64>,
}

struct Row {
    period: i64,
    reserve: Option<Amount>,
    wages: Option<Amount>,
    protocol_fees: Option<Amount>,
    received: Option<Amount>,
    released: Option<Amount>,
    runway_periods: Option<f64>,
    fee_coverage: Option<f64>,
    operators: i32,
    entered: i32,
    exited: i32,
    exit_rate: Option<f64>,
    thawing_share: Option<f64>,
    price: Option<Amount>,
    price_change: Option<f64>,
    uptime_change: Option<f64>,
    price_elasticity: Option<f64>,
    price_elasticity_low: Option<f64>,
    price_elasticity_high: Option<f64>,
}

impl Row {
    fn into_incentives(self, tokens: &Tokens) -> Incentives {
        let fees = |amount: Option<Amount>| amount.map(|amount| tokens.in_fees(amount));
        Incentives {
            period: self.period,
            reserve: Reserve {
                balance: fees(self.reserve),
                reward_target: fees(self.wages),
                protocol_fees: fees(self.protocol_fees),
                received: fees(self.received),
                released: fees(self.released),
                runway_periods: self.runway_periods,
                fee_coverage: self.fee_coverage,
            },
            service: Service {
                operators: self.operators,
                entered: self.entered,
                exited: self.exited,
                exit_rate: self.exit_rate,
                thawing_share: self.thawing_share,
            },
            price: Price {
                stake_token: fees(self.price),
                change: self.price_change,
                uptime_change: self.uptime_change,
                elasticity: Elasticity {
                    slope: self.price_elasticity,
                    low: self.price_elasticity_low,
                    high: self.price_elasticity_high,
                },
            },
        }
    }
}

/// Incentives at the end of each closed period, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/network/incentives", operation_id = "list_incentives", tag = "network",
    params(Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Incentives>>), Problems)
)]
pub(super) async fn list(mut view: View<OfPeriods>) -> Result<Answer<Vec<Incentives>>> {
    let range = view.range(view.parameters.span).await?;
    let mut rows = sqlx::query_as!(
        Row,
        r#"select period, reserve as "reserve: Amount", wages as "wages: Amount", protocol_fees as "protocol_fees: Amount",
                  received as "received: Amount", released as "released: Amount", runway_periods, fee_coverage, operators,
                  entered, exited, exit_rate, thawing_share, price as "price: Amount", price_change, uptime_change,
                  price_elasticity, price_elasticity_low, price_elasticity_high
           from network_incentive where period >= $1 and period < $2 order by period desc limit $3"#,
        range.first,
        view.key::<i64>()?.unwrap_or(range.end),
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let next = view.cut(&mut rows, |row| row.period)?;
    if rows.is_empty() {
        return Ok(view.answer(Vec::new()).window(range.window));
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let data = rows.into_iter().map(|row| row.into_incentives(&tokens)).collect();
    Ok(view.answer(data).window(range.window).next(next))
}
