//! What does not add up.

use alloy::primitives::{Address, B256};

use super::lines::Line;
use crate::rows::{Rows, row};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ReplayedHeartbeat,
    StaleHeartbeat,
    RepeatedReceipt,
    RepeatedRoot,
    UnknownEnclave,
    DisabledEnclave,
    SilentEnclave,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::ReplayedHeartbeat => "replayed_heartbeat",
            Self::StaleHeartbeat => "stale_heartbeat",
            Self::RepeatedReceipt => "repeated_receipt",
            Self::RepeatedRoot => "repeated_root",
            Self::UnknownEnclave => "unknown_enclave",
            Self::DisabledEnclave => "disabled_enclave",
            Self::SilentEnclave => "silent_enclave",
        }
    }

    fn repeats(self) -> bool {
        matches!(self, Self::RepeatedReceipt | Self::RepeatedRoot)
    }
}

struct Finding {
    kind: Kind,
    block_number: i64,
    log_index: i32,
    tx_hash: Vec<u8>,
    tee_id: Option<B256>,
    operator: Option<Address>,
    subject: Option<B256>,
    signed_at: Option<i64>,
    alive_at: Option<i64>,
    earlier: Option<(i64, i32)>,
}

#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what a line shows: of whom, about what, and when the enclave was last known to be alive.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        line: &Line<'_>,
        whose: Option<(B256, Option<Address>)>,
        subject: Option<B256>,
        alive_at: Option<u64>,
    ) {
        let earlier = line.earlier_block.zip(line.earlier_log);
        self.0.push(Finding {
            kind,
            block_number: line.block_number,
            log_index: line.log_index,
            tx_hash: line.tx_hash.to_vec(),
            tee_id: whose.map(|(tee_id, _)| tee_id),
            operator: whose.and_then(|(_, operator)| operator),
            subject,
            // A batch is signed by nobody.
            signed_at: whose.map(|_| line.time),
            alive_at: alive_at.map(|at| at as i64),
            earlier: earlier.filter(|_| kind.repeats()),
        });
    }

    pub(super) fn write(self, rows: &mut Rows, period: i64) {
        for finding in self.0 {
            let (earlier_block, earlier_log) = finding.earlier.unzip();
            row! { rows, finding {
                block_number: finding.block_number, log_index: finding.log_index, kind: finding.kind.as_str(), period,
                tx_hash: finding.tx_hash, tee_id: finding.tee_id, operator: finding.operator, subject: finding.subject,
                signed_at: finding.signed_at, alive_at: finding.alive_at, earlier_block, earlier_log,
            } }
        }
    }
}
