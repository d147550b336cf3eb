//! How much of a whole rests on how few: shares, HHI, Gini, effective number, Nakamoto coefficients.

use alloy_primitives::{U256, U512};

/// Amounts held by the members of a network, kept from the largest to the smallest so that no result depends on the
/// order in which they came, not even in its last bit.
#[derive(Debug, Clone)]
pub struct Distribution {
    descending: Vec<U256>,
    total: U512,
}

/// A fraction of the total, as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    pub numerator: u64,
    pub denominator: u64,
}

impl Threshold {
    pub const THIRD: Self = Self {
        numerator: 1,
        denominator: 3,
    };
    pub const HALF: Self = Self {
        numerator: 1,
        denominator: 2,
    };
    pub const TWO_THIRDS: Self = Self {
        numerator: 2,
        denominator: 3,
    };
}

impl Distribution {
    /// The distribution of these amounts; members that hold nothing count as members.
    pub fn new(amounts: impl IntoIterator<Item = U256>) -> Self {
        let mut descending: Vec<U256> = amounts.into_iter().collect();
        descending.sort_unstable_by(|a, b| b.cmp(a));
        let total = descending.iter().map(|amount| U512::from(*amount)).sum();
        Self { descending, total }
    }

    /// Shares `x_i / Σx`, largest first; nothing when the total is zero.
    fn shares(&self) -> Option<impl DoubleEndedIterator<Item = f64> + ExactSizeIterator + '_> {
        if self.total.is_zero() {
            return None;
        }
        let total = f64::from(self.total);
        Some(self.descending.iter().map(move |amount| f64::from(*amount) / total))
    }

    /// Share of the `k` largest together, `CR_k`.
    pub fn top_share(&self, k: usize) -> Option<f64> {
        Some(self.shares()?.take(k).sum())
    }

    /// Herfindahl–Hirschman index `Σ s²`, from 1/n to 1.
    pub fn hhi(&self) -> Option<f64> {
        Some(self.shares()?.map(|share| share * share).sum())
    }

    /// Members that hold more than nothing.
    pub fn holders(&self) -> usize {
        self.descending.iter().filter(|amount| !amount.is_zero()).count()
    }

    /// Shannon entropy `−Σ s ln s`, in nats; a share of nothing adds nothing.
    pub fn entropy(&self) -> Option<f64> {
        let held = self.shares()?.filter(|share| *share > 0.0);
        Some(-held.map(|share| share * share.ln()).sum::<f64>())
    }

    /// Effective number of members by entropy, `D1 = exp(−Σ s ln s)`.
    pub fn entropy_effective(&self) -> Option<f64> {
        Some(self.entropy()?.exp())
    }

    /// Theil's index `Σ s ln(n s)`, from 0 to ln n.
    pub fn theil(&self) -> Option<f64> {
        let n = self.descending.len() as f64;
        let held = self.shares()?.filter(|share| *share > 0.0);
        Some(held.map(|share| share * (n * share).ln()).sum())
    }

    /// Atkinson's index for an aversion ε other than 1: `1 − (Σ (n s)^(1−ε) / n)^(1/(1−ε))`.
    pub fn atkinson(&self, aversion: f64) -> Option<f64> {
        let n = self.descending.len() as f64;
        let mean = self
            .shares()?
            .map(|share| (n * share).powf(1.0 - aversion))
            .sum::<f64>()
            / n;
        Some(1.0 - mean.powf(1.0 / (1.0 - aversion)))
    }

    /// Effective number of members `D2 = 1 / HHI`.
    pub fn effective_members(&self) -> Option<f64> {
        Some(1.0 / self.hhi()?)
    }

    /// Gini coefficient `Σ (2i − n − 1) x_i / (n Σx)` over the ascending amounts, from 0 to (n − 1) / n.
    pub fn gini(&self) -> Option<f64> {
        let shares = self.shares()?;
        let n = shares.len() as f64;
        let weighted: f64 = shares
            .rev()
            .enumerate()
            .map(|(i, share)| (2.0 * (i as f64 + 1.0) - n - 1.0) * share)
            .sum();
        Some(weighted / n)
    }

    /// Nakamoto coefficient: the least `k` whose `k` largest hold strictly more than the threshold of the total.
    /// In integers, so that a tie at the threshold is never decided by rounding.
    pub fn nakamoto(&self, threshold: Threshold) -> Option<usize> {
        if self.total.is_zero() {
            return None;
        }
        // 256-bit amounts, their count and the 64-bit factor are far from 512 bits.
        let bar = self.total * U512::from(threshold.numerator);
        let mut held = U512::ZERO;
        for (position, amount) in self.descending.iter().enumerate() {
            held += U512::from(*amount);
            if held * U512::from(threshold.denominator) > bar {
                return Some(position + 1);
            }
        }
        None
    }
}

/// Theil's index of the members of groups, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grouped {
    /// Between the groups, as if each member held its group's mean.
    pub between: f64,
    /// Within the groups, each weighed by what it holds.
    pub within: f64,
}

/// Theil's index of all members as that between groups and that within; nothing when the total is zero.
pub fn theil_by_group<'a>(groups: impl Iterator<Item = &'a [U256]>) -> Option<Grouped> {
    let groups: Vec<Distribution> = groups.map(|group| Distribution::new(group.iter().copied())).collect();
    let members: usize = groups.iter().map(|group| group.descending.len()).sum();
    let total: U512 = groups.iter().map(|group| group.total).sum();
    if total.is_zero() {
        return None;
    }
    let mut sum = Grouped {
        between: 0.0,
        within: 0.0,
    };
    for group in groups.iter().filter(|group| !group.total.is_zero()) {
        let share = f64::from(group.total) / f64::from(total);
        let part = group.descending.len() as f64 / members as f64;
        sum.between += share * (share / part).ln();
        sum.within += share * group.theil()?;
    }
    Some(sum)
}
