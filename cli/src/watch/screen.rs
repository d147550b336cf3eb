//! Draws the state: the network's figures above, the open place below, keys in the last line.

mod detail;
mod events;
mod help;
mod network;
mod operators;
#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use tokio::time::Instant;

use super::app::{App, Place};

use super::table::NO_VALUE;

pub(super) use network::{dependency, drift};

/// Lines of an error: enough for what mends it.
const MOST_ERROR_LINES: usize = 4;

/// Meaning is always in the text; paint only makes it quicker to find.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    color: bool,
}

impl Paint {
    pub(super) fn new(color: bool) -> Self {
        Self { color }
    }

    fn colored(self, color: Color) -> Style {
        if self.color {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn doubtful(self) -> Style {
        self.colored(Color::Yellow)
    }

    fn good(self) -> Style {
        self.colored(Color::Green)
    }

    fn heading() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn faint() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

/// Draws one frame, and notes in the state what fits.
pub(super) fn draw(frame: &mut Frame<'_>, app: &mut App, paint: Paint, now: Instant) {
    let area = frame.area();
    let mut lines = network::lines(app, paint);
    lines.extend(status(app, usize::from(area.width), paint, now));
    let top = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .min(area.height.saturating_sub(1));
    put(frame, rows(area, 0, top), lines);
    let body = rows(area, top, area.height.saturating_sub(top + 1));
    match &app.place {
        Place::Operators => operators::draw(frame, body, app, paint),
        Place::Operator(id) => {
            let lines = detail::lines(app, id, usize::from(body.width), paint);
            scrolled(frame, body, app, lines);
        }
        Place::Slashes => {
            let lines = events::slashes(app, usize::from(body.width));
            scrolled(frame, body, app, lines);
        }
        Place::Flows => {
            let lines = events::flows(app, usize::from(body.width));
            scrolled(frame, body, app, lines);
        }
        Place::Alerts => {
            let lines = events::alerts(app, usize::from(body.width), paint);
            scrolled(frame, body, app, lines);
        }
    }
    put(frame, rows(area, area.height.saturating_sub(1), 1), vec![keys(app)]);
    if app.help {
        let lines = help::lines();
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
        let place = rows(area, 0, height);
        frame.render_widget(Clear, place);
        put(frame, place, lines);
    }
}

/// Lines of an area, cut to it.
fn rows(area: Rect, from: u16, height: u16) -> Rect {
    let y = area.y + from.min(area.height);
    Rect {
        y,
        height: height.min(area.bottom().saturating_sub(y)),
        ..area
    }
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'_>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// The first line stays, the rest is scrolled.
fn scrolled(frame: &mut Frame<'_>, area: Rect, app: &mut App, mut lines: Vec<Line<'static>>) {
    let heading = if lines.is_empty() {
        Line::default()
    } else {
        lines.remove(0)
    };
    app.height = usize::from(area.height.saturating_sub(1)).max(1);
    app.lines = lines.len();
    app.scroll = app.scroll.min(app.lines.saturating_sub(app.height));
    let shown = lines.into_iter().skip(app.scroll).take(app.height);
    put(frame, area, std::iter::once(heading).chain(shown).collect());
}

/// How old the figures are, or why there are no newer ones.
fn status(app: &App, width: usize, paint: Paint, now: Instant) -> Vec<Line<'static>> {
    let age = app.received.map(|at| now.saturating_duration_since(at).as_secs());
    let Some(problem) = &app.problem else {
        let text = match age {
            None => "asking the API …".to_owned(),
            Some(seconds) => format!("{seconds} s old, renewed every {} s", app.interval.as_secs()),
        };
        return vec![Line::styled(text, Paint::faint())];
    };
    let since = now.saturating_duration_since(problem.since).as_secs();
    let old = age.map_or_else(String::new, |age| format!("; figures are {age} s old"));
    let text = format!("! for {since} s{old}: {}", problem.text);
    let lines = wrap(&text, width).into_iter().take(MOST_ERROR_LINES);
    lines.map(|line| Line::styled(line, paint.bad())).collect()
}

/// Breaks a text between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn keys(app: &App) -> Line<'static> {
    if app.editing {
        let text = format!(
            "filter: {}_   (address, domain, status or drift; Enter keeps, Esc clears)",
            app.filter
        );
        return Line::from(Span::styled(text, Paint::heading()));
    }
    let text = match &app.place {
        Place::Operators => {
            let filter = if app.filter.is_empty() {
                String::new()
            } else {
                format!(" [{}]", app.filter)
            };
            let order = if app.reversed { ", reversed" } else { "" };
            format!(
                "↑↓ Enter · s sort ({}{order}) · / filter{filter} · l slashes · f flows · ? help · q quit",
                app.sort.name()
            )
        }
        Place::Operator(_) | Place::Slashes | Place::Flows | Place::Alerts => {
            let last = (app.scroll + app.height).min(app.lines);
            format!(
                "↑↓ ({last}/{}) · Esc back · l slashes · f flows · a alerts · ? help · q quit",
                app.lines
            )
        }
    };
    Line::styled(text, Paint::faint())
}

/// How long ago, or how long, in at most three characters.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ ..60 => format!("{s}s"),
        s @ 60..3_600 => format!("{}m", s / 60),
        s @ 3_600..172_800 => format!("{}h", s / 3_600),
        s => format!("{}d", (s / 86_400).min(99)),
    }
}

/// How long ago a time of the API was.
fn since(time: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(span(i64::try_from(now).ok()? - super::table::unix(time)?))
}

/// Cut or padded to a width.
fn fixed(text: &str, width: usize) -> String {
    format!("{:<width$}", super::table::truncate(text, width))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| NO_VALUE.to_owned())
}
