//! What is left of the network without some of its operators.

use alloy_primitives::{U256, U512};

/// Operators whose loss, one after the other, is told.
pub const LOSSES: usize = 10;

/// Part of the total that is left without the k largest, for k from 1 to [`LOSSES`] or the number of members; empty when
/// the total is zero.
pub fn left_shares(amounts: &[U256]) -> Vec<f64> {
    let (descending, total) = sorted(amounts);
    if total.is_zero() {
        return Vec::new();
    }
    let mut left = total;
    let lost = descending.iter().take(LOSSES).map(|amount| {
        left -= U512::from(*amount);
        f64::from(left) / f64::from(total)
    });
    lost.collect()
}

/// The least k without whose largest the rest falls below the demand: 0 when all together do. Nothing without a demand.
pub fn liveness_nakamoto(amounts: &[U256], demand: U256) -> Option<usize> {
    if demand.is_zero() {
        return None;
    }
    let (descending, mut left) = sorted(amounts);
    let demand = U512::from(demand);
    for (k, amount) in descending.iter().enumerate() {
        if left < demand {
            return Some(k);
        }
        left -= U512::from(*amount);
    }
    Some(descending.len())
}

fn sorted(amounts: &[U256]) -> (Vec<U256>, U512) {
    let mut descending = amounts.to_vec();
    descending.sort_unstable_by(|a, b| b.cmp(a));
    let total = descending.iter().map(|amount| U512::from(*amount)).sum();
    (descending, total)
}

/// Probability that at least `needed` of independent members are up, by the recursion of the Poisson-binomial distribution.
pub fn quorum_availability(uptimes: &[f64], needed: usize) -> f64 {
    let mut ascending = uptimes.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    // up[j]: probability that j of the members so far are up.
    let mut up = vec![0.0; ascending.len() + 1];
    up[0] = 1.0;
    for (seen, p) in ascending.iter().enumerate() {
        for j in (0..=seen).rev() {
            up[j + 1] += up[j] * p;
            up[j] *= 1.0 - p;
        }
    }
    up.iter().skip(needed).sum::<f64>().min(1.0)
}
