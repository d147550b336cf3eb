//! Seeded streams of randomness, one for each purpose, so that no part's draws depend on how often another part draws.

use alloy::primitives::keccak256;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Parts per million that make a certainty.
pub(crate) const MILLION: u32 = 1_000_000;

pub(crate) struct Stream(ChaCha12Rng);

impl Stream {
    /// The stream of a purpose and two numbers, such as an operator and a slot.
    pub(crate) fn new(seed: u64, purpose: &str, first: u64, second: u64) -> Self {
        let mut key = Vec::with_capacity(24 + purpose.len());
        for number in [seed, first, second] {
            key.extend_from_slice(&number.to_be_bytes());
        }
        key.extend_from_slice(purpose.as_bytes());
        Self(ChaCha12Rng::from_seed(keccak256(key).0))
    }

    /// Uniform in `0..bound`; 0 for an empty range.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.0.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn chance(&mut self, parts_per_million: u32) -> bool {
        self.below(u64::from(MILLION)) < u64::from(parts_per_million)
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Index with a probability proportional to its weight; none when all weights are zero.
    pub(crate) fn pick(&mut self, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().sum();
        let mut left = self.below(total);
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return Some(index);
            }
            left -= weight;
        }
        None
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }

    /// Uniform in `(0, 1]`, so that its logarithm exists.
    fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}
