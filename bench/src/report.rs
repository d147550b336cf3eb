//! Figures: medians, ratios, a table for people and JSON for programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::head::Head;
use crate::subject::Subject;

/// One run of one subject.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// From the start of the process until the last row is visible.
    pub(crate) wall_s: f64,
    /// From the start of the process until it first asks for logs, if it does.
    pub(crate) start_s: Option<f64>,
    pub(crate) cpu_s: f64,
    pub(crate) postgres_cpu_s: f64,
    pub(crate) peak_rss_mb: f64,
    pub(crate) requests: u64,
    pub(crate) calls: BTreeMap<String, u64>,
}

/// One round's floors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floors {
    pub(crate) fetch_s: f64,
    pub(crate) copy_s: Option<f64>,
}

/// All rounds of one scenario.
pub(crate) struct Scenario {
    pub(crate) events: u64,
    pub(crate) blocks: u64,
    pub(crate) runs: BTreeMap<Subject, Vec<Run>>,
    pub(crate) floors: Vec<Floors>,
}

impl Scenario {
    pub(crate) fn new(events: u64, blocks: u64) -> Self {
        Self {
            events,
            blocks,
            runs: BTreeMap::new(),
            floors: Vec::new(),
        }
    }

    /// The median of a figure over a subject's rounds; none without a run.
    fn median(&self, subject: Subject, figure: impl Fn(&Run) -> f64) -> Option<f64> {
        median(self.runs.get(&subject)?.iter().map(figure))
    }

    fn wall(&self, subject: Subject) -> Option<f64> {
        self.median(subject, |run| run.wall_s)
    }

    /// How many times as long as ours another took, by the median over rounds of the ratio within a round.
    fn ratio(&self, subject: Subject) -> Option<f64> {
        let (ours, theirs) = (self.runs.get(&Subject::Plumbline)?, self.runs.get(&subject)?);
        median(
            ours.iter()
                .zip(theirs)
                .map(|(ours, theirs)| theirs.wall_s / ours.wall_s),
        )
    }

    /// Our rate as a part of bare COPY's.
    fn ratio_copy(&self) -> Option<f64> {
        let ours = self.runs.get(&Subject::Plumbline)?;
        median(
            ours.iter()
                .zip(&self.floors)
                .filter_map(|(ours, floor)| Some(floor.copy_s? / ours.wall_s)),
        )
    }

    /// Against the faster of Ponder's two conditions.
    fn ratio_ponder(&self) -> Option<f64> {
        match (self.ratio(Subject::PonderCold), self.ratio(Subject::PonderWarm)) {
            (Some(cold), Some(warm)) => Some(cold.min(warm)),
            (cold, warm) => cold.or(warm),
        }
    }

    fn to_json(&self) -> Value {
        let ours = Subject::Plumbline;
        let subjects: Map<String, Value> = self
            .runs
            .keys()
            .map(|subject| (subject.name().to_owned(), self.subject_json(*subject)))
            .collect();
        json!({
            "events": self.events,
            "blocks": self.blocks,
            "rounds": self.floors.len(),
            "events_per_s": self.rate(self.wall(ours)),
            "ratio_ponder": round(self.ratio_ponder(), 2),
            "ratio_ponder_cold": round(self.ratio(Subject::PonderCold), 2),
            "ratio_ponder_warm": round(self.ratio(Subject::PonderWarm), 2),
            "ratio_subsquid": round(self.ratio(Subject::Subsquid), 2),
            "ratio_copy": round(self.ratio_copy(), 3),
            "peak_rss_mb": round(self.median(ours, |run| run.peak_rss_mb), 0),
            "requests": self.median(ours, |run| run.requests as f64),
            "copy_rows_per_s": self.rate(self.copy_s()),
            "fetch_events_per_s": self.rate(self.fetch_s()),
            "subjects": subjects,
        })
    }

    fn subject_json(&self, subject: Subject) -> Value {
        let runs = self.runs.get(&subject);
        let calls = runs.and_then(|runs| runs.last()).map(|run| &run.calls);
        json!({
            "wall_s": round(self.wall(subject), 2),
            "start_s": round(runs.and_then(|runs| median(runs.iter().filter_map(|run| run.start_s))), 2),
            "events_per_s": self.rate(self.wall(subject)),
            "cpu_s": round(self.median(subject, |run| run.cpu_s), 2),
            "postgres_cpu_s": round(self.median(subject, |run| run.postgres_cpu_s), 2),
            "peak_rss_mb": round(self.median(subject, |run| run.peak_rss_mb), 0),
            "requests": self.median(subject, |run| run.requests as f64),
            "calls": calls,
        })
    }

    fn copy_s(&self) -> Option<f64> {
        median(self.floors.iter().filter_map(|floor| floor.copy_s))
    }

    fn fetch_s(&self) -> Option<f64> {
        median(self.floors.iter().map(|floor| floor.fetch_s))
    }

    fn rate(&self, seconds: Option<f64>) -> Option<f64> {
        seconds.map(|seconds| (self.events as f64 / seconds).round())
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[low] + values[high]) / 2.0)
}

fn round(value: Option<f64>, digits: i32) -> Option<f64> {
    let factor = 10_f64.powi(digits);
    value.map(|value| (value * factor).round() / factor)
}

/// A table of one scenario.
pub(crate) fn print(name: &str, scenario: &Scenario) {
    println!(
        "\n{name}: {} events in {} blocks, {} rounds",
        scenario.events,
        scenario.blocks,
        scenario.floors.len()
    );
    println!(
        "{:<14}{:>10}{:>8}{:>12}{:>8}{:>8}{:>8}{:>9}{:>10}",
        "", "wall s", "start", "events/s", "× ours", "CPU s", "+ PG s", "RSS MB", "requests"
    );
    let show =
        |value: Option<f64>, digits: usize| value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"));
    for subject in scenario.runs.keys().copied() {
        let runs = &scenario.runs[&subject];
        println!(
            "{:<14}{:>10}{:>8}{:>12}{:>8}{:>8}{:>8}{:>9}{:>10}",
            subject.name(),
            show(scenario.wall(subject), 2),
            show(median(runs.iter().filter_map(|run| run.start_s)), 2),
            show(scenario.rate(scenario.wall(subject)), 0),
            show(scenario.ratio(subject), 1),
            show(scenario.median(subject, |run| run.cpu_s), 1),
            show(scenario.median(subject, |run| run.postgres_cpu_s), 1),
            show(scenario.median(subject, |run| run.peak_rss_mb), 0),
            show(scenario.median(subject, |run| run.requests as f64), 0),
        );
    }
    for (floor, seconds) in [("bare COPY", scenario.copy_s()), ("bare fetch", scenario.fetch_s())] {
        println!(
            "{floor:<14}{:>10}{:>8}{:>12}",
            show(seconds, 2),
            "",
            show(scenario.rate(seconds), 0)
        );
    }
    println!("rate as a part of bare COPY's: {}", show(scenario.ratio_copy(), 2));
}

/// Writes what was measured; scenarios that were left out keep the figures of an earlier run.
pub(crate) fn write(path: &Path, scenarios: &BTreeMap<&str, Scenario>, head: Option<Head>) -> anyhow::Result<()> {
    let mut figures: Map<String, Value> = fs::read_to_string(path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    for (name, scenario) in scenarios {
        figures.insert((*name).to_owned(), scenario.to_json());
    }
    if let Some(head) = head {
        figures.insert("head_latency_ms".into(), head.to_json());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    }
    let text = format!("{:#}\n", Value::Object(figures));
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
