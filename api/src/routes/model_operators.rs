//! Who serves a model, since when and on which terms.

use serde::Serialize;
use utoipa::ToSchema;

use super::models;
use super::operators::Status;
use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, Live, Paging, View};

pub(super) struct List;

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = false;

    fn read(_: &mut Fields) -> Result<Self> {
        Ok(Self)
    }
}

/// An operator that serves a model.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelServer {
    operator: Address,
    /// Whoever is not active answers nobody.
    status: Status,
    /// Failure domain as declared.
    #[schema(example = "aws/eu-west-1")]
    domain: String,
    version: i64,
    /// Asked price of a unit.
    price_per_unit: TokenAmount,
    /// Publisher's part of a fee, basis points.
    royalty_bps: i32,
    since: Timestamp,
}

struct Row {
    operator: Address,
    status: Status,
    domain: Hash,
    version: i64,
    price_per_unit: Amount,
    royalty_bps: i32,
    since: Timestamp,
}

/// Operators that serve a model now, by their addresses.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/models/{id}/operators", operation_id = "list_model_operators", tag = "models",
    params(("id" = Hash, Path, description = "The model's id"), Paging, Live),
    responses((status = 200, body = Envelope<Vec<ModelServer>>), Problems)
)]
pub(super) async fn list(Path(id): Path<Hash>, mut view: View<List>) -> Result<Answer<Vec<ModelServer>>> {
    models::require(&mut view, id).await?;
    let after = view.key::<Address>()?;
    let mut rows = page(&mut view, id, after).await?;
    let next = view.cut(&mut rows, |row| row.operator)?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let serving = rows.into_iter().map(|row| ModelServer {
        operator: row.operator,
        status: row.status,
        domain: row.domain.label(),
        version: row.version,
        price_per_unit: tokens.in_fees(row.price_per_unit),
        royalty_bps: row.royalty_bps,
        since: row.since,
    });
    let serving = serving.collect();
    Ok(view.answer(serving).next(next))
}

/// Steps from operator to operator, so that the cost is that of the operators and not of every change of a price.
async fn page(view: &mut View<List>, id: Hash, after: Option<Address>) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"with recursive walk as (
               (select operator from offering
                where model_id = $1 and operator > $3::bytea and block_number <= $2 order by operator limit 1)
               union all
               select n.operator from walk cross join lateral (
                   select operator from offering
                   where model_id = $1 and operator > walk.operator and block_number <= $2 order by operator limit 1
               ) n
           )
           select walk.operator as "operator!: Address", p.status as "status!: Status", p.domain as "domain!: Hash",
                  o.version as "version!", o.price_per_unit as "price_per_unit!: Amount",
                  o.royalty_bps as "royalty_bps!", o.since as "since!: Timestamp"
           from walk
           cross join lateral (
               select * from offering where model_id = $1 and operator = walk.operator and block_number <= $2
               order by block_number desc limit 1
           ) o
           cross join lateral (
               select status, domain from operator_profile where operator = walk.operator and block_number <= $2
               order by block_number desc limit 1
           ) p
           where o.active
           limit $4"#,
        id.as_bytes(),
        view.at.block(),
        after.map_or_else(Vec::new, |after| after.as_bytes().to_vec()),
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(rows)
}
