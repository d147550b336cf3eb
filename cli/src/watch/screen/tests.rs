//! Frames as a terminal of a given size would show them.

use std::time::Duration;

use alloy::primitives::U256;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::app::{App, Events, News, Place};
use super::super::snapshot::{
    Amount, Concentration, Dependency, Detector, Incidence, Network, NetworkDrift, Operator, Period, Reliability,
    Snapshot, Uptime,
};
use super::{Paint, draw};

fn network() -> Network {
    let reliability = Incidence {
        incidents_open: Some(2),
        operators_warming_up: Some(4),
        operators_watching: Some(19),
        operators_alarmed: Some(1),
    };
    let dependency = json!({ "dependency": 0.163, "reliability_driven": 0.021, "routing_driven": 0.142,
                             "reliable": { "operators": 19, "of_operators": 24 }, "liveness": { "nakamoto": 4 } });
    let concentration = |basis: &str, effective| Concentration {
        basis: basis.to_owned(),
        effective_operators: Some(effective),
        nakamoto_third: Some(3),
        nakamoto_half: Some(4),
        nakamoto_two_thirds: Some(6),
    };
    Network {
        block: 12_345,
        block_hash: "0x".to_owned(),
        lag_blocks: 0,
        period: Some(88),
        window: "7d",
        operators: 24,
        active: 22,
        jailed: 1,
        exiting: 1,
        tombstoned: 0,
        uptime: uptime(0.9831),
        settlements: 7,
        slashes: 3,
        concentration: vec![concentration("stake", 8.14), concentration("units", 6.9)],
        dependency: Some(serde_json::from_value::<Dependency>(dependency).unwrap()),
        drift: Some(NetworkDrift {
            detectors: vec![detector("dependency", "watching", 1.0)],
            reliability: Some(reliability),
        }),
    }
}

fn uptime(value: f64) -> Uptime {
    Uptime {
        value: Some(value),
        low: Some(value - 0.01),
        high: Some((value + 0.01).min(1.0)),
    }
}

fn detector(channel: &str, state: &str, statistic: f64) -> Detector {
    Detector {
        channel: channel.to_owned(),
        state: state.to_owned(),
        statistic: Some(statistic),
        threshold: Some(15.2),
        baseline: None,
    }
}

fn amount(units: u64) -> Amount {
    Amount {
        units: U256::from(units),
        decimals: 0,
        symbol: "STK".to_owned(),
    }
}

/// Operator `n` of 24; the first is alarmed and down.
fn operator(n: u64) -> Operator {
    let alarmed = n == 1;
    let reliability = json!({ "incidents": n, "incident_open": alarmed, "mttr_seconds": 90.0, "score": 0.99, "score_low": 0.9,
                              "reliable": !alarmed, "drift": if alarmed { "alarmed" } else { "watching" } });
    let periods = (0..12).map(|period| Period {
        period,
        observed: 12,
        hit: 12,
        uptime: Some(if alarmed { 0.5 } else { 1.0 }),
    });
    Operator {
        operator: format!("0x{n:040x}"),
        domain: format!("aws/eu-west-{}", n % 3),
        status: if n == 2 { "jailed" } else { "active" }.to_owned(),
        uptime: uptime(if alarmed { 0.7 } else { 0.999 }),
        reliability: serde_json::from_value::<Reliability>(reliability).unwrap(),
        detectors: vec![
            detector("onset", "watching", 2.34),
            detector("duration", "warming_up", 0.0),
        ],
        last_incident: Some("2026-01-01T00:00:00Z".to_owned()),
        periods: periods.collect(),
        trend_points: Some(-1.5),
        slashes: u64::from(alarmed),
        slashed_stake: amount(500),
        slashed_earnings: amount(0),
        stake: amount(n * 1_000),
    }
}

fn app() -> App {
    let mut app = App::new(Duration::from_secs(5));
    let operators = (1..=24).map(operator).collect();
    let snapshot = Snapshot {
        network: network(),
        strip_periods: 12,
        trend_periods: 6,
        operators,
    };
    app.hear(News::Snapshot(Box::new(snapshot)), Instant::now());
    app
}

fn terminal(width: u16, height: u16) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(width, height)).unwrap()
}

/// Lines of a frame, without spaces at their ends.
fn frame(app: &mut App, width: u16, height: u16, now: Instant) -> Vec<String> {
    let mut terminal = terminal(width, height);
    terminal.draw(|frame| draw(frame, app, Paint::new(true), now)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let rows = buffer.content().chunks(usize::from(width));
    rows.map(|row| {
        row.iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect::<String>()
            .trim_end()
            .to_owned()
    })
    .collect()
}

fn press(app: &mut App, keys: &[KeyCode]) {
    for key in keys {
        app.on_key(KeyEvent::new(*key, KeyModifiers::NONE));
    }
}

#[test]
fn eighty_columns_hold_the_network_and_what_tells_of_drift() {
    let mut app = app();
    let lines = frame(&mut app, 80, 24, Instant::now());
    let expected = [
        "Plumbline  block 12,345, up to date · last closed period 88 · window 7d",
        "24 operators, 22 active · up 98.31 % (97.3–99.3) · 3 slashes · 1 jailed · 1 exiting",
        "effective operators 8.1 stake, 6.9 work · Nakamoto 1/3: 3 stake, 3 work",
        "Δ +0.163 = +0.021 reliability +0.142 routing · reliable 19/24 · liveness 4",
        "drift: 1 alarmed, 19 watched, 4 warming up · 2 down now · network watched",
        "0 s old, renewed every 5 s",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(line, expected.chars().take(80).collect::<String>().trim_end());
    }
    assert_eq!(
        lines[6],
        " OPERATOR    DOMAIN   STATUS UP 7d      95 %    PERIODS CUSUM       DRIFT   DOWN"
    );
    assert!(
        lines[7].starts_with(">0x0000…0001 aws/eu-… active  70.0"),
        "{}",
        lines[7]
    );
    assert!(lines[7].contains("▄▄▄▄▄▄▄▄▄▄ o 2.3/15.2  ALARM!  !"), "{}", lines[7]);
    assert!(lines[8].contains("watched"), "{}", lines[8]);
    assert!(
        lines[23].starts_with("↑↓ Enter · s sort (drift) · / filter"),
        "{}",
        lines[23]
    );
}

#[test]
fn a_wide_terminal_shows_more_columns_and_a_narrow_one_does_not_fail() {
    let mut app = app();
    let lines = frame(&mut app, 140, 40, Instant::now());
    for title in ["TO ALARM", "STAKE", "TREND", "SLASHES"] {
        assert!(lines[6].contains(title), "{title} is not in {}", lines[6]);
    }
    assert!(
        lines[7].contains("[#.......]") && lines[7].contains("1, 500"),
        "{}",
        lines[7]
    );
    assert!(lines[7].contains("aws/eu-west-1"), "{}", lines[7]);
    for (width, height) in [(1, 1), (10, 3), (79, 7), (80, 8), (300, 100)] {
        frame(&mut app, width, height, Instant::now());
    }
}

#[test]
fn an_error_stands_above_the_last_figures_with_their_age() {
    let mut app = app();
    let now = Instant::now();
    app.hear(News::Failed("nothing answers".to_owned()), now);
    let lines = frame(&mut app, 80, 24, now + Duration::from_secs(12));
    assert!(
        lines[5].starts_with("! for 12 s; figures are 12 s old: nothing answers"),
        "{}",
        lines[5]
    );
    assert!(lines[7].contains("0x0000…0001"), "the figures are gone: {lines:#?}");
    let mut empty = App::new(Duration::from_secs(5));
    assert!(frame(&mut empty, 80, 24, now)[1].contains("asking the API"));
    empty.hear(News::Failed("nothing answers".to_owned()), now);
    assert!(frame(&mut empty, 80, 24, now)[1].contains("nothing answers"));
}

#[test]
fn what_an_older_server_leaves_out_is_a_dash() {
    let mut app = app();
    let snapshot = app.snapshot.as_mut().unwrap();
    (snapshot.network.dependency, snapshot.network.drift) = (None, None);
    for operator in &mut snapshot.operators {
        operator.reliability = Reliability::default();
        (operator.detectors, operator.last_incident) = (Vec::new(), None);
    }
    let lines = frame(&mut app, 80, 24, Instant::now());
    assert_eq!(lines[3], "Δ – = – reliability – routing · reliable –/– · liveness –");
    assert!(lines[4].ends_with("network –"), "{}", lines[4]);
    assert!(lines[7].contains("▄ –           –          –"), "{}", lines[7]);
}

#[test]
fn keys_sort_filter_move_open_and_go_back() {
    let mut app = app();
    frame(&mut app, 80, 24, Instant::now());
    press(&mut app, &[KeyCode::Char('s'), KeyCode::Char('s')]);
    assert!(
        frame(&mut app, 80, 24, Instant::now())[7].contains("0x0000…0018"),
        "most stake first"
    );
    press(&mut app, &[KeyCode::Char('r')]);
    press(&mut app, &[KeyCode::Home, KeyCode::Down]);
    let lines = frame(&mut app, 80, 24, Instant::now());
    assert!(
        lines[7].starts_with(" 0x0000…0001") && lines[8].starts_with(">0x0000…0002"),
        "{lines:#?}"
    );
    press(&mut app, &[KeyCode::End]);
    let lines = frame(&mut app, 80, 24, Instant::now());
    assert!(
        lines[22].starts_with(">0x0000…0018"),
        "the last is in sight: {lines:#?}"
    );
    press(&mut app, &[KeyCode::Char('/'), KeyCode::Char('j'), KeyCode::Char('A')]);
    assert_eq!(app.rows().len(), 1, "one is jailed");
    press(&mut app, &[KeyCode::Enter, KeyCode::Enter]);
    assert_eq!(app.place, Place::Operator(format!("0x{:040x}", 2)));
    assert!(app.wanted().operators.contains(&format!("0x{:040x}", 2)));
    press(&mut app, &[KeyCode::Esc]);
    assert_eq!((&app.place, app.rows().len()), (&Place::Operators, 1));
    press(&mut app, &[KeyCode::Esc]);
    assert_eq!(app.rows().len(), 24);
    press(&mut app, &[KeyCode::Char('?')]);
    assert_eq!(frame(&mut app, 80, 24, Instant::now())[0], "Keys and columns");
    press(&mut app, &[KeyCode::Char('q')]);
    assert!(!app.done, "a key leaves the help");
    press(&mut app, &[KeyCode::Char('q')]);
    assert!(app.done);
    app.done = false;
    app.on_key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(app.done);
}

fn slash() -> Value {
    json!({ "operator": format!("0x{:040x}", 1), "fault": "downtime", "missed_slots": 6, "observed_slots": 12,
            "earnings_taken": { "amount": "1500", "symbol": "FEE", "decimals": 0 }, "principal_taken": null,
            "block_time": "2026-01-01T00:01:40Z" })
}

#[test]
fn one_operator_shows_its_detectors_outages_slashes_and_flows() {
    let mut app = app();
    press(&mut app, &[KeyCode::Enter]);
    let place = app.place.clone();
    let events = Events {
        incidents: Some(vec![
            json!({ "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:12:30Z",
                                     "missed_slots": 150, "common_mode": true }),
        ]),
        slashes: Some(vec![slash()]),
        flows: None,
        alerts: None,
    };
    app.hear(News::Events(place, Box::new(events)), Instant::now());
    let lines = frame(&mut app, 80, 40, Instant::now()).join("\n");
    for part in [
        "onset    watching   [##..............] 2.34 of 15.20",
        "duration warming up",
        "2026-01-01 00:00:00   12m    150  with many others",
        "2026-01-01 00:01:40 0x0000…0001 downtime      1.50k FEE          – 6/12 down",
        "this server does not tell",
        "score 99.00 % (at least 90.00 %)",
    ] {
        assert!(lines.contains(part), "{part:?} is not in\n{lines}");
    }
    press(&mut app, &[KeyCode::Char('l')]);
    assert!(
        frame(&mut app, 80, 24, Instant::now())[7].contains("asking"),
        "not of another place"
    );
}

#[test]
fn without_color_nothing_is_colored_and_nothing_is_lost() {
    let mut app = app();
    let mut terminal = terminal(80, 24);
    terminal
        .draw(|frame| draw(frame, &mut app, Paint::new(false), Instant::now()))
        .unwrap();
    let buffer = terminal.backend().buffer();
    assert!(
        buffer
            .content()
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
    let text: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(text.contains("ALARM!") && text.contains("jailed"));
}
