//! Enclaves of an operator of another network: every restart makes a new one.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::operators;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Flag, Parameters, Path};
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, Live, Paging, View};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only enclaves that are enabled, or only those that are not.
    #[param(value_type = Option<bool>)]
    enabled: Option<Flag>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            enabled: fields.take("enabled")?,
        })
    }
}

/// Where endpoint and payment address were found. `calldata`: in the transaction that registered the enclave. `state`: in the
/// registry's `getTEE`, because a contract registered it. `unknown`: nowhere, both are null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum FoundIn {
    Calldata,
    State,
    Unknown,
}

/// An enclave as of a block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Enclave {
    /// Hash of its public key.
    id: Hash,
    /// As the registry numbers them.
    kind: i16,
    registered_at: Timestamp,
    enabled: bool,
    /// Enabled, and heard of within the time that a heartbeat is believed.
    active: bool,
    /// When it was registered, enabled or disabled last.
    changed_at: Timestamp,
    /// Code whose revocation disabled it; null when it is enabled, or was disabled by itself.
    revoked_code: Option<Hash>,
    /// Receipt of its newest heartbeat that counted; the registration before the first.
    alive_at: Timestamp,
    /// What that heartbeat signed; null before the first.
    signed_at: Option<Timestamp>,
    endpoint: Option<String>,
    payment_address: Option<Address>,
    /// Code that it runs, as measured; null unless `found_in` is `state`.
    code: Option<Hash>,
    found_in: FoundIn,
}

/// Enclaves of one operator, newest first; of the source `opengradient`.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/operators/{id}/enclaves", operation_id = "list_operator_enclaves", tag = "operators",
    params(("id" = Address, Path, description = "The operator's address"), List, Paging, Live),
    responses((status = 200, body = Envelope<Vec<Enclave>>), Problems)
)]
pub(super) async fn of_operator(Path(id): Path<Address>, mut view: View<List>) -> Result<Answer<Vec<Enclave>>> {
    operators::require(&mut view, id).await?;
    let (block_number, log_index) = view.key::<(i64, i32)>()?.unwrap_or((view.at.block(), i32::MAX));
    // A heartbeat counts when it is fresh and signed after all that did before: among those since the last closed period the
    // one that was signed last, when it came first. They are found by their blocks, of which there are few.
    let rows = sqlx::query!(
        r#"with rules as (
               select heartbeat_max_age_seconds as max_age from opengradient
           ), page as (
               select r.tee_id, r.block_number, r.log_index, e.tee_type, e.registered_at, e.enabled, e.changed_at,
                      e.revoked_pcr, d.endpoint, d.payment_address, d.pcr_hash, d.found_in,
                      coalesce(p.alive_at, e.registered_at) as alive_at, p.signed_at
               from tee_registered r
               join tee_details d on d.block_number = r.block_number and d.log_index = r.log_index
               cross join lateral (select * from enclave where tee_id = r.tee_id and block_number <= $2
                                   order by block_number desc limit 1) e
               left join lateral (select alive_at, signed_at from enclave_period
                                  where tee_id = r.tee_id and period <= $3 order by period desc limit 1) p on true
               where r.owner = $1 and (r.block_number, r.log_index) < ($4, $5) and ($6::boolean is null or e.enabled = $6)
               order by r.block_number desc, r.log_index desc limit $7
           ), since as (
               select coalesce((select number from block where timestamp >= (
                          select ends_at from network_period where period = $3)
                          order by timestamp, number limit 1), 0) as number
           )
           select page.tee_id as "id!: Hash", page.block_number as "block_number!", page.log_index as "log_index!",
                  page.tee_type as "kind!", page.registered_at as "registered_at!: Timestamp", page.enabled as "enabled!",
                  page.changed_at as "changed_at!: Timestamp", page.revoked_pcr as "revoked_code: Hash",
                  page.endpoint, page.payment_address as "payment_address: Address", page.pcr_hash as "code: Hash",
                  page.found_in as "found_in!: FoundIn",
                  coalesce(beat.alive_at, page.alive_at) as "alive_at!: Timestamp",
                  coalesce(beat.signed_at, page.signed_at) as "signed_at: Timestamp",
                  page.enabled and $8 - coalesce(beat.alive_at, page.alive_at) <= rules.max_age as "active!"
           from page
           cross join rules
           left join (
               select distinct on (h.tee_id) h.tee_id, h.signed_at, b.timestamp as alive_at
               from heartbeat_received h
               join block b on b.number = h.block_number
               join page on page.tee_id = h.tee_id
               cross join rules
               where h.block_number >= (select number from since) and h.block_number <= $2
                 and h.signed_at > coalesce(page.signed_at, -1)
                 and b.timestamp - h.signed_at between 0 and rules.max_age
               order by h.tee_id, h.signed_at desc, h.block_number, h.log_index
           ) beat on beat.tee_id = page.tee_id
           order by page.block_number desc, page.log_index desc"#,
        id.as_bytes(),
        view.at.block(),
        view.at.period,
        block_number,
        log_index,
        view.parameters.enabled.map(|flag| flag.0),
        view.limit.probe(),
        view.at.time().unix(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let mut rows = rows;
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index))?;
    let enclaves = rows.into_iter().map(|row| Enclave {
        id: row.id,
        kind: row.kind,
        registered_at: row.registered_at,
        enabled: row.enabled,
        active: row.active,
        changed_at: row.changed_at,
        revoked_code: row.revoked_code,
        alive_at: row.alive_at,
        signed_at: row.signed_at,
        endpoint: row.endpoint,
        payment_address: row.payment_address,
        code: row.code,
        found_in: row.found_in,
    });
    let enclaves = enclaves.collect();
    Ok(view.answer(enclaves).next(next))
}
