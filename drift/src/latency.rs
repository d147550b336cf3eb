//! Latencies in fixed logarithmic buckets, so that histograms of any windows add up.

/// Buckets of a doubling.
const BUCKETS_PER_OCTAVE: f64 = 4.0;

/// Position of the bucket of a latency: bucket i holds [2^(i/4), 2^((i+1)/4)) ms, the first also shorter ones.
pub fn bucket(latency_ms: u64) -> usize {
    if latency_ms < 2 {
        return 0;
    }
    let guess = ((latency_ms as f64).log2() * BUCKETS_PER_OCTAVE) as usize;
    // The logarithm may be off by a bit; the bounds decide.
    let guess = if lower_ms(guess + 1) <= latency_ms as f64 {
        guess + 1
    } else {
        guess
    };
    if lower_ms(guess) > latency_ms as f64 {
        guess - 1
    } else {
        guess
    }
}

/// Where a bucket begins.
pub fn lower_ms(bucket: usize) -> f64 {
    (bucket as f64 / BUCKETS_PER_OCTAVE).exp2()
}

/// Upper bound of the bucket in which the quantile lies: at most 19 % above it. Nothing without observations.
pub fn quantile_ms(counts: &[u64], quantile: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    let position = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    Some(lower_ms(position + 1))
}
