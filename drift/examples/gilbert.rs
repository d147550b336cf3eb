//! Prints false alarms and delays of the operators' detectors beside their design, in a network whose outages come in bursts.
//!
//! `cargo run --release -p plumbline-drift --example gilbert [PERIODS]`

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::Write;

use common::{Actor, CLOCK, Delay, Simulation, fivefold};
use plumbline_drift::clock::MONTH_DAYS;
use plumbline_drift::cusum::{Channel, threshold};

const OPERATORS: u64 = 40;
const DEFAULT_PERIODS: u32 = 1_800;
const RUNS: u64 = 10;

fn main() -> anyhow::Result<()> {
    let periods = std::env::args()
        .nth(1)
        .map_or(Ok(DEFAULT_PERIODS), |text| text.parse())?;
    let mut out = std::io::stdout();
    writeln!(out, "{OPERATORS} operators, {periods} periods of {} slots", CLOCK.slots)?;
    let design = threshold(OPERATORS as usize, CLOCK).exp();
    writeln!(
        out,
        "no drift: steps between false alarms, design at least {design:.0}; alarms in 30 days, design at most 1"
    )?;
    for outage_periods in [0.25, 1.0, 3.0] {
        false_alarms(&mut out, outage_periods, periods)?;
    }
    writeln!(
        out,
        "onset rate five-fold: mean periods to the alarm, measured and design"
    )?;
    for onset in [0.002, 0.005, 0.01] {
        delays(&mut out, onset)?;
    }
    Ok(())
}

fn false_alarms(out: &mut impl Write, outage_periods: f64, periods: u32) -> anyhow::Result<()> {
    let outage_slots = outage_periods * f64::from(CLOCK.slots);
    let actors = (0..OPERATORS).map(|index| Actor::new(index, 1_000, 0.004, outage_slots));
    let mut simulation = Simulation::new(actors.collect(), 5);
    simulation.periods(periods);
    let totals = simulation.history.totals();
    let months = f64::from(periods) / CLOCK.periods_in(MONTH_DAYS) as f64;
    for channel in Channel::ALL {
        let found = simulation
            .alarms
            .iter()
            .filter(|(_, alarm)| alarm.channel == channel)
            .count();
        let steps = match channel {
            Channel::Onset => totals.onset_steps.steps,
            Channel::Duration => totals.recovery_steps.steps,
        };
        let name = channel.as_str();
        let (each, monthly) = (steps as f64 / found.max(1) as f64, found as f64 / months);
        writeln!(
            out,
            "  outages of {outage_periods} periods, {name}: {found} in {steps}, one in {each:.0}; {monthly:.2}"
        )?;
    }
    Ok(())
}

fn delays(out: &mut impl Write, onset: f64) -> anyhow::Result<()> {
    let delays: Vec<Delay> = (0..RUNS)
        .flat_map(|run| fivefold(OPERATORS, onset, 100 + run))
        .collect();
    let found: Vec<&Delay> = delays.iter().filter(|delay| delay.measured.is_finite()).collect();
    let mean = |part: fn(&Delay) -> f64| found.iter().map(|delay| part(delay)).sum::<f64>() / found.len().max(1) as f64;
    let (measured, design) = (mean(|delay| delay.measured), mean(|delay| delay.design));
    let (found, all) = (found.len(), delays.len());
    writeln!(
        out,
        "  from {onset} a slot: {measured:.1}, {design:.1}; {found} of {all} found"
    )?;
    Ok(())
}
