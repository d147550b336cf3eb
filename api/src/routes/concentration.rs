//! Concentration of the network, period by period: among operators, their owners and their failure domains.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::network::{Basis, Nakamoto};
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters};
use crate::value::Amount;
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{Span, Windowed};

/// Among whom shares are counted. `owner`: operators with one payout address. `domain`: operators with one declared failure
/// domain; who declares none stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Level {
    Operator,
    Owner,
    Domain,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Owner => "owner",
            Self::Domain => "domain",
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only shares among these.
    #[param(inline)]
    level: Option<Level>,
    /// Only shares of this.
    #[param(inline)]
    basis: Option<Basis>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            level: fields.take("level")?,
            basis: fields.take("basis")?,
            span: Span::read(fields)?,
        })
    }
}

/// How concentrated a closed period was. Figures are null when the total is zero.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PeriodConcentration {
    period: i64,
    level: Level,
    basis: Basis,
    /// Base units of the stake token, units, or base units of the fee token.
    total: Amount,
    /// That hold more than nothing.
    holders: i32,
    top1_share: Option<f64>,
    top3_share: Option<f64>,
    top10_share: Option<f64>,
    /// Sum of the squared shares.
    hhi: Option<f64>,
    /// D2 = 1 / HHI.
    effective: Option<f64>,
    /// D1 = exp(−Σ s ln s).
    entropy_effective: Option<f64>,
    gini: Option<f64>,
    /// Σ s ln(n s).
    theil: Option<f64>,
    /// Part of the operators' Theil index between groups; null among operators.
    theil_between: Option<f64>,
    /// The rest of it, within groups.
    theil_within: Option<f64>,
    nakamoto: Nakamoto,
}

struct Row {
    period: i64,
    level: Level,
    basis: Basis,
    total: Amount,
    holders: i32,
    top1_share: Option<f64>,
    top3_share: Option<f64>,
    top10_share: Option<f64>,
    hhi: Option<f64>,
    effective_operators: Option<f64>,
    entropy_effective: Option<f64>,
    gini: Option<f64>,
    theil: Option<f64>,
    theil_between: Option<f64>,
    theil_within: Option<f64>,
    nakamoto_third: Option<i32>,
    nakamoto_half: Option<i32>,
    nakamoto_two_thirds: Option<i32>,
}

impl From<Row> for PeriodConcentration {
    fn from(row: Row) -> Self {
        Self {
            period: row.period,
            level: row.level,
            basis: row.basis,
            total: row.total,
            holders: row.holders,
            top1_share: row.top1_share,
            top3_share: row.top3_share,
            top10_share: row.top10_share,
            hhi: row.hhi,
            effective: row.effective_operators,
            entropy_effective: row.entropy_effective,
            gini: row.gini,
            theil: row.theil,
            theil_between: row.theil_between,
            theil_within: row.theil_within,
            nakamoto: Nakamoto {
                third: row.nakamoto_third,
                half: row.nakamoto_half,
                two_thirds: row.nakamoto_two_thirds,
            },
        }
    }
}

type Key = (i64, String, String);

/// Concentration of each closed period, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/network/concentration", operation_id = "list_concentration", tag = "network",
    params(List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<PeriodConcentration>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<PeriodConcentration>>> {
    let range = view.range(view.parameters.span).await?;
    let (period, level, basis) = view.key::<Key>()?.unwrap_or((range.end, String::new(), String::new()));
    let mut rows = sqlx::query_as!(
        Row,
        r#"select period, level as "level: Level", basis as "basis: Basis", total as "total: Amount", holders, top1_share,
                  top3_share, top10_share, hhi, effective_operators, entropy_effective, gini, theil, theil_between,
                  theil_within, nakamoto_third, nakamoto_half, nakamoto_two_thirds
           from network_concentration
           where period >= $1 and (period, level, basis) < ($2, $3, $4)
             and ($5::text is null or level = $5) and ($6::text is null or basis = $6)
           order by period desc, level desc, basis desc limit $7"#,
        range.first,
        period,
        level,
        basis,
        view.parameters.level.map(Level::name),
        view.parameters.basis.map(Basis::name),
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let next = view.cut(&mut rows, |row| (row.period, row.level.name(), row.basis.name()))?;
    let data = rows.into_iter().map(PeriodConcentration::from).collect();
    Ok(view.answer(data).window(range.window).next(next))
}
