//! What happened, line by line in the order of the chain: how it is asked for, and how a line is read.

use crate::copied::Fields;

/// Blocks that a period is read from: those after the first and up to the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) after: i64,
    pub(super) until: i64,
}

/// A line of what happened.
pub(super) struct Line<'a> {
    pub(super) block_number: i64,
    pub(super) log_index: i32,
    pub(super) kind: i32,
    pub(super) tx_hash: &'a [u8],
    /// Enclave; nothing for a block or a batch.
    pub(super) id: &'a [u8],
    /// Owner, receipt or root.
    pub(super) subject: &'a [u8],
    /// Time of a block, or as signed.
    pub(super) time: i64,
    pub(super) earlier_block: Option<i64>,
    pub(super) earlier_log: Option<i32>,
}

/// The lines of blocks after `{after}` and up to `{until}`, heartbeats where they are asked for. Each part comes in the order
/// of its key, so that the database merges instead of sorting.
const LINES: &str = "
    select block_number, log_index, kind, tx_hash, id, subject, time, earlier_block, earlier_log
    from (
        select number as block_number, -1 as log_index, 0 as kind, ''::bytea as tx_hash, ''::bytea as id,
               ''::bytea as subject, timestamp as time, null::bigint as earlier_block, null::int as earlier_log
        from block where number > {after} and number <= {until}
        union all
        select block_number, log_index, 1, ''::bytea, tee_id::bytea, owner::bytea, 0, null, null
        from tee_registered where block_number > {after} and block_number <= {until}
        union all
        select block_number, log_index, 2, ''::bytea, tee_id::bytea, ''::bytea, 0, null, null
        from tee_enabled where block_number > {after} and block_number <= {until}
        union all
        select block_number, log_index, 3, ''::bytea, tee_id::bytea, ''::bytea, 0, null, null
        from tee_disabled where block_number > {after} and block_number <= {until}
        {heartbeats}
        union all
        select s.block_number, s.log_index, 5, s.tx_hash::bytea, s.tee_id::bytea, s.receipt_id::bytea,
               least(s.timestamp, 9223372036854775807)::bigint, f.block_number, f.log_index
        from individual_settlement s
        cross join lateral (select block_number, log_index from individual_settlement
                            where receipt_id = s.receipt_id order by block_number, log_index limit 1) f
        where s.block_number > {after} and s.block_number <= {until}
        union all
        select s.block_number, s.log_index, 6, s.tx_hash::bytea, ''::bytea, s.merkle_root::bytea, 0,
               f.block_number, f.log_index
        from batch_settlement s
        cross join lateral (select block_number, log_index from batch_settlement
                            where merkle_root = s.merkle_root order by block_number, log_index limit 1) f
        where s.block_number > {after} and s.block_number <= {until}
    ) line
    order by block_number, log_index";

const HEARTBEATS: &str = "
        union all
        select block_number, log_index, 4, tx_hash, tee_id, ''::bytea, signed_at, null, null
        from heartbeat_received where block_number > {after} and block_number <= {until}";

// Kinds of lines, as the query numbers them.
pub(super) const BLOCK: i32 = 0;
pub(super) const REGISTERED: i32 = 1;
pub(super) const ENABLED: i32 = 2;
pub(super) const DISABLED: i32 = 3;
pub(super) const HEARTBEAT: i32 = 4;
pub(super) const SETTLEMENT: i32 = 5;
pub(super) const BATCH: i32 = 6;

/// The query of the lines of a span.
pub(super) fn query(span: Span, with_heartbeats: bool) -> String {
    LINES
        .replace("{heartbeats}", if with_heartbeats { HEARTBEATS } else { "" })
        .replace("{after}", &span.after.to_string())
        .replace("{until}", &span.until.to_string())
}

impl<'a> Line<'a> {
    pub(super) fn heartbeat((block_number, log_index): (i64, i32), tx_hash: &'a [u8], id: &'a [u8], time: i64) -> Self {
        Self {
            block_number,
            log_index,
            kind: HEARTBEAT,
            tx_hash,
            id,
            subject: &[],
            time,
            earlier_block: None,
            earlier_log: None,
        }
    }

    pub(super) fn read(fields: &mut Fields<'a>) -> anyhow::Result<Self> {
        Ok(Self {
            block_number: fields.bigint()?,
            log_index: fields.int()?,
            kind: fields.int()?,
            tx_hash: fields.bytes()?,
            id: fields.bytes()?,
            subject: fields.bytes()?,
            time: fields.bigint()?,
            earlier_block: fields.optional_bigint()?,
            earlier_log: fields.optional_int()?,
        })
    }

    pub(super) fn place(&self) -> (i64, i32) {
        (self.block_number, self.log_index)
    }

    /// Whether the same was there before.
    pub(super) fn is_repeated(&self) -> bool {
        let earlier = self.earlier_block.zip(self.earlier_log);
        earlier.is_some_and(|earlier| earlier < self.place())
    }
}
