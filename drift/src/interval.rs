//! Intervals of a rate: exact, by a posterior, and one that stays valid however often it is looked at.

use statrs::distribution::{Beta, ContinuousCDF};
use statrs::function::beta::ln_beta;

/// Halvings after which an interval's end is known to the last bit that matters.
const HALVINGS: u32 = 64;

/// Quantile of a beta distribution; nothing when a parameter is not positive.
pub fn beta_quantile(alpha: f64, beta: f64, probability: f64) -> Option<f64> {
    let distribution = Beta::new(alpha, beta).ok()?;
    Some(root(0.0, 1.0, |x| distribution.cdf(x) - probability))
}

/// Clopper and Pearson's exact interval for `hits` of `trials` at a level such as 0.95; nothing without trials.
pub fn clopper_pearson(hits: u64, trials: u64, level: f64) -> Option<(f64, f64)> {
    if trials == 0 || hits > trials {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let (k, misses) = (hits as f64, (trials - hits) as f64);
    let low = if hits == 0 {
        0.0
    } else {
        beta_quantile(k, misses + 1.0, tail)?
    };
    let high = if hits == trials {
        1.0
    } else {
        beta_quantile(k + 1.0, misses, 1.0 - tail)?
    };
    Some((low, high))
}

/// Where a rate lies with confidence `1 − alpha` at all times at once: looking after every observation costs nothing.
/// A mixture of binomial likelihoods over a beta distribution, tightest after about `trials_optimal` (Howard et al. 2021).
pub fn confidence_sequence(hits: u64, trials: u64, alpha: f64, trials_optimal: u64) -> Option<(f64, f64)> {
    if trials == 0 || hits > trials {
        return None;
    }
    let ratio = hits as f64 / trials as f64;
    let excess = |p: f64| log_mixture(hits as f64, trials as f64, p, alpha, trials_optimal as f64) + alpha.ln();
    // The evidence against p falls from the ends to the ratio; where it is too weak at an end, that end stands.
    let tiny = f64::EPSILON;
    let low = if hits == 0 || excess(tiny) <= 0.0 {
        0.0
    } else {
        root(tiny, ratio, |p| -excess(p))
    };
    let high = if hits == trials || excess(1.0 - tiny) <= 0.0 {
        1.0
    } else {
        root(ratio, 1.0 - tiny, excess)
    };
    Some((low, high))
}

/// Logarithm of the evidence against the rate `p`: a martingale from 1 when it is the true one.
fn log_mixture(hits: f64, trials: f64, p: f64, alpha: f64, trials_optimal: f64) -> f64 {
    let spread = p * (1.0 - p);
    let bits = 2.0 * (1.0 / alpha).ln();
    let precision = (trials_optimal * spread / (bits + bits.ln_1p()) - spread).max(1e-3 * spread);
    let (a, b) = (precision / (1.0 - p), precision / p);
    let misses = trials - hits;
    ln_beta(a + hits, b + misses) - ln_beta(a, b) - hits * p.ln() - misses * (-p).ln_1p()
}

/// Where a rising function crosses zero.
fn root(mut low: f64, mut high: f64, rising: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if rising(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low + (high - low) / 2.0
}
