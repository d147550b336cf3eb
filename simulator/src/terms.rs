//! The audit contracts' own words: stages and verdicts by name, and receipts in their form.

use plumbline_protocol::bindings::{audit_manager, case_docket, challenge_manager};
use plumbline_protocol::typed_data::Receipt;

pub(crate) use audit_manager::IBatches::Batch;

/// `Stage` of the docket; the ABI carries its numbers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    None,
    Seeding,
    Answering,
    Proving,
    Judging,
    Decided,
    Closed,
}

impl From<u8> for Stage {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Seeding,
            2 => Self::Answering,
            3 => Self::Proving,
            4 => Self::Judging,
            5 => Self::Decided,
            6 => Self::Closed,
            _ => Self::None,
        }
    }
}

/// `Verdict` of a case, likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    None,
    Passed,
    Failed,
    Inconclusive,
    Withheld,
    Voided,
}

impl From<u8> for Verdict {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Passed,
            2 => Self::Failed,
            3 => Self::Inconclusive,
            4 => Self::Withheld,
            5 => Self::Voided,
            _ => Self::None,
        }
    }
}

/// A receipt from one contract's form, or from ours, to another's: the fields are the same.
macro_rules! convert {
    ($receipt:expr, $($form:tt)+) => {
        $($form)+ {
            requestId: $receipt.requestId,
            modelId: $receipt.modelId,
            version: $receipt.version,
            inputHash: $receipt.inputHash,
            outputHash: $receipt.outputHash,
            payer: $receipt.payer,
            servedAt: $receipt.servedAt,
            latencyMs: $receipt.latencyMs,
            fee: $receipt.fee,
        }
    };
}

/// A receipt as the docket tells of it.
pub(crate) fn judged(receipt: &case_docket::IReceipts::Receipt) -> Receipt {
    convert!(receipt, Receipt)
}

/// A receipt as an answer shows it.
pub(crate) fn audited(receipt: &Receipt) -> audit_manager::IReceipts::Receipt {
    convert!(receipt, audit_manager::IReceipts::Receipt)
}

/// A receipt as a proof names it.
pub(crate) fn docketed(receipt: &Receipt) -> case_docket::IReceipts::Receipt {
    convert!(receipt, case_docket::IReceipts::Receipt)
}

/// A receipt as a challenge names it.
pub(crate) fn challenged(receipt: &Receipt) -> challenge_manager::IReceipts::Receipt {
    convert!(receipt, challenge_manager::IReceipts::Receipt)
}
