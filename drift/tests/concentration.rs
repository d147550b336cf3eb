//! Concentration against published values, and properties that hold for every distribution.

use alloy_primitives::U256;
use anyhow::Context;
use plumbline_drift::concentration::{Distribution, Threshold};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    source: String,
    amounts: Vec<String>,
    gini: Option<f64>,
    hhi: Option<f64>,
    effective_members: Option<f64>,
    nakamoto: Option<[usize; 3]>,
}

const THRESHOLDS: [Threshold; 3] = [Threshold::THIRD, Threshold::HALF, Threshold::TWO_THIRDS];

fn nakamoto(distribution: &Distribution) -> [Option<usize>; 3] {
    THRESHOLDS.map(|threshold| distribution.nakamoto(threshold))
}

/// Equal in every digit that was published.
fn agrees(computed: Option<f64>, published: Option<f64>, tolerance: f64) -> bool {
    published.is_none_or(|expected| computed.is_some_and(|value| (value - expected).abs() <= tolerance))
}

#[test]
fn published_values_are_met() -> anyhow::Result<()> {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/concentration.json"))?;
    for case in vectors.cases {
        let amounts: Vec<U256> = case.amounts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let distribution = Distribution::new(amounts);
        assert!(
            agrees(distribution.gini(), case.gini, 5e-6),
            "{}: Gini {:?}",
            case.source,
            distribution.gini()
        );
        assert!(
            agrees(distribution.hhi(), case.hhi, 5e-8),
            "{}: HHI {:?}",
            case.source,
            distribution.hhi()
        );
        let d2 = distribution.effective_members();
        assert!(agrees(d2, case.effective_members, 5e-9), "{}: D2 {d2:?}", case.source);
        if let Some(expected) = case.nakamoto {
            assert_eq!(nakamoto(&distribution), expected.map(Some), "{}", case.source);
        }
    }
    Ok(())
}

#[test]
fn a_total_of_zero_has_no_concentration() {
    for amounts in [vec![], vec![U256::ZERO; 3]] {
        let distribution = Distribution::new(amounts);
        assert_eq!(distribution.hhi(), None);
        assert_eq!(distribution.effective_members(), None);
        assert_eq!(distribution.gini(), None);
        assert_eq!(distribution.top_share(1), None);
        assert_eq!(nakamoto(&distribution), [None; 3]);
    }
}

#[test]
fn a_permutation_changes_no_bit_of_any_result() -> anyhow::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for members in 1..60 {
        let mut amounts: Vec<U256> = (0..members)
            .map(|_| U256::from(rng.random::<u128>() >> (members % 100)))
            .collect();
        let before = Distribution::new(amounts.clone());
        amounts.shuffle(&mut rng);
        let after = Distribution::new(amounts);
        for (a, b) in [
            (before.hhi(), after.hhi()),
            (before.gini(), after.gini()),
            (before.top_share(3), after.top_share(3)),
            (before.effective_members(), after.effective_members()),
        ] {
            assert_eq!(a.context("a value")?.to_bits(), b.context("a value")?.to_bits());
        }
        assert_eq!(nakamoto(&before), nakamoto(&after));
    }
    Ok(())
}

#[test]
fn nakamoto_is_the_least_number_strictly_above_the_threshold() -> anyhow::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..500 {
        let mut amounts: Vec<u64> = (0..rng.random_range(1..9)).map(|_| rng.random_range(0..7)).collect();
        let total: u64 = amounts.iter().sum();
        let distribution = Distribution::new(amounts.iter().copied().map(U256::from));
        amounts.sort_unstable_by(|a, b| b.cmp(a));
        for threshold in THRESHOLDS {
            let above =
                |k: usize| amounts.iter().take(k).sum::<u64>() * threshold.denominator > total * threshold.numerator;
            let least = (1..=amounts.len()).find(|k| above(*k)).filter(|_| total != 0);
            assert_eq!(distribution.nakamoto(threshold), least, "{amounts:?} at {threshold:?}");
        }
    }
    Ok(())
}

#[test]
fn the_largest_amounts_that_fit_do_not_overflow() {
    let distribution = Distribution::new([U256::MAX; 4]);
    assert_eq!(nakamoto(&distribution), [Some(2), Some(3), Some(3)]);
    assert_eq!(distribution.top_share(2), Some(0.5));
}
