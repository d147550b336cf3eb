//! Theil and Sen's slope: a trend that outliers do not move.

/// Quantile of the normal distribution at 97.5 %.
const Z95: f64 = 1.959_963_984_540_054;
/// Points below which the interval, which takes Kendall's statistic for normal, says nothing.
const POINTS_OF_INTERVAL: usize = 8;

/// A slope and its interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    pub slope: f64,
    pub interval: Option<(f64, f64)>,
}

/// Median of the slopes of all pairs; nothing when no two points differ in x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let pairs = points
        .iter()
        .enumerate()
        .flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let mut slopes: Vec<f64> = pairs
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .collect();
    slopes.sort_unstable_by(f64::total_cmp);
    let slope = median(&slopes)?;
    let n = points.len() as f64;
    let half = Z95 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let count = slopes.len() as f64;
    let interval = (points.len() >= POINTS_OF_INTERVAL).then(|| {
        let low = ((count - half) / 2.0).floor().max(0.0) as usize;
        let high = ((count + half) / 2.0).ceil().min(count - 1.0) as usize;
        (slopes[low], slopes[high])
    });
    Some(Slope { slope, interval })
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted.get(middle).copied()
    } else {
        Some((sorted.get(middle.checked_sub(1)?)? + sorted.get(middle)?) / 2.0)
    }
}
