//! False alarms and delays of the operators' detectors under outages that come in bursts, beside the design.

mod common;

use common::{Actor, CLOCK, Delay, Simulation, fivefold};
use plumbline_drift::clock::MONTH_DAYS;
use plumbline_drift::cusum::Channel;

const OPERATORS: u64 = 40;
const PERIODS: u32 = 240;

#[test]
fn without_drift_alarms_are_as_rare_as_designed_at_outages_of_a_quarter_one_and_three_periods() {
    for outage_slots in [6.0, 24.0, 72.0] {
        let actors = (0..OPERATORS).map(|index| Actor::new(index, 1_000, 0.004, outage_slots));
        let mut simulation = Simulation::new(actors.collect(), 5);
        simulation.periods(PERIODS);
        let months = f64::from(PERIODS) / CLOCK.periods_in(MONTH_DAYS) as f64;
        for channel in Channel::ALL {
            let alarms = simulation.alarms.iter().filter(|(_, alarm)| alarm.channel == channel);
            let (found, name) = (alarms.count() as f64, channel.as_str());
            assert!(
                found <= months,
                "{found} {name} alarms in {months} months, outages of {outage_slots} slots"
            );
        }
    }
}

#[test]
fn a_fivefold_onset_rate_is_found_within_the_design_delay() {
    let delays: Vec<Delay> = [11, 12]
        .into_iter()
        .flat_map(|seed| fivefold(OPERATORS, 0.01, seed))
        .collect();
    let mean = |part: fn(&Delay) -> f64| delays.iter().map(part).sum::<f64>() / delays.len() as f64;
    let (measured, design) = (mean(|delay| delay.measured), mean(|delay| delay.design));
    assert!(measured <= design, "{measured} periods for {design}: {delays:?}");
}
