//! How long the next range of final blocks is, and how many are fetched at a time.

use std::ops::RangeInclusive;

use crate::metrics;

/// A range should bring so many logs: most providers cap answers at 10,000.
const AIM_LOGS: u64 = 6_500;
/// The first range, when nothing is known.
const FIRST_BLOCKS: u64 = 2_000;
/// A range is at most so many times as long as the one before.
const GROWTH: u64 = 16;
/// After a refusal the length grows by this part of it, for each range that went well.
const CAUTIOUS_GROWTH: u64 = 8;
/// Ranges that are under way or wait for their turn.
const MAX_AHEAD: usize = 6;
/// Bytes of answers that are under way or wait for their turn, as far as can be foreseen.
const BUDGET_BYTES: usize = 64 * 1024 * 1024;

/// Adapts to how dense the logs are and to what the endpoints take.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    blocks: u64,
    max_blocks: u64,
    /// The longest range that no endpoint refused, once one was.
    ceiling: Option<u64>,
    /// Bytes of the largest of the last answers; nothing before the first.
    answer_bytes: Option<usize>,
}

/// What became of a range.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) blocks: u64,
    /// Those at the end of the range that are still to be asked for.
    pub(crate) unread: u64,
    pub(crate) logs: u64,
    pub(crate) bytes: usize,
    /// The longest part that was not refused, where the range had to be split.
    pub(crate) accepted: Option<u64>,
}

impl Plan {
    pub(crate) fn new(max_blocks: u64) -> Self {
        Self {
            blocks: FIRST_BLOCKS.min(max_blocks),
            max_blocks,
            ceiling: None,
            answer_bytes: None,
        }
    }

    /// The next range, from `first` on.
    pub(crate) fn range(&self, first: u64, last: u64) -> RangeInclusive<u64> {
        first..=last.min(first.saturating_add(self.blocks - 1))
    }

    /// Nothing is known yet.
    pub(crate) fn is_new(&self) -> bool {
        self.answer_bytes.is_none()
    }

    /// How many ranges may be under way or wait for their turn.
    pub(crate) fn ahead(&self) -> usize {
        // One look before many leaps.
        self.answer_bytes
            .map_or(1, |bytes| (BUDGET_BYTES / bytes.max(1)).clamp(1, MAX_AHEAD))
    }

    pub(crate) fn learn(&mut self, outcome: Outcome) {
        let Outcome {
            blocks,
            logs,
            bytes,
            accepted,
            unread: _,
        } = outcome;
        // A dense stretch is remembered for a while.
        let before = self.answer_bytes.unwrap_or_default();
        self.answer_bytes = Some(bytes.max(before - before / 8));
        match (accepted, &mut self.ceiling) {
            (Some(accepted), ceiling) => *ceiling = Some(accepted.max(1)),
            (None, Some(ceiling)) if blocks >= *ceiling => *ceiling += (*ceiling / CAUTIOUS_GROWTH).max(1),
            (None, Some(_) | None) => {}
        }
        let fitting = (blocks.saturating_mul(AIM_LOGS)).checked_div(logs).unwrap_or(u64::MAX);
        self.blocks = fitting
            .min(blocks.saturating_mul(GROWTH))
            .min(self.ceiling.unwrap_or(u64::MAX))
            .clamp(1, self.max_blocks);
        metrics::range_blocks(self.blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn went_well(blocks: u64, logs: u64) -> Outcome {
        Outcome {
            blocks,
            logs,
            bytes: logs as usize * 600,
            ..Outcome::default()
        }
    }

    #[test]
    fn a_sparse_history_takes_few_requests() {
        let mut plan = Plan::new(1_000_000);
        let (mut next, last, mut requests) = (0, 300_000, 0);
        while next <= last {
            let range = plan.range(next, last);
            let blocks = range.end() - range.start() + 1;
            next = range.end() + 1;
            requests += 1;
            plan.learn(went_well(blocks, blocks / 10));
        }
        assert!(requests <= 8, "{requests}");
    }

    #[test]
    fn a_dense_history_comes_in_answers_that_providers_take() {
        let mut plan = Plan::new(1_000_000);
        plan.learn(Outcome {
            accepted: Some(62),
            ..went_well(2_000, 200_000)
        });
        for _ in 0..20 {
            let range = plan.range(5_000, u64::MAX);
            let blocks = range.end() - range.start() + 1;
            assert!((30..=100).contains(&blocks), "{blocks}");
            plan.learn(went_well(blocks, blocks * 100));
        }
        assert_eq!(plan.range(0, u64::MAX), 0..=64);
    }

    #[test]
    fn a_limit_of_blocks_is_remembered_and_tried_again_slowly() {
        let mut plan = Plan::new(1_000_000);
        plan.learn(Outcome {
            accepted: Some(1_000),
            ..went_well(2_000, 0)
        });
        assert_eq!(plan.range(0, u64::MAX), 0..=999);
        plan.learn(went_well(1_000, 0));
        assert_eq!(plan.range(0, u64::MAX), 0..=1_124);
    }

    #[test]
    fn large_answers_leave_room_for_fewer() {
        let mut plan = Plan::new(1_000);
        assert_eq!(plan.ahead(), 1);
        plan.learn(went_well(1_000, 0));
        assert_eq!(plan.ahead(), MAX_AHEAD);
        plan.learn(Outcome {
            bytes: BUDGET_BYTES / 2,
            ..went_well(1_000, 9_000)
        });
        assert_eq!(plan.ahead(), 2);
    }
}
