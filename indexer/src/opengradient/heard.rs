//! Heartbeats that this process wrote itself, kept until their period closes, so that the database need not send them back.

use std::collections::VecDeque;

use alloy::primitives::B256;

use super::lines::{Line, Span};
use crate::copied;
use crate::sql::bytes32;

/// Some 23 MB of them. A period with more is read from the database.
const MOST: usize = 1 << 18;

#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    block_number: i64,
    log_index: i32,
    tx_hash: B256,
    tee_id: B256,
    signed_at: i64,
}

/// In the order of the chain.
pub(super) struct Heard {
    /// All heartbeats of blocks above this one are here.
    after: i64,
    heartbeats: VecDeque<Heartbeat>,
}

impl Heard {
    /// What is written up to this block is in the database alone.
    pub(super) fn after(block_number: i64) -> Self {
        Self {
            after: block_number,
            heartbeats: VecDeque::new(),
        }
    }

    /// Takes up rows of `heartbeat_received`, as they are written.
    pub(super) fn add(&mut self, rows: &[u8]) -> anyhow::Result<()> {
        copied::rows(rows, |fields| {
            if self.heartbeats.len() == MOST
                && let Some(oldest) = self.heartbeats.pop_front()
            {
                self.after = oldest.block_number;
            }
            self.heartbeats.push_back(Heartbeat {
                block_number: fields.bigint()?,
                log_index: fields.int()?,
                tx_hash: bytes32(fields.bytes()?)?,
                tee_id: bytes32(fields.bytes()?)?,
                signed_at: fields.bigint()?,
            });
            Ok(())
        })
    }

    /// Those of a span, if all of them are here.
    pub(super) fn within(&self, span: Span) -> Option<impl Iterator<Item = Line<'_>>> {
        let up_to = |block_number| {
            self.heartbeats
                .partition_point(|beat| beat.block_number <= block_number)
        };
        let heartbeats = || self.heartbeats.range(up_to(span.after)..up_to(span.until));
        (self.after <= span.after).then(|| heartbeats().map(Heartbeat::line))
    }

    /// Forgets what no later period asks for.
    pub(super) fn forget_until(&mut self, block_number: i64) {
        let forgotten = self
            .heartbeats
            .partition_point(|beat| beat.block_number <= block_number);
        self.heartbeats.drain(..forgotten);
        self.after = self.after.max(block_number);
    }
}

impl Heartbeat {
    fn line(&self) -> Line<'_> {
        Line::heartbeat(
            (self.block_number, self.log_index),
            self.tx_hash.as_slice(),
            self.tee_id.as_slice(),
            self.signed_at,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{At, Rows, fact};

    fn hear(heard: &mut Heard, blocks: impl Iterator<Item = i64>) {
        let mut rows = Rows::default();
        for block_number in blocks {
            let at = At {
                block_number,
                timestamp: 0,
                log_index: 0,
                tx_hash: B256::ZERO,
            };
            rows.begin_block(block_number as u64);
            fact! { rows, at, heartbeat_received { tee_id: B256::ZERO, signed_at: block_number } }
        }
        heard.add(rows.waiting("heartbeat_received", u64::MAX)).unwrap();
    }

    fn times(heard: &Heard, after: i64, until: i64) -> Option<Vec<i64>> {
        let lines = heard.within(Span { after, until })?;
        Some(lines.map(|line| line.time).collect())
    }

    #[test]
    fn a_span_is_there_whole_or_not_at_all() {
        let mut heard = Heard::after(10);
        hear(&mut heard, 11..=20);
        assert_eq!(times(&heard, 9, 12), None);
        assert_eq!(times(&heard, 10, 12), Some(vec![11, 12]));
        heard.forget_until(15);
        assert_eq!(times(&heard, 14, 17), None);
        assert_eq!(times(&heard, 15, 17), Some(vec![16, 17]));
        assert_eq!(times(&heard, 20, 30), Some(Vec::new()));
    }

    #[test]
    fn of_too_many_the_newest_are_kept() {
        let mut heard = Heard::after(-1);
        hear(&mut heard, 1..=MOST as i64);
        assert!(times(&heard, -1, 5).is_some());
        hear(&mut heard, MOST as i64 + 1..=MOST as i64 + 3);
        assert_eq!(heard.heartbeats.len(), MOST);
        assert_eq!(times(&heard, 2, 5), None);
        assert_eq!(times(&heard, 3, 5), Some(vec![4, 5]));
    }
}
