//! One operator: what it is, what its detectors say, and what happened to it.

use ratatui::text::{Line, Span};

use super::super::app::{App, Place};
use super::super::snapshot::{Detector, Operator};
use super::super::table::{interval, percent, short_amount, strip};
use super::{Paint, events, operators, or_dash, span};

const GAUGE: usize = 16;

pub(super) fn lines(app: &App, id: &str, width: usize, paint: Paint) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(id.to_owned(), Paint::heading())];
    let operators = app.snapshot.iter().flat_map(|snapshot| &snapshot.operators);
    let Some(operator) = operators.into_iter().find(|operator| operator.operator == id) else {
        lines.push(Line::raw("it is no longer among the operators that the API lists"));
        return lines;
    };
    lines.extend(figures(operator, paint));
    let here = app.events_of == Some(Place::Operator(id.to_owned()));
    if !here {
        lines.push(Line::styled("asking for outages, slashes and flows …", Paint::faint()));
        return lines;
    }
    let sections = [
        (
            events::incident_header(),
            events::section(app.events.incidents.as_deref(), |event| events::incident(event, width)),
        ),
        (
            events::slash_header(),
            events::section(app.events.slashes.as_deref(), |event| events::slash(event, width)),
        ),
        (
            events::flow_header(),
            events::section(app.events.flows.as_deref(), |event| events::flow(event, width)),
        ),
    ];
    for (header, section) in sections {
        lines.push(Line::default());
        lines.push(Line::styled(header, Paint::heading()));
        lines.extend(section);
    }
    lines
}

fn figures(operator: &Operator, paint: Paint) -> Vec<Line<'static>> {
    let reliability = &operator.reliability;
    let uptimes: Vec<Option<f64>> = operator.periods.iter().map(|period| period.uptime).collect();
    let trend = operator.trend_points.map(|points| format!("{points:+.1} points"));
    let mttr = reliability.mttr_seconds.map(|seconds| span(seconds as i64));
    let reliable = reliability
        .reliable
        .map(|yes| if yes { "yes" } else { "no" }.to_owned());
    let mut lines = vec![
        Line::raw(format!(
            "{} · domain {} · stake {} {} · {} slashes took {}",
            operator.status,
            if operator.domain.is_empty() {
                "–"
            } else {
                &operator.domain
            },
            short_amount(&operator.stake),
            operator.stake.symbol,
            operator.slashes,
            short_amount(&operator.slashed_stake)
        )),
        Line::raw(format!(
            "uptime {} ({}) · periods {} · trend {}",
            percent(operator.uptime.value, 2),
            interval(operator.uptime),
            strip(&uptimes),
            or_dash(trend)
        )),
        Line::raw(format!(
            "score {} (at least {}) · {} incidents, {} to recover · reliable: {}",
            percent(reliability.score, 2),
            percent(reliability.score_low, 2),
            or_dash(reliability.incidents.map(|count| count.to_string())),
            or_dash(mttr),
            or_dash(reliable)
        )),
        Line::from(vec![Span::raw("drift "), operators::drift(operator, paint)]),
    ];
    lines.extend(
        operator
            .detectors
            .iter()
            .map(|detector| Line::raw(self::detector(detector))),
    );
    lines
}

fn detector(detector: &Detector) -> String {
    let figure = |value: Option<f64>, digits: usize| or_dash(value.map(|value| format!("{value:.digits$}")));
    let baseline = detector.baseline.clone().unwrap_or_default();
    format!(
        "  {:<8} {:<10} {} {} of {} · rate {} → {}",
        detector.channel,
        detector.state.replace('_', " "),
        operators::gauge(Some(detector), GAUGE),
        figure(detector.statistic, 2),
        figure(detector.threshold, 2),
        figure(baseline.rate, 4),
        figure(baseline.alternative_rate, 4)
    )
}
