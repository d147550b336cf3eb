//! Operators, one a line: 80 columns hold what tells of drift, wider terminals the rest.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::super::app::App;
use super::super::snapshot::{Detector, Operator};
use super::super::table::{NO_VALUE, interval, percent_short, short_address, short_amount, strip};
use super::{Paint, fixed, or_dash, put, rows, since};

const NARROW: usize = 80;
const DOMAIN: usize = 8;
const DOMAIN_MAX: usize = 24;
/// Periods of the strip in a narrow terminal, the newest.
const PERIODS: usize = 10;
const GAUGE: usize = 8;

/// Columns of wider terminals, in the order in which they join.
struct Columns {
    domain: usize,
    gauge: bool,
    stake: bool,
    trend: bool,
    slashes: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let mut spare = width.saturating_sub(NARROW);
        let mut join = |columns: usize| {
            let joins = spare > columns;
            if joins {
                spare -= columns + 1;
            }
            joins
        };
        let (gauge, stake, trend, slashes) = (join(GAUGE + 2), join(6), join(6), join(9));
        Self {
            domain: (DOMAIN + spare).min(DOMAIN_MAX),
            gauge,
            stake,
            trend,
            slashes,
        }
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &mut App, paint: Paint) {
    let height = usize::from(area.height.saturating_sub(1));
    app.fit(height);
    let columns = Columns::of(usize::from(area.width));
    put(
        frame,
        rows(area, 0, 1),
        vec![Line::styled(header(app, &columns), Paint::heading())],
    );
    let operators = app.rows();
    let marked = app.position(&operators);
    let shown = operators.iter().enumerate().skip(app.first).take(height);
    let mut lines: Vec<Line<'_>> = shown
        .map(|(at, operator)| line(operator, &columns, at == marked, paint))
        .collect();
    if operators.is_empty() && app.snapshot.is_some() {
        let text = if app.filter.is_empty() {
            "no operator is registered yet"
        } else {
            "no operator passes the filter; Esc clears it"
        };
        lines.push(Line::styled(text, Paint::faint()));
    }
    put(frame, rows(area, 1, area.height.saturating_sub(1)), lines);
}

fn header(app: &App, columns: &Columns) -> String {
    let window = app.snapshot.as_ref().map_or("", |snapshot| snapshot.network.window);
    let mut text = format!(
        " {:<11} {} {:<6} {:>5} {:>9} {:>PERIODS$} {:<11} {:<7} {:>4}",
        "OPERATOR",
        fixed("DOMAIN", columns.domain),
        "STATUS",
        format!("UP {window}"),
        "95 %",
        "PERIODS",
        "CUSUM",
        "DRIFT",
        "DOWN"
    );
    for (joins, title) in [
        (columns.gauge, "TO ALARM  "),
        (columns.stake, " STAKE"),
        (columns.trend, " TREND"),
        (columns.slashes, "  SLASHES"),
    ] {
        if joins {
            text.push(' ');
            text.push_str(title);
        }
    }
    text
}

fn line(operator: &Operator, columns: &Columns, marked: bool, paint: Paint) -> Line<'static> {
    let periods: Vec<Option<f64>> = operator.periods.iter().map(|period| period.uptime).collect();
    let newest = &periods[periods.len().saturating_sub(PERIODS)..];
    let worst = operator.worst();
    let mut spans = vec![
        Span::raw(format!(
            "{}{:<11} {} ",
            if marked { '>' } else { ' ' },
            short_address(&operator.operator),
            fixed(&operator.domain, columns.domain)
        )),
        status(operator, paint),
        Span::raw(format!(
            " {:>5} {:>9} {:>PERIODS$} {:<11} ",
            percent_short(operator.uptime.value),
            interval(operator.uptime),
            strip(newest),
            or_dash(worst.and_then(cusum))
        )),
        drift(operator, paint),
        Span::raw(format!(" {:>4}", last_incident(operator))),
    ];
    if columns.gauge {
        spans.push(Span::raw(format!(" {}", gauge(worst, GAUGE))));
    }
    if columns.stake {
        spans.push(Span::raw(format!(" {:>6}", short_amount(&operator.stake))));
    }
    if columns.trend {
        let trend = operator.trend_points.map(|points| format!("{points:+.1}"));
        spans.push(Span::raw(format!(" {:>6}", or_dash(trend))));
    }
    if columns.slashes {
        let slashes = match operator.slashes {
            0 => NO_VALUE.to_owned(),
            count => format!("{count}, {}", short_amount(&operator.slashed_stake)),
        };
        spans.push(Span::raw(format!(" {slashes:>9}")));
    }
    let style = if marked {
        Style::new().add_modifier(Modifier::REVERSED)
    } else {
        Style::new()
    };
    Line::from(spans).style(style)
}

fn status(operator: &Operator, paint: Paint) -> Span<'static> {
    match operator.status.as_str() {
        "active" => Span::raw("active"),
        "exiting" => Span::styled("exits ", paint.doubtful()),
        "tombstoned" => Span::styled("banned", paint.bad()),
        other => Span::styled(fixed(other, 6), paint.bad()),
    }
}

/// The statistic of the detector nearest to an alarm, against its threshold; `o` onset, `d` duration of outages.
fn cusum(detector: &Detector) -> Option<String> {
    detector.ratio()?;
    let channel = detector.channel.get(..1).unwrap_or("?");
    Some(format!(
        "{channel} {:.1}/{:.1}",
        detector.statistic?, detector.threshold?
    ))
}

/// How far it is to the alarm.
pub(super) fn gauge(detector: Option<&Detector>, width: usize) -> String {
    let Some(ratio) = detector.and_then(Detector::ratio) else {
        return fixed(NO_VALUE, width + 2);
    };
    let full = ((ratio.clamp(0.0, 1.0) * width as f64) as usize).min(width);
    format!("[{}{}]", "#".repeat(full), ".".repeat(width - full))
}

pub(super) fn drift(operator: &Operator, paint: Paint) -> Span<'static> {
    match operator.reliability.drift.as_deref() {
        Some("alarmed") => Span::styled("ALARM! ", paint.bad()),
        Some("watching") => Span::styled("watched", paint.good()),
        Some("warming_up") => Span::styled("warming", Paint::faint()),
        Some(other) => Span::raw(fixed(other, 7)),
        None => Span::raw(fixed(NO_VALUE, 7)),
    }
}

/// How long ago the newest outage began.
fn last_incident(operator: &Operator) -> String {
    let ago = operator.last_incident.as_deref().and_then(since);
    match (operator.reliability.incident_open, ago) {
        (Some(true), Some(ago)) => format!("!{ago}"),
        (Some(true), None) => "!".to_owned(),
        (Some(false) | None, ago) => or_dash(ago),
    }
}
