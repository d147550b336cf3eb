//! Published values, to the digits in which they were printed.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use anyhow::Context;
use plumbline_drift::concentration::Distribution;
use plumbline_drift::cusum::{Rates, accumulate, binomial_log_likelihood_ratio};
use plumbline_drift::interval::{clopper_pearson, confidence_sequence};
use plumbline_drift::overlap::{jaccard, rank_biased_overlap};
use plumbline_drift::{arl, resilience, trend};
use serde_json::Value;

type Anyhow = anyhow::Result<()>;

fn vectors(name: &str) -> anyhow::Result<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/detectors.json"))?;
    Ok(all[name].clone())
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn count(value: &Value) -> u64 {
    value.as_u64().expect("a count")
}

fn cases(vectors: &Value) -> &Vec<Value> {
    vectors["cases"].as_array().expect("cases")
}

#[track_caller]
fn close(computed: f64, printed: f64, tolerance: f64) {
    assert!((computed - printed).abs() <= tolerance, "{computed} is not {printed}");
}

fn distribution(vectors: &Value) -> anyhow::Result<Distribution> {
    let amounts = vectors["amounts"].as_array().context("amounts")?;
    let amounts: Result<Vec<U256>, _> = amounts.iter().map(|text| text.as_str().unwrap_or("").parse()).collect();
    Ok(Distribution::new(amounts?))
}

#[test]
fn confidence_sequences_are_those_of_confseq() -> Anyhow {
    for case in cases(&vectors("confidence_sequence")?) {
        let (hits, trials) = (count(&case["hits"]), count(&case["trials"]));
        let alpha = number(&case["alpha"]);
        let (low, high) = confidence_sequence(hits, trials, alpha, count(&case["trials_optimal"])).context("one")?;
        close(low, number(&case["low"]), 1e-6);
        close(high, number(&case["high"]), 1e-6);
    }
    Ok(())
}

#[test]
fn exact_intervals_are_those_of_binom() -> Anyhow {
    for case in cases(&vectors("clopper_pearson")?) {
        let (low, high) = clopper_pearson(count(&case["hits"]), count(&case["trials"]), 0.95).context("one")?;
        close(low, number(&case["low"]), 6e-14);
        close(high, number(&case["high"]), 6e-14);
    }
    Ok(())
}

#[test]
fn run_lengths_of_normal_charts_are_as_published() -> Anyhow {
    for case in cases(&vectors("normal_cusum")?) {
        let steps = arl::normal_cusum(number(&case["k"]), number(&case["h"]), number(&case["mean"])).context("one")?;
        close(steps, number(&case["steps"]), 0.0099);
    }
    for case in cases(&vectors("normal_ewma")?) {
        let (lambda, limit) = (number(&case["lambda"]), number(&case["limit"]));
        let steps = arl::normal_ewma(lambda, limit, number(&case["mean"])).context("one")?;
        close(steps, number(&case["steps"]), 5e-10);
    }
    Ok(())
}

#[test]
fn crowders_limits_give_the_designed_run_length() -> Anyhow {
    let design = vectors("ewma_design")?;
    let steps = number(&design["steps"]);
    for case in cases(&design) {
        let (lambda, printed) = (number(&case["lambda"]), number(&case["limit"]));
        let at = |limit: f64| arl::normal_ewma(lambda, limit, 0.0).context("one");
        // The limit that gives exactly the design lies within what was printed, as the chart reads it off.
        assert!(at(printed - 0.01)? < steps && steps < at(printed + 0.01)?, "λ {lambda}");
    }
    Ok(())
}

#[test]
fn run_lengths_of_counts_are_as_published() -> Anyhow {
    let lucas = vectors("poisson_cusum")?;
    let (units, limit) = (count(&lucas["units"]) as usize, count(&lucas["limit"]) as usize);
    let mean = number(&lucas["mean"]);
    let poisson = |x: usize| (1..=x).fold((-mean).exp(), |p, i| p * mean / i as f64);
    let steps = arl::lattice_cusum(units, limit, poisson).context("one")?;
    close(steps[0], number(&lucas["steps"]), 0.5);
    close(
        steps[count(&lucas["head_start"]) as usize],
        number(&lucas["steps_with_head_start"]),
        0.5,
    );
    for case in cases(&vectors("bernoulli_lattice")?) {
        let miss = number(&case["miss"]);
        let (units, limit) = (count(&case["units"]) as usize, count(&case["limit"]) as usize);
        let bernoulli = |x: usize| [1.0 - miss, miss].get(x).copied().unwrap_or(0.0);
        let steps = arl::lattice_cusum(units, limit, bernoulli).context("one")?;
        close(steps[0], number(&case["steps"]), 5e-7);
    }
    Ok(())
}

#[test]
fn the_binomial_cusum_accumulates_as_computed_elsewhere() -> Anyhow {
    let vectors = vectors("binomial_cusum")?;
    let rates = Rates {
        baseline: number(&vectors["baseline"]),
        alternative: number(&vectors["alternative"]),
    };
    let misses = vectors["misses"].as_array().context("misses")?;
    let expected = vectors["statistic"].as_array().context("statistics")?;
    let mut statistic = 0.0;
    for (misses, expected) in misses.iter().zip(expected) {
        let increment = binomial_log_likelihood_ratio(rates, count(misses), count(&vectors["trials"]));
        statistic = accumulate(statistic, increment);
        close(statistic, number(expected), 5e-7);
    }
    Ok(())
}

#[test]
fn overlaps_of_rankings_and_sets_are_as_published() -> Anyhow {
    for case in cases(&vectors("rank_biased_overlap")?) {
        let ranking = |name: &str| case[name].as_str().unwrap_or_default().chars().collect::<Vec<_>>();
        let overlap = rank_biased_overlap(&ranking("a"), &ranking("b"), number(&case["persistence"])).context("one")?;
        close(overlap, number(&case["overlap"]), 5e-7);
    }
    let set = |items: &[u8]| items.iter().copied().collect::<BTreeSet<u8>>();
    assert_eq!(jaccard(&set(&[1, 2, 3]), &set(&[2, 3, 4])), Some(0.5));
    assert_eq!(jaccard(&set(&[]), &set(&[])), None);
    assert_eq!(rank_biased_overlap::<u8>(&[], &[1], 0.9), None);
    close(
        rank_biased_overlap(&[1, 2, 3], &[1, 2, 3], 0.9).context("one")?,
        1.0,
        1e-15,
    );
    Ok(())
}

#[test]
fn indices_of_inequality_are_as_published() -> Anyhow {
    let inequality = vectors("inequality")?;
    let shares = distribution(&inequality)?;
    close(
        shares.atkinson(0.5).context("one")?,
        number(&inequality["atkinson_half"]),
        5e-8,
    );
    close(shares.theil().context("one")?, number(&inequality["theil"]), 5e-11);
    close(
        shares.entropy_effective().context("one")?,
        number(&inequality["entropy_effective"]),
        5e-10,
    );
    let bits = vectors("entropy_bits")?;
    let entropy = distribution(&bits)?.entropy().context("one")? / std::f64::consts::LN_2;
    close(entropy, number(&bits["bits"]), 5e-4);
    Ok(())
}

#[test]
fn a_quorum_is_as_available_as_counting_all_cases_says() {
    let uptimes = [0.9, 0.5, 0.2];
    let mut by_hand = [0.0; 4];
    for ups in 0..8_usize {
        let probability = |(i, p): (usize, &f64)| if ups >> i & 1 == 1 { *p } else { 1.0 - p };
        by_hand[ups.count_ones() as usize] += uptimes.iter().enumerate().map(probability).product::<f64>();
    }
    for needed in 0..=3 {
        let expected: f64 = by_hand[needed..].iter().sum();
        close(resilience::quorum_availability(&uptimes, needed), expected, 1e-15);
    }
}

#[test]
fn the_network_lives_until_what_is_left_falls_below_the_demand() {
    let amounts = [5, 3, 2].map(U256::from);
    for (demand, expected) in [
        (0, None),
        (1, Some(3)),
        (2, Some(3)),
        (5, Some(2)),
        (6, Some(1)),
        (10, Some(1)),
        (11, Some(0)),
    ] {
        assert_eq!(
            resilience::liveness_nakamoto(&amounts, U256::from(demand)),
            expected,
            "{demand}"
        );
    }
    assert_eq!(resilience::left_shares(&amounts), [0.5, 0.2, 0.0]);
    assert!(resilience::left_shares(&[U256::ZERO]).is_empty());
}

#[test]
fn an_outlier_does_not_move_the_trend() -> Anyhow {
    let mut points: Vec<(f64, f64)> = (0..21).map(|x| (f64::from(x), 0.5 * f64::from(x))).collect();
    points[7].1 = 1e6;
    let slope = trend::theil_sen(&points).context("one")?;
    close(slope.slope, 0.5, 1e-12);
    let (low, high) = slope.interval.context("an interval")?;
    assert!(low <= 0.5 && 0.5 <= high);
    assert_eq!(trend::theil_sen(&[(1.0, 2.0)]), None);
    assert_eq!(trend::theil_sen(&[(1.0, 2.0), (1.0, 3.0)]), None);
    Ok(())
}
