//! Flows: every movement of tokens into, within and out of the contracts, one by one.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operators;
use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters, Path};
use crate::value::{Account, Address, Amount, Hash, Timestamp, TokenAmount};
use crate::view::{Answer, Envelope, History, Paging, View};
use crate::window::{Span, Window, Windowed};

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$each:meta])* $variant:ident => $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, sqlx::Type, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        pub(crate) enum $type {
            $($(#[$each])* $variant,)*
        }

        impl $type {
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names! {
    /// Why tokens moved.
    Kind {
        Deposit => "deposit",
        Exit => "exit",
        Fee => "fee",
        Royalty => "royalty",
        ProtocolFee => "protocol_fee",
        BatchRelease => "batch_release",
        Release => "release",
        Claim => "claim",
        Reward => "reward",
        RewardClaim => "reward_claim",
        RoyaltyClaim => "royalty_claim",
        Refund => "refund",
        Slash => "slash",
        SlashCut => "slash_cut",
        SlashBurn => "slash_burn",
        Collect => "collect",
        Burn => "burn",
        Receive => "receive",
        Gift => "gift",
        RewardRelease => "reward_release",
        Surplus => "surplus",
        Expire => "expire",
        Bond => "bond",
        BondCredit => "bond_credit",
        Stake => "stake",
        Thaw => "thaw",
        Withdraw => "withdraw",
    }
}

names! {
    /// What tokens are held as. `wallet` and `burned` are outside the contracts.
    Class {
        Wallet => "wallet",
        Burned => "burned",
        Escrow => "escrow",
        EarningsUndrawn => "earnings_undrawn",
        EarningsLocked => "earnings_locked",
        EarningsClaimable => "earnings_claimable",
        Royalties => "royalties",
        FeeCredit => "fee_credit",
        StakeActive => "stake_active",
        StakeThawing => "stake_thawing",
        StakeCredit => "stake_credit",
        Rewards => "rewards",
        ReservePending => "reserve_pending",
        Reserve => "reserve",
        RewardOwed => "reward_owed",
        Unburned => "unburned",
        Bond => "bond",
        BondCredit => "bond_credit",
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only movements of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    #[param(ignore)]
    span: Span,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            kind: fields.take("kind")?,
            span: Span::read(fields)?,
        })
    }
}

/// A movement of tokens from one holder to another.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Flow {
    kind: Kind,
    from: Holder,
    to: Holder,
    /// Whose business caused it; null for claims of royalties, collections and what the reserve does alone.
    operator: Option<Address>,
    amount: TokenAmount,
    block_number: i64,
    block_time: Timestamp,
    log_index: i32,
    /// Tells apart the movements of one log.
    part: i16,
}

#[derive(Debug, Serialize, ToSchema)]
struct Holder {
    class: Class,
    /// Escrow is named by its payer, royalties by the model, a bond by its case's number, what is an operator's by the
    /// operator.
    account: Account,
}

pub(super) struct Row {
    pub(super) block_number: i64,
    pub(super) block_hash: Hash,
    pub(super) log_index: i32,
    pub(super) part: i16,
    pub(super) block_time: Timestamp,
    pub(super) kind: Kind,
    pub(super) from_class: Class,
    pub(super) from_account: Account,
    pub(super) to_class: Class,
    pub(super) to_account: Account,
    pub(super) operator: Option<Address>,
    pub(super) amount: Amount,
    pub(super) token: Address,
    pub(super) symbol: String,
    pub(super) decimals: i16,
}

impl From<Row> for Flow {
    fn from(row: Row) -> Self {
        Self {
            kind: row.kind,
            from: Holder {
                class: row.from_class,
                account: row.from_account,
            },
            to: Holder {
                class: row.to_class,
                account: row.to_account,
            },
            operator: row.operator,
            amount: TokenAmount {
                amount: row.amount,
                token: row.token,
                symbol: row.symbol,
                decimals: row.decimals,
            },
            block_number: row.block_number,
            block_time: row.block_time,
            log_index: row.log_index,
            part: row.part,
        }
    }
}

type Key = (i64, i32, i16);

/// Blocks from `first` to `last`, and the window of time that they stand for.
pub(super) struct Blocks {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) window: Option<Window>,
}

/// The blocks of a window; all up to the snapshot when none was asked for.
pub(super) async fn blocks<P>(view: &mut View<P>, span: Span) -> Result<Blocks> {
    if matches!(span, Span::Unset) {
        return Ok(Blocks {
            first: 0,
            last: view.at.block(),
            window: None,
        });
    }
    let periods = view.periods(span).await?;
    let row = sqlx::query!(
        r#"select (select number from block where timestamp >= $1 order by timestamp, number limit 1) as first,
                  (select number from block where timestamp < $2 order by timestamp desc, number desc limit 1) as last"#,
        periods.from.unix(),
        // A window that ends now takes the newest block in.
        if matches!(span, Span::Length(_)) { periods.to.unix() + 1 } else { periods.to.unix() },
    )
    .fetch_one(&mut *view.db)
    .await?;
    let last = row.last.unwrap_or(-1).min(view.at.block());
    Ok(Blocks {
        first: row.first.unwrap_or(i64::MAX),
        last,
        window: Some(periods.window()),
    })
}

/// One query for each set of filters, so that each has its index.
macro_rules! select {
    ($view:ident, $blocks:ident, $filter:literal $(, $value:expr)*) => {{
        let (block_number, log_index, part) = $view.key::<Key>()?.unwrap_or(($blocks.last, i32::MAX, i16::MAX));
        sqlx::query_as!(
            Row,
            r#"select f.block_number, b.hash as "block_hash: Hash", f.log_index, f.part,
                      b.timestamp as "block_time: Timestamp", f.kind as "kind: Kind",
                      f.from_class as "from_class: Class", f.from_account as "from_account: Account",
                      f.to_class as "to_class: Class", f.to_account as "to_account: Account",
                      f.operator as "operator: Address", f.amount as "amount: Amount",
                      t.token as "token: Address", t.symbol, t.decimals
               from flow f join block b on b.number = f.block_number join token t on t.token = f.token
               where f.block_number >= $1 and (f.block_number, f.log_index, f.part) < ($2, $3, $4) "# + $filter +
            " order by f.block_number desc, f.log_index desc, f.part desc limit $5",
            $blocks.first,
            block_number,
            log_index,
            part,
            $view.limit.probe()
            $(, $value)*
        )
        .fetch_all(&mut *$view.db)
        .await?
    }};
}

/// Every movement of tokens, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/flows", operation_id = "list_flows", tag = "flows",
    params(List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Flow>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Flow>>> {
    let span = view.parameters.span;
    let blocks = blocks(&mut view, span).await?;
    let rows = match view.parameters.kind {
        None => select!(view, blocks, ""),
        Some(kind) => select!(view, blocks, "and f.kind = $6", kind.name()),
    };
    page(view, blocks, rows)
}

/// Movements of tokens that an operator's business caused, newest first.
///
/// History: `finalized` defaults to true. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/operators/{id}/flows", operation_id = "list_operator_flows", tag = "flows",
    params(("id" = Address, Path, description = "The operator's address"), List, Windowed, Paging, History),
    responses((status = 200, body = Envelope<Vec<Flow>>), Problems)
)]
pub(super) async fn of_operator(Path(id): Path<Address>, mut view: View<List>) -> Result<Answer<Vec<Flow>>> {
    operators::require(&mut view, id).await?;
    let span = view.parameters.span;
    let blocks = blocks(&mut view, span).await?;
    let rows = match view.parameters.kind {
        None => select!(view, blocks, "and f.operator = $6", id.as_bytes()),
        Some(kind) => select!(
            view,
            blocks,
            "and f.operator = $6 and f.kind = $7",
            id.as_bytes(),
            kind.name()
        ),
    };
    page(view, blocks, rows)
}

fn page(view: View<List>, blocks: Blocks, mut rows: Vec<Row>) -> Result<Answer<Vec<Flow>>> {
    let next = view.cut(&mut rows, |row| (row.block_number, row.log_index, row.part))?;
    Ok(view
        .answer(rows.into_iter().map(Flow::from).collect())
        .window(blocks.window)
        .next(next))
}
