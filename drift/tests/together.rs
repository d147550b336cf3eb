//! Operators that are down together, groups of them, and the figures of what pays them.

use alloy_primitives::{Address, U256};
use anyhow::Context;
use plumbline_drift::concentration::{Distribution, theil_by_group};
use plumbline_drift::incentive::{log_change, ratio, runway_periods};
use plumbline_drift::pair::correlated;

#[test]
fn two_that_share_their_outages_are_a_pair_and_two_that_do_not_are_none() {
    let course = |down: &[usize]| (0..40).map(|slot| Some(!down.contains(&slot))).collect::<Vec<_>>();
    let (a, b, c) = (
        Address::repeat_byte(1),
        Address::repeat_byte(2),
        Address::repeat_byte(3),
    );
    let operators = [
        (c, course(&[20, 21, 22])),
        (b, course(&[3, 4, 5, 6])),
        (a, course(&[3, 4, 5, 30])),
    ];
    let pairs = correlated(&operators);
    assert_eq!(pairs.len(), 1);
    let pair = pairs[0];
    assert_eq!(
        (pair.operator, pair.other, pair.both_missed, pair.observed),
        (a, b, 3, 40)
    );
    assert_eq!(pair.lift, 3.0 * 40.0 / (4.0 * 4.0));
}

#[test]
fn slots_that_one_of_a_pair_was_not_observed_in_say_nothing_of_it() {
    let (a, b) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let down = vec![Some(false); 8];
    assert!(correlated(&[(a, down), (b, vec![None; 8])]).is_empty());
}

#[test]
fn theils_index_is_that_between_groups_and_that_within_them() -> anyhow::Result<()> {
    let groups = [
        vec![U256::from(5), U256::from(9)],
        vec![U256::from(1), U256::ZERO, U256::from(7)],
    ];
    let all = Distribution::new(groups.concat()).theil().context("a value")?;
    let grouped = theil_by_group(groups.iter().map(Vec::as_slice)).context("a value")?;
    assert!(
        (grouped.between + grouped.within - all).abs() < 1e-12,
        "{grouped:?} of {all}"
    );
    assert_eq!(theil_by_group([[U256::ZERO].as_slice()].into_iter()), None);
    Ok(())
}

#[test]
fn a_reserve_that_does_not_shrink_has_no_end() {
    assert_eq!(runway_periods(600.0, 90.0, 30.0, 30), Some(300.0));
    assert_eq!(runway_periods(600.0, 30.0, 30.0, 30), None);
    assert_eq!(ratio(1.0, 0.0), None);
    assert_eq!(log_change(Some(0.0), Some(1.0)), None);
    assert_eq!(log_change(None, Some(1.0)), None);
    assert_eq!(log_change(Some(2.0), Some(1.0)), Some(2_f64.ln()));
}
