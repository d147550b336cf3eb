//! The network in five lines.

use ratatui::text::{Line, Span};

use super::super::app::App;
use super::super::snapshot::{Concentration, Network};
use super::super::table::{group, interval, percent};
use super::{Paint, or_dash};

pub(super) fn lines(app: &App, paint: Paint) -> Vec<Line<'static>> {
    match &app.snapshot {
        None => vec![Line::styled("Plumbline", Paint::heading())],
        Some(snapshot) => {
            let network = &snapshot.network;
            vec![
                place(network, paint),
                Line::from(operators(network)),
                Line::from(concentration(network)),
                Line::from(dependency(network)),
                drift_line(network, paint),
            ]
        }
    }
}

fn place(network: &Network, paint: Paint) -> Line<'static> {
    let lag = match network.lag_blocks {
        0 => Span::raw("up to date"),
        1 => Span::raw("1 block behind"),
        lag => Span::styled(format!("{} blocks behind", group(&lag.to_string())), paint.doubtful()),
    };
    let period = or_dash(network.period.map(|period| group(&period.to_string())));
    Line::from(vec![
        Span::styled("Plumbline", Paint::heading()),
        Span::raw(format!("  block {}, ", group(&network.block.to_string()))),
        lag,
        Span::raw(format!(" · last closed period {period} · window {}", network.window)),
    ])
}

fn operators(network: &Network) -> String {
    let others = [
        ("jailed", network.jailed),
        ("exiting", network.exiting),
        ("banned", network.tombstoned),
    ];
    let others: String = others
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!(" · {count} {status}"))
        .collect();
    format!(
        "{} operators, {} active · up {} ({}) · {} slashes{others}",
        network.operators,
        network.active,
        percent(network.uptime.value, 2),
        interval(network.uptime),
        network.slashes
    )
}

fn concentration(network: &Network) -> String {
    let of = |basis: &str| network.concentration.iter().find(|row| row.basis == basis);
    let effective =
        |row: Option<&Concentration>| or_dash(row.and_then(|row| row.effective_operators).map(|d2| format!("{d2:.1}")));
    let third = |row: Option<&Concentration>| or_dash(row.and_then(|row| row.nakamoto_third).map(|k| k.to_string()));
    let (stake, units) = (of("stake"), of("units"));
    format!(
        "effective operators {} stake, {} work · Nakamoto 1/3: {} stake, {} work",
        effective(stake),
        effective(units),
        third(stake),
        third(units)
    )
}

/// What makes the network depend on fewer than it seems to have.
pub(in crate::watch) fn dependency(network: &Network) -> String {
    let row = network.dependency.clone().unwrap_or_default();
    let figure = |value: Option<f64>| or_dash(value.map(|value| format!("{value:+.3}")));
    let count = |value: Option<u64>| or_dash(value.map(|value| value.to_string()));
    format!(
        "Δ {} = {} reliability {} routing · reliable {}/{} · liveness {}",
        figure(row.dependency),
        figure(row.reliability_driven),
        figure(row.routing_driven),
        count(row.reliable.operators),
        count(row.reliable.of_operators),
        count(row.liveness.nakamoto)
    )
}

fn drift_line(network: &Network, paint: Paint) -> Line<'static> {
    let drift = network.drift.clone().unwrap_or_default();
    let counts = drift.reliability.unwrap_or_default();
    let count = |value: Option<u64>| or_dash(value.map(|value| value.to_string()));
    let alarmed = format!("{} alarmed", count(counts.operators_alarmed));
    let alarmed = if counts.operators_alarmed.unwrap_or_default() > 0 {
        Span::styled(alarmed, paint.bad())
    } else {
        Span::raw(alarmed)
    };
    let network_alarm = drift.detectors.iter().any(|detector| detector.state == "alarmed");
    let detectors = if network_alarm {
        Span::styled("network ALARM", paint.bad())
    } else if drift.detectors.iter().any(|detector| detector.state == "watching") {
        Span::raw("network watched")
    } else if drift.detectors.is_empty() {
        Span::raw("network –")
    } else {
        Span::raw("network warming up")
    };
    Line::from(vec![
        Span::raw("drift: "),
        alarmed,
        Span::raw(format!(
            ", {} watched, {} warming up · {} down now · ",
            count(counts.operators_watching),
            count(counts.operators_warming_up),
            count(counts.incidents_open)
        )),
        detectors,
    ])
}

/// What the detectors say, without paint.
pub(in crate::watch) fn drift(network: &Network) -> String {
    drift_line(network, Paint::new(false)).to_string()
}
