//! What the uptime ledger says of a period: its committee and the result of its reports.

use anyhow::{Context, ensure};
use sqlx::PgConnection;

use super::{Frame, Verdict};
use crate::sql::Bits;

/// Operators in one word of a result.
const OPERATORS_PER_WORD: i64 = 256;
const WORD_BYTES: usize = 32;

impl Verdict {
    pub(super) async fn read(db: &mut PgConnection, frame: &Frame, closing_block: i64) -> anyhow::Result<Self> {
        let drawn = sqlx::query_scalar!(
            "select operator_count from committee_drawn where period = $1 and block_number <= $2",
            frame.period,
            closing_block,
        )
        .fetch_optional(&mut *db)
        .await
        .with_context(|| format!("read the committee of period {}", frame.period))?;
        let result = sqlx::query!(
            "select seats, observed, up from period_reported where period = $1 and block_number <= $2
             order by block_number desc, log_index desc limit 1",
            frame.period,
            closing_block,
        )
        .fetch_optional(db)
        .await
        .with_context(|| format!("read the result of period {}", frame.period))?;
        let Some(result) = result else {
            return Ok(Self {
                drawn,
                reports: 0,
                observed: Vec::new(),
                up: Vec::new(),
            });
        };
        let words = words_per_slot(drawn.unwrap_or_default());
        let expected = words * frame.slots as usize * WORD_BYTES;
        ensure!(
            result.observed.len() == expected && result.up.len() == expected,
            "the result of period {} has {} bytes for {expected}",
            frame.period,
            result.observed.len()
        );
        Ok(Self {
            drawn,
            reports: result.seats.count_ones() as i32,
            observed: result.observed,
            up: result.up,
        })
    }

    /// Slots in which an operator was observed, and in which it was up.
    pub(super) fn slots_of(&self, operator_index: i64, slots: i32) -> (Bits, Bits) {
        let words = words_per_slot(self.drawn.unwrap_or_default());
        let bit = (operator_index % OPERATORS_PER_WORD) as usize;
        let word = (operator_index / OPERATORS_PER_WORD) as usize;
        let is_set = |bitmap: &[u8], slot: usize| {
            let byte = (slot * words + word) * WORD_BYTES + WORD_BYTES - 1 - bit / 8;
            bitmap.get(byte).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        let read = |bitmap: &[u8]| Bits((0..slots as usize).map(|slot| is_set(bitmap, slot)).collect());
        (read(&self.observed), read(&self.up))
    }
}

fn words_per_slot(operators: i64) -> usize {
    ((operators + OPERATORS_PER_WORD - 1) / OPERATORS_PER_WORD) as usize
}
