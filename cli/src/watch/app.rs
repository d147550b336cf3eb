//! What is shown and what a key changes; knows neither the terminal nor the network.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::Value;
use tokio::time::Instant;

use super::snapshot::{Operator, Snapshot};

/// Lines that PgUp and PgDn move by where the height is not known yet.
const FIRST_PAGE: usize = 10;
const LONGEST_FILTER: usize = 40;

/// What fills the screen below the network's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Operators,
    /// One of them, by its address.
    Operator(String),
    Slashes,
    Flows,
    Alerts,
}

/// What the poller should know: which rows are visible and which place is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) operators: Vec<String>,
    pub(super) place: Place,
}

/// Lists of events as the API writes them; `None` where the API has no such list.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    pub(super) incidents: Option<Vec<Value>>,
    pub(super) slashes: Option<Vec<Value>>,
    pub(super) flows: Option<Vec<Value>>,
    pub(super) alerts: Option<Vec<Value>>,
}

/// What the poller tells.
pub(super) enum News {
    Snapshot(Box<Snapshot>),
    /// The same snapshot with more of what is asked for one by one.
    Details(Box<Snapshot>),
    Events(Place, Box<Events>),
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Drift,
    Uptime,
    Stake,
    Incidents,
    Slashes,
    Operator,
}

impl Sort {
    const ALL: [Self; 6] = [
        Self::Drift,
        Self::Uptime,
        Self::Stake,
        Self::Incidents,
        Self::Slashes,
        Self::Operator,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Uptime => "uptime",
            Self::Stake => "stake",
            Self::Incidents => "incidents",
            Self::Slashes => "slashes",
            Self::Operator => "operator",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// What needs looking at comes first: the worst, and the largest.
    fn compare(self, a: &Operator, b: &Operator) -> std::cmp::Ordering {
        let low = |operator: &Operator| operator.uptime.low.unwrap_or(f64::INFINITY);
        let by_uptime = low(a).total_cmp(&low(b));
        match self {
            Self::Drift => {
                let score = |operator: &Operator| operator.reliability.score_low.unwrap_or_else(|| low(operator));
                (drift_rank(a).cmp(&drift_rank(b))).then(score(a).total_cmp(&score(b)))
            }
            Self::Uptime => by_uptime,
            Self::Stake => b.stake.units.cmp(&a.stake.units),
            Self::Incidents => {
                let key = |operator: &Operator| (operator.reliability.incident_open, operator.reliability.incidents);
                key(b).cmp(&key(a)).then(by_uptime)
            }
            Self::Slashes => {
                let key = |operator: &Operator| (operator.slashes, operator.slashed_stake.units);
                key(b).cmp(&key(a))
            }
            Self::Operator => std::cmp::Ordering::Equal,
        }
        .then_with(|| a.operator.cmp(&b.operator))
    }
}

fn drift_rank(operator: &Operator) -> u8 {
    match operator.reliability.drift.as_deref() {
        Some("alarmed") => 0,
        Some("watching") => 1,
        _ => 2,
    }
}

/// Why there is nothing new.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) since: Instant,
}

pub(super) struct App {
    pub(super) snapshot: Option<Snapshot>,
    /// When the snapshot was received.
    pub(super) received: Option<Instant>,
    pub(super) problem: Option<Problem>,
    pub(super) events: Events,
    /// The place that `events` is of.
    pub(super) events_of: Option<Place>,
    pub(super) place: Place,
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    pub(super) filter: String,
    /// Keys go into the filter.
    pub(super) editing: bool,
    pub(super) help: bool,
    pub(super) done: bool,
    pub(super) interval: Duration,
    /// Address of the marked operator.
    selected: Option<String>,
    /// First row that is shown.
    pub(super) first: usize,
    /// Rows that fit, as of the last drawing.
    pub(super) height: usize,
    /// Lines of the open place.
    pub(super) lines: usize,
    /// First line that is shown of them.
    pub(super) scroll: usize,
}

impl App {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            snapshot: None,
            received: None,
            problem: None,
            events: Events::default(),
            events_of: None,
            place: Place::Operators,
            sort: Sort::Drift,
            reversed: false,
            filter: String::new(),
            editing: false,
            help: false,
            done: false,
            interval,
            selected: None,
            first: 0,
            height: FIRST_PAGE,
            lines: 0,
            scroll: 0,
        }
    }

    /// Takes what the poller tells; a failure leaves the last answer where it is.
    pub(super) fn hear(&mut self, news: News, now: Instant) {
        match news {
            News::Snapshot(snapshot) => {
                self.snapshot = Some(*snapshot);
                self.received = Some(now);
                self.problem = None;
            }
            News::Details(snapshot) => self.snapshot = Some(*snapshot),
            News::Events(place, events) => {
                self.events = *events;
                self.events_of = Some(place);
            }
            News::Failed(text) => {
                let since = self.problem.as_ref().map_or(now, |problem| problem.since);
                self.problem = Some(Problem { text, since });
            }
        }
    }

    /// Operators that pass the filter, in order.
    pub(super) fn rows(&self) -> Vec<&Operator> {
        let wanted = self.filter.to_lowercase();
        let passes = |operator: &&Operator| {
            let drift = operator.reliability.drift.as_deref().unwrap_or_default();
            [operator.operator.as_str(), &operator.domain, &operator.status, drift]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let operators = self.snapshot.iter().flat_map(|snapshot| &snapshot.operators);
        let mut rows: Vec<&Operator> = operators.filter(passes).collect();
        rows.sort_by(|a, b| self.sort.compare(a, b));
        if self.reversed {
            rows.reverse();
        }
        rows
    }

    /// Position of the marked operator; the first when it is gone.
    pub(super) fn position(&self, rows: &[&Operator]) -> usize {
        let selected = self.selected.as_ref();
        let found = rows.iter().position(|operator| Some(&operator.operator) == selected);
        found.unwrap_or_default()
    }

    /// Scrolls so that the marked row is among `height` rows.
    pub(super) fn fit(&mut self, height: usize) {
        self.height = height.max(1);
        let rows = self.rows();
        let (at, count) = (self.position(&rows), rows.len());
        let first = self.first.clamp((at + 1).saturating_sub(self.height), at);
        self.first = first.min(count.saturating_sub(self.height));
    }

    pub(super) fn wanted(&self) -> Wanted {
        let rows = self.rows();
        let shown = rows.iter().skip(self.first).take(self.height);
        let mut operators: Vec<String> = shown.map(|operator| operator.operator.clone()).collect();
        if let Place::Operator(id) = &self.place
            && !operators.contains(id)
        {
            operators.push(id.clone());
        }
        Wanted {
            operators,
            place: self.place.clone(),
        }
    }

    pub(super) fn on_key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd')) {
            self.done = true;
        } else if self.editing {
            self.edit(key.code);
        } else if self.help {
            self.help = false;
        } else {
            self.command(key.code);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other keys do nothing")]
    fn edit(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) if self.filter.chars().count() < LONGEST_FILTER => self.filter.push(letter),
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other keys do nothing")]
    fn command(&mut self, key: KeyCode) {
        let page = self.height.saturating_sub(1).max(1);
        match key {
            KeyCode::Char('q') => self.done = true,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => self.back(),
            KeyCode::Char('o') => self.open(Place::Operators),
            KeyCode::Char('l') => self.open(Place::Slashes),
            KeyCode::Char('f') => self.open(Place::Flows),
            KeyCode::Char('a') => self.open(Place::Alerts),
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('/') => {
                self.open(Place::Operators);
                self.editing = true;
            }
            KeyCode::Enter | KeyCode::Right => self.enter(),
            KeyCode::Up | KeyCode::Char('k') => self.step(|at| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.step(|at| at + 1),
            KeyCode::PageUp => self.step(|at| at.saturating_sub(page)),
            KeyCode::PageDown => self.step(|at| at + page),
            KeyCode::Home | KeyCode::Char('g') => self.step(|_| 0),
            KeyCode::End | KeyCode::Char('G') => self.step(|_| usize::MAX),
            _ => {}
        }
    }

    fn open(&mut self, place: Place) {
        if self.place != place {
            self.place = place;
            self.scroll = 0;
        }
    }

    fn back(&mut self) {
        if self.place == Place::Operators {
            self.filter.clear();
        }
        self.open(Place::Operators);
    }

    fn enter(&mut self) {
        if self.place == Place::Operators {
            let rows = self.rows();
            let marked = rows.get(self.position(&rows)).map(|operator| operator.operator.clone());
            if let Some(id) = marked {
                self.selected = Some(id.clone());
                self.open(Place::Operator(id));
            }
        }
    }

    /// Moves the mark among operators, or the lines of another place.
    fn step(&mut self, to: impl Fn(usize) -> usize) {
        if self.place == Place::Operators {
            let rows = self.rows();
            let at = to(self.position(&rows)).min(rows.len().saturating_sub(1));
            self.selected = rows.get(at).map(|operator| operator.operator.clone());
        } else {
            let last = self.lines.saturating_sub(self.height);
            self.scroll = to(self.scroll.min(last)).min(last);
        }
    }
}
