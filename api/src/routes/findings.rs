//! Findings: what does not add up in another network's heartbeats and settlements.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters};
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, History, Paging, View};

/// `replayed_heartbeat`: signed no later than one that counted before. `stale_heartbeat`: signed longer before its receipt
/// than it is believed, or after it. `repeated_receipt`, `repeated_root`: settled before. `unknown_enclave`,
/// `disabled_enclave`, `silent_enclave`: a settlement of an enclave that was not registered, was disabled, or had not been
/// heard of for longer than a heartbeat is believed while others were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum FindingKind {
    ReplayedHeartbeat,
    StaleHeartbeat,
    RepeatedReceipt,
    RepeatedRoot,
    UnknownEnclave,
    DisabledEnclave,
    SilentEnclave,
}

impl FindingKind {
    fn name(self) -> &'static str {
        match self {
            Self::ReplayedHeartbeat => "replayed_heartbeat",
            Self::StaleHeartbeat => "stale_heartbeat",
            Self::RepeatedReceipt => "repeated_receipt",
            Self::RepeatedRoot => "repeated_root",
            Self::UnknownEnclave => "unknown_enclave",
            Self::DisabledEnclave => "disabled_enclave",
            Self::SilentEnclave => "silent_enclave",
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only findings of this kind.
    #[param(inline)]
    kind: Option<FindingKind>,
    /// Only findings about enclaves of this operator.
    #[param(value_type = Option<String>)]
    operator: Option<Address>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            kind: fields.take("kind")?,
            operator: fields.take("operator")?,
        })
    }
}

/// A log that does not add up; one log may be several findings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Finding {
    kind: FindingKind,
    /// Owner of the enclave; null for roots, and when nobody registered it.
    operator: Option<Address>,
    /// Null for roots.
    enclave: Option<Hash>,
    /// What was settled: hash of enclave, input, output and time. Null for heartbeats and roots.
    receipt: Option<Hash>,
    /// Of the tree of receipts; null for anything else.
    root: Option<Hash>,
    /// As the enclave signed it; null for roots.
    signed_at: Option<Timestamp>,
    /// Newest sign of life of the enclave before it; null for roots and unknown enclaves.
    alive_at: Option<Timestamp>,
    /// The first log that it repeats; null when it repeats none.
    repeats: Option<LogPlace>,
    /// That closed and brought it to light.
    period: i64,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

#[derive(Debug, Serialize, ToSchema)]
struct LogPlace {
    block_number: i64,
    log_index: i32,
}

struct Row {
    kind: FindingKind,
    operator: Option<Address>,
    enclave: Option<Hash>,
    subject: Option<Hash>,
    signed_at: Option<Timestamp>,
    alive_at: Option<Timestamp>,
    earlier_block: Option<i64>,
    earlier_log: Option<i32>,
    period: i64,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

type Key = (i64, i32, String);

/// One query for each combination of filters, so that each has an index that it can be read by.
macro_rules! select {
    ($view:ident, $filter:literal $(, $value:expr)*) => {{
        let (block_number, log_index, kind) =
            $view.key::<Key>()?.unwrap_or(($view.at.block(), i32::MAX, String::new()));
        sqlx::query_as!(
            Row,
            r#"select f.kind as "kind: FindingKind", f.operator as "operator: Address", f.tee_id as "enclave: Hash",
                      f.subject as "subject: Hash", case when f.signed_at is not null then least(f.signed_at, 253402300799) end as "signed_at: Timestamp",
                      f.alive_at as "alive_at: Timestamp", f.earlier_block, f.earlier_log, f.period, f.block_number,
                      b.timestamp as "block_time: Timestamp", f.log_index, f.tx_hash as "tx_hash: Hash"
               from finding f join block b on b.number = f.block_number
               where (f.block_number, f.log_index, f.kind) < ($1, $2, $3) and f.period <= $4 "# + $filter + r#"
               order by f.block_number desc, f.log_index desc, f.kind desc limit $5"#,
            block_number,
            log_index,
            kind,
            $view.at.period.unwrap_or(-1),
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// What does not add up in heartbeats and settlements, newest first; of the source `opengradient`.
///
/// Found when the period of the log closes. History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/findings", operation_id = "list_findings", tag = "audits",
    params(List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Finding>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Finding>>> {
    let List { kind, operator } = view.parameters;
    let kind = kind.map(FindingKind::name);
    let mut rows = match (kind, &operator) {
        (None, None) => select!(view, ""),
        (Some(kind), None) => select!(view, "and f.kind = $6", kind),
        (None, Some(operator)) => select!(view, "and f.operator = $6", operator.as_bytes()),
        (Some(kind), Some(operator)) => {
            select!(view, "and f.operator = $6 and f.kind = $7", operator.as_bytes(), kind)
        }
    };
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index, row.kind.name()))?;
    let findings = rows.into_iter().map(Row::into_finding).collect();
    Ok(view.answer(findings).next(next))
}

impl Row {
    fn into_finding(self) -> Finding {
        let is_root = self.kind == FindingKind::RepeatedRoot;
        Finding {
            kind: self.kind,
            operator: self.operator,
            enclave: self.enclave,
            receipt: self.subject.filter(|_| !is_root),
            root: self.subject.filter(|_| is_root),
            signed_at: self.signed_at,
            alive_at: self.alive_at,
            repeats: self
                .earlier_block
                .zip(self.earlier_log)
                .map(|(block_number, log_index)| LogPlace {
                    block_number,
                    log_index,
                }),
            period: self.period,
            block_number: self.block_number,
            block_time: self.block_time,
            log_index: self.log_index,
            tx_hash: self.tx_hash,
        }
    }
}
