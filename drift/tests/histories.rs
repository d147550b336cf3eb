//! Lives of networks: the alarms that they should raise, and no more others than were expected.

mod common;

use alloy_primitives::B256;
use common::{Actor, Simulation, live_network};
use plumbline_drift::alarm::{DriftAlarm, NetworkChannel};
use plumbline_drift::cusum::{Channel, State};

const OPERATORS: u64 = 26;
const WEEK: u32 = 7;

/// So many alarms are no surprise when `expected` come without any drift: one in a thousand networks has more.
fn no_surprise(expected: f64) -> f64 {
    expected + 3.1 * expected.sqrt() + 1.0
}

fn weekly_alarms(simulation: &Simulation) -> Vec<(i64, NetworkChannel, bool)> {
    let weekly = simulation
        .network_alarms
        .iter()
        .filter(|(_, alarm)| alarm.channel != NetworkChannel::CommonMode && !alarm.renewed);
    weekly
        .map(|(period, alarm)| (*period, alarm.channel, alarm.upwards))
        .collect()
}

#[test]
fn a_stable_network_raises_no_more_alarms_than_expected() {
    let mut simulation = Simulation::new(live_network(OPERATORS, 1), 2);
    simulation.periods(40 * WEEK);
    let expected = simulation.history.totals().expected_false_alarms;
    assert!(expected > 1.0, "detectors were at work: {expected}");
    let alarms = simulation.alarms.len() as f64;
    assert!(
        alarms <= no_surprise(expected),
        "{alarms} alarms for {expected} expected"
    );
    assert_eq!(weekly_alarms(&simulation), []);
}

#[test]
fn an_operator_that_decays_slowly_is_named_and_nobody_else() {
    let mut actors = live_network(OPERATORS, 1);
    actors[6] = Actor::new(6, actors[6].capacity, 0.004, 6.0);
    let mut simulation = Simulation::new(actors, 3);
    simulation.periods(100);
    let (before, expected_before) = (
        simulation.alarms.len(),
        simulation.history.totals().expected_false_alarms,
    );
    let decaying = simulation.actors[6].operator;
    for _ in 0..60 {
        // Twelve times as many outages in the end.
        simulation.actors[6].onset *= 12_f64.powf(1.0 / 60.0);
        simulation.period();
    }
    type Alarms<'a> = Vec<&'a (i64, DriftAlarm)>;
    let (of_it, of_others): (Alarms<'_>, Alarms<'_>) = simulation.alarms[before..]
        .iter()
        .partition(|(_, alarm)| alarm.operator == decaying);
    let first = of_it.first().expect("an alarm");
    assert_eq!((first.1.channel, first.1.renewed), (Channel::Onset, false));
    let expected = simulation.history.totals().expected_false_alarms - expected_before;
    assert!(of_others.len() as f64 <= no_surprise(expected), "{of_others:?}");
    assert_eq!(weekly_alarms(&simulation), []);
}

#[test]
fn an_outage_of_a_whole_domain_is_the_networks_and_nobody_elses() {
    let domain = Some(B256::repeat_byte(b'd'));
    let mut actors = live_network(OPERATORS, 1);
    for actor in &mut actors[..5] {
        actor.domain = domain;
    }
    let mut simulation = Simulation::new(actors, 4);
    simulation.periods(60);
    let (alarms, network_alarms) = (simulation.alarms.len(), simulation.network_alarms.len());
    for actor in &mut simulation.actors[..5] {
        actor.forced_down = true;
    }
    let derived = simulation.period();
    simulation.periods(2);
    for actor in &mut simulation.actors[..5] {
        actor.forced_down = false;
    }
    simulation.periods(14);
    let common: Vec<_> = simulation.network_alarms[network_alarms..]
        .iter()
        .filter(|(_, alarm)| alarm.domain == domain)
        .collect();
    assert_eq!(common.len(), 1, "one run of common mode: {common:?}");
    assert_eq!((common[0].0, common[0].1.slot, common[0].1.value), (60, Some(0), 1.0));
    let named = |index: usize| simulation.actors[index].operator;
    let theirs = simulation.alarms[alarms..]
        .iter()
        .filter(|(_, alarm)| (0..5).any(|index| alarm.operator == named(index)));
    assert_eq!(theirs.count(), 0);
    // It is an incident of each of them all the same, and marked.
    let incidents = derived.outcomes.iter().flat_map(|outcome| &outcome.course.incidents);
    assert_eq!(incidents.filter(|incident| incident.common_mode).count(), 5);
}

#[test]
fn work_that_drifts_to_the_top_three_is_noticed_as_such() {
    let mut simulation = Simulation::new(live_network(OPERATORS, 1), 5);
    simulation.periods(30 * WEEK);
    assert_eq!(weekly_alarms(&simulation), []);
    let mut by_units: Vec<usize> = (0..simulation.actors.len()).collect();
    by_units.sort_by_key(|index| std::cmp::Reverse(simulation.actors[*index].units));
    let mut last = None;
    for _ in 0..10 * WEEK {
        for index in &by_units[..3] {
            let units = &mut simulation.actors[*index].units;
            *units += (*units / 40).max(1);
        }
        last = Some(simulation.period());
    }
    let alarms = weekly_alarms(&simulation);
    assert!(
        alarms
            .iter()
            .any(|(_, channel, up)| *channel == NetworkChannel::EffectiveOperators && !up),
        "{alarms:?}"
    );
    assert!(
        alarms
            .iter()
            .any(|(_, channel, up)| *channel == NetworkChannel::Dependency && *up),
        "{alarms:?}"
    );
    assert!(
        alarms
            .iter()
            .all(|(_, channel, up)| (*channel == NetworkChannel::Dependency) == *up),
        "{alarms:?}"
    );
    let dependency = last.expect("periods").dependency;
    // Nobody is down more than before: the work goes elsewhere.
    let (routing, reliability) = (
        dependency.by_routing.expect("one"),
        dependency.by_reliability.expect("one"),
    );
    assert!(routing > 5.0 * reliability.abs(), "{dependency:?}");
}

#[test]
fn exits_after_a_fall_of_the_price_shrink_the_network_and_alarm_nobody_who_stays() {
    let mut simulation = Simulation::new(live_network(OPERATORS, 1), 6);
    simulation.periods(30 * WEEK);
    let (before, expected_before) = (
        simulation.alarms.len(),
        simulation.history.totals().expected_false_alarms,
    );
    let mut by_units: Vec<usize> = (0..simulation.actors.len()).collect();
    by_units.sort_by_key(|index| std::cmp::Reverse(simulation.actors[*index].units));
    // The smaller half of those that count leaves, one every few days; who stays takes over their work.
    for leaver in &by_units[2..12] {
        simulation.actors[*leaver].exited = true;
        simulation.periods(5);
    }
    let alarms = weekly_alarms(&simulation);
    assert!(
        alarms
            .iter()
            .any(|(_, channel, up)| *channel == NetworkChannel::EffectiveOperators && !up),
        "{alarms:?}"
    );
    let expected = simulation.history.totals().expected_false_alarms - expected_before;
    let others = (simulation.alarms.len() - before) as f64;
    assert!(
        others <= no_surprise(expected),
        "{others} alarms for {expected} expected"
    );
}

#[test]
fn an_operator_that_is_new_warms_up_before_it_is_watched() {
    let mut simulation = Simulation::new(live_network(10, 1), 7);
    let first = simulation.period();
    assert!(
        first
            .outcomes
            .iter()
            .all(|outcome| outcome.record.state() == State::WarmingUp)
    );
    // 200 observed slots and the week that is left out.
    simulation.periods(13);
    let not_yet = simulation.period();
    assert!(
        not_yet
            .outcomes
            .iter()
            .all(|outcome| outcome.record.onset.state == State::WarmingUp)
    );
    let now = simulation.period();
    assert!(
        now.outcomes
            .iter()
            .all(|outcome| outcome.record.onset.state == State::Watching)
    );
}
