//! Bindings of the contracts, EIP-712 types, the receipts Merkle tree and the deployments file.

pub mod bindings;
pub mod decode;
pub mod deployment;
pub mod receipts;
pub mod rpc;
pub mod typed_data;

pub use bindings::access_manager::AccessManager;
pub use bindings::inference_settlement::{IInferenceSettlement, InferenceSettlement};
pub use bindings::model_registry::{IModelRegistry, ModelRegistry};
pub use bindings::operator_registry::{IOperatorRegistry, OperatorRegistry};
pub use bindings::slasher::{ISlasher, Slasher};
pub use bindings::stake_vault::{IStakeVault, StakeVault};
pub use bindings::test_token::TestToken;
pub use bindings::uptime_ledger::{IUptimeLedger, UptimeLedger};
pub use decode::{DecodeError, decode_strict};
pub use deployment::{Contract, Deployment};
