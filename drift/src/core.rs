//! The core that carries the network, and whether it is still the same.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, U512};

use crate::overlap::{jaccard, rank_biased_overlap};

/// Weight of the next rank in the overlap of rankings.
const PERSISTENCE: f64 = 0.9;

/// A member of the core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreMember {
    pub operator: Address,
    pub units: U256,
    pub share: f64,
    /// From which on it has been in the core.
    pub since_period: i64,
}

/// See `network_core` of the schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Core {
    /// By units, the largest first.
    pub members: Vec<CoreMember>,
    pub share: Option<f64>,
    pub churn: Option<Churn>,
    pub tenure_periods: Option<f64>,
}

/// The core compared with that of the week before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    pub entered: usize,
    pub left: usize,
    pub jaccard: Option<f64>,
    pub rank_biased_overlap: Option<f64>,
}

/// Units of a week by operator, ranked; operators that served nothing are in no ranking.
#[derive(Debug, Clone)]
pub struct Ranking {
    descending: Vec<(Address, U256)>,
    total: U512,
}

impl Ranking {
    pub fn new(served: impl IntoIterator<Item = (Address, U256)>) -> Self {
        let mut descending: Vec<(Address, U256)> = served.into_iter().filter(|(_, units)| !units.is_zero()).collect();
        descending.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let total = descending.iter().map(|(_, units)| U512::from(*units)).sum();
        Self { descending, total }
    }

    /// The smallest set with strictly more than half of the total.
    fn core(&self) -> &[(Address, U256)] {
        let mut held = U512::ZERO;
        for (position, (_, units)) in self.descending.iter().enumerate() {
            held += U512::from(*units);
            if held * U512::from(2) > self.total {
                return &self.descending[..=position];
            }
        }
        &[]
    }

    fn operators(&self) -> Vec<Address> {
        self.descending.iter().map(|(operator, _)| *operator).collect()
    }
}

impl Core {
    /// The core of a week; `since` tells of the members of the period before since when they are in it.
    pub fn of(now: &Ranking, week_before: &Ranking, since: &BTreeMap<Address, i64>, period: i64) -> Self {
        let total = f64::from(now.total);
        let members: Vec<CoreMember> = now
            .core()
            .iter()
            .map(|(operator, units)| CoreMember {
                operator: *operator,
                units: *units,
                share: f64::from(*units) / total,
                since_period: since.get(operator).copied().unwrap_or(period),
            })
            .collect();
        if members.is_empty() {
            return Self::default();
        }
        let held: U512 = members.iter().map(|member| U512::from(member.units)).sum();
        let tenures = members.iter().map(|member| (period - member.since_period + 1) as f64);
        Self {
            share: Some(f64::from(held) / total),
            tenure_periods: Some(tenures.sum::<f64>() / members.len() as f64),
            churn: churn(now, week_before),
            members,
        }
    }
}

fn churn(now: &Ranking, before: &Ranking) -> Option<Churn> {
    let names = |core: &[(Address, U256)]| core.iter().map(|(operator, _)| *operator).collect::<BTreeSet<_>>();
    let (now_in, before_in) = (names(now.core()), names(before.core()));
    (!before_in.is_empty()).then(|| Churn {
        entered: now_in.difference(&before_in).count(),
        left: before_in.difference(&now_in).count(),
        jaccard: jaccard(&now_in, &before_in),
        rank_biased_overlap: rank_biased_overlap(&now.operators(), &before.operators(), PERSISTENCE),
    })
}
