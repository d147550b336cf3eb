//! Bindings of the contracts, generated from the committed ABI: one module per contract.
//!
//! Each module holds the contract under its own name (`stake_vault::StakeVault`), its events as one enum for exhaustive
//! matches (`StakeVault::StakeVaultEvents`), and the structs of its interface (`stake_vault::IStakeVault::Pool`).

macro_rules! bind {
    ($(#[$doc:meta])* $module:ident, $contract:ident, $path:literal) => {
        $(#[$doc])*
        #[allow(
            missing_docs,
            unreachable_pub,
            clippy::too_many_arguments,
            clippy::unwrap_used,
            clippy::wildcard_enum_match_arm
        )]
        pub mod $module {
            alloy::sol!(
                #[sol(rpc, all_derives)]
                $contract,
                $path
            );
        }
    };
}

bind!(
    /// OpenZeppelin's role manager; it may call the restricted functions of the others.
    access_manager,
    AccessManager,
    "../contracts/abi/AccessManager.json"
);
bind!(
    /// Mintable ERC-20 with permit for networks that have no token of their own.
    test_token,
    TestToken,
    "../contracts/abi/TestToken.json"
);
bind!(
    /// Models and their versions.
    model_registry,
    ModelRegistry,
    "../contracts/abi/ModelRegistry.json"
);
bind!(
    /// Stake of operators and delegators.
    stake_vault,
    StakeVault,
    "../contracts/abi/StakeVault.json"
);
bind!(
    /// Operators, their keys and offerings.
    operator_registry,
    OperatorRegistry,
    "../contracts/abi/OperatorRegistry.json"
);
bind!(
    /// Periods, committees and uptime results.
    uptime_ledger,
    UptimeLedger,
    "../contracts/abi/UptimeLedger.json"
);
bind!(
    /// Channels, vouchers, receipts and earnings.
    inference_settlement,
    InferenceSettlement,
    "../contracts/abi/InferenceSettlement.json"
);
bind!(
    /// Penalties.
    slasher,
    Slasher,
    "../contracts/abi/Slasher.json"
);
bind!(
    /// Price of stake in fee tokens.
    price_oracle,
    PriceOracle,
    "../contracts/abi/PriceOracle.json"
);
bind!(
    /// Price feed for networks that have none of their own.
    test_feed,
    TestFeed,
    "../contracts/abi/TestFeed.json"
);
bind!(
    /// Pay for uptime.
    reward_reserve,
    RewardReserve,
    "../contracts/abi/RewardReserve.json"
);
bind!(
    /// Seeds from blocks.
    block_randomness,
    BlockRandomness,
    "../contracts/abi/BlockRandomness.json"
);
bind!(
    /// Verifiers of model versions.
    verifier_registry,
    VerifierRegistry,
    "../contracts/abi/VerifierRegistry.json"
);
bind!(
    /// Judges of receipts.
    judge_committee,
    JudgeCommittee,
    "../contracts/abi/JudgeCommittee.json"
);
bind!(
    /// Stress, and the audits' multiplier.
    stress_gauge,
    StressGauge,
    "../contracts/abi/StressGauge.json"
);
bind!(
    /// Cases of audits and challenges.
    case_docket,
    CaseDocket,
    "../contracts/abi/CaseDocket.json"
);
bind!(
    /// Challenges by bond, equivocations and canaries.
    challenge_manager,
    ChallengeManager,
    "../contracts/abi/ChallengeManager.json"
);
bind!(
    /// Draws and audits of batches.
    audit_manager,
    AuditManager,
    "../contracts/abi/AuditManager.json"
);
