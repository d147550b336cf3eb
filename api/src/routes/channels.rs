//! Channels: what a payer put up with an operator, what of it was settled or given back, and what was not paid and why.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::tokens::Tokens;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters};
use crate::value::{Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, Live, Paging, View};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only channels of this payer.
    #[param(value_type = Option<String>)]
    payer: Option<Address>,
    /// Only channels with this operator.
    #[param(value_type = Option<String>)]
    operator: Option<Address>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            payer: fields.take("payer")?,
            operator: fields.take("operator")?,
        })
    }
}

/// What a payer has with an operator; `escrow = deposited - settled - returned`, to the base unit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Channel {
    payer: Address,
    operator: Address,
    deposited: TokenAmount,
    /// Paid for vouchers, protocol fee and royalty included.
    settled: TokenAmount,
    /// Given back by finished exits.
    returned: TokenAmount,
    /// What is left for vouchers or an exit.
    escrow: TokenAmount,
    /// Null when none is under way.
    exit: Option<Exit>,
    /// The newest voucher that was not paid in full; null when all were.
    last_skip: Option<Skip>,
}

/// An exit that was started and neither finished nor cancelled.
#[derive(Debug, Serialize, ToSchema)]
struct Exit {
    /// When it could be finished, as it was announced.
    announced_for: Timestamp,
    /// When it can be finished: pauses of the settlement move it.
    possible_from: Timestamp,
}

/// Why a voucher was not paid in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum SkipReason {
    /// Neither the payer nor a session key of it signed the voucher.
    InvalidSigner,
    /// A voucher for as much or more was paid before.
    Stale,
    /// It claims fewer units than one that was paid before.
    UnitsDecreased,
    /// The operator does not serve the model.
    NotOffered,
    /// The escrow held less; the same voucher pays the rest after a deposit.
    Underfunded,
    /// The operator's collateral covers no more open risk; the same voucher pays the rest once it does.
    Uncovered,
}

/// A voucher that was not paid in full.
#[derive(Debug, Serialize, ToSchema)]
struct Skip {
    reason: SkipReason,
    unpaid: TokenAmount,
    model: Hash,
    /// At /v1/batches/{batch}.
    batch: Amount,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    tx_hash: Hash,
}

pub(super) struct Row {
    pub(super) payer: Address,
    pub(super) operator: Address,
    pub(super) deposited: Amount,
    pub(super) settled: Amount,
    pub(super) returned: Amount,
    announced_for: Option<Timestamp>,
    possible_from: Option<Timestamp>,
    skip: Option<SkipReason>,
    unpaid: Option<Amount>,
    model_id: Option<Hash>,
    batch_id: Option<Amount>,
    skip_block: Option<i64>,
    skip_time: Option<Timestamp>,
    skip_log: Option<i32>,
    skip_tx: Option<Hash>,
}

impl Row {
    pub(super) fn escrow(&self) -> Amount {
        &(&self.deposited - &self.settled) - &self.returned
    }

    pub(super) fn exits(&self) -> bool {
        self.announced_for.is_some()
    }

    fn skip(&self, tokens: &Tokens) -> Option<Skip> {
        Some(Skip {
            reason: self.skip?,
            unpaid: tokens.in_fees(self.unpaid.clone()?),
            model: self.model_id?,
            batch: self.batch_id.clone()?,
            block_number: self.skip_block?,
            block_time: self.skip_time?,
            log_index: self.skip_log?,
            tx_hash: self.skip_tx?,
        })
    }

    pub(super) fn into_channel(self, tokens: &Tokens) -> Channel {
        let exit = self.announced_for.zip(self.possible_from);
        Channel {
            payer: self.payer,
            operator: self.operator,
            escrow: tokens.in_fees(self.escrow()),
            last_skip: self.skip(tokens),
            deposited: tokens.in_fees(self.deposited),
            settled: tokens.in_fees(self.settled),
            returned: tokens.in_fees(self.returned),
            exit: exit.map(|(announced_for, possible_from)| Exit {
                announced_for,
                possible_from,
            }),
        }
    }
}

type Key = (Address, Address);

/// Steps from channel to channel by an index, so that the cost is that of the channels and not of every voucher. One query
/// for each set of filters, so that each has its index. A deadline that comes before a pause began is not moved by it.
macro_rules! select {
    ($view:expr, $after:expr, $limit:expr, $first:literal, $next:literal $(, $value:expr)*) => {{
        let (payer, operator) = $after.unzip();
        let start = |key: Option<Address>| key.map_or_else(Vec::new, |key| key.as_bytes().to_vec());
        sqlx::query_as!(
            Row,
            r#"with recursive walk as (
                   (select payer, operator, 1::bigint as place from channel_account
                    where (payer, operator) > ($2::bytea, $3::bytea) and block_number <= $1 and "# + $first + r#"
                    order by payer, operator limit 1)
                   union all
                   select n.payer, n.operator, walk.place + 1
                   from walk cross join lateral (
                       select payer, operator from channel_account
                       where "# + $next + r#" and block_number <= $1 order by payer, operator limit 1
                   ) n
                   where walk.place < $4
               )
               select walk.payer as "payer!: Address", walk.operator as "operator!: Address",
                      c.deposited as "deposited!: Amount", c.settled as "settled!: Amount",
                      c.returned as "returned!: Amount",
                      case when c.exit_at > 0 then least(c.exit_at, 253402300799)::bigint end as "announced_for: Timestamp",
                      case when c.exit_at > 0 then least(c.exit_running + coalesce((
                          select p.before + p.ends_at - p.started_at from pause_clock p
                          where p.block_number <= $1 and c.exit_running + p.before > p.started_at
                          order by p.block_number desc limit 1
                      ), 0), 253402300799)::bigint end as "possible_from: Timestamp",
                      s.reason as "skip?: SkipReason", s.unpaid as "unpaid?: Amount",
                      s.model_id as "model_id?: Hash",
                      s.batch_id as "batch_id?: Amount", s.block_number as "skip_block?",
                      b.timestamp as "skip_time?: Timestamp", s.log_index as "skip_log?", s.tx_hash as "skip_tx?: Hash"
               from walk
               cross join lateral (
                   select * from channel_account
                   where payer = walk.payer and operator = walk.operator and block_number <= $1
                   order by block_number desc limit 1
               ) c
               left join lateral (
                   select * from voucher_skipped
                   where payer = walk.payer and operator = walk.operator and block_number <= $1
                   order by block_number desc, log_index desc limit 1
               ) s on true
               left join block b on b.number = s.block_number
               order by walk.place"#,
            $view.at.block(),
            start(payer),
            start(operator),
            $limit
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// The channels of one payer.
pub(super) async fn of_payer<P>(
    view: &mut View<P>,
    payer: Address,
    after: Option<Key>,
    limit: i64,
) -> Result<Vec<Row>> {
    Ok(select!(
        view,
        after,
        limit,
        "payer = $5",
        "payer = $5 and operator > walk.operator",
        payer.as_bytes()
    ))
}

/// Channels between payers and operators, by their addresses.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/channels", operation_id = "list_channels", tag = "payers",
    params(List, Paging, Live),
    responses((status = 200, body = Envelope<Vec<Channel>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Channel>>> {
    let (after, limit) = (view.key::<Key>()?, view.limit.probe());
    let mut rows = match (view.parameters.payer, view.parameters.operator) {
        (None, None) => select!(
            view,
            after,
            limit,
            "true",
            "(payer, operator) > (walk.payer, walk.operator)"
        ),
        (Some(payer), None) => of_payer(&mut view, payer, after, limit).await?,
        (None, Some(operator)) => select!(
            view,
            after,
            limit,
            "operator = $5",
            "operator = $5 and payer > walk.payer",
            operator.as_bytes()
        ),
        (Some(payer), Some(operator)) => select!(
            view,
            after,
            limit,
            "payer = $5 and operator = $6",
            "false",
            payer.as_bytes(),
            operator.as_bytes()
        ),
    };
    let next = view.cut(&mut rows, |row| (row.payer, row.operator))?;
    if rows.is_empty() {
        return Ok(view.answer(Vec::new()));
    }
    let tokens = Tokens::must_load(&mut view.db, &view.at).await?;
    let channels = rows.into_iter().map(|row| row.into_channel(&tokens)).collect();
    Ok(view.answer(channels).next(next))
}
