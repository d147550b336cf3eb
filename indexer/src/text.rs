//! Text in logs that is no UTF-8: anybody can put it there, so it must neither stop the indexer nor pass unnoticed.

use alloy::primitives::{Bytes, LogData, U256};
use alloy::sol_types::SolEvent;
use plumbline_protocol::opengradient::Registry;
use plumbline_protocol::{InferenceSettlement, ModelRegistry, OperatorRegistry};

const WORD: usize = 32;

/// The data with invalid UTF-8 in its text replaced by U+FFFD, when that is all that is wrong with it.
///
/// Each event that is indexed has at most one text, its last argument: an offset in the head, then length and padded bytes at
/// the end of the data.
pub(crate) fn with_valid_text(data: &LogData) -> Option<LogData> {
    let head_words = match *data.topics().first()? {
        ModelRegistry::VersionPublished::SIGNATURE_HASH => 4,
        OperatorRegistry::EndpointChanged::SIGNATURE_HASH => 1,
        InferenceSettlement::BatchSettled::SIGNATURE_HASH => 5,
        Registry::TEETypeAdded::SIGNATURE_HASH | Registry::PCRApproved::SIGNATURE_HASH => 1,
        _ => return None,
    };
    let head = head_words * WORD;
    let offset = U256::try_from_be_slice(data.data.get(head - WORD..head)?)?;
    let length = U256::try_from_be_slice(data.data.get(head..head + WORD)?)?;
    let length: usize = length.try_into().ok()?;
    let tail = data.data.get(head + WORD..)?;
    let canonical = offset == U256::from(head)
        && length.checked_next_multiple_of(WORD) == Some(tail.len())
        && tail[length..].iter().all(|byte| *byte == 0);
    if !canonical || std::str::from_utf8(&tail[..length]).is_ok() {
        return None;
    }

    let text = String::from_utf8_lossy(&tail[..length]).into_owned().into_bytes();
    let mut valid = data.data[..head].to_vec();
    valid.extend_from_slice(&U256::from(text.len()).to_be_bytes::<WORD>());
    valid.extend_from_slice(&text);
    valid.resize(head + WORD + text.len().next_multiple_of(WORD), 0);
    LogData::new(data.topics().to_vec(), Bytes::from(valid))
}
