//! One-sided log-likelihood CUSUMs that watch one operator: do its outages begin more often, or last longer?

use crate::clock::{Clock, MONTH_DAYS, WEEK_DAYS};
use crate::interval::beta_quantile;

/// Observed slots before an operator has a baseline.
pub const BASELINE_SLOTS: u64 = 200;
/// Quantile of the baseline's posterior: from the side that makes alarms rarer.
const CAUTION: f64 = 0.8;
/// Slots that the network's rate weighs in an operator's baseline, per channel.
const PRIOR_ONSET_STEPS: f64 = 200.0;
const PRIOR_RECOVERY_STEPS: f64 = 10.0;
const LEAST_ONSET_RATE: f64 = 1e-4;
/// Above it outages are the rule, and five times as many are none.
const MOST_ONSET_RATE: f64 = 0.25;
const MOST_ONSET_ALTERNATIVE: f64 = 0.5;
const ONSET_FACTOR: f64 = 5.0;
const LEAST_RECOVERY_RATE: f64 = 1e-3;
const MOST_RECOVERY_RATE: f64 = 0.999;
const DURATION_FACTOR: f64 = 3.0;

/// What a detector watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Steps are slots at risk, the event is that an outage begins.
    Onset,
    /// Steps are slots in an outage, the event is that it ends.
    Duration,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Onset, Self::Duration];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Onset => "onset",
            Self::Duration => "duration",
        }
    }
}

/// Whether a detector can speak, and whether it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    WarmingUp,
    Watching,
    Alarmed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WarmingUp => "warming_up",
            Self::Watching => "watching",
            Self::Alarmed => "alarmed",
        }
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::WarmingUp, Self::Watching, Self::Alarmed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text} is no state of a detector"))
    }
}

/// Steps of a channel and the events among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub steps: u64,
    pub events: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.events += other.events;
    }
}

/// The two hypotheses between which a detector decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    pub baseline: f64,
    pub alternative: f64,
}

impl Rates {
    /// Those of an operator with this history, in a network with that one.
    pub fn of(channel: Channel, own: Counts, network: Counts) -> Option<Self> {
        let (strength, quantile) = match channel {
            Channel::Onset => (PRIOR_ONSET_STEPS, CAUTION),
            Channel::Duration => (PRIOR_RECOVERY_STEPS, 1.0 - CAUTION),
        };
        // Half an event of one step, so that a network without events has a rate too.
        let common = (network.events as f64 + 0.5) / (network.steps as f64 + 1.0);
        let events = strength * common + own.events as f64;
        let others = strength * (1.0 - common) + (own.steps - own.events) as f64;
        Some(Self::around(channel, beta_quantile(events, others, quantile)?))
    }

    /// Those of a known rate.
    pub fn around(channel: Channel, rate: f64) -> Self {
        match channel {
            Channel::Onset => {
                let baseline = rate.clamp(LEAST_ONSET_RATE, MOST_ONSET_RATE);
                let alternative = (ONSET_FACTOR * baseline).min(MOST_ONSET_ALTERNATIVE);
                Self { baseline, alternative }
            }
            Channel::Duration => {
                let baseline = rate.clamp(LEAST_RECOVERY_RATE, MOST_RECOVERY_RATE);
                let alternative = baseline / DURATION_FACTOR;
                Self { baseline, alternative }
            }
        }
    }

    /// What a step adds to the statistic.
    pub fn log_likelihood_ratio(self, event: bool) -> f64 {
        if event {
            (self.alternative / self.baseline).ln()
        } else {
            ((1.0 - self.alternative) / (1.0 - self.baseline)).ln()
        }
    }
}

/// What one binomial observation adds to a CUSUM between two rates: `events` of `trials`.
pub fn binomial_log_likelihood_ratio(rates: Rates, events: u64, trials: u64) -> f64 {
    events as f64 * rates.log_likelihood_ratio(true) + (trials - events) as f64 * rates.log_likelihood_ratio(false)
}

/// The statistic of a one-sided CUSUM after one more increment.
pub fn accumulate(statistic: f64, increment: f64) -> f64 {
    (statistic + increment).max(0.0)
}

/// `ln A` with A steps between false alarms: of all operators together one in 30 days at most.
pub fn threshold(operators: usize, clock: Clock) -> f64 {
    (operators.max(1) as f64 * clock.slots_in(MONTH_DAYS) as f64).ln()
}

/// A detector of one operator: all that it remembers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Detector {
    pub state: State,
    /// First period of the uninterrupted run of the state; nothing before the first.
    pub since_period: Option<i64>,
    pub statistic: f64,
    /// Nothing while it warms up.
    pub rates: Option<Rates>,
    /// Behind the rates, or what there is of a baseline.
    pub counts: Counts,
    /// Of the newest alarm.
    pub alarm_period: Option<i64>,
}

/// What a detector's baseline is made of when a period begins.
#[derive(Debug, Clone, Copy)]
pub struct Ground {
    pub period: i64,
    pub clock: Clock,
    /// Observed slots of the operator without those of the last 7 days.
    pub observed: u64,
    pub own: Counts,
    pub network: Counts,
}

impl Detector {
    /// The detector as it enters a period. Its baseline is frozen for 7 days from the newest crossing of an alarm, and while the
    /// statistic is above zero: a drift that takes months to be sure of must not become what it is measured by.
    pub fn enter(self, channel: Channel, ground: &Ground) -> Self {
        let calm_after = ground.clock.periods_in(WEEK_DAYS);
        let recent = self
            .alarm_period
            .is_some_and(|alarm| ground.period - alarm < calm_after);
        let suspects = self.state == State::Watching && self.statistic > 0.0;
        if suspects || (self.state == State::Alarmed && recent) {
            return self;
        }
        let rates = (ground.observed >= BASELINE_SLOTS)
            .then(|| Rates::of(channel, ground.own, ground.network))
            .flatten();
        let entered = Self {
            rates,
            counts: ground.own,
            statistic: if rates.is_some() { self.statistic } else { 0.0 },
            ..self
        };
        let state = if rates.is_some() {
            State::Watching
        } else {
            State::WarmingUp
        };
        entered.turned(state, ground.period)
    }

    /// Takes a step; gives the statistic that crossed the threshold, if it did, and begins anew.
    pub fn step(&mut self, event: bool, threshold: f64, period: i64) -> Option<f64> {
        let rates = self.rates?;
        self.statistic = accumulate(self.statistic, rates.log_likelihood_ratio(event));
        if self.statistic < threshold {
            return None;
        }
        let crossed = std::mem::take(&mut self.statistic);
        *self = self.turned(State::Alarmed, period);
        self.alarm_period = Some(period);
        Some(crossed)
    }

    fn turned(self, state: State, period: i64) -> Self {
        let since_period = self.since_period.filter(|_| self.state == state).or(Some(period));
        Self {
            state,
            since_period,
            ..self
        }
    }
}
