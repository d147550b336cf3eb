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
