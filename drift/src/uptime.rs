//! Uptime as a ratio of sums, with its interval: what was never observed is not a number.

/// Slots of one operator, or of many added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots {
    /// Slots in which an answer was due.
    pub expected: u64,
    /// Slots in which a majority of the committee saw the operator up, or down.
    pub observed: u64,
    /// Observed slots in which it was up.
    pub hit: u64,
}

impl Slots {
    /// Observed slots in which the operator was down.
    pub fn missed(self) -> u64 {
        self.observed - self.hit
    }

    /// Slots about which nothing is known: neither up nor down.
    pub fn unobserved(self) -> u64 {
        self.expected - self.observed
    }

    /// `ΣH / ΣO`; nothing when nothing was observed.
    pub fn uptime(self) -> Option<f64> {
        ratio(self.hit, self.observed)
    }

    /// `ΣO / ΣE`; nothing when nothing was expected.
    pub fn coverage(self) -> Option<f64> {
        ratio(self.observed, self.expected)
    }

    /// Interval of the uptime at 95 %.
    pub fn uptime_interval(self) -> Option<(f64, f64)> {
        wilson95(self.hit, self.observed)
    }
}

impl std::ops::Add for Slots {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            expected: self.expected + other.expected,
            observed: self.observed + other.observed,
            hit: self.hit + other.hit,
        }
    }
}

impl std::iter::Sum for Slots {
    fn sum<I: Iterator<Item = Self>>(slots: I) -> Self {
        slots.fold(Self::default(), |sum, each| sum + each)
    }
}

/// Quantile of the normal distribution at 97.5 %.
const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's score interval at 95 % for `hits` of `trials`; nothing without trials.
pub fn wilson95(hits: u64, trials: u64) -> Option<(f64, f64)> {
    let p = ratio(hits, trials)?;
    let n = trials as f64;
    let z2 = Z95 * Z95;
    let centre = p + z2 / (2.0 * n);
    let half = Z95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // At the ends the formula is exact on paper and off by a rounding error here.
    let low = if hits == 0 { 0.0 } else { (centre - half) / scale };
    let high = if hits == trials { 1.0 } else { (centre + half) / scale };
    Some((low, high))
}

fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator != 0).then(|| numerator as f64 / denominator as f64)
}
