//! One operator: its figures, what it serves and the keys it ever had.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::network;
use super::operators::{Operator, Selection, reliability_of, select, unknown};
use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, Live, View};
use crate::window::{Span, Windowed};

/// Models and keys listed with one operator; more are counted.
const MAX_LISTED: i64 = 100;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct One {
    #[param(ignore)]
    span: Span,
}

impl Parameters for One {
    const PAGED: bool = false;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            span: Span::read(fields)?,
        })
    }
}

/// An operator with what it serves and the keys it ever had.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperatorDetail {
    #[serde(flatten)]
    operator: Operator,
    /// Models it serves now, at most 100.
    models: Vec<Serving>,
    /// Signing keys, newest first, at most 100.
    key_history: Vec<KeyBinding>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Serving {
    model: Hash,
    version: i64,
    /// Asked price of a unit.
    price_per_unit: TokenAmount,
    /// Publisher's part of a fee, basis points.
    royalty_bps: i32,
    since: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
struct KeyBinding {
    key: Address,
    bound_at: Timestamp,
    tx_hash: Hash,
}

/// One operator.
///
/// Live view: `finalized` defaults to false. The window, 30 days by default, is that of `uptime` and `served`.
#[utoipa::path(
    get, path = "/v1/operators/{id}", operation_id = "show_operator", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), Windowed, Live),
    responses((status = 200, body = Envelope<OperatorDetail>), Problems)
)]
pub(super) async fn one(Path(id): Path<Address>, mut view: View<One>) -> Result<Answer<OperatorDetail>> {
    let periods = view.periods(view.parameters.span).await?;
    let row = select(&mut view, &periods, &Selection::one(id))
        .await?
        .pop()
        .ok_or_else(|| unknown(id))?;
    let network = network::totals(&mut view, &periods).await?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let reliability = reliability_of(&mut view, &[id], &periods)
        .await?
        .remove(&id)
        .unwrap_or_default();
    let operator = row.into_operator(reliability, &tokens, &network.units, view.at.time());
    let (models, key_history) = (
        serving(&mut view, id, &tokens).await?,
        key_history(&mut view, id).await?,
    );
    let coverage = operator.uptime.coverage;
    let data = OperatorDetail {
        operator,
        models,
        key_history,
    };
    Ok(view.answer(data).window(Some(periods.window())).coverage(coverage))
}

/// Steps from model to model, so that the cost is that of the models and not of every change of a price.
async fn serving(view: &mut View<One>, id: Address, tokens: &Tokens) -> Result<Vec<Serving>> {
    let rows = sqlx::query!(
        r#"with recursive model as (
               (select model_id from offering where operator = $1 order by model_id limit 1)
               union all
               select (select o.model_id from offering o where o.operator = $1 and o.model_id > model.model_id
                       order by o.model_id limit 1)
               from model where model.model_id is not null
           )
           select o.model_id as "model!: Hash", o.version as "version!", o.royalty_bps as "royalty_bps!",
                  o.price_per_unit as "price_per_unit!: Amount", o.since as "since!: Timestamp"
           from model
           cross join lateral (
               select * from offering where operator = $1 and model_id = model.model_id and block_number <= $2
               order by block_number desc limit 1
           ) o
           where o.active
           limit $3"#,
        id.as_bytes(),
        view.at.block(),
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let serving = rows.into_iter().map(|row| Serving {
        model: row.model,
        version: row.version,
        price_per_unit: tokens.in_fees(row.price_per_unit),
        royalty_bps: row.royalty_bps,
        since: row.since,
    });
    Ok(serving.collect())
}

async fn key_history(view: &mut View<One>, id: Address) -> Result<Vec<KeyBinding>> {
    let keys = sqlx::query_as!(
        KeyBinding,
        r#"select k.key as "key: Address", b.timestamp as "bound_at: Timestamp", k.tx_hash as "tx_hash: Hash"
           from key_rotated k join block b on b.number = k.block_number
           where k.operator = $1 and k.block_number <= $2
           order by k.block_number desc, k.log_index desc limit $3"#,
        id.as_bytes(),
        view.at.block(),
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(keys)
}
