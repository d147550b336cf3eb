//! EIP-712 types that clients sign, and the domains of the contracts that check them.

use alloy::primitives::Address;
use alloy::sol;
use alloy::sol_types::{Eip712Domain, eip712_domain};

/// Vouchers are the contract's own struct: its EIP-712 type has the same name and fields.
pub use crate::bindings::inference_settlement::IInferenceSettlement::Voucher;

sol! {
    /// One inference served, signed by the operator's signing key at serving time; a leaf of the receipts tree.
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    struct Receipt {
        bytes32 requestId;
        bytes32 modelId;
        uint32 version;
        bytes32 inputHash;
        bytes32 outputHash;
        address payer;
        uint64 servedAt;
        uint32 latencyMs;
        uint128 fee;
    }

    /// Signed by a session key to be bound to a payer.
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    struct SignerBinding {
        address payer;
        address signer;
    }

    /// Signed by a signing key to be bound to an operator.
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    struct KeyBinding {
        address operator;
        address key;
    }

    /// Signed by a committee member's signing key: whom it probed in a period, and who answered.
    #[derive(Debug, Default, PartialEq, Eq, Hash)]
    struct UptimeReport {
        uint64 period;
        uint256[] observed;
        uint256[] up;
        bytes32 evidenceRoot;
    }
}

/// Domain of `Voucher`, `SignerBinding` and `Receipt`.
pub fn settlement_domain(chain_id: u64, inference_settlement: Address) -> Eip712Domain {
    domain("Plumbline InferenceSettlement", chain_id, inference_settlement)
}

/// Domain of `KeyBinding`.
pub fn operator_domain(chain_id: u64, operator_registry: Address) -> Eip712Domain {
    domain("Plumbline OperatorRegistry", chain_id, operator_registry)
}

/// Domain of `UptimeReport`.
pub fn uptime_domain(chain_id: u64, uptime_ledger: Address) -> Eip712Domain {
    domain("Plumbline UptimeLedger", chain_id, uptime_ledger)
}

fn domain(name: &'static str, chain_id: u64, verifying_contract: Address) -> Eip712Domain {
    eip712_domain! { name: name, version: "1", chain_id: chain_id, verifying_contract: verifying_contract, }
}
