//! Uptime against published intervals; no data is not a number.

use anyhow::Context;
use plumbline_drift::uptime::{Slots, wilson95};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    hits: u64,
    trials: u64,
    low: f64,
    high: f64,
}

#[test]
fn published_wilson_intervals_are_met() -> anyhow::Result<()> {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/wilson.json"))?;
    for case in vectors.cases {
        let (low, high) = wilson95(case.hits, case.trials).context("an interval")?;
        let close = (low - case.low).abs() < 5e-9 && (high - case.high).abs() < 5e-9;
        assert!(
            close,
            "{}/{} gave ({low}, {high}); source: {}",
            case.hits, case.trials, vectors.source
        );
    }
    Ok(())
}

#[test]
fn an_interval_holds_its_ratio_and_stays_within_zero_and_one() -> anyhow::Result<()> {
    for trials in 1..80 {
        for hits in 0..=trials {
            let (low, high) = wilson95(hits, trials).context("an interval")?;
            let ratio = hits as f64 / trials as f64;
            assert!(
                0.0 <= low && low <= ratio && ratio <= high && high <= 1.0,
                "{hits}/{trials}: ({low}, {high})"
            );
        }
    }
    Ok(())
}

#[test]
fn nothing_observed_has_no_uptime_and_no_coverage_without_expectation() {
    let unobserved = Slots {
        expected: 12,
        observed: 0,
        hit: 0,
    };
    assert_eq!(unobserved.uptime(), None);
    assert_eq!(unobserved.uptime_interval(), None);
    assert_eq!(unobserved.coverage(), Some(0.0));
    assert_eq!(unobserved.unobserved(), 12);
    assert_eq!(Slots::default().coverage(), None);
}

#[test]
fn a_sum_is_the_ratio_of_sums_and_not_the_mean_of_ratios() {
    let probed_once = Slots {
        expected: 24,
        observed: 1,
        hit: 1,
    };
    let probed_often = Slots {
        expected: 24,
        observed: 24,
        hit: 12,
    };
    let sum: Slots = [probed_once, probed_often].into_iter().sum();
    assert_eq!(sum.uptime(), Some(13.0 / 25.0));
    assert_eq!(sum.coverage(), Some(25.0 / 48.0));
    assert_eq!(sum.missed(), 12);
}
