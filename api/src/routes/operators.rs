//! Operators: who they are, what they put at stake, what they serve and how reliably.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::network;
use super::tokens::Tokens;
use super::uptime::Uptime;
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Order, Parameters};
use crate::value::{Address, Amount, Hash, Share, Timestamp, Token, TokenAmount};
use crate::view::{Answer, Envelope, Live, Paging, View};
use crate::window::{Periods, Span, Windowed};

/// `active`: in service. `jailed`: out of service until it unjails itself. `exiting`: out of service for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    Jailed,
    Exiting,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Jailed => "jailed",
            Self::Exiting => "exiting",
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
            model: fields.take("model")?,
            span: Span::read(fields)?,
        })
    }
}

/// An operator as of a block; `uptime` and `served` are of the window, everything else of the block.
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
    served: Served,
    total: Totals,
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
    /// Earned, dispute window still open.
    earnings_locked: TokenAmount,
    /// Released and not claimed.
    earnings_claimable: TokenAmount,
    /// Periods of downtime that were punished.
    faults: i64,
    slashed_stake: TokenAmount,
    slashed_earnings: TokenAmount,
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
        let now = view.at.time();
        rows.into_iter()
            .map(|row| row.into_operator(&tokens, &network.units, now))
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

/// Which operators, in which order, from where on.
pub(super) struct Selection {
    one: Option<Address>,
    status: Option<Status>,
    domain: Option<Hash>,
    model: Option<Hash>,
    sort: Sort,
    order: Order,
    after: Option<(Option<String>, Address)>,
    limit: i64,
}

impl Selection {
    pub(super) fn one(id: Address) -> Self {
        let (sort, order) = (Sort::Registered, Order::Asc);
        Self {
            one: Some(id),
            status: None,
            domain: None,
            model: None,
            sort,
            order,
            after: None,
            limit: 1,
        }
    }
}

pub(super) struct Row {
    id: Address,
    index: i64,
    status: Status,
    jailed_until: Timestamp,
    registered_at: Timestamp,
    domain: Hash,
    endpoint: String,
    commission_bps: i32,
    announced_bps: i32,
    announced_at: Timestamp,
    signing_key: Address,
    settler_key: Address,
    payout: Address,
    stake_active: Amount,
    stake_own: Amount,
    stake_thawing: Amount,
    earnings_locked: Amount,
    earnings_claimable: Amount,
    batches: i64,
    receipts: Amount,
    total_units: Amount,
    total_fees: Amount,
    slashed_stake: Amount,
    slashed_earnings: Amount,
    faults: i64,
    expected: i64,
    observed: i64,
    hit: i64,
    units: Amount,
    fees: Amount,
    sort_key: Option<String>,
}

impl Row {
    pub(super) fn into_operator(self, tokens: &Tokens, network_units: &Amount, now: Timestamp) -> Operator {
        let announced = (self.announced_at > now).then_some(Announcement {
            bps: self.announced_bps,
            effective_at: self.announced_at,
        });
        let bps = if announced.is_some() {
            self.commission_bps
        } else {
            self.announced_bps
        };
        Operator {
            id: self.id,
            index: self.index,
            status: self.status,
            jailed_until: (self.status == Status::Jailed).then_some(self.jailed_until),
            registered_at: self.registered_at,
            domain: self.domain.label(),
            endpoint: self.endpoint,
            commission: Commission { bps, announced },
            keys: Keys {
                signing: self.signing_key,
                settler: self.settler_key.nonzero(),
                payout: self.payout,
            },
            stake: Stake {
                delegated: &self.stake_active - &self.stake_own,
                own: self.stake_own,
                active: self.stake_active,
                thawing: self.stake_thawing,
                token: tokens.stake.clone(),
            },
            uptime: Uptime::new(self.expected, self.observed, self.hit),
            served: Served {
                units_share: Share::new(self.units.clone(), network_units.clone()),
                units: self.units,
                fees: tokens.in_fees(self.fees),
            },
            total: Totals {
                units: self.total_units,
                fees: tokens.in_fees(self.total_fees),
                batches: self.batches,
                receipts: self.receipts,
                earnings_locked: tokens.in_fees(self.earnings_locked),
                earnings_claimable: tokens.in_fees(self.earnings_claimable),
                faults: self.faults,
                slashed_stake: tokens.in_stake(self.slashed_stake),
                slashed_earnings: tokens.in_fees(self.slashed_earnings),
            },
        }
    }
}

/// The state of an operator is the newest row at or below the block; a window is the difference of two totals. Every
/// operator is touched once by index for the key that it is sorted by, and only those of the page for the rest. Periods are
/// looked up by the pair, so that no plan can walk through a period's other operators.
pub(super) async fn select<P>(view: &mut View<P>, periods: &Periods, selection: &Selection) -> Result<Vec<Row>> {
    let (after_key, after_id) = selection.after.clone().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"with candidate as (
               select r.operator, $9::int * (case $8
                   when 'stake' then coalesce((
                       select stake_active from operator_account where operator = r.operator and block_number <= $1
                       order by block_number desc limit 1), 0)
                   when 'slashed' then coalesce((
                       select slashed_stake from operator_account where operator = r.operator and block_number <= $1
                       order by block_number desc limit 1), 0)
                   when 'uptime' then served.hit::numeric / nullif(served.observed, 0)
                   when 'units' then coalesce(served.units, 0)
                   when 'fees' then coalesce(served.fees, 0)
                   when 'registered' then r.operator_index
               end) as sort_key
               from operator_registered r
               left join lateral (
                   select e.hit_total - coalesce(b.hit_total, 0) as hit,
                          e.observed_total - coalesce(b.observed_total, 0) as observed,
                          e.units_total - coalesce(b.units_total, 0) as units,
                          e.fees_total - coalesce(b.fees_total, 0) as fees
                   from (values (1)) one
                   left join lateral (
                       select * from operator_period where (operator, period) < (r.operator, $2)
                       order by operator desc, period desc limit 1
                   ) e on e.operator = r.operator
                   left join lateral (
                       select * from operator_period where (operator, period) < (r.operator, $3)
                       order by operator desc, period desc limit 1
                   ) b on b.operator = r.operator
               ) served on $8 in ('uptime', 'units', 'fees')
               where r.block_number <= $1
                 and ($4::bytea is null or r.operator = $4)
                 and ($5::text is null or $5 = (
                     select status from operator_profile p where p.operator = r.operator and p.block_number <= $1
                     order by p.block_number desc limit 1
                 ))
                 and ($6::bytea is null or $6 = (
                     select domain from operator_profile p where p.operator = r.operator and p.block_number <= $1
                     order by p.block_number desc limit 1
                 ))
                 and ($7::bytea is null or (
                     select active from offering o
                     where o.operator = r.operator and o.model_id = $7 and o.block_number <= $1
                     order by o.block_number desc limit 1
                 ))
           ), page as (
               select operator, sort_key from candidate
               where $11::bytea is null
                  or case when $10::text is null then sort_key is null and operator > $11
                          else sort_key > $10::text::numeric
                               or (sort_key = $10::text::numeric and operator > $11) or sort_key is null end
               order by sort_key nulls last, operator
               limit $12
           )
           select page.operator as "id!: Address", p.operator_index as "index!", p.status as "status!: Status",
                  least(p.jailed_until, 253402300799)::bigint as "jailed_until!: Timestamp",
                  p.registered_at as "registered_at!: Timestamp", p.domain as "domain!: Hash",
                  p.endpoint as "endpoint!", p.commission_bps as "commission_bps!",
                  p.announced_bps as "announced_bps!",
                  least(p.announced_at, 253402300799)::bigint as "announced_at!: Timestamp",
                  p.signing_key as "signing_key!: Address", p.settler_key as "settler_key!: Address",
                  p.payout as "payout!: Address", coalesce(a.stake_active, 0) as "stake_active!: Amount",
                  coalesce(a.stake_own, 0) as "stake_own!: Amount",
                  coalesce(a.stake_thawing, 0) as "stake_thawing!: Amount",
                  coalesce(a.earnings_locked, 0) as "earnings_locked!: Amount",
                  coalesce(a.earnings_claimable, 0) as "earnings_claimable!: Amount",
                  coalesce(a.batches, 0) as "batches!", coalesce(a.receipts, 0) as "receipts!: Amount",
                  coalesce(a.units, 0) as "total_units!: Amount", coalesce(a.fees, 0) as "total_fees!: Amount",
                  coalesce(a.slashed_stake, 0) as "slashed_stake!: Amount",
                  coalesce(a.slashed_earnings, 0) as "slashed_earnings!: Amount",
                  coalesce(a.faults, 0) as "faults!",
                  coalesce(e.expected_total, 0) - coalesce(b.expected_total, 0) as "expected!",
                  coalesce(e.observed_total, 0) - coalesce(b.observed_total, 0) as "observed!",
                  coalesce(e.hit_total, 0) - coalesce(b.hit_total, 0) as "hit!",
                  coalesce(e.units_total, 0) - coalesce(b.units_total, 0) as "units!: Amount",
                  coalesce(e.fees_total, 0) - coalesce(b.fees_total, 0) as "fees!: Amount",
                  page.sort_key::text as sort_key
           from page
           cross join lateral (
               select * from operator_profile where operator = page.operator and block_number <= $1
               order by block_number desc limit 1
           ) p
           left join lateral (
               select * from operator_account where operator = page.operator and block_number <= $1
               order by block_number desc limit 1
           ) a on true
           left join lateral (
               select * from operator_period where (operator, period) < (page.operator, $2)
               order by operator desc, period desc limit 1
           ) e on e.operator = page.operator
           left join lateral (
               select * from operator_period where (operator, period) < (page.operator, $3)
               order by operator desc, period desc limit 1
           ) b on b.operator = page.operator
           order by page.sort_key nulls last, page.operator"#,
        view.at.block(),
        periods.end,
        periods.first,
        selection.one.as_ref().map(Address::as_bytes),
        selection.status.map(Status::name),
        selection.domain.as_ref().map(Hash::as_bytes),
        selection.model.as_ref().map(Hash::as_bytes),
        selection.sort.name(),
        match selection.order {
            Order::Asc => 1,
            Order::Desc => -1,
        },
        after_key.flatten(),
        after_id.as_ref().map(Address::as_bytes),
        selection.limit,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(rows)
}
