//! Operators: who they are, what they put at stake, what they serve and how reliably.

mod reliability;
mod selection;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::network;
use super::tokens::Tokens;
use super::uptime::Uptime;
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Order, Parameters};
use crate::value::{Address, Amount, Hash, Share, Timestamp, Token, TokenAmount};
use crate::view::{Answer, Envelope, Live, Paging, View};
use crate::window::{Span, Windowed};

use super::drift::DriftState;
use reliability::Reliability;

pub(super) use reliability::load as reliability_of;
pub(super) use selection::{Selection, select};

/// `active`: in service. `inactive`: in the source `opengradient`, none of its enclaves is enabled. `jailed`: out of service until it unjails itself. `exiting`: out of service for ever, by its own
/// choice. `tombstoned`: out of service for ever, for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Inactive,
    Jailed,
    Exiting,
    Tombstoned,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Jailed => "jailed",
            Self::Exiting => "exiting",
            Self::Tombstoned => "tombstoned",
        }
    }
}

/// What a list of operators can be sorted by; whoever has no value comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// Active stake, own and delegated.
    #[default]
    Stake,
    /// Hit of observed slots in the window.
    Uptime,
    /// Lower bound of the score of reliability.
    Reliability,
    /// Outages since registration.
    Incidents,
    /// Units served in the window.
    Units,
    /// Fees settled in the window.
    Fees,
    /// Stake that was slashed, ever.
    Slashed,
    /// Order of registration.
    Registered,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Uptime => "uptime",
            Self::Reliability => "reliability",
            Self::Incidents => "incidents",
            Self::Units => "units",
            Self::Fees => "fees",
            Self::Slashed => "slashed",
            Self::Registered => "registered",
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Default `stake`; whoever has no value comes last.
    #[param(inline)]
    sort: Option<Sort>,
    /// Default `desc`.
    #[param(inline)]
    order: Option<Order>,
    /// Only operators of this status.
    #[param(inline)]
    status: Option<Status>,
    /// Only operators that declared this failure domain, as they wrote it or as 32 bytes in hex.
    #[param(example = "aws/eu-west-1")]
    domain: Option<String>,
    /// Only operators whose detectors are in this state, the worst of them.
    #[param(inline)]
    drift: Option<DriftState>,
    /// Only operators that serve this model now.
    #[param(value_type = Option<String>)]
    model: Option<Hash>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            sort: fields.take("sort")?,
            order: fields.take("order")?,
            status: fields.take("status")?,
            domain: fields.take("domain")?,
            drift: fields.take("drift")?,
            model: fields.take("model")?,
            span: Span::read(fields)?,
        })
    }
}

/// An operator as of a block; `uptime`, `served`, incidents and latencies are of the window, everything else of the block.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operator {
    /// The operator's bonded address, stable across restarts and changes of keys.
    id: Address,
    /// Position in the bitmaps of the uptime ledger.
    index: i64,
    status: Status,
    /// When it may unjail itself at the earliest; null unless it is jailed.
    jailed_until: Option<Timestamp>,
    registered_at: Timestamp,
    /// Failure domain as declared; nobody vouches for it.
    #[schema(example = "aws/eu-west-1")]
    domain: String,
    endpoint: String,
    commission: Commission,
    keys: Keys,
    stake: Stake,
    pub(super) uptime: Uptime,
    reliability: Reliability,
    served: Served,
    total: Totals,
    verification: Verification,
}

#[derive(Debug, Serialize, ToSchema)]
struct Commission {
    /// Part of what the pool earns that the operator keeps, in basis points of 10,000.
    bps: i32,
    /// Announced and not yet in force; null when nothing is.
    announced: Option<Announcement>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Announcement {
    bps: i32,
    effective_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
struct Keys {
    /// Signs receipts and uptime reports.
    signing: Address,
    /// May settle for the operator; null when nobody but the operator may.
    settler: Option<Address>,
    /// Where earnings are paid to.
    payout: Address,
}

/// Stake in base units of its token.
#[derive(Debug, Serialize, ToSchema)]
struct Stake {
    /// Of the operator itself.
    own: Amount,
    /// Of everybody else.
    delegated: Amount,
    /// Own and delegated.
    active: Amount,
    /// On its way out; a slash still reaches it.
    thawing: Amount,
    token: Token,
}

/// Settled work in the closed periods of the window.
#[derive(Debug, Serialize, ToSchema)]
struct Served {
    units: Amount,
    /// Of all units of the network.
    units_share: Share,
    fees: TokenAmount,
}

/// Since registration.
#[derive(Debug, Serialize, ToSchema)]
struct Totals {
    units: Amount,
    /// As paid by payers, protocol fee and royalty included.
    fees: TokenAmount,
    batches: i64,
    receipts: Amount,
    /// Earned by batches that are not drawn yet or whose audit is open.
    earnings_undrawn: TokenAmount,
    /// Earned by released batches, dispute window still open.
    earnings_locked: TokenAmount,
    /// Released and not claimed.
    earnings_claimable: TokenAmount,
    /// Pay for uptime from the reserve, with what went to stakers.
    uptime_rewards: TokenAmount,
    /// Punished, periods of downtime included.
    faults: i64,
    slashed_stake: TokenAmount,
    /// Refunds to payers included.
    slashed_earnings: TokenAmount,
    /// Part of `slashed_earnings` that went back to payers.
    refunded: TokenAmount,
}

/// What is known of whether it did the work, since registration.
#[derive(Debug, Serialize, ToSchema)]
struct Verification {
    /// Value of its open batches, which its collateral must cover.
    open_risk: TokenAmount,
    /// Batches that are not released: not drawn yet, or their audit is open.
    batches_open: i64,
    /// Of its batches, opened.
    audits: i64,
    /// Of its receipts, opened.
    challenges: i64,
    /// Audits and challenges that are open now.
    cases_open: i64,
    /// Audits and challenges that it lost. A proof of equivocation needs no case and counts as a fault only.
    cases_lost: i64,
}

/// Operators, by stake unless sorted otherwise.
///
/// Live view: `finalized` defaults to false. The window, 30 days by default, is that of `uptime` and `served`.
#[utoipa::path(
    get, path = "/v1/operators", operation_id = "list_operators", tag = "operators",
    params(List, Windowed, Paging, Live),
    responses((status = 200, body = Envelope<Vec<Operator>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Operator>>> {
    let periods = view.periods(view.parameters.span).await?;
    let domain = match &view.parameters.domain {
        None => None,
        Some(label) => Some(Hash::from_label(label).ok_or_else(|| Error::InvalidParameter {
            name: "domain",
            reason: format!("`domain` is `{label}`: a domain has at most 32 bytes"),
        })?),
    };
    let (sort_key, id) = view.key::<(Option<String>, Address)>()?.unzip();
    let selection = Selection {
        one: None,
        status: view.parameters.status,
        domain,
        drift: view.parameters.drift,
        model: view.parameters.model,
        sort: view.parameters.sort.unwrap_or_default(),
        order: view.parameters.order.unwrap_or_default(),
        after: id.map(|id| (sort_key.flatten(), id)),
        limit: view.limit.probe(),
    };
    let mut rows = select(&mut view, &periods, &selection).await?;
    let next = view.cut(&mut rows, |row| (row.sort_key.clone(), row.id))?;
    let network = network::totals(&mut view, &periods).await?;
    let operators = if rows.is_empty() {
        Vec::new()
    } else {
        let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
        let ids: Vec<Address> = rows.iter().map(|row| row.id).collect();
        let mut reliability = reliability_of(&mut view, &ids, &periods).await?;
        let now = view.at.time();
        rows.into_iter()
            .map(|row| {
                let reliability = reliability.remove(&row.id).unwrap_or_default();
                row.into_operator(reliability, &tokens, &network.units, now)
            })
            .collect()
    };
    Ok(view
        .answer(operators)
        .window(Some(periods.window()))
        .coverage(network.uptime.coverage)
        .next(next))
}

pub(super) fn unknown(id: Address) -> Error {
    Error::NotFound(format!("no operator {id} is registered as of this block"))
}

/// Fails with 404 when no such operator is registered.
pub(super) async fn require<P>(view: &mut View<P>, id: Address) -> Result<()> {
    let registered = sqlx::query_scalar!(
        r#"select exists (select from operator_registered where operator = $1 and block_number <= $2) as "registered!""#,
        id.as_bytes(),
        view.at.block(),
    )
    .fetch_one(&mut *view.db)
    .await?;
    if registered { Ok(()) } else { Err(unknown(id)) }
}
