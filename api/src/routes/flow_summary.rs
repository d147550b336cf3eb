//! Flows summed up: what moved between classes of holders, and what the contracts hold.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::flows::{Blocks, Class, Kind, blocks};
use crate::error::{Problems, Result};
use crate::value::{Address, Amount, Token, TokenAmount};
use crate::view::{Answer, Envelope, Live, View};
use crate::window::{Span, Windowed};

/// The contract that holds tokens of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Contract {
    InferenceSettlement,
    StakeVault,
    RewardReserve,
    ChallengeManager,
}

impl Class {
    fn contract(self) -> Option<Contract> {
        match self {
            Self::Wallet | Self::Burned => None,
            Self::Escrow
            | Self::EarningsUndrawn
            | Self::EarningsLocked
            | Self::EarningsClaimable
            | Self::Royalties
            | Self::FeeCredit => Some(Contract::InferenceSettlement),
            Self::StakeActive | Self::StakeThawing | Self::StakeCredit | Self::Rewards => Some(Contract::StakeVault),
            Self::ReservePending | Self::Reserve | Self::RewardOwed | Self::Unburned => Some(Contract::RewardReserve),
            Self::Bond | Self::BondCredit => Some(Contract::ChallengeManager),
        }
    }
}

/// Sums of the window, for each token, as a flow diagram draws them; and what the contracts hold at its end.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FlowSummary {
    tokens: Vec<TokenFlows>,
    /// What each contract holds for others at the end of the window: the sum of its nodes' `closing`.
    balances: Vec<Balance>,
}

/// Flows of one token: a graph without circles. Released rewards that expired are set off against the release.
#[derive(Debug, Serialize, ToSchema)]
struct TokenFlows {
    token: Token,
    nodes: Vec<Node>,
    links: Vec<Link>,
}

/// A class of holders; `opening + inflow - outflow = closing`, to the base unit.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    /// `wallet` appears twice: `wallet_in` pays into the contracts, `wallet_out` is paid.
    #[schema(example = "escrow")]
    id: &'static str,
    class: Class,
    /// Who holds the tokens; null outside the contracts, where no balance is kept.
    contract: Option<Contract>,
    opening: Option<Amount>,
    inflow: Amount,
    outflow: Amount,
    closing: Option<Amount>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// `id` of a node.
    source: &'static str,
    /// `id` of a node.
    target: &'static str,
    kind: Kind,
    amount: Amount,
    /// How many movements the amount is the sum of.
    movements: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    contract: Contract,
    address: Address,
    amount: TokenAmount,
}

struct Edge {
    token: Address,
    symbol: String,
    decimals: i16,
    kind: Kind,
    from_class: Class,
    to_class: Class,
    before: Amount,
    amount: Amount,
    movements: i64,
}

/// Sums of flows between classes of holders, balanced to the base unit.
///
/// Live view: `finalized` defaults to false. Without a window: from the start.
#[utoipa::path(
    get, path = "/v1/flows/summary", operation_id = "summarize_flows", tag = "flows",
    params(Windowed, Live),
    responses((status = 200, body = Envelope<FlowSummary>), Problems)
)]
pub(super) async fn summary(mut view: View<Span>) -> Result<Answer<FlowSummary>> {
    let span = view.parameters;
    let blocks = blocks(&mut view, span).await?;
    let edges = edges(&mut view, &blocks).await?;
    let mut tokens: BTreeMap<String, Vec<Edge>> = BTreeMap::new();
    for edge in edges {
        tokens.entry(edge.token.to_string()).or_default().push(edge);
    }
    let tokens: Vec<TokenFlows> = tokens.into_values().filter_map(token_flows).collect();
    let balances = balances(&mut view, &tokens).await?;
    Ok(view.answer(FlowSummary { tokens, balances }).window(blocks.window))
}

/// Steps from edge to edge of the running totals, so that the cost is that of the edges and not of their history.
async fn edges(view: &mut View<Span>, blocks: &Blocks) -> Result<Vec<Edge>> {
    let edges = sqlx::query_as!(
        Edge,
        r#"with recursive edge as (
               (select token, kind, from_class, to_class from flow_total
                order by token, kind, from_class, to_class limit 1)
               union all
               select n.token, n.kind, n.from_class, n.to_class
               from edge cross join lateral (
                   select token, kind, from_class, to_class from flow_total t
                   where (t.token, t.kind, t.from_class, t.to_class)
                       > (edge.token, edge.kind, edge.from_class, edge.to_class)
                   order by token, kind, from_class, to_class limit 1
               ) n
           )
           select t.token as "token: Address", t.symbol, t.decimals, edge.kind as "kind!: Kind",
                  edge.from_class as "from_class!: Class", edge.to_class as "to_class!: Class",
                  coalesce(b.amount, 0) as "before!: Amount", e.amount - coalesce(b.amount, 0) as "amount!: Amount",
                  e.movements - coalesce(b.movements, 0) as "movements!"
           from edge
           join token t on t.token = edge.token
           cross join lateral (
               select amount, movements from flow_total f
               where (f.token, f.kind, f.from_class, f.to_class)
                   = (edge.token, edge.kind, edge.from_class, edge.to_class) and f.block_number <= $2
               order by f.block_number desc limit 1
           ) e
           left join lateral (
               select amount, movements from flow_total f
               where (f.token, f.kind, f.from_class, f.to_class)
                   = (edge.token, edge.kind, edge.from_class, edge.to_class) and f.block_number < least($1, $2 + 1)
               order by f.block_number desc limit 1
           ) b on true
           order by edge.token, edge.kind, edge.from_class, edge.to_class"#,
        blocks.first,
        blocks.last,
    )
    .fetch_all(&mut *view.db)
    .await?;
    Ok(edges)
}

/// Wallets pay in on one side and are paid on the other, so that the graph has no circle.
fn source(class: Class) -> &'static str {
    if class == Class::Wallet {
        "wallet_in"
    } else {
        class.name()
    }
}

fn target(class: Class) -> &'static str {
    if class == Class::Wallet {
        "wallet_out"
    } else {
        class.name()
    }
}

/// Rewards that nobody claimed go back to where they were released from: the two directions are set off against each other,
/// so that the graph has no circle.
fn set_off(edges: &mut [Edge]) {
    let amount = |edges: &[Edge], kind| {
        let found = edges.iter().find(|edge| edge.kind == kind);
        found.map(|edge| edge.amount.clone())
    };
    let both = amount(edges, Kind::RewardRelease).zip(amount(edges, Kind::Expire));
    let Some(common) = both.map(|(released, expired)| released.min(expired)) else {
        return;
    };
    edges
        .iter_mut()
        .filter(|edge| matches!(edge.kind, Kind::RewardRelease | Kind::Expire))
        .for_each(|edge| edge.amount = &edge.amount - &common);
}

fn token_flows(mut edges: Vec<Edge>) -> Option<TokenFlows> {
    set_off(&mut edges);
    let first = edges.first()?;
    let token = Token {
        address: first.token,
        symbol: first.symbol.clone(),
        decimals: first.decimals,
    };
    let mut sums: BTreeMap<&'static str, Sums> = BTreeMap::new();
    let mut links = Vec::new();
    for edge in edges {
        let (source, target) = (source(edge.from_class), target(edge.to_class));
        let from = sums.entry(source).or_insert_with(|| Sums::new(edge.from_class));
        from.out_before += &edge.before;
        from.outflow += &edge.amount;
        let to = sums.entry(target).or_insert_with(|| Sums::new(edge.to_class));
        to.in_before += &edge.before;
        to.inflow += &edge.amount;
        if !edge.amount.is_zero() {
            links.push(Link {
                source,
                target,
                kind: edge.kind,
                amount: edge.amount,
                movements: edge.movements,
            });
        }
    }
    let nodes = sums.into_iter().map(|(id, sums)| sums.into_node(id)).collect();
    Some(TokenFlows { token, nodes, links })
}

/// What went into a class and out of it, before the window and in it.
struct Sums {
    class: Class,
    in_before: Amount,
    out_before: Amount,
    inflow: Amount,
    outflow: Amount,
}

impl Sums {
    fn new(class: Class) -> Self {
        let zero = Amount::default;
        Self {
            class,
            in_before: zero(),
            out_before: zero(),
            inflow: zero(),
            outflow: zero(),
        }
    }

    fn into_node(self, id: &'static str) -> Node {
        let contract = self.class.contract();
        let opening = contract.map(|_| &self.in_before - &self.out_before);
        let closing = opening.as_ref().map(|opening| {
            let mut closing = opening.clone();
            closing += &self.inflow;
            &closing - &self.outflow
        });
        Node {
            id,
            class: self.class,
            contract,
            opening,
            inflow: self.inflow,
            outflow: self.outflow,
            closing,
        }
    }
}

async fn balances(view: &mut View<Span>, tokens: &[TokenFlows]) -> Result<Vec<Balance>> {
    let row = sqlx::query!(
        r#"select inference_settlement as "inference_settlement: Address", stake_vault as "stake_vault: Address",
                  reward_reserve as "reward_reserve: Address", challenge_manager as "challenge_manager: Address"
           from deployment"#
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let mut balances = Vec::new();
    for flows in tokens {
        let contracts = [
            (Contract::InferenceSettlement, row.inference_settlement),
            (Contract::StakeVault, row.stake_vault),
            (Contract::RewardReserve, row.reward_reserve),
            (Contract::ChallengeManager, row.challenge_manager),
        ];
        for (contract, address) in contracts {
            let nodes = flows.nodes.iter().filter(|node| node.contract == Some(contract));
            let mut closings = nodes.filter_map(|node| node.closing.as_ref()).peekable();
            if closings.peek().is_none() {
                continue;
            }
            let mut amount = Amount::default();
            closings.for_each(|closing| amount += closing);
            balances.push(Balance {
                contract,
                address,
                amount: TokenAmount::new(amount, &flows.token),
            });
        }
    }
    Ok(balances)
}
