//! The record of one operator: slot after slot into incidents, detectors and a score that forgets.

use alloy_primitives::Address;

use crate::alarm::DriftAlarm;
use crate::clock::Clock;
use crate::close::Member;
use crate::common_mode::CommonMode;
use crate::cusum::{Channel, Counts, Detector, Ground, State};
use crate::interval::beta_quantile;

/// Days after which an observation weighs half.
const HALF_LIFE_DAYS: u64 = 14;
const SCORE_TAIL: f64 = 0.05;

/// An incident that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    pub period: i64,
    pub slot: u32,
    pub missed: u32,
    pub common_missed: u32,
}

/// The beginning of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    pub operator: Address,
    pub slot: u32,
    pub common_mode: bool,
}

/// The end of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentEnd {
    pub operator: Address,
    pub incident: Open,
    /// Observed slot in which it was up again.
    pub slot: u32,
}

/// All that is carried from one period to the next; sums are over all periods so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Record {
    pub first_period: i64,
    /// In its newest observed slot.
    pub up: Option<bool>,
    pub open: Option<Open>,
    pub incidents: u64,
    pub missed: u64,
    pub common_missed: u64,
    pub onset_steps: Counts,
    pub recovery_steps: Counts,
    pub decayed_hit: f64,
    pub decayed_missed: f64,
    pub onset: Detector,
    pub duration: Detector,
}

/// What happened to an operator in a period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    pub incidents: Vec<Incident>,
    pub ends: Vec<IncidentEnd>,
    pub alarms: Vec<DriftAlarm>,
    /// False alarms to expect of the steps that its detectors took.
    pub expected_false_alarms: f64,
}

/// What is the same for all slots of a walk through a period.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    pub period: i64,
    pub clock: Clock,
    pub threshold: f64,
    pub common: &'a CommonMode,
}

impl Record {
    /// Mean slots to recovery; nothing without incidents.
    pub fn mttr_slots(&self) -> Option<f64> {
        (self.incidents != 0).then(|| self.missed as f64 / self.incidents as f64)
    }

    /// Decayed reliability and its lower bound at 95 %; nothing when it was never observed.
    pub fn score(&self) -> Option<(f64, f64)> {
        let (hit, missed) = (self.decayed_hit, self.decayed_missed);
        if hit + missed <= 0.0 {
            return None;
        }
        // The quantile needs both parameters; without misses it is that of Beta(hit, 0), a certainty.
        let low = if missed == 0.0 {
            SCORE_TAIL.powf(1.0 / hit)
        } else {
            beta_quantile(hit, missed, SCORE_TAIL).unwrap_or(0.0)
        };
        Some((hit / (hit + missed), low))
    }

    pub fn detector(&self, channel: Channel) -> &Detector {
        match channel {
            Channel::Onset => &self.onset,
            Channel::Duration => &self.duration,
        }
    }

    /// The worse of its two states.
    pub fn state(&self) -> State {
        let states = Channel::ALL.map(|channel| self.detector(channel).state);
        [State::Alarmed, State::Watching]
            .into_iter()
            .find(|state| states.contains(state))
            .unwrap_or_default()
    }

    /// The detectors as they enter a period, from what the baseline is made of.
    pub fn enter(&mut self, onset: &Ground, duration: &Ground) {
        self.onset = self.onset.enter(Channel::Onset, onset);
        self.duration = self.duration.enter(Channel::Duration, duration);
    }

    /// Adds a period. Slots that nobody observed change nothing but the weight of what is older.
    pub fn walk(&mut self, member: &Member, walk: &Walk<'_>) -> Course {
        let mut course = Course::default();
        let half_life = walk.clock.periods_in(HALF_LIFE_DAYS) as f64;
        let forget = (-1.0 / half_life).exp2();
        self.decayed_hit = forget * self.decayed_hit + member.slots.hit as f64;
        self.decayed_missed = forget * self.decayed_missed + member.slots.missed() as f64;
        for slot in 0..walk.clock.slots {
            let Some(up) = member.seen(slot) else { continue };
            let common = walk.common.covers(slot, member.domain);
            if !common {
                self.observe(member, slot, up, walk, &mut course);
            }
            self.note(member, slot, up, common, walk.period, &mut course);
            self.up = Some(up);
        }
        course
    }

    /// A step of the detector that the slot concerns.
    fn observe(&mut self, member: &Member, slot: u32, up: bool, walk: &Walk<'_>, course: &mut Course) {
        let was_up = self.up.unwrap_or(true);
        let (channel, event) = if was_up {
            (Channel::Onset, !up)
        } else {
            (Channel::Duration, up)
        };
        let (counts, detector) = match channel {
            Channel::Onset => (&mut self.onset_steps, &mut self.onset),
            Channel::Duration => (&mut self.recovery_steps, &mut self.duration),
        };
        *counts += Counts {
            steps: 1,
            events: u64::from(event),
        };
        if detector.rates.is_some() {
            course.expected_false_alarms += (-walk.threshold).exp();
        }
        let renewed = detector.state == State::Alarmed;
        let rates = detector.rates;
        let crossed = detector.step(event, walk.threshold, walk.period);
        if let (Some(statistic), Some(rates)) = (crossed, rates) {
            course.alarms.push(DriftAlarm {
                operator: member.operator,
                channel,
                slot,
                statistic,
                threshold: walk.threshold,
                rates,
                renewed,
            });
        }
    }

    /// Begins, lengthens or ends an incident.
    fn note(&mut self, member: &Member, slot: u32, up: bool, common: bool, period: i64, course: &mut Course) {
        let operator = member.operator;
        if up {
            if let Some(incident) = self.open.take() {
                course.ends.push(IncidentEnd {
                    operator,
                    incident,
                    slot,
                });
            }
            return;
        }
        if self.open.is_none() {
            self.incidents += 1;
            course.incidents.push(Incident {
                operator,
                slot,
                common_mode: common,
            });
        }
        let open = self.open.get_or_insert(Open {
            period,
            slot,
            missed: 0,
            common_missed: 0,
        });
        open.missed += 1;
        open.common_missed += u32::from(common);
        self.missed += 1;
        self.common_missed += u64::from(common);
    }
}
