//! How alike two sets or two rankings are.

use std::collections::BTreeSet;

/// Jaccard's index: common members of all members; nothing of two empty sets.
pub fn jaccard<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> Option<f64> {
    let all = a.union(b).count();
    (all != 0).then(|| a.intersection(b).count() as f64 / all as f64)
}

/// Extrapolated rank-biased overlap of two rankings without repetitions, to the depth of the shorter (Webber et al. 2010):
/// `(X_k/k) p^k + ((1−p)/p) Σ (X_d/d) p^d`, where `X_d` is the overlap of the first d. Nothing when one is empty.
pub fn rank_biased_overlap<T: Ord>(a: &[T], b: &[T], persistence: f64) -> Option<f64> {
    let (mut seen_a, mut seen_b) = (BTreeSet::new(), BTreeSet::new());
    let (mut common, mut sum, mut weight) = (0_u64, 0.0, 1.0);
    let mut agreement = None;
    for (depth, (x, y)) in a.iter().zip(b).enumerate() {
        weight *= persistence;
        common += u64::from(seen_b.contains(x));
        seen_a.insert(x);
        common += u64::from(seen_a.contains(y));
        seen_b.insert(y);
        let part = common as f64 / (depth as f64 + 1.0);
        sum += part * weight;
        agreement = Some(part);
    }
    Some(agreement? * weight + (1.0 - persistence) / persistence * sum)
}
