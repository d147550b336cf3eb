//! The steps of a deployment and the transaction that each of them is.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use plumbline_protocol::deployment::{Addresses, Parameters, TestFeedParameters};
use plumbline_protocol::{
    AccessManager, AuditManager, BlockRandomness, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee,
    ModelRegistry, OperatorRegistry, PriceOracle, RewardReserve, Slasher, StakeVault, StressGauge, TestFeed, TestToken,
    UptimeLedger, VerifierRegistry,
};
use serde::{Deserialize, Serialize};

use crate::roles::ADMIN;

/// One transaction of a deployment. The order is that of the nonces: each needs only what comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    AccessManager,
    StakeToken,
    FeeToken,
    ModelRegistry,
    StakeVault,
    OperatorRegistry,
    UptimeLedger,
    PriceFeed,
    PriceOracle,
    RewardReserve,
    InferenceSettlement,
    Slasher,
    BlockRandomness,
    VerifierRegistry,
    JudgeCommittee,
    StressGauge,
    CaseDocket,
    AuditManager,
    ChallengeManager,
    /// All roles in one call, so that they are either as specified or not given at all.
    Roles,
}

impl Step {
    /// Every step in order.
    pub const ALL: [Self; 20] = [
        Self::AccessManager,
        Self::StakeToken,
        Self::FeeToken,
        Self::ModelRegistry,
        Self::StakeVault,
        Self::OperatorRegistry,
        Self::UptimeLedger,
        Self::PriceFeed,
        Self::PriceOracle,
        Self::RewardReserve,
        Self::InferenceSettlement,
        Self::Slasher,
        Self::BlockRandomness,
        Self::VerifierRegistry,
        Self::JudgeCommittee,
        Self::StressGauge,
        Self::CaseDocket,
        Self::AuditManager,
        Self::ChallengeManager,
        Self::Roles,
    ];

    /// The steps that these parameters need.
    pub fn needed(parameters: &Parameters) -> Vec<Self> {
        let skips = |step| match step {
            Self::StakeToken => parameters.tokens.stake.is_none(),
            Self::FeeToken => parameters.tokens.fee.is_none(),
            Self::PriceFeed => parameters.price.as_ref().is_none_or(|price| price.test_feed.is_none()),
            Self::PriceOracle => parameters.price.is_none(),
            Self::AccessManager
            | Self::ModelRegistry
            | Self::StakeVault
            | Self::OperatorRegistry
            | Self::UptimeLedger
            | Self::RewardReserve
            | Self::InferenceSettlement
            | Self::Slasher
            | Self::BlockRandomness
            | Self::VerifierRegistry
            | Self::JudgeCommittee
            | Self::StressGauge
            | Self::CaseDocket
            | Self::AuditManager
            | Self::ChallengeManager
            | Self::Roles => false,
        };
        Self::ALL.into_iter().filter(|step| !skips(*step)).collect()
    }

    /// Steps whose contracts this one's transaction calls, where they are deployed along. But for a feed and the manager of
    /// roles they need nothing but their own code for that.
    pub(crate) fn calls(self, parameters: &Parameters) -> Vec<Self> {
        let called: &[Self] = match self {
            Self::PriceOracle => &[Self::StakeToken, Self::FeeToken, Self::PriceFeed],
            Self::RewardReserve => &[Self::UptimeLedger, Self::StakeVault],
            Self::InferenceSettlement => &[Self::StakeVault],
            Self::Slasher => &[Self::UptimeLedger, Self::StakeVault],
            Self::StressGauge => &[Self::UptimeLedger],
            Self::CaseDocket => &[Self::UptimeLedger, Self::StakeVault, Self::JudgeCommittee],
            Self::AuditManager => &[Self::CaseDocket, Self::UptimeLedger],
            Self::ChallengeManager => &[Self::CaseDocket, Self::InferenceSettlement],
            Self::Roles => &[
                Self::AccessManager,
                Self::RewardReserve,
                Self::InferenceSettlement,
                Self::UptimeLedger,
            ],
            Self::AccessManager
            | Self::StakeToken
            | Self::FeeToken
            | Self::ModelRegistry
            | Self::StakeVault
            | Self::OperatorRegistry
            | Self::UptimeLedger
            | Self::PriceFeed
            | Self::BlockRandomness
            | Self::VerifierRegistry
            | Self::JudgeCommittee => &[],
        };
        let needed = Self::needed(parameters);
        called.iter().copied().filter(|step| needed.contains(step)).collect()
    }

    /// The contract that the step creates or calls.
    pub fn address(self, addresses: &Addresses) -> Address {
        match self {
            Self::AccessManager | Self::Roles => addresses.access_manager,
            Self::StakeToken => addresses.stake_token,
            Self::FeeToken => addresses.fee_token,
            Self::ModelRegistry => addresses.model_registry,
            Self::StakeVault => addresses.stake_vault,
            Self::OperatorRegistry => addresses.operator_registry,
            Self::UptimeLedger => addresses.uptime_ledger,
            Self::PriceFeed => addresses.price_feed,
            Self::PriceOracle => addresses.price_oracle,
            Self::RewardReserve => addresses.reward_reserve,
            Self::InferenceSettlement => addresses.inference_settlement,
            Self::Slasher => addresses.slasher,
            Self::BlockRandomness => addresses.block_randomness,
            Self::VerifierRegistry => addresses.verifier_registry,
            Self::JudgeCommittee => addresses.judge_committee,
            Self::StressGauge => addresses.stress_gauge,
            Self::CaseDocket => addresses.case_docket,
            Self::AuditManager => addresses.audit_manager,
            Self::ChallengeManager => addresses.challenge_manager,
        }
    }

    /// Where the address of the contract that the step creates is kept; none when it creates none.
    pub(crate) fn address_mut(self, addresses: &mut Addresses) -> Option<&mut Address> {
        Some(match self {
            Self::AccessManager => &mut addresses.access_manager,
            Self::StakeToken => &mut addresses.stake_token,
            Self::FeeToken => &mut addresses.fee_token,
            Self::ModelRegistry => &mut addresses.model_registry,
            Self::StakeVault => &mut addresses.stake_vault,
            Self::OperatorRegistry => &mut addresses.operator_registry,
            Self::UptimeLedger => &mut addresses.uptime_ledger,
            Self::PriceFeed => &mut addresses.price_feed,
            Self::PriceOracle => &mut addresses.price_oracle,
            Self::RewardReserve => &mut addresses.reward_reserve,
            Self::InferenceSettlement => &mut addresses.inference_settlement,
            Self::Slasher => &mut addresses.slasher,
            Self::BlockRandomness => &mut addresses.block_randomness,
            Self::VerifierRegistry => &mut addresses.verifier_registry,
            Self::JudgeCommittee => &mut addresses.judge_committee,
            Self::StressGauge => &mut addresses.stress_gauge,
            Self::CaseDocket => &mut addresses.case_docket,
            Self::AuditManager => &mut addresses.audit_manager,
            Self::ChallengeManager => &mut addresses.challenge_manager,
            Self::Roles => return None,
        })
    }

    fn creation_code(self) -> &'static [u8] {
        match self {
            Self::StakeToken | Self::FeeToken => &TestToken::BYTECODE,
            Self::PriceFeed => &TestFeed::BYTECODE,
            Self::AccessManager => &AccessManager::BYTECODE,
            Self::ModelRegistry => &ModelRegistry::BYTECODE,
            Self::StakeVault => &StakeVault::BYTECODE,
            Self::OperatorRegistry => &OperatorRegistry::BYTECODE,
            Self::UptimeLedger => &UptimeLedger::BYTECODE,
            Self::PriceOracle => &PriceOracle::BYTECODE,
            Self::RewardReserve => &RewardReserve::BYTECODE,
            Self::InferenceSettlement => &InferenceSettlement::BYTECODE,
            Self::Slasher => &Slasher::BYTECODE,
            Self::BlockRandomness => &BlockRandomness::BYTECODE,
            Self::VerifierRegistry => &VerifierRegistry::BYTECODE,
            Self::JudgeCommittee => &JudgeCommittee::BYTECODE,
            Self::StressGauge => &StressGauge::BYTECODE,
            Self::CaseDocket => &CaseDocket::BYTECODE,
            Self::AuditManager => &AuditManager::BYTECODE,
            Self::ChallengeManager => &ChallengeManager::BYTECODE,
            Self::Roles => &[],
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessManager => "deploy AccessManager",
            Self::StakeToken => "deploy stake token",
            Self::FeeToken => "deploy fee token",
            Self::ModelRegistry => "deploy ModelRegistry",
            Self::StakeVault => "deploy StakeVault",
            Self::OperatorRegistry => "deploy OperatorRegistry",
            Self::UptimeLedger => "deploy UptimeLedger",
            Self::PriceFeed => "deploy price feed",
            Self::PriceOracle => "deploy PriceOracle",
            Self::RewardReserve => "deploy RewardReserve",
            Self::InferenceSettlement => "deploy InferenceSettlement",
            Self::Slasher => "deploy Slasher",
            Self::BlockRandomness => "deploy BlockRandomness",
            Self::VerifierRegistry => "deploy VerifierRegistry",
            Self::JudgeCommittee => "deploy JudgeCommittee",
            Self::StressGauge => "deploy StressGauge",
            Self::CaseDocket => "deploy CaseDocket",
            Self::AuditManager => "deploy AuditManager",
            Self::ChallengeManager => "deploy ChallengeManager",
            Self::Roles => "wire roles",
        })
    }
}

/// What the transactions are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint<'a> {
    pub deployer: Address,
    pub parameters: &'a Parameters,
    pub addresses: &'a Addresses,
}

impl Blueprint<'_> {
    /// The input of the step's transaction: creation code with constructor arguments, or a call.
    pub fn input(&self, step: Step) -> Bytes {
        if step == Step::Roles {
            return self.roles_call();
        }
        [step.creation_code(), &self.constructor_arguments(step)]
            .concat()
            .into()
    }

    /// Storage of the `AccessManager` that makes the deployer an admin, for estimates before it exists:
    /// `_roles[ADMIN].members[deployer].since = 1` (OpenZeppelin 5.7: `_roles` is slot 1, `members` its first field).
    fn admin_storage(&self) -> (B256, B256) {
        let roles = keccak256([B256::from(U256::from(ADMIN)).0, B256::with_last_byte(1).0].concat());
        let member = keccak256([self.deployer.into_word().0, roles.0].concat());
        (member, B256::with_last_byte(1))
    }

    /// Storage of the step's contract that its code alone does not make, for calls before it exists.
    pub(crate) fn storage(&self, step: Step) -> Vec<(B256, B256)> {
        match step {
            Step::AccessManager => vec![self.admin_storage()],
            Step::PriceFeed => self.feed_storage(),
            // OpenZeppelin's `AccessManaged` keeps its manager in slot 0.
            Step::RewardReserve => vec![(B256::ZERO, self.addresses.access_manager.into_word())],
            Step::StakeToken
            | Step::FeeToken
            | Step::ModelRegistry
            | Step::StakeVault
            | Step::OperatorRegistry
            | Step::UptimeLedger
            | Step::PriceOracle
            | Step::InferenceSettlement
            | Step::Slasher
            | Step::BlockRandomness
            | Step::VerifierRegistry
            | Step::JudgeCommittee
            | Step::StressGauge
            | Step::CaseDocket
            | Step::AuditManager
            | Step::ChallengeManager
            | Step::Roles => Vec::new(),
        }
    }

    /// The feed that is deployed along, if one is.
    pub(crate) fn test_feed(&self) -> Option<&TestFeedParameters> {
        self.parameters.price.as_ref()?.test_feed.as_ref()
    }

    /// A feed's first answer: `_updatedAt` is slot 1, `_answer` slot 2.
    fn feed_storage(&self) -> Vec<(B256, B256)> {
        self.test_feed()
            .map(|feed| {
                vec![
                    (B256::with_last_byte(1), B256::with_last_byte(1)),
                    (B256::with_last_byte(2), feed.answer.into()),
                ]
            })
            .unwrap_or_default()
    }
}

/// Hash over the creation code of all contracts.
pub fn creation_code_hash() -> B256 {
    keccak256(Step::ALL.map(|step| keccak256(step.creation_code()).0).concat())
}
