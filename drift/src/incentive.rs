//! Whether uptime is still paid for.

/// Periods until a reserve is used up at the pace of a window; nothing when it does not shrink.
pub fn runway_periods(reserve: f64, released: f64, received: f64, periods: u64) -> Option<f64> {
    let net = released - received;
    (net > 0.0).then(|| reserve * periods as f64 / net)
}

/// `part / whole`; nothing without a whole.
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// How far a price moved, as a logarithm; nothing without either.
pub fn log_change(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    let (now, before) = (now?, before?);
    (now > 0.0 && before > 0.0).then(|| (now / before).ln())
}
