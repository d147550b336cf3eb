//! Lineage of a model: what it derives from, and what derives from it, as the publishers declared.

use serde::Serialize;
use utoipa::ToSchema;

use super::models;
use crate::error::{Problems, Result};
use crate::extract::Path;
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, Live, One, View};

/// Ancestors that are followed, nearest first.
const MAX_ANCESTORS: i32 = 32;
/// Descendants that are told, nearest first.
const MAX_DESCENDANTS: i64 = 200;

/// A model between those that it derives from and those that derive from it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lineage {
    model: Hash,
    /// Nearest first, at most 32.
    ancestors: Vec<Kin>,
    /// Nearest first, at most 200.
    descendants: Vec<Kin>,
    /// False when there are more of either than are listed.
    complete: bool,
}

/// A model in the line of another.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kin {
    id: Hash,
    /// Null when it declares none.
    parent: Option<Hash>,
    /// Steps from one to the other.
    distance: i32,
    /// Who registered it.
    registered_by: Address,
    registered_at: Timestamp,
    /// Takes no new offerings.
    retired: bool,
    versions: i64,
    /// Of its newest version: SHA-256 of the artefact.
    weights_digest: Hash,
}

struct Row {
    id: Hash,
    parent: Hash,
    distance: i32,
    registered_by: Address,
    registered_at: Timestamp,
    retired: bool,
    versions: i64,
    weights_digest: Hash,
}

impl From<Row> for Kin {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            parent: row.parent.nonzero(),
            distance: row.distance,
            registered_by: row.registered_by,
            registered_at: row.registered_at,
            retired: row.retired,
            versions: row.versions,
            weights_digest: row.weights_digest,
        }
    }
}

/// What a model derives from, and what derives from it.
///
/// Live view: `finalized` defaults to false. Lineage is what publishers declared; nobody vouches for it.
#[utoipa::path(
    get, path = "/v1/models/{id}/lineage", operation_id = "show_model_lineage", tag = "models",
    params(("id" = Hash, Path, description = "The model's id"), Live),
    responses((status = 200, body = Envelope<Lineage>), Problems)
)]
pub(super) async fn one(Path(id): Path<Hash>, mut view: View<One>) -> Result<Answer<Lineage>> {
    models::require(&mut view, id).await?;
    let mut ancestors = ancestors(&mut view, id).await?;
    let mut descendants = descendants(&mut view, id).await?;
    let complete = ancestors.len() <= MAX_ANCESTORS as usize && descendants.len() <= MAX_DESCENDANTS as usize;
    ancestors.truncate(MAX_ANCESTORS as usize);
    descendants.truncate(MAX_DESCENDANTS as usize);
    let kin = |rows: Vec<Row>| rows.into_iter().map(Kin::from).collect();
    let data = Lineage {
        model: id,
        ancestors: kin(ancestors),
        descendants: kin(descendants),
        complete,
    };
    Ok(view.answer(data))
}

/// The models of a line with what is known of them, in the order of the line.
macro_rules! kin {
    ($view:ident, $line:literal, $id:expr, $limit:expr) => {
        sqlx::query_as!(
            Row,
            r#"with recursive line as ("# + $line + r#")
               select line.model_id as "id!: Hash", r.parent as "parent!: Hash", line.distance as "distance!",
                      r.publisher as "registered_by!: Address", b.timestamp as "registered_at!: Timestamp",
                      a.retired as "retired!", a.versions as "versions!", v.weights_digest as "weights_digest!: Hash"
               from (select *, row_number() over () as place from line where distance > 0 limit $3) line
               join model_registered r on r.model_id = line.model_id
               join block b on b.number = r.block_number
               cross join lateral (
                   select retired, versions from model_account
                   where model_id = line.model_id and block_number <= $2 order by block_number desc limit 1
               ) a
               join version_published v on v.model_id = line.model_id and v.version = a.versions
               order by line.place"#,
            $id.as_bytes(),
            $view.at.block(),
            $limit,
        )
        .fetch_all(&mut *$view.db)
        .await?
    };
}

/// A parent exists before its child, so the line has an end.
async fn ancestors(view: &mut View<One>, id: Hash) -> Result<Vec<Row>> {
    Ok(kin!(
        view,
        "select model_id, parent, 0 as distance from model_registered where model_id = $1
         union all
         select r.model_id, r.parent, line.distance + 1
         from line cross join lateral (
             select model_id, parent from model_registered where model_id = line.parent and block_number <= $2 limit 1
         ) r",
        id,
        i64::from(MAX_ANCESTORS) + 1
    ))
}

/// Breadth first: the line is made no longer than it is read.
async fn descendants(view: &mut View<One>, id: Hash) -> Result<Vec<Row>> {
    Ok(kin!(
        view,
        "select $1::bytea as model_id, 0 as distance
         union all
         select c.model_id, line.distance + 1
         from line cross join lateral (
             select model_id from model_registered where parent = line.model_id and block_number <= $2
             order by parent, block_number, log_index limit $3
         ) c",
        id,
        MAX_DESCENDANTS + 1
    ))
}
