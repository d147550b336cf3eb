//! The audit contracts' own words: stages and verdicts by name, and receipts in their form.

use plumbline_protocol::bindings::audit_manager;
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

/// A receipt as the contracts tell of it.
pub(crate) fn receipt(told: &audit_manager::IReceipts::Receipt) -> Receipt {
    Receipt {
        requestId: told.requestId,
        modelId: told.modelId,
        version: told.version,
        inputHash: told.inputHash,
        outputHash: told.outputHash,
        payer: told.payer,
        servedAt: told.servedAt,
        latencyMs: told.latencyMs,
        fee: told.fee,
    }
}

/// A receipt as the contracts take it.
pub(crate) fn argument(receipt: &Receipt) -> audit_manager::IReceipts::Receipt {
    audit_manager::IReceipts::Receipt {
        requestId: receipt.requestId,
        modelId: receipt.modelId,
        version: receipt.version,
        inputHash: receipt.inputHash,
        outputHash: receipt.outputHash,
        payer: receipt.payer,
        servedAt: receipt.servedAt,
        latencyMs: receipt.latencyMs,
        fee: receipt.fee,
    }
}
