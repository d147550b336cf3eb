//! Dependency: how far the network rests on fewer operators than it seems to, and why.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Problems, Result};
use crate::value::{Amount, Hash};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{OfPeriods, Windowed};

/// Dependency over the 7 days up to a period's end; null is what nothing was known of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Dependency {
    period: i64,
    /// First period of the 7 days.
    first_period: i64,
    /// ln D2(capacity) − ln D2(served): above zero, work rests on fewer than capacity does. The next two add up to it.
    dependency: Option<f64>,
    /// ln D2(capacity) − ln D2(capacity × uptime): because operators are down.
    reliability_driven: Option<f64>,
    /// ln D2(capacity × uptime) − ln D2(served): because work goes elsewhere.
    routing_driven: Option<f64>,
    effective: Effective,
    reliable: Reliable,
    liveness: Liveness,
    quorum: Quorum,
}

/// How many equal operators would be as concentrated (D2 = 1 / HHI).
#[derive(Debug, Serialize, ToSchema)]
struct Effective {
    capacity: Option<f64>,
    /// Of capacity × uptime.
    available: Option<f64>,
    /// Of served units.
    served: Option<f64>,
}

/// Operators whose uptime of 30 days is at least 0.95 at the lower 95 % bound, with a coverage of at least 0.8.
#[derive(Debug, Serialize, ToSchema)]
struct Reliable {
    operators: i32,
    /// Of so many that have capacity.
    of_operators: i32,
    capacity_share: Option<f64>,
    effective: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Liveness {
    /// Capacity that open work takes.
    demand: Option<Amount>,
    /// The fewest operators without which the rest carries less than the demand.
    nakamoto: Option<i32>,
    /// Part of capacity × uptime that is left without the largest, the two largest, and so on, up to 10.
    left_shares: Vec<f64>,
}

/// Probability that more than two thirds of the operators are up at once, were they independent.
#[derive(Debug, Serialize, ToSchema)]
struct Quorum {
    availability: Option<f64>,
    /// Failure domain with most capacity; null when none is declared.
    shock_domain: Option<String>,
    /// The same while that domain is down.
    availability_shocked: Option<f64>,
}

struct Row {
    period: i64,
    first_period: i64,
    effective_capacity: Option<f64>,
    effective_available: Option<f64>,
    effective_served: Option<f64>,
    dependency: Option<f64>,
    dependency_reliability: Option<f64>,
    dependency_routing: Option<f64>,
    operators: i32,
    reliable_operators: i32,
    reliable_share: Option<f64>,
    reliable_effective: Option<f64>,
    demand: Option<Amount>,
    liveness_nakamoto: Option<i32>,
    left_shares: Vec<f64>,
    quorum_availability: Option<f64>,
    shock_domain: Option<Hash>,
    quorum_availability_shocked: Option<f64>,
}

impl From<Row> for Dependency {
    fn from(row: Row) -> Self {
        Self {
            period: row.period,
            first_period: row.first_period,
            dependency: row.dependency,
            reliability_driven: row.dependency_reliability,
            routing_driven: row.dependency_routing,
            effective: Effective {
                capacity: row.effective_capacity,
                available: row.effective_available,
                served: row.effective_served,
            },
            reliable: Reliable {
                operators: row.reliable_operators,
                of_operators: row.operators,
                capacity_share: row.reliable_share,
                effective: row.reliable_effective,
            },
            liveness: Liveness {
                demand: row.demand,
                nakamoto: row.liveness_nakamoto,
                left_shares: row.left_shares,
            },
            quorum: Quorum {
                availability: row.quorum_availability,
                shock_domain: row.shock_domain.map(|domain| domain.label()),
                availability_shocked: row.quorum_availability_shocked,
            },
        }
    }
}

/// Dependency at the end of each closed period, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/network/dependency", operation_id = "list_dependency", tag = "network",
    params(Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Dependency>>), Problems)
)]
pub(super) async fn list(mut view: View<OfPeriods>) -> Result<Answer<Vec<Dependency>>> {
    let range = view.range(view.parameters.span).await?;
    let mut rows = sqlx::query_as!(
        Row,
        r#"select period, first_period, effective_capacity, effective_available, effective_served, dependency,
                  dependency_reliability, dependency_routing, operators, reliable_operators, reliable_share,
                  reliable_effective, demand as "demand: Amount", liveness_nakamoto, left_shares, quorum_availability,
                  shock_domain as "shock_domain: Hash", quorum_availability_shocked
           from network_dependency where period >= $1 and period < $2 order by period desc limit $3"#,
        range.first,
        view.key::<i64>()?.unwrap_or(range.end),
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let next = view.cut(&mut rows, |row| row.period)?;
    let data = rows.into_iter().map(Dependency::from).collect();
    Ok(view.answer(data).window(range.window).next(next))
}
