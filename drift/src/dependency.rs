//! How far the network depends on fewer operators than it has, and why: because others are down, or are not asked.

use alloy_primitives::{B256, U256, U512};

use crate::concentration::Distribution;
use crate::resilience::{left_shares, liveness_nakamoto, quorum_availability};
use crate::uptime::Slots;

/// Uptime and coverage from which on an operator is reliable.
pub const RELIABLE_UPTIME: f64 = 0.95;
pub const RELIABLE_COVERAGE: f64 = 0.8;

/// Whether the lower bound of the uptime is high enough, on enough observations; nothing without any.
pub fn is_reliable(slots: Slots) -> Option<bool> {
    let (low, _) = slots.uptime_interval()?;
    Some(low >= RELIABLE_UPTIME && slots.coverage()? >= RELIABLE_COVERAGE)
}

/// Capacity times uptime, in whole units; the network's uptime stands in where nobody observed. Nothing when nobody was
/// observed in the whole network.
pub fn available(capacity: U256, slots: Slots, network: Slots) -> Option<U256> {
    let slots = if slots.observed == 0 { network } else { slots };
    if slots.observed == 0 {
        return None;
    }
    let part = U512::from(capacity) * U512::from(slots.hit) / U512::from(slots.observed);
    // No more than the capacity, so it fits.
    Some(part.to())
}

/// One operator over a week.
#[derive(Debug, Clone, Copy)]
pub struct Carrier {
    /// Summed over the periods of the week.
    pub capacity: U256,
    pub slots: Slots,
    pub units: U256,
    /// At the end of the period; nothing out of service.
    pub standing: Option<Standing>,
}

/// An operator in service.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub capacity: U256,
    pub domain: Option<B256>,
    /// Of 30 days.
    pub slots: Slots,
}

/// See `network_dependency` of the schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    pub effective_capacity: Option<f64>,
    pub effective_available: Option<f64>,
    pub effective_served: Option<f64>,
    pub delta: Option<f64>,
    pub by_reliability: Option<f64>,
    pub by_routing: Option<f64>,
    pub operators: usize,
    pub reliable_operators: usize,
    pub reliable_share: Option<f64>,
    pub reliable_effective: Option<f64>,
    pub demand: Option<U256>,
    pub liveness_nakamoto: Option<usize>,
    pub left_shares: Vec<f64>,
    pub quorum_availability: Option<f64>,
    pub shock_domain: Option<B256>,
    pub quorum_availability_shocked: Option<f64>,
}

impl Dependency {
    pub fn of(carriers: &[Carrier], demand: Option<U256>) -> Self {
        let mut all = Self::decomposed(carriers);
        all.demand = demand;
        let standing: Vec<Standing> = carriers
            .iter()
            .filter_map(|carrier| carrier.standing)
            .filter(|standing| !standing.capacity.is_zero())
            .collect();
        all.stand(&standing, demand);
        all
    }

    /// `ln D2(capacity) − ln D2(served)` and its two parts.
    fn decomposed(carriers: &[Carrier]) -> Self {
        let network: Slots = carriers.iter().map(|carrier| carrier.slots).sum();
        let capacity = effective(carriers.iter().map(|carrier| carrier.capacity));
        let up: Option<Vec<U256>> = carriers
            .iter()
            .map(|carrier| available(carrier.capacity, carrier.slots, network))
            .collect();
        let up = up.and_then(|amounts| effective(amounts.into_iter()));
        let served = effective(carriers.iter().map(|carrier| carrier.units));
        let less = |a: Option<f64>, b: Option<f64>| Some(a?.ln() - b?.ln());
        Self {
            effective_capacity: capacity,
            effective_available: up,
            effective_served: served,
            delta: less(capacity, served),
            by_reliability: less(capacity, up),
            by_routing: less(up, served),
            ..Self::default()
        }
    }

    /// The operators in service: who of them is reliable, and what is left without some.
    fn stand(&mut self, standing: &[Standing], demand: Option<U256>) {
        let network: Slots = standing.iter().map(|one| one.slots).sum();
        let reliable: Vec<U256> = standing
            .iter()
            .filter(|one| is_reliable(one.slots) == Some(true))
            .map(|one| one.capacity)
            .collect();
        let sum = |amounts: &mut dyn Iterator<Item = U256>| f64::from(amounts.map(U512::from).sum::<U512>());
        let total = sum(&mut standing.iter().map(|one| one.capacity));
        self.operators = standing.len();
        self.reliable_operators = reliable.len();
        self.reliable_share = (total > 0.0).then(|| sum(&mut reliable.iter().copied()) / total);
        self.reliable_effective = effective(reliable.into_iter());
        let up: Option<Vec<U256>> = standing
            .iter()
            .map(|one| available(one.capacity, one.slots, network))
            .collect();
        let Some(up) = up else { return };
        self.left_shares = left_shares(&up);
        self.liveness_nakamoto = demand.and_then(|demand| liveness_nakamoto(&up, demand));
        self.quorum(standing, network);
    }

    fn quorum(&mut self, standing: &[Standing], network: Slots) {
        let Some(common) = network.uptime() else { return };
        let uptime = |one: &Standing| one.slots.uptime().unwrap_or(common);
        let needed = standing.len() * 2 / 3 + 1;
        let all: Vec<f64> = standing.iter().map(uptime).collect();
        self.quorum_availability = (!all.is_empty()).then(|| quorum_availability(&all, needed));
        self.shock_domain = largest_domain(standing);
        self.quorum_availability_shocked = self.shock_domain.map(|shocked| {
            let left: Vec<f64> = standing
                .iter()
                .map(|one| if one.domain == Some(shocked) { 0.0 } else { uptime(one) })
                .collect();
            quorum_availability(&left, needed)
        });
    }
}

/// The domain with most capacity, the lowest label of equals.
fn largest_domain(standing: &[Standing]) -> Option<B256> {
    let mut sums = std::collections::BTreeMap::<B256, U512>::new();
    for one in standing {
        if let Some(domain) = one.domain {
            *sums.entry(domain).or_default() += U512::from(one.capacity);
        }
    }
    let largest = sums.iter().rev().max_by(|a, b| a.1.cmp(b.1))?;
    Some(*largest.0)
}

fn effective(amounts: impl Iterator<Item = U256>) -> Option<f64> {
    Distribution::new(amounts).effective_members()
}
