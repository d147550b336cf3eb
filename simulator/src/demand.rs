//! What payers ask for: requests in a slot, and the texts that go in and come out.

use alloy::primitives::{B256, keccak256};

use crate::population::{MODELS, Population};
use crate::random::Stream;

const MEDIAN_UNITS: f64 = 60.0;
const MAX_UNITS: f64 = 4_000.0;
/// Mean units of a request with this median and spread, to size deposits by.
pub(crate) const MEAN_UNITS: u64 = 98;
/// Periods of a season of demand, and from which on it falls to a part of what it was.
const SEASON_PERIODS: u64 = 24;
const DOWNTURN_PHASE: u64 = 18;
const DOWNTURN_DIVISOR: u32 = 4;
const WORDS: [&str; 24] = [
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grain", "harbor", "index", "juniper", "kernel", "ledger",
    "meadow", "needle", "orbit", "pillar", "quartz", "river", "signal", "timber", "umbra", "vector", "willow",
    "zenith",
];

/// One request for inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Number within its slot.
    pub serial: u32,
    pub payer: usize,
    pub operator: usize,
    pub model: usize,
    pub units: u64,
    /// When in its slot it is served, thousandths of the slot.
    pub at_permille: u64,
    pub latency_ms: u32,
}

/// Requests of a slot in the order of time, routed to operators that are up.
pub fn requests(seed: u64, population: &Population, up: &[bool], slot: u64, count: u32) -> Vec<Request> {
    let mut stream = Stream::new(seed, "demand", slot, 0);
    let mut requests: Vec<Request> = (0..count)
        .filter_map(|serial| request(&mut stream, population, up, serial))
        .collect();
    requests.sort_by_key(|request| (request.at_permille, request.serial));
    requests
}

fn request(stream: &mut Stream, population: &Population, up: &[bool], serial: u32) -> Option<Request> {
    let payer = stream.pick(population.payers.iter().map(|spec| spec.weight))?;
    let channels = &population.payers[payer].channels;
    let routable = |operator: usize| up.get(operator).copied().unwrap_or(false);
    let channel = stream.pick(
        channels
            .iter()
            .map(|channel| if routable(channel.operator) { channel.weight } else { 0 }),
    )?;
    let operator = channels[channel].operator;
    let spec = &population.operators[operator];
    let model = spec.models[stream.pick(spec.models.iter().map(|model| MODELS[*model].demand))?];
    let units = (MEDIAN_UNITS * stream.normal().exp()).clamp(1.0, MAX_UNITS) as u64;
    Some(Request {
        serial,
        payer,
        operator,
        model,
        units,
        at_permille: stream.below(1_000),
        latency_ms: spec.latency_ms + (stream.below(u64::from(spec.latency_ms)) as u32) / 2,
    })
}

/// The text that a payer sends, and the one that the model gives back.
pub(crate) fn texts(seed: u64, slot: u64, request: &Request) -> (String, String) {
    let mut stream = Stream::new(seed, "text", slot, u64::from(request.serial));
    let mut words = |count: u64| -> String {
        let chosen: Vec<&str> = (0..count)
            .map(|_| WORDS[stream.below(WORDS.len() as u64) as usize])
            .collect();
        chosen.join(" ")
    };
    let model = MODELS[request.model].name;
    let input = format!(
        "Request {slot}/{} of payer {}: explain {}.",
        request.serial,
        request.payer,
        words(8)
    );
    let output = format!("{model}: {}.", words(request.units.min(64)));
    (input, output)
}

/// What the model gives back for an input that was among the requests of a slot.
pub(crate) fn rework(seed: u64, slot: u64, asked: &[Request], input_hash: B256) -> Option<String> {
    asked
        .iter()
        .map(|request| texts(seed, slot, request))
        .find_map(|(input, output)| (keccak256(input) == input_hash).then_some(output))
}

/// Requests in each slot of a period: demand has its downturns, in which fees fall short of wages.
pub(crate) fn requests_in(full: u32, period: u64) -> u32 {
    if period % SEASON_PERIODS >= DOWNTURN_PHASE {
        full / DOWNTURN_DIVISOR
    } else {
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doing_the_work_again_gives_the_output_that_was_right() {
        let population = Population::generate(7, 12, 9, 0);
        let asked = requests(7, &population, &[true; 12], 40, 24);
        assert!(asked.len() > 10);
        for request in &asked {
            let (input, output) = texts(7, 40, request);
            assert_eq!(rework(7, 40, &asked, keccak256(input)), Some(output));
        }
        assert_eq!(rework(7, 40, &asked, keccak256("never asked")), None);
    }

    #[test]
    fn demand_falls_at_the_end_of_each_season() {
        let falls = |period| requests_in(48, period) < 48;
        assert_eq!((0..48).filter(|period| falls(*period)).count(), 12);
        assert!(!falls(17) && falls(18) && falls(23) && !falls(24));
        assert_eq!(requests_in(48, 18), 12);
    }
}
