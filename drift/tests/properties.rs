//! Properties that hold of every period: no data is no number, order says nothing, the same history gives the same bits.

mod common;

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use common::{CLOCK, History, Simulation, live_network};
use plumbline_drift::close::{Derived, Member, NetworkPast, Past, Period, close};
use plumbline_drift::interval::{clopper_pearson, confidence_sequence};
use plumbline_drift::latency;
use plumbline_drift::uptime::{Slots, wilson95};
use proptest::prelude::*;

fn member(index: u8, observed: Vec<bool>, up: Vec<bool>, amount: u64) -> Member {
    let up: Vec<bool> = observed.iter().zip(up).map(|(observed, up)| *observed && up).collect();
    let count = |bits: &[bool]| bits.iter().filter(|bit| **bit).count() as u64;
    Member {
        operator: Address::repeat_byte(index + 1),
        owner: Address::repeat_byte(index / 2),
        domain: None,
        slots: Slots {
            expected: observed.len() as u64,
            observed: count(&observed),
            hit: count(&up),
        },
        observed,
        up,
        stake: U256::from(amount),
        capacity: U256::from(amount),
        units: U256::from(amount),
        fees: U256::ZERO,
        rewards: U256::ZERO,
    }
}

fn period<'a>(members: &'a [Member], past: &'a BTreeMap<Address, Past>, network: &'a NetworkPast) -> Period<'a> {
    Period {
        period: 0,
        clock: CLOCK,
        members,
        past,
        network,
        demand: None,
    }
}

fn first(members: &[Member]) -> Derived {
    close(&period(members, &BTreeMap::new(), &NetworkPast::default()))
}

fn bits(derived: &Derived) -> String {
    // Debug prints the shortest text from which the same bits are read again.
    format!("{derived:?}")
}

prop_compose! {
    fn any_member(index: u8)(
        observed in proptest::collection::vec(any::<bool>(), 24),
        up in proptest::collection::vec(any::<bool>(), 24),
        amount in 0_u64..1_000,
    ) -> Member {
        member(index, observed, up, amount)
    }
}

fn any_members() -> impl Strategy<Value = Vec<Member>> {
    (0_u8..9).prop_flat_map(|count| (0..count).map(any_member).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_operators_changes_no_bit(members in any_members(), seed in any::<u64>()) {
        let mut shuffled = members.clone();
        let length = shuffled.len().max(1);
        shuffled.rotate_left((seed % length as u64) as usize % length.max(1));
        shuffled.reverse();
        prop_assert_eq!(bits(&first(&members)), bits(&first(&shuffled)));
    }

    #[test]
    fn intervals_hold_their_ratio(trials in 1_u64..400, part in 0.0_f64..=1.0) {
        let hits = (trials as f64 * part) as u64;
        let ratio = hits as f64 / trials as f64;
        let intervals = [
            wilson95(hits, trials),
            clopper_pearson(hits, trials, 0.95),
            confidence_sequence(hits, trials, 0.05, 100),
        ];
        for (low, high) in intervals.into_iter().flatten() {
            prop_assert!(0.0 <= low && low <= ratio + 1e-12 && ratio <= high + 1e-12 && high <= 1.0, "{low} {ratio} {high}");
        }
    }

    #[test]
    fn a_latency_lies_in_its_bucket(latency_ms in 0_u64..u64::from(u32::MAX)) {
        let bucket = latency::bucket(latency_ms);
        prop_assert!(bucket == 0 || latency::lower_ms(bucket) <= latency_ms as f64);
        prop_assert!((latency_ms as f64) < latency::lower_ms(bucket + 1));
    }
}

#[test]
fn nothing_observed_is_no_number() {
    let nobody = first(&[]);
    assert_eq!(nobody.variance_ratio, None);
    assert_eq!(nobody.dependency.delta, None);
    assert_eq!(nobody.dependency.quorum_availability, None);
    assert_eq!(nobody.core.share, None);

    let unseen = first(&[member(0, vec![false; 24], vec![true; 24], 5)]);
    let outcome = &unseen.outcomes[0];
    assert_eq!(
        (outcome.available, outcome.reliable, outcome.record.up),
        (None, None, None)
    );
    assert_eq!((outcome.record.score(), outcome.record.mttr_slots()), (None, None));
    assert_eq!(unseen.dependency.by_reliability, None);
    assert_eq!(unseen.dependency.effective_capacity, Some(1.0));
    assert_eq!(latency::quantile_ms(&[0, 0], 0.5), None);
}

#[test]
fn slots_that_nobody_observed_neither_end_an_incident_nor_lengthen_it() {
    let seen = |up: &[Option<bool>]| {
        let observed = up.iter().map(Option::is_some).collect();
        member(0, observed, up.iter().map(|up| up.unwrap_or(false)).collect(), 1)
    };
    let mut course = vec![Some(true); 24];
    course[3] = Some(false);
    course[4..9].fill(None);
    course[9] = Some(false);
    let derived = first(&[seen(&course)]);
    let outcome = &derived.outcomes[0];
    assert_eq!(outcome.course.incidents.len(), 1);
    let end = outcome.course.ends[0];
    assert_eq!((end.incident.slot, end.slot, end.incident.missed), (3, 10, 2));
    assert_eq!(outcome.record.mttr_slots(), Some(2.0));
}

#[test]
fn an_incident_spans_periods() {
    let mut history = History::default();
    let day = |up: bool| [member(0, vec![true; 24], vec![up; 24], 1)];
    history.close(&day(true));
    let began = history.close(&day(false));
    let went_on = history.close(&day(false));
    let ended = history.close(&day(true));
    assert_eq!(began.outcomes[0].course.incidents.len(), 1);
    assert!(went_on.outcomes[0].course.incidents.is_empty() && went_on.outcomes[0].course.ends.is_empty());
    assert_eq!(
        went_on.outcomes[0].record.open.map(|open| (open.period, open.missed)),
        Some((1, 48))
    );
    let end = ended.outcomes[0].course.ends[0];
    assert_eq!(
        (end.incident.period, end.incident.slot, end.slot, end.incident.missed),
        (1, 0, 0, 48)
    );
    assert_eq!(ended.outcomes[0].record.open, None);
}

#[test]
fn a_history_closed_again_from_any_period_gives_the_same_bits() {
    let mut simulation = Simulation::new(live_network(12, 3), 9);
    simulation.periods(40);
    let mut replayed = simulation.history.clone();
    let mut random = simulation.actors.clone();
    let members: Vec<Vec<Member>> = (0..8_u8)
        .map(|day| {
            let each = random.iter_mut().enumerate();
            each.map(|(index, actor)| {
                actor.units += u64::from(day);
                let up = (0..24)
                    .map(|slot| (slot + index) % (7 + usize::from(day)) != 0)
                    .collect();
                let mut member = member(index as u8, vec![true; 24], up, actor.units);
                member.operator = actor.operator;
                member
            })
            .collect()
        })
        .collect();
    let once: Vec<String> = members.iter().map(|day| bits(&simulation.history.close(day))).collect();
    let again: Vec<String> = members.iter().map(|day| bits(&replayed.close(day))).collect();
    assert_eq!(once, again);
}
