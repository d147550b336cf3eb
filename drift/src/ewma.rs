//! A two-sided EWMA that watches one figure of the network week by week.

use crate::cusum::State;

/// Weight of the newest week, and deviations of the EWMA that are an alarm: one false alarm in 250 weeks when weeks are
/// independent and the history is long (Crowder 1989).
pub const LAMBDA: f64 = 0.1;
pub const LIMIT: f64 = 2.55;
/// Newest weeks that are no history yet.
pub const WEEKS_LEFT_OUT: usize = 4;
pub const LEAST_HISTORY: usize = 12;
pub const MOST_HISTORY: usize = 52;
/// Weeks for which an alarm stays one, with the history frozen.
const CALM_WEEKS: i64 = 4;
/// What a logarithm moves by without anything having happened: 2 %.
const LEAST_DEVIATION: f64 = 0.02;
const REPLICATES: u64 = 400;
const BLOCK_WEEKS: usize = 4;
/// Weeks after which an EWMA has forgotten how it began.
const RUN_WEEKS: usize = 40;
const SEED: u64 = 0x706c_756d_626c_696e;

/// The history that weekly values are measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standard {
    pub mean: f64,
    pub deviation: f64,
    /// |statistic| from which on it is an alarm.
    pub threshold: f64,
}

/// All that the detector remembers, beside the weekly values themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Watch {
    pub state: State,
    /// First period of the uninterrupted run of the state; nothing before the first.
    pub since_period: Option<i64>,
    pub value: Option<f64>,
    pub standard: Option<Standard>,
    pub statistic: f64,
    /// Behind the standard.
    pub weeks: usize,
    pub alarm_period: Option<i64>,
}

/// A week of a figure.
#[derive(Debug, Clone, Copy)]
pub struct Week<'a> {
    /// That ends it.
    pub period: i64,
    pub periods_per_week: i64,
    pub value: Option<f64>,
    /// Values of the weeks before that had one, the oldest first.
    pub history: &'a [f64],
}

impl Watch {
    /// Adds a week; gives the statistic if it crossed the threshold. A week without a value changes nothing.
    pub fn after(self, week: &Week<'_>) -> (Self, Option<f64>) {
        let Some(value) = week.value else {
            return (Self { value: None, ..self }, None);
        };
        let mut next = self.enter(week);
        next.value = Some(value);
        let Some(standard) = next.standard else {
            return (next, None);
        };
        let deviation = (value - standard.mean) / standard.deviation;
        next.statistic = (1.0 - LAMBDA) * next.statistic + LAMBDA * deviation;
        if next.statistic.abs() < standard.threshold {
            return (next, None);
        }
        let crossed = std::mem::take(&mut next.statistic);
        next.turn(State::Alarmed, week.period);
        next.alarm_period = Some(week.period);
        (next, Some(crossed))
    }

    fn enter(self, week: &Week<'_>) -> Self {
        let calm_after = CALM_WEEKS * week.periods_per_week;
        let recent = self.alarm_period.is_some_and(|alarm| week.period - alarm <= calm_after);
        if self.state == State::Alarmed && recent {
            return self;
        }
        let old = &week.history[..week.history.len().saturating_sub(WEEKS_LEFT_OUT)];
        let history = &old[old.len().saturating_sub(MOST_HISTORY)..];
        let standard = (history.len() >= LEAST_HISTORY).then(|| Standard::of(history));
        let mut next = Self {
            standard,
            weeks: history.len(),
            statistic: if standard.is_some() { self.statistic } else { 0.0 },
            ..self
        };
        let state = if standard.is_some() {
            State::Watching
        } else {
            State::WarmingUp
        };
        next.turn(state, week.period);
        next
    }

    fn turn(&mut self, state: State, period: i64) {
        self.since_period = self.since_period.filter(|_| self.state == state).or(Some(period));
        self.state = state;
    }
}

impl Standard {
    /// Mean and deviation of a history, and the threshold by a bootstrap of blocks of it: how far an EWMA strays from the mean
    /// of another such history, weeks that resemble the weeks before them included.
    pub fn of(history: &[f64]) -> Self {
        let (mean, variance) = moments(history);
        let deviation = variance.sqrt().max(LEAST_DEVIATION);
        let standardised: Vec<f64> = history.iter().map(|value| (value - mean) / deviation).collect();
        let mut random = SplitMix(SEED);
        let strays: Vec<f64> = (0..REPLICATES).map(|_| stray(&standardised, &mut random)).collect();
        let measured = (strays.iter().map(|stray| stray * stray).sum::<f64>() / REPLICATES as f64).sqrt();
        // Of independent weeks, with a mean estimated from as many.
        let least = (LAMBDA / (2.0 - LAMBDA) + 1.0 / history.len() as f64).sqrt();
        Self {
            mean,
            deviation,
            threshold: LIMIT * measured.max(least),
        }
    }
}

/// EWMA of a resampled run, from the mean of a resampled history.
fn stray(standardised: &[f64], random: &mut SplitMix) -> f64 {
    let history = resample(standardised, standardised.len(), random);
    let (mean, _) = moments(&history);
    let run = resample(standardised, RUN_WEEKS, random);
    run.iter()
        .fold(0.0, |ewma, value| (1.0 - LAMBDA) * ewma + LAMBDA * (value - mean))
}

/// Blocks of consecutive values, round the end, from random places.
fn resample(values: &[f64], length: usize, random: &mut SplitMix) -> Vec<f64> {
    let mut sample = Vec::with_capacity(length + BLOCK_WEEKS);
    while sample.len() < length {
        let start = (random.next() % values.len() as u64) as usize;
        sample.extend((0..BLOCK_WEEKS).map(|i| values[(start + i) % values.len()]));
    }
    sample.truncate(length);
    sample
}

/// Mean and variance of a sample.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, squares / (n - 1.0).max(1.0))
}

/// Steele, Lea and Flood's generator: the same bits wherever and whenever a history is derived again.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
