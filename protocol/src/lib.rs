//! Bindings of the contracts, EIP-712 types, the receipts Merkle tree and the deployments file.

pub mod bindings;
pub mod decode;
pub mod deployment;
pub mod opengradient;
pub mod receipts;
pub mod reverts;
pub mod rpc;
pub mod typed_data;

pub use bindings::access_manager::AccessManager;
pub use bindings::audit_manager::{AuditManager, IAuditManager};
pub use bindings::block_randomness::BlockRandomness;
pub use bindings::case_docket::{CaseDocket, ICaseDocket};
pub use bindings::challenge_manager::{ChallengeManager, IChallengeManager};
pub use bindings::inference_settlement::{IInferenceSettlement, InferenceSettlement};
pub use bindings::judge_committee::{IJudgeCommittee, JudgeCommittee};
pub use bindings::model_registry::{IModelRegistry, ModelRegistry};
pub use bindings::operator_registry::{IOperatorRegistry, OperatorRegistry};
pub use bindings::price_oracle::PriceOracle;
pub use bindings::reward_reserve::{IRewardReserve, RewardReserve};
pub use bindings::slasher::{ISlasher, Slasher};
pub use bindings::stake_vault::{IStakeVault, StakeVault};
pub use bindings::stress_gauge::{IStressGauge, StressGauge};
pub use bindings::test_feed::TestFeed;
pub use bindings::test_token::TestToken;
pub use bindings::uptime_ledger::{IUptimeLedger, UptimeLedger};
pub use bindings::verifier_registry::VerifierRegistry;
pub use decode::{DecodeError, decode_strict};
pub use deployment::{Contract, Deployment};
pub use reverts::revert_reason;
