//! Models: who published which weights, what they derive from, who serves them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::tokens::Tokens;
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Order, Parameters, Path};
use crate::value::{Address, Amount, Hash, Share, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, Live, One, Paging, View};

/// Versions, children and operators listed with one model.
const MAX_LISTED: i64 = 100;
/// Ancestors listed with one model, nearest first.
const MAX_ANCESTORS: i32 = 32;

/// How an output of a version can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Mode {
    /// Running it again gives the same bits.
    Reexecution,
    /// Running it again gives the same within published bounds.
    Tolerance,
    /// An attested key signed it.
    Attested,
    /// A proof comes with it.
    Proof,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// By registration; default `desc`, newest first.
    #[param(inline)]
    order: Option<Order>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            order: fields.take("order")?,
        })
    }
}

/// A model as of a block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Model {
    id: Hash,
    /// May publish versions and claims the royalties.
    publisher: Address,
    /// Proposed next publisher; null when none is.
    pending_publisher: Option<Address>,
    /// Model that this one derives from; null when it declares none.
    parent: Option<Hash>,
    registered_at: Timestamp,
    /// Takes no new offerings.
    retired: bool,
    /// How many versions exist; they are numbered from 1.
    versions: i64,
    latest: Version,
    /// Settled for it, by all operators, ever.
    units: Amount,
    fees: TokenAmount,
    /// Of these units, those in batches whose audit was opened by the end of the last closed period.
    audited_units: Share,
    royalties_unclaimed: TokenAmount,
    royalties_claimed: TokenAmount,
    tx_hash: Hash,
}

#[derive(Debug, Serialize, ToSchema)]
struct Version {
    version: i64,
    /// SHA-256 of the artefact: whoever has the file can check it.
    weights_digest: Hash,
    mode: Mode,
    /// Publisher's part of a fee, basis points of 10,000.
    royalty_bps: i32,
    /// Where the artefact can be had.
    uri: String,
    published_at: Timestamp,
    tx_hash: Hash,
}

/// A model with its versions, its lineage and who serves it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelDetail {
    #[serde(flatten)]
    model: Model,
    /// Newest first, at most 100.
    version_history: Vec<Version>,
    /// What it derives from, nearest first, at most 32.
    ancestors: Vec<Relative>,
    /// Models that derive directly from it, oldest first, at most 100.
    children: Vec<Relative>,
    /// Who serves it now, at most 100; `/v1/operators?model=` pages through all.
    operators: Vec<Server>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Relative {
    id: Hash,
    /// Who registered it.
    registered_by: Address,
}

#[derive(Debug, Serialize, ToSchema)]
struct Server {
    operator: Address,
    version: i64,
    /// Asked price of a unit.
    price_per_unit: TokenAmount,
    since: Timestamp,
}

struct Row {
    block_number: i64,
    log_index: i32,
    tx_hash: Hash,
    id: Hash,
    parent: Hash,
    registered_at: Timestamp,
    publisher: Address,
    pending_publisher: Address,
    retired: bool,
    versions: i64,
    units: Amount,
    audited_units: Amount,
    fees: Amount,
    royalties: Amount,
    royalties_claimed: Amount,
    version: i64,
    weights_digest: Hash,
    mode: Mode,
    royalty_bps: i32,
    uri: String,
    published_at: Timestamp,
    version_tx_hash: Hash,
}

impl Row {
    fn into_model(self, tokens: &Tokens) -> Model {
        Model {
            id: self.id,
            publisher: self.publisher,
            pending_publisher: self.pending_publisher.nonzero(),
            parent: self.parent.nonzero(),
            registered_at: self.registered_at,
            retired: self.retired,
            versions: self.versions,
            latest: Version {
                version: self.version,
                weights_digest: self.weights_digest,
                mode: self.mode,
                royalty_bps: self.royalty_bps,
                uri: self.uri,
                published_at: self.published_at,
                tx_hash: self.version_tx_hash,
            },
            audited_units: Share::new(self.audited_units, self.units.clone()),
            units: self.units,
            fees: tokens.in_fees(self.fees),
            royalties_unclaimed: tokens.in_fees(self.royalties),
            royalties_claimed: tokens.in_fees(self.royalties_claimed),
            tx_hash: self.tx_hash,
        }
    }
}

type Key = (i64, i32);

/// One query for each order and for one model, so that each has its index.
macro_rules! select {
    ($view:ident, $filter:literal $(, $value:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"select r.block_number, r.log_index, r.tx_hash as "tx_hash: Hash", r.model_id as "id: Hash",
                      r.parent as "parent: Hash", b.timestamp as "registered_at: Timestamp",
                      a.publisher as "publisher: Address", a.pending_publisher as "pending_publisher: Address",
                      a.retired, a.versions, a.units as "units: Amount", a.fees as "fees: Amount",
                      coalesce(m.audited_units_total, 0) as "audited_units!: Amount", a.royalties as "royalties: Amount", a.royalties_claimed as "royalties_claimed: Amount",
                      v.version, v.weights_digest as "weights_digest: Hash", v.mode as "mode: Mode", v.royalty_bps,
                      v.uri, vb.timestamp as "published_at: Timestamp", v.tx_hash as "version_tx_hash: Hash"
               from model_registered r
               join block b on b.number = r.block_number
               cross join lateral (
                   select * from model_account where model_id = r.model_id and block_number <= $1
                   order by block_number desc limit 1
               ) a
               left join lateral (
                   select audited_units_total from model_verification
                   where model_id = r.model_id and period <= $2 order by period desc limit 1
               ) m on true
               join version_published v on v.model_id = r.model_id and v.version = a.versions
               join block vb on vb.number = v.block_number
               where r.block_number <= $1 "# + $filter,
            $view.at.block(),
            $view.at.period
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    };
}

/// Models by registration.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "list_models", tag = "models",
    params(List, Paging, Live),
    responses((status = 200, body = Envelope<Vec<Model>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Model>>> {
    let key = view.key::<Key>()?;
    let limit = view.limit.probe();
    let mut rows = match view.parameters.order.unwrap_or_default() {
        Order::Asc => {
            let (block, log) = key.unwrap_or((-1, -1));
            select!(
                view,
                "and (r.block_number, r.log_index) > ($3, $4) order by r.block_number, r.log_index limit $5",
                block,
                log,
                limit
            )
        }
        Order::Desc => {
            let (block, log) = key.unwrap_or((i64::MAX, i32::MAX));
            select!(
                view,
                "and (r.block_number, r.log_index) < ($3, $4) order by r.block_number desc, r.log_index desc limit $5",
                block,
                log,
                limit
            )
        }
    };
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index))?;
    if rows.is_empty() {
        return Ok(view.answer(Vec::new()));
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let models = rows.into_iter().map(|row| row.into_model(&tokens)).collect();
    Ok(view.answer(models).next(next))
}

/// One model.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "show_model", tag = "models",
    params(("id" = Hash, Path, description = "The model's id"), Live),
    responses((status = 200, body = Envelope<ModelDetail>), Problems)
)]
pub(super) async fn one(Path(id): Path<Hash>, mut view: View<One>) -> Result<Answer<ModelDetail>> {
    let row = select!(view, "and r.model_id = $3", id.as_bytes()).pop();
    let row = row.ok_or_else(|| unknown(id))?;
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let data = ModelDetail {
        model: row.into_model(&tokens),
        version_history: versions(&mut view, id).await?,
        ancestors: ancestors(&mut view, id).await?,
        children: children(&mut view, id).await?,
        operators: servers(&mut view, id, &tokens).await?,
    };
    Ok(view.answer(data))
}

fn unknown(id: Hash) -> Error {
    Error::NotFound(format!("no model {id} is registered as of this block"))
}

/// Fails with 404 when no such model is registered.
pub(super) async fn require<P>(view: &mut View<P>, id: Hash) -> Result<()> {
    let registered = sqlx::query_scalar!(
        r#"select exists (select from model_registered where model_id = $1 and block_number <= $2) as "registered!""#,
        id.as_bytes(),
        view.at.block(),
    )
    .fetch_one(&mut *view.db)
    .await?;
    if registered { Ok(()) } else { Err(unknown(id)) }
}

async fn versions(view: &mut View<One>, id: Hash) -> Result<Vec<Version>> {
    let versions = sqlx::query_as!(
        Version,
        r#"select v.version, v.weights_digest as "weights_digest: Hash", v.mode as "mode: Mode", v.royalty_bps, v.uri,
                  b.timestamp as "published_at: Timestamp", v.tx_hash as "tx_hash: Hash"
           from version_published v join block b on b.number = v.block_number
           where v.model_id = $1 and v.block_number <= $2 order by v.version desc limit $3"#,
        id.as_bytes(),
        view.at.block(),
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(versions)
}

/// A parent exists before its child, so the line has an end; the bound is for the answer's sake.
async fn ancestors(view: &mut View<One>, id: Hash) -> Result<Vec<Relative>> {
    let ancestors = sqlx::query_as!(
        Relative,
        r#"with recursive line as (
               select parent, 1 as distance from model_registered where model_id = $1
               union all
               select r.parent, line.distance + 1 from line join model_registered r on r.model_id = line.parent
               where line.distance < $2
           )
           select r.model_id as "id: Hash", r.publisher as "registered_by: Address"
           from line join model_registered r on r.model_id = line.parent
           order by line.distance"#,
        id.as_bytes(),
        MAX_ANCESTORS,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(ancestors)
}

async fn children(view: &mut View<One>, id: Hash) -> Result<Vec<Relative>> {
    let children = sqlx::query_as!(
        Relative,
        r#"select model_id as "id: Hash", publisher as "registered_by: Address" from model_registered
           where parent = $1 and block_number <= $2 order by block_number, log_index limit $3"#,
        id.as_bytes(),
        view.at.block(),
        MAX_LISTED,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(children)
}

/// Steps from operator to operator, so that the cost is that of the operators and not of every change of a price.
async fn servers(view: &mut View<One>, id: Hash, tokens: &Tokens) -> Result<Vec<Server>> {
    let rows = sqlx::query!(
        r#"with recursive server as (
               (select operator from offering where model_id = $1 order by operator limit 1)
               union all
               select (select o.operator from offering o where o.model_id = $1 and o.operator > server.operator
                       order by o.operator limit 1)
               from server where server.operator is not null
           )
           select o.operator as "operator!: Address", o.version as "version!",
                  o.price_per_unit as "price_per_unit!: Amount", o.since as "since!: Timestamp"
           from server
           cross join lateral (
               select * from offering where model_id = $1 and operator = server.operator and block_number <= $2
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
    let servers = rows.into_iter().map(|row| Server {
        operator: row.operator,
        version: row.version,
        price_per_unit: tokens.in_fees(row.price_per_unit),
        since: row.since,
    });
    Ok(servers.collect())
}
