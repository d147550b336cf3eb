//! A log as the sources see it: whole, ours, and of a block that was asked for.

use alloy::primitives::{Address, B256, LogData};

use crate::error::Halt;
use crate::rows::At;

/// Borrows from the answer that it came with, so that reading one allocates nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log<'a> {
    pub(crate) at: At,
    pub(crate) address: Address,
    pub(crate) topics: &'a [B256],
    pub(crate) data: &'a [u8],
}

impl Log<'_> {
    /// Topics and data as the bindings decode them.
    pub(crate) fn to_data(self) -> LogData {
        LogData::new_unchecked(self.topics.to_vec(), self.data.to_vec().into())
    }

    /// The error that stops everything: a log that is skipped is a balance that is wrong.
    pub(crate) fn undecodable(&self, reason: impl Into<String>) -> Halt {
        Halt::Undecodable {
            block_number: self.at.block_number as u64,
            tx_hash: self.at.tx_hash,
            log_index: self.at.log_index as u64,
            address: self.address,
            topic0: self.topics.first().map_or_else(|| "none".into(), ToString::to_string),
            reason: reason.into(),
        }
    }
}
