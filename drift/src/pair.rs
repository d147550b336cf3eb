//! Operators that are down together more often than chance would have it.

use alloy_primitives::Address;

/// Operators that are looked at, and pairs that are told of.
pub const OPERATORS: usize = 32;
pub const PAIRS: usize = 20;
/// Slots that a pair must have missed together before it says anything.
const LEAST_COMMON: u32 = 3;

/// Slots of an operator in order: up, down or not observed.
pub type Slots = Vec<Option<bool>>;

/// Two operators, the lower address first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub operator: Address,
    pub other: Address,
    /// Slots in which both were observed, and of these missed by the first, the other, both.
    pub observed: u32,
    pub missed: u32,
    pub other_missed: u32,
    pub both_missed: u32,
    /// `P(both down) / (P(first down) · P(other down))`.
    pub lift: f64,
}

/// The pairs of highest lift above 1, highest first.
pub fn correlated(operators: &[(Address, Slots)]) -> Vec<Pair> {
    let mut sorted: Vec<&(Address, Slots)> = operators.iter().collect();
    sorted.sort_unstable_by_key(|(operator, _)| *operator);
    let mut pairs: Vec<Pair> = Vec::new();
    for (position, (operator, slots)) in sorted.iter().enumerate() {
        let others = sorted[position + 1..].iter();
        pairs.extend(others.filter_map(|(other, theirs)| pair((*operator, slots), (*other, theirs))));
    }
    pairs.sort_by(|a, b| {
        b.lift
            .total_cmp(&a.lift)
            .then((a.operator, a.other).cmp(&(b.operator, b.other)))
    });
    pairs.truncate(PAIRS);
    pairs
}

fn pair((operator, slots): (Address, &Slots), (other, theirs): (Address, &Slots)) -> Option<Pair> {
    let (mut observed, mut missed, mut other_missed, mut both_missed) = (0, 0, 0, 0);
    for (up, other_up) in slots.iter().zip(theirs) {
        let (Some(up), Some(other_up)) = (up, other_up) else {
            continue;
        };
        observed += 1;
        missed += u32::from(!up);
        other_missed += u32::from(!other_up);
        both_missed += u32::from(!up && !other_up);
    }
    if both_missed < LEAST_COMMON {
        return None;
    }
    let lift = f64::from(both_missed) * f64::from(observed) / (f64::from(missed) * f64::from(other_missed));
    (lift > 1.0).then_some(Pair {
        operator,
        other,
        observed,
        missed,
        other_missed,
        both_missed,
        lift,
    })
}
