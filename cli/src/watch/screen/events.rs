//! Slashes, flows, outages and alerts as lines, from the API's own JSON: what a server leaves out is a dash.

use alloy::primitives::U256;
use ratatui::text::Line;
use serde_json::Value;

use super::super::app::{App, Place};
use super::super::snapshot::Amount;
use super::super::table::{NO_VALUE, short_address, short_amount, unix};
use super::{Paint, fixed, span};

/// Of a time as the API writes it, the part down to the second.
const TIME: usize = 19;

pub(super) fn slashes(app: &App, width: usize) -> Vec<Line<'static>> {
    list(
        app,
        &Place::Slashes,
        app.events.slashes.as_deref(),
        slash_header(),
        |event| slash(event, width),
    )
}

pub(super) fn flows(app: &App, width: usize) -> Vec<Line<'static>> {
    list(
        app,
        &Place::Flows,
        app.events.flows.as_deref(),
        flow_header(),
        |event| flow(event, width),
    )
}

pub(super) fn alerts(app: &App, width: usize, paint: Paint) -> Vec<Line<'static>> {
    let header = format!("{:<TIME$} {:<8} {:<11} ALERT", "TIME", "KIND", "OPERATOR");
    let mut lines = list(app, &Place::Alerts, app.events.alerts.as_deref(), header, |event| {
        let detail: Vec<String> = event["detail"]
            .as_object()
            .map(|detail| detail.iter().filter(|(_, value)| !value.is_null()).map(named).collect())
            .unwrap_or_default();
        let line = format!(
            "{} {:<8} {:<11} {}",
            time(&event["block_time"]),
            text(&event["kind"]),
            short_address(&text(&event["operator"])),
            detail.join(", ")
        );
        super::super::table::truncate(&line, width)
    });
    if lines.len() == 1 && app.problem.is_some() {
        lines.push(Line::styled("see the error above", paint.doubtful()));
    }
    lines
}

fn named((name, value): (&String, &Value)) -> String {
    format!("{} {}", name.replace('_', " "), text(value))
}

/// A heading and a line for each event; while they are not there, a line that says why.
fn list(
    app: &App,
    place: &Place,
    events: Option<&[Value]>,
    header: String,
    line: impl Fn(&Value) -> String,
) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(header, Paint::heading())];
    if app.events_of.as_ref() != Some(place) {
        lines.push(Line::styled("asking …", Paint::faint()));
    } else {
        lines.extend(section(events, line));
    }
    lines
}

/// Lines of a list that may be missing or empty.
pub(super) fn section(events: Option<&[Value]>, line: impl Fn(&Value) -> String) -> Vec<Line<'static>> {
    match events {
        None => vec![Line::styled("this server does not tell", Paint::faint())],
        Some([]) => vec![Line::styled("none", Paint::faint())],
        Some(events) => events.iter().map(|event| Line::from(line(event))).collect(),
    }
}

pub(super) fn slash_header() -> String {
    format!(
        "{:<TIME$} {:<11} {:<12} {:>10} {:>10} WHAT",
        "SLASHED AT", "OPERATOR", "FAULT", "EARNINGS", "STAKE"
    )
}

pub(super) fn slash(event: &Value, width: usize) -> String {
    let what = match (&event["missed_slots"], &event["observed_slots"]) {
        (Value::Number(missed), Value::Number(observed)) => format!("{missed}/{observed} down"),
        _ if event["tombstoned"] == Value::Bool(true) => "banned".to_owned(),
        _ => format!("case {}", text(&event["case"])),
    };
    let line = format!(
        "{} {:<11} {:<12} {:>10} {:>10} {what}",
        time(&event["block_time"]),
        short_address(&text(&event["operator"])),
        text(&event["fault"]),
        amount(&event["earnings_taken"]),
        amount(&event["principal_taken"]),
    );
    super::super::table::truncate(&line, width)
}

pub(super) fn flow_header() -> String {
    format!("{:<TIME$} {:<12} {:>10}  FROM → TO", "MOVED AT", "KIND", "AMOUNT")
}

pub(super) fn flow(event: &Value, width: usize) -> String {
    let holder = |holder: &Value| {
        format!(
            "{} {}",
            text(&holder["class"]),
            short_address(&text(&holder["account"]))
        )
    };
    let line = format!(
        "{} {:<12} {:>10}  {} → {}",
        time(&event["block_time"]),
        text(&event["kind"]),
        amount(&event["amount"]),
        holder(&event["from"]),
        holder(&event["to"])
    );
    super::super::table::truncate(&line, width)
}

pub(super) fn incident_header() -> String {
    format!("{:<TIME$} {:>5} {:>6}  HOW", "DOWN SINCE", "FOR", "MISSED")
}

pub(super) fn incident(event: &Value, width: usize) -> String {
    let ends = |value: &Value| value.as_str().and_then(unix);
    let lasted = match (ends(&event["started_at"]), ends(&event["ended_at"])) {
        (Some(start), Some(end)) => span(end - start),
        (Some(_) | None, _) => "still".to_owned(),
    };
    let how = if event["common_mode"] == Value::Bool(true) {
        "with many others"
    } else {
        "alone"
    };
    let line = format!(
        "{} {lasted:>5} {:>6}  {how}",
        time(&event["started_at"]),
        text(&event["missed_slots"])
    );
    super::super::table::truncate(&line, width)
}

fn time(value: &Value) -> String {
    let time = value.as_str().unwrap_or(NO_VALUE).replace('T', " ");
    fixed(time.get(..TIME).unwrap_or(&time), TIME)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => NO_VALUE.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.3}"),
            Some(_) | None => number.to_string(),
        },
        other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

fn amount(value: &Value) -> String {
    let units = value["amount"]
        .as_str()
        .and_then(|digits| U256::from_str_radix(digits, 10).ok());
    let decimals = value["decimals"]
        .as_u64()
        .and_then(|decimals| u8::try_from(decimals).ok());
    let (Some(units), Some(decimals)) = (units, decimals) else {
        return NO_VALUE.to_owned();
    };
    let symbol = text(&value["symbol"]);
    let shown = short_amount(&Amount {
        units,
        decimals,
        symbol: String::new(),
    });
    super::super::table::truncate(&format!("{shown} {symbol}"), 10)
}
