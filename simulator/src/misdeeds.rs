//! Who does wrong, and when: all of it a function of the seed and of the ledger's time.

use crate::demand::Request;
use crate::population::{Population, Reliability};
use crate::random::Stream;

/// The liar serves wrong outputs in one period of so many, and then for this share of its requests, parts per million.
const LIE_PERIODS: u64 = 12;
const LIE_PHASE: u64 = 5;
const LIE_PPM: u32 = 500_000;
/// In one period of so many, the first audit of an operator that can be spared goes unanswered.
const WITHHOLD_PERIODS: u64 = 10;
const WITHHOLD_PHASE: u64 = 6;
/// In one period of so many, a payer challenges a receipt that is right.
const ALARM_PERIODS: u64 = 8;
const ALARM_PHASE: u64 = 3;
/// The forger signs two outputs for one request; it is out for ever then.
const FORGE_PERIODS: u64 = 24;
const FORGE_PHASE: u64 = 14;
/// Least share of all requests that somebody whose misdeeds are to be noticed serves, parts per million.
const NOTICED_PPM: u64 = 15_000;
/// Who holds more of all own stake does not withhold: its penalty would shake the network, percent.
const SPARED_PERCENT: u64 = 10;
/// Judges beyond those that decide, so that some may be down.
const MIN_JUDGES: usize = 4;

pub(crate) struct Misdeeds {
    seed: u64,
    liar: Option<usize>,
    forger: Option<usize>,
    /// Operators whose faults the network can bear.
    small: Vec<bool>,
}

impl Misdeeds {
    pub(crate) fn new(seed: u64, population: &Population) -> Self {
        let operators = &population.operators;
        let all: u64 = operators.iter().map(|spec| spec.stake_bps).sum();
        let small = operators
            .iter()
            .map(|spec| spec.stake_bps * 100 <= all * SPARED_PERCENT)
            .collect();
        let served = served_ppm(population);
        let mut noticed: Vec<usize> = (0..operators.len())
            .filter(|index| served[*index] >= NOTICED_PPM && operators[*index].reliability != Reliability::Failing)
            .collect();
        noticed.sort_by_key(|index| operators[*index].stake_bps);
        let can_be_convicted = |index: &usize| {
            let models = &operators[*index].models;
            models.iter().all(|model| can_be_judged(population, *index, *model))
        };
        let liar = noticed.iter().copied().find(can_be_convicted);
        Self {
            seed,
            liar,
            // Two signatures prove themselves: that takes no judges.
            forger: noticed.into_iter().find(|index| Some(*index) != liar),
            small,
        }
    }

    /// The output of this request is wrong.
    pub(crate) fn lies(&self, request: &Request, slot: u64, period: u64) -> bool {
        let chance = || Stream::new(self.seed, "lie", slot, u64::from(request.serial)).chance(LIE_PPM);
        self.liar == Some(request.operator) && period % LIE_PERIODS == LIE_PHASE && chance()
    }

    /// A second output is signed for this request.
    pub(crate) fn forges(&self, request: &Request, period: u64) -> bool {
        self.forger == Some(request.operator) && period % FORGE_PERIODS == FORGE_PHASE
    }

    /// An audit of this operator that was opened in this period may go unanswered.
    pub(crate) fn withholds(&self, operator: usize, opened_in: u64) -> bool {
        self.small[operator] && opened_in % WITHHOLD_PERIODS == WITHHOLD_PHASE
    }

    /// Somebody takes a right output for a wrong one in this period.
    pub(crate) fn alarms(period: u64) -> bool {
        period % ALARM_PERIODS == ALARM_PHASE
    }
}

/// Enough operators outside the accused's domain serve the model.
pub(crate) fn can_be_judged(population: &Population, accused: usize, model: usize) -> bool {
    let operators = &population.operators;
    let judges = operators.iter().filter(|spec| {
        spec.models.contains(&model)
            && spec.domain != operators[accused].domain
            && spec.reliability != Reliability::Failing
    });
    judges.count() >= MIN_JUDGES
}

/// Share of all requests that each operator serves while everybody is up, parts per million.
fn served_ppm(population: &Population) -> Vec<u64> {
    let mut served = vec![0; population.operators.len()];
    for (payer, spec) in population.payers.iter().enumerate() {
        for (position, channel) in spec.channels.iter().enumerate() {
            served[channel.operator] += population.channel_share_ppm(payer, position);
        }
    }
    served
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::requests;

    #[test]
    fn at_most_one_lies_and_another_forges_and_both_in_their_periods_only() {
        for seed in 0..8 {
            let population = Population::generate(seed, 32, 24, 8);
            let misdeeds = Misdeeds::new(seed, &population);
            let (liar, forger) = (misdeeds.liar, misdeeds.forger);
            assert!(liar.is_some() && forger.is_some() && liar != forger, "seed {seed}");
            for period in 0..FORGE_PERIODS {
                for slot in period * 12..(period + 1) * 12 {
                    for request in requests(seed, &population, &[true; 32], slot, 48) {
                        let (lies, forges) = (misdeeds.lies(&request, slot, period), misdeeds.forges(&request, period));
                        assert!(!lies || (Some(request.operator) == liar && period % LIE_PERIODS == LIE_PHASE));
                        assert!(!forges || (Some(request.operator) == forger && period % FORGE_PERIODS == FORGE_PHASE));
                    }
                }
            }
        }
    }

    #[test]
    fn who_holds_much_of_the_stake_never_withholds() {
        let population = Population::generate(7, 32, 24, 8);
        let misdeeds = Misdeeds::new(7, &population);
        let largest = (0..32).max_by_key(|index| population.operators[*index].stake_bps);
        let smallest = (0..32).min_by_key(|index| population.operators[*index].stake_bps);
        assert!((0..WITHHOLD_PERIODS).all(|period| largest.is_some_and(|index| !misdeeds.withholds(index, period))));
        let times =
            (0..WITHHOLD_PERIODS).filter(|period| smallest.is_some_and(|index| misdeeds.withholds(index, *period)));
        assert_eq!(times.count(), 1);
    }
}
