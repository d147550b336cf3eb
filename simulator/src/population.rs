//! Who takes part: operators, models, payers and delegators, drawn from a seed to resemble a live network.

use crate::random::{MILLION, Stream};

/// Spread of stake and capacity (natural logarithm) measured on a live network.
const SIGMA: f64 = 1.8;
/// How much of an operator's stake follows its capacity.
const STAKE_FOLLOWS_CAPACITY: f64 = 0.8;
/// Own stake of the smallest operator, basis points of the floor: a few slashes must not end it at once.
const MIN_STAKE_BPS: u64 = 12_000;
/// Largest own stake, likewise: one draw of a lognormal must not own the network.
const MAX_STAKE_BPS: u64 = 4_000_000;
/// Weight of an operator of median capacity.
const MEDIAN_CAPACITY: f64 = 10_000.0;
const MAX_CAPACITY: f64 = 1_000_000.0;
/// Share of operators that are nearly always up, and of those that are down for 0.5 to 3 %; the rest fail.
const STEADY_PERCENT: usize = 60;
const FLAKY_PERCENT: usize = 30;
/// Smallest capacity that routers consider at all, as a share of the largest, parts per million.
const ROUTABLE_PPM: u64 = 4_000;
const MAX_CHANNELS: u64 = 6;

/// Failure domains and how many percent of the operators declare each; a few clouds carry most.
pub const DOMAINS: [(&str, u64); 8] = [
    ("aws/us-east-1", 27),
    ("hetzner/fsn1", 20),
    ("gcp/us-central1", 14),
    ("aws/eu-west-1", 11),
    ("ovh/gra", 9),
    ("azure/westeurope", 8),
    ("vultr/nrt", 6),
    ("home/as3320", 5),
];

/// How a model's outputs can be checked, in the order of the contract's enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Reexecution,
    Tolerance,
    Attested,
    Proof,
}

/// A model that the simulation publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSpec {
    pub name: &'static str,
    pub publisher: usize,
    /// Position of the model it is derived from; earlier in the list.
    pub parent: Option<usize>,
    pub mode: Mode,
    pub royalty_bps: u16,
    /// How much it is asked for.
    pub demand: u64,
    /// Versions that are published as time goes by.
    pub versions: u32,
}

/// Two base models and what was tuned from them.
pub const MODELS: [ModelSpec; 6] = [
    model("meridian-8b", 0, None, Mode::Reexecution, 200, 20, 1),
    model("meridian-8b-chat", 0, Some(0), Mode::Reexecution, 300, 40, 4),
    model("meridian-8b-code", 1, Some(1), Mode::Tolerance, 500, 18, 2),
    model("borealis-70b", 2, None, Mode::Tolerance, 800, 12, 1),
    model("borealis-70b-medical", 2, Some(3), Mode::Attested, 1_500, 7, 1),
    model("meridian-8b-verified", 1, Some(0), Mode::Proof, 0, 3, 1),
];
pub(crate) const PUBLISHERS: usize = 3;

const fn model(
    name: &'static str,
    publisher: usize,
    parent: Option<usize>,
    mode: Mode,
    royalty_bps: u16,
    demand: u64,
    versions: u32,
) -> ModelSpec {
    ModelSpec {
        name,
        publisher,
        parent,
        mode,
        royalty_bps,
        demand,
        versions,
    }
}

/// How reliable an operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    Steady,
    Flaky,
    Failing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSpec {
    /// Routing weight when it is up.
    pub capacity: u64,
    /// Own stake, basis points of the floor.
    pub stake_bps: u64,
    /// Position in [`DOMAINS`].
    pub domain: usize,
    pub reliability: Reliability,
    /// Share of the slots in which it is down, parts per million.
    pub down_ppm: u32,
    /// Mean length of an outage, in hundredths of a period.
    pub outage_period_percent: u64,
    /// Positions in [`MODELS`].
    pub models: Vec<usize>,
    /// Asked price for a unit of inference, millionths of a fee token.
    pub price: u64,
    pub commission_bps: u16,
    pub latency_ms: u32,
    /// It settles from an account of its own.
    pub has_settler: bool,
    /// It is paid to an account of its own.
    pub has_treasury: bool,
}

/// How a payer funds its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Funding {
    /// Allowance and transfer.
    Transfer,
    /// ERC-2612.
    Permit,
    /// ERC-3009, submitted by the operator.
    Authorization,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayerSpec {
    /// How much it asks for, in comparison with the others.
    pub weight: u64,
    pub funding: Funding,
    /// Vouchers are signed by session keys.
    pub uses_session_keys: bool,
    /// It tops its channels up only once they are empty; operators lend it a little.
    pub pays_late: bool,
    /// It exits its first channel now and then.
    pub leaves: bool,
    pub channels: Vec<ChannelSpec>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelSpec {
    pub operator: usize,
    pub weight: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelegatorSpec {
    pub operator: usize,
    /// Basis points of the floor of own stake.
    pub stake_bps: u64,
}

/// All participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    pub operators: Vec<OperatorSpec>,
    pub payers: Vec<PayerSpec>,
    pub delegators: Vec<DelegatorSpec>,
}

impl Population {
    /// Draws the participants: the same arguments give the same ones.
    pub fn generate(seed: u64, operators: usize, payers: usize, delegators: usize) -> Self {
        let operators = generate_operators(seed, operators);
        let payers = (0..payers)
            .map(|index| generate_payer(seed, index, &operators))
            .collect();
        let delegators = (0..delegators)
            .map(|index| generate_delegator(seed, index, &operators))
            .collect();
        Self {
            operators,
            payers,
            delegators,
        }
    }

    /// Part of all requests that goes through a channel while everybody is up, parts per million.
    pub fn channel_share_ppm(&self, payer: usize, channel: usize) -> u64 {
        let spec = &self.payers[payer];
        let of_payers = u128::from(self.payers.iter().map(|other| other.weight).sum::<u64>());
        let of_channels = u128::from(spec.channels.iter().map(|other| other.weight).sum::<u64>());
        let share = u128::from(spec.weight) * u128::from(spec.channels[channel].weight) * u128::from(MILLION)
            / (of_payers * of_channels).max(1);
        u64::try_from(share).unwrap_or(u64::from(MILLION))
    }
}

fn generate_operators(seed: u64, count: usize) -> Vec<OperatorSpec> {
    let mut operators: Vec<OperatorSpec> = (0..count).map(|index| generate_operator(seed, index)).collect();
    // Who fails often is small: routers and delegators have learnt to avoid it.
    let mut by_capacity: Vec<usize> = (0..count).collect();
    by_capacity.sort_by_key(|index| operators[*index].capacity);
    let failing = (count * (100 - STEADY_PERCENT - FLAKY_PERCENT) / 100).max(1);
    let mut small: Vec<usize> = by_capacity[..count.div_ceil(2)].to_vec();
    let mut stream = Stream::new(seed, "reliability", 0, 0);
    stream.shuffle(&mut small);
    for (rank, index) in small.iter().take(failing).enumerate() {
        make_failing(&mut operators[*index], rank, &mut stream);
    }
    let mut others: Vec<usize> = (0..count).filter(|index| !small[..failing].contains(index)).collect();
    stream.shuffle(&mut others);
    for index in others.iter().take(count * FLAKY_PERCENT / 100) {
        let operator = &mut operators[*index];
        operator.reliability = Reliability::Flaky;
        operator.down_ppm = stream.between(5_000, 30_000) as u32;
    }
    operators
}

/// The first one fails so often that it is punished again and again.
fn make_failing(operator: &mut OperatorSpec, rank: usize, stream: &mut Stream) {
    operator.reliability = Reliability::Failing;
    let (down, outage) = if rank == 0 {
        ((600_000, 750_000), (120, 160))
    } else {
        ((100_000, 700_000), (50, 300))
    };
    operator.down_ppm = stream.between(down.0, down.1) as u32;
    operator.outage_period_percent = stream.between(outage.0, outage.1);
}

fn generate_operator(seed: u64, index: usize) -> OperatorSpec {
    let mut stream = Stream::new(seed, "operator", index as u64, 0);
    let size = stream.normal();
    let own = stream.normal();
    let stake = STAKE_FOLLOWS_CAPACITY * size + (1.0 - STAKE_FOLLOWS_CAPACITY.powi(2)).sqrt() * own;
    let capacity = (MEDIAN_CAPACITY * (SIGMA * size).exp()).clamp(1.0, MAX_CAPACITY) as u64;
    let stake_bps = MIN_STAKE_BPS + (10_000.0 * (SIGMA * stake).exp()) as u64;
    let first = stream.pick(MODELS.iter().map(|model| model.demand)).unwrap_or_default();
    let mut models = vec![first];
    for _ in 0..stream.below(3) {
        let other = stream.below(MODELS.len() as u64) as usize;
        if !models.contains(&other) {
            models.push(other);
        }
    }
    OperatorSpec {
        capacity,
        stake_bps: stake_bps.min(MAX_STAKE_BPS),
        domain: stream
            .pick(DOMAINS.iter().map(|(_, weight)| *weight))
            .unwrap_or_default(),
        reliability: Reliability::Steady,
        down_ppm: stream.below(1_500) as u32,
        outage_period_percent: stream.between(25, 300),
        models,
        price: stream.between(100, 900),
        commission_bps: 100 * stream.between(2, 25) as u16,
        latency_ms: stream.between(80, 1_200) as u32,
        has_settler: index.is_multiple_of(4),
        has_treasury: index % 4 == 1,
    }
}

fn generate_payer(seed: u64, index: usize, operators: &[OperatorSpec]) -> PayerSpec {
    let mut stream = Stream::new(seed, "payer", index as u64, 0);
    let weight = (1_000.0 * (1.2 * stream.normal()).exp()).clamp(1.0, 100_000.0) as u64;
    let largest = operators.iter().map(|operator| operator.capacity).max().unwrap_or(1);
    let mut channels: Vec<ChannelSpec> = Vec::new();
    for _ in 0..stream.between(3, MAX_CHANNELS) {
        // Nobody opens two channels with one operator.
        let open = |operator: usize| channels.iter().any(|channel| channel.operator == operator);
        let weights = operators.iter().enumerate().map(|(operator, spec)| {
            let routable = spec.capacity * u64::from(MILLION) >= largest * ROUTABLE_PPM;
            if open(operator) || !routable { 0 } else { spec.capacity }
        });
        let Some(operator) = stream.pick(weights) else { break };
        channels.push(ChannelSpec {
            operator,
            // It spreads what it asks for more evenly than it chose.
            weight: operators[operator].capacity.isqrt().max(1),
        });
    }
    PayerSpec {
        weight,
        funding: [Funding::Transfer, Funding::Permit, Funding::Authorization][index % 3],
        uses_session_keys: index % 3 == 1 || index.is_multiple_of(5),
        pays_late: index % 8 == 3,
        leaves: index % 6 == 2,
        channels,
    }
}

fn generate_delegator(seed: u64, index: usize, operators: &[OperatorSpec]) -> DelegatorSpec {
    let mut stream = Stream::new(seed, "delegator", index as u64, 0);
    // The first stands by the operator that fails most, so that a slash reaches a delegator too.
    let failing = operators
        .iter()
        .enumerate()
        .max_by_key(|(_, spec)| spec.down_ppm)
        .map(|(operator, _)| operator);
    let operator = match failing {
        Some(operator) if index == 0 => operator,
        Some(_) | None => stream
            .pick(operators.iter().map(|spec| spec.stake_bps))
            .unwrap_or_default(),
    };
    DelegatorSpec {
        operator,
        stake_bps: stream.between(1_000, 60_000),
    }
}
