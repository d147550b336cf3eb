//! What one refresh knows of the network; also the JSON of `--once --json`.

use alloy::primitives::U256;
use serde::{Deserialize, Serialize, Serializer};

/// Periods of an operator that are shown.
pub(super) const STRIP_PERIODS: usize = 12;
/// The trend sets the last this many periods against as many before them: the two halves of the strip.
pub(super) const TREND_PERIODS: usize = STRIP_PERIODS / 2;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Snapshot {
    pub(super) network: Network,
    /// Periods in each operator's strip.
    pub(super) strip_periods: usize,
    /// Periods in each half that a trend compares.
    pub(super) trend_periods: usize,
    pub(super) operators: Vec<Operator>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Network {
    pub(super) block: u64,
    pub(super) block_hash: String,
    pub(crate) lag_blocks: u64,
    /// The last closed one.
    pub(crate) period: Option<u64>,
    pub(super) window: &'static str,
    /// Ever registered.
    pub(crate) operators: u64,
    pub(crate) active: u64,
    pub(crate) jailed: u64,
    pub(crate) exiting: u64,
    pub(crate) tombstoned: u64,
    pub(crate) uptime: Uptime,
    pub(crate) settlements: u64,
    pub(crate) slashes: u64,
    /// By stake, units and fees; empty before the first period is closed.
    pub(super) concentration: Vec<Concentration>,
    /// Of the last closed period; null where the API does not tell, as the next.
    pub(super) dependency: Option<Dependency>,
    pub(super) drift: Option<NetworkDrift>,
}

/// How far the network depends on fewer operators than it seems to have, and why.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Dependency {
    /// ln D2(capacity) − ln D2(served), the sum of the next two.
    pub(super) dependency: Option<f64>,
    pub(super) reliability_driven: Option<f64>,
    pub(super) routing_driven: Option<f64>,
    pub(super) reliable: Reliable,
    pub(super) liveness: Liveness,
}

/// Operators that were up nearly always, of those with capacity.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Reliable {
    pub(super) operators: Option<u64>,
    pub(super) of_operators: Option<u64>,
}

/// The fewest operators without which the rest carries less than the demand.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Liveness {
    pub(super) nakamoto: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct NetworkDrift {
    pub(super) detectors: Vec<Detector>,
    pub(super) reliability: Option<Incidence>,
}

/// Outages and detectors of all operators together.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Incidence {
    pub(super) incidents_open: Option<u64>,
    pub(super) operators_warming_up: Option<u64>,
    pub(super) operators_watching: Option<u64>,
    pub(super) operators_alarmed: Option<u64>,
}

/// A statistic that is an alarm from its threshold on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Detector {
    pub(super) channel: String,
    pub(super) state: String,
    pub(super) statistic: Option<f64>,
    pub(super) threshold: Option<f64>,
    pub(super) baseline: Option<Baseline>,
}

/// The usual rate, and the one that is looked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Baseline {
    pub(super) rate: Option<f64>,
    pub(super) alternative_rate: Option<f64>,
}

impl Operator {
    /// The detector that is nearest to an alarm.
    pub(super) fn worst(&self) -> Option<&Detector> {
        let ratio = |detector: &&Detector| detector.ratio().unwrap_or(-1.0);
        self.detectors.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))
    }
}

impl Detector {
    /// Part of the way to an alarm; nothing while it warms up.
    pub(super) fn ratio(&self) -> Option<f64> {
        if self.state == "warming_up" {
            return None;
        }
        let (statistic, threshold) = (self.statistic?.abs(), self.threshold?);
        (threshold > 0.0).then(|| statistic / threshold)
    }
}

/// What closed periods tell of an operator's outages; null where the API does not tell.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Reliability {
    pub(super) incidents: Option<u64>,
    pub(super) incident_open: Option<bool>,
    pub(super) mttr_seconds: Option<f64>,
    pub(super) score: Option<f64>,
    pub(super) score_low: Option<f64>,
    pub(super) reliable: Option<bool>,
    /// `warming_up`, `watching` or `alarmed`.
    pub(super) drift: Option<String>,
}

/// Of the last closed period.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Concentration {
    pub(super) basis: String,
    pub(super) effective_operators: Option<f64>,
    pub(super) nakamoto_third: Option<u64>,
    pub(super) nakamoto_half: Option<u64>,
    pub(super) nakamoto_two_thirds: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Operator {
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) status: String,
    pub(super) uptime: Uptime,
    pub(super) reliability: Reliability,
    /// Empty where they were not asked for, as `periods`.
    pub(super) detectors: Vec<Detector>,
    /// When the newest outage began, if the API tells of it.
    pub(super) last_incident: Option<String>,
    /// Oldest first.
    pub(super) periods: Vec<Period>,
    /// Percentage points; null when either half was not observed at all.
    pub(super) trend_points: Option<f64>,
    pub(super) slashes: u64,
    pub(super) slashed_stake: Amount,
    pub(super) slashed_earnings: Amount,
    pub(super) stake: Amount,
}

/// Of the window, with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Uptime {
    pub(crate) value: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Period {
    pub(super) period: u64,
    pub(super) observed: u64,
    pub(super) hit: u64,
    pub(super) uptime: Option<f64>,
}

/// Base units of a token.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Amount {
    #[serde(serialize_with = "decimal")]
    pub(super) units: U256,
    pub(super) decimals: u8,
    pub(super) symbol: String,
}

fn decimal<S: Serializer>(units: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(units)
}

/// Uptime of the last [`TREND_PERIODS`] periods less that of as many before, each a ratio of sums, in percentage points.
pub(super) fn trend_points(periods: &[Period]) -> Option<f64> {
    let (before, last) = periods.split_at(periods.len().checked_sub(TREND_PERIODS)?);
    let before = &before[before.len().checked_sub(TREND_PERIODS)?..];
    Some((ratio(last)? - ratio(before)?) * 100.0)
}

fn ratio(periods: &[Period]) -> Option<f64> {
    let observed: u64 = periods.iter().map(|period| period.observed).sum();
    let hit: u64 = periods.iter().map(|period| period.hit).sum();
    // Slots of a dozen periods are far below 2^53.
    (observed > 0).then(|| hit as f64 / observed as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn periods(slots: &[(u64, u64)]) -> Vec<Period> {
        let period = |(period, (observed, hit)): (u64, &(u64, u64))| Period {
            period,
            observed: *observed,
            hit: *hit,
            uptime: None,
        };
        (0..).zip(slots).map(period).collect()
    }

    #[test]
    fn the_trend_sets_sums_against_sums_and_is_nothing_without_both() {
        let mut slots = vec![(12, 12); TREND_PERIODS];
        assert_eq!(trend_points(&periods(&slots)), None, "there is no half before");
        // A period of one observed slot weighs as one slot, not as much as the others.
        slots.extend([(12, 6), (1, 0), (12, 12), (12, 12), (12, 12), (12, 12)]);
        let points = trend_points(&periods(&slots)).unwrap();
        assert!((points - (54.0 / 61.0 - 1.0) * 100.0).abs() < 1e-9, "{points}");
        let unobserved = vec![(0, 0); TREND_PERIODS];
        assert_eq!(
            trend_points(&periods(&[slots[6..].to_vec(), unobserved].concat())),
            None
        );
    }
}
