//! The steps of a deployment and the transaction that each of them is.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, I256, U256, keccak256};
use alloy::sol_types::{SolCall, SolConstructor};
use plumbline_protocol::bindings::{inference_settlement, reward_reserve, slasher, stress_gauge};
use plumbline_protocol::deployment::TermsParameters;
use plumbline_protocol::deployment::{Addresses, Parameters, TestTokenParameters};
use plumbline_protocol::{
    AccessManager, AuditManager, BlockRandomness, CaseDocket, ChallengeManager, ICaseDocket, ISlasher, IStakeVault,
    IUptimeLedger, InferenceSettlement, JudgeCommittee, ModelRegistry, OperatorRegistry, PriceOracle, RewardReserve,
    Slasher, StakeVault, StressGauge, TestFeed, TestToken, UptimeLedger, VerifierRegistry,
};
use serde::{Deserialize, Serialize};

/// Role that takes stake and earnings and jails; the `Slasher` alone has it.
pub const SLASHER: u64 = 1;
/// Role that changes parameters.
pub const GOVERNOR: u64 = 2;
/// Role that releases batches and has receipts judged; the contracts of audits alone have it.
pub const AUDITOR: u64 = 3;
/// Role that has faults punished; the `CaseDocket` alone has it.
pub const JUDGE: u64 = 4;
/// Role that pauses settlement.
pub const GUARDIAN: u64 = 5;
/// Role that plants outputs known to be wrong.
pub const CANARY: u64 = 6;
/// OpenZeppelin's role that manages all roles.
pub const ADMIN: u64 = 0;

const LABELS: [(u64, &str); 6] = [
    (SLASHER, "SLASHER"),
    (GOVERNOR, "GOVERNOR"),
    (AUDITOR, "AUDITOR"),
    (JUDGE, "JUDGE"),
    (GUARDIAN, "GUARDIAN"),
    (CANARY, "CANARY"),
];
/// Fractions of 1e18 in a basis point.
const WAD_PER_BPS: u64 = 100_000_000_000_000;

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

    fn constructor_arguments(&self, step: Step) -> Vec<u8> {
        let (to, with) = (self.addresses, self.parameters);
        match step {
            Step::AccessManager => AccessManager::constructorCall {
                initialAdmin: self.deployer,
            }
            .abi_encode(),
            Step::StakeToken => with.tokens.stake.as_ref().map(token_arguments).unwrap_or_default(),
            Step::FeeToken => with.tokens.fee.as_ref().map(token_arguments).unwrap_or_default(),
            Step::ModelRegistry | Step::Roles => Vec::new(),
            Step::StakeVault => self.vault_arguments(),
            Step::OperatorRegistry => OperatorRegistry::constructorCall {
                manager: to.access_manager,
                modelRegistry: to.model_registry,
                stakeVault: to.stake_vault,
                commissionDelay: with.operators.commission_delay_seconds,
            }
            .abi_encode(),
            Step::UptimeLedger => UptimeLedger::constructorCall {
                operatorRegistry: to.operator_registry,
                schedule_: IUptimeLedger::Schedule {
                    genesis: with.uptime.genesis,
                    slotSeconds: with.uptime.slot_seconds,
                    slotsPerPeriod: with.uptime.slots_per_period,
                    reportWindow: with.uptime.report_window_seconds,
                },
            }
            .abi_encode(),
            Step::PriceFeed => self.feed_arguments(),
            Step::PriceOracle => self.oracle_arguments(),
            Step::RewardReserve => self.reserve_arguments(),
            Step::InferenceSettlement => self.settlement_arguments(),
            Step::Slasher => self.slasher_arguments(),
            Step::BlockRandomness => BlockRandomness::constructorCall {
                delay: with.randomness.delay_blocks,
                window: with.randomness.window_blocks,
            }
            .abi_encode(),
            Step::VerifierRegistry => VerifierRegistry::constructorCall {
                modelRegistry: to.model_registry,
            }
            .abi_encode(),
            Step::JudgeCommittee => JudgeCommittee::constructorCall {
                manager: to.access_manager,
                operatorRegistry: to.operator_registry,
                stakeVault: to.stake_vault,
                randomness: to.block_randomness,
            }
            .abi_encode(),
            Step::StressGauge => self.gauge_arguments(),
            Step::CaseDocket => self.docket_arguments(),
            Step::AuditManager => AuditManager::constructorCall {
                caseDocket: to.case_docket,
                randomness: to.block_randomness,
            }
            .abi_encode(),
            Step::ChallengeManager => ChallengeManager::constructorCall {
                manager: to.access_manager,
                caseDocket: to.case_docket,
            }
            .abi_encode(),
        }
    }

    fn feed_arguments(&self) -> Vec<u8> {
        let feed = self
            .parameters
            .price
            .as_ref()
            .and_then(|price| price.test_feed.as_ref());
        feed.map(|feed| {
            TestFeed::constructorCall {
                owner: self.parameters.access.guardian,
                decimals_: feed.decimals,
                answer: I256::from_raw(feed.answer),
            }
            .abi_encode()
        })
        .unwrap_or_default()
    }

    fn oracle_arguments(&self) -> Vec<u8> {
        let price = self.parameters.price.as_ref();
        price
            .map(|price| {
                PriceOracle::constructorCall {
                    manager: self.addresses.access_manager,
                    stakeToken: self.addresses.stake_token,
                    feeToken: self.addresses.fee_token,
                    source: self.addresses.price_feed,
                    maxAge: price.max_age_seconds,
                    window: price.window_seconds,
                }
                .abi_encode()
            })
            .unwrap_or_default()
    }

    fn reserve_arguments(&self) -> Vec<u8> {
        let rewards = &self.parameters.rewards;
        RewardReserve::constructorCall {
            manager: self.addresses.access_manager,
            uptimeLedger: self.addresses.uptime_ledger,
            operatorRegistry: self.addresses.operator_registry,
            stakeVault: self.addresses.stake_vault,
            reportSeconds: rewards.report_seconds,
            claimSeconds: rewards.claim_seconds,
            parameters_: reward_reserve::IRewardReserve::Parameters {
                wage: rewards.wage.saturating_to(),
                domainBps: rewards.domain_bps,
                refillBps: rewards.refill_bps,
            },
        }
        .abi_encode()
    }

    fn gauge_arguments(&self) -> Vec<u8> {
        let stress = &self.parameters.stress;
        StressGauge::constructorCall {
            manager: self.addresses.access_manager,
            stakeVault: self.addresses.stake_vault,
            priceOracle: self.addresses.price_oracle,
            faults: self.addresses.slasher,
            uptimeLedger: self.addresses.uptime_ledger,
            parameters_: stress_gauge::IStressGauge::Parameters {
                step: stress.step_seconds,
                backlogCapacity: stress.backlog_capacity,
            },
        }
        .abi_encode()
    }

    fn docket_arguments(&self) -> Vec<u8> {
        let (to, audits) = (self.addresses, &self.parameters.audits);
        CaseDocket::constructorCall {
            manager: to.access_manager,
            system_: ICaseDocket::System {
                settlement: to.inference_settlement,
                operatorRegistry: to.operator_registry,
                modelRegistry: to.model_registry,
                stakeVault: to.stake_vault,
                uptimeLedger: to.uptime_ledger,
                faults: to.slasher,
                verifierRegistry: to.verifier_registry,
                judgeCommittee: to.judge_committee,
                stressGauge: to.stress_gauge,
            },
            parameters_: ICaseDocket::Parameters {
                minProbability: u64::from(audits.min_probability_bps) * WAD_PER_BPS,
                bond: audits.bond.saturating_to(),
                maxChallenges: audits.max_challenges,
                answerWindow: audits.answer_seconds,
                grace: audits.grace_seconds,
                proofWindow: audits.proof_seconds,
                commitWindow: audits.commit_seconds,
                revealWindow: audits.reveal_seconds,
                canaryWindow: audits.canary_seconds,
                disputeWindow: audits.dispute_seconds,
            },
        }
        .abi_encode()
    }

    fn vault_arguments(&self) -> Vec<u8> {
        let vault = &self.parameters.vault;
        StakeVault::constructorCall {
            manager: self.addresses.access_manager,
            stakeToken: self.addresses.stake_token,
            feeToken: self.addresses.fee_token,
            sink: vault.sink,
            ownStakeFloor: vault.own_stake_floor,
            minDeposit: vault.min_deposit,
            durations: IStakeVault::Durations {
                thaw: vault.thaw_seconds,
                evidence: vault.evidence_seconds,
                dispute: vault.dispute_seconds,
                resolution: vault.resolution_seconds,
                buffer: vault.buffer_seconds,
            },
        }
        .abi_encode()
    }

    fn settlement_arguments(&self) -> Vec<u8> {
        let (settlement, coverage) = (&self.parameters.settlement, &self.parameters.coverage);
        InferenceSettlement::constructorCall {
            manager: self.addresses.access_manager,
            feeToken: self.addresses.fee_token,
            operatorRegistry: self.addresses.operator_registry,
            modelRegistry: self.addresses.model_registry,
            stakeVault: self.addresses.stake_vault,
            priceOracle: self.addresses.price_oracle,
            configuration: InferenceSettlement::Configuration {
                reserve: self.addresses.reward_reserve,
                protocolFeeBps: settlement.protocol_fee_bps,
                exitDelay: settlement.exit_delay_seconds,
                epochDuration: settlement.epoch_seconds,
                coverage: inference_settlement::IBatches::CoverageTerms {
                    betaBps: coverage.beta_bps,
                    utilisationBps: coverage.utilisation_bps,
                    haircutBps: coverage.haircut_bps,
                    penaltyBps: coverage.penalty_bps,
                    correlationBps: coverage.correlation_bps,
                },
            },
        }
        .abi_encode()
    }

    fn slasher_arguments(&self) -> Vec<u8> {
        let (slasher, faults) = (&self.parameters.slasher, &self.parameters.faults);
        Slasher::constructorCall {
            manager: self.addresses.access_manager,
            uptimeLedger: self.addresses.uptime_ledger,
            operatorRegistry: self.addresses.operator_registry,
            stakeVault: self.addresses.stake_vault,
            inferenceSettlement: self.addresses.inference_settlement,
            configuration: ISlasher::Configuration {
                evidenceWindow: self.parameters.vault.evidence_seconds,
                correlationWindow: faults.correlation_window_seconds,
                firstPeriod: 0,
            },
            penalty: ISlasher::DowntimePenalty {
                earningsBps: slasher.earnings_bps,
                principalBps: slasher.principal_bps,
                reporterCutBps: slasher.reporter_cut_bps,
                repeatAfter: slasher.repeat_after,
                memoryPeriods: slasher.memory_periods,
                jailSeconds: slasher.jail_seconds,
            },
            table: ISlasher::FaultTable {
                withheld: terms(&faults.withheld),
                wrongOutput: terms(&faults.wrong_output),
                equivocation: terms(&faults.equivocation),
                falseReport: terms(&faults.false_report),
                unrevealed: terms(&faults.unrevealed),
            },
        }
        .abi_encode()
    }

    /// Restricted functions: contract, selector, role that may call it.
    pub fn restrictions(&self) -> Vec<(Address, [u8; 4], u64)> {
        let to = self.addresses;
        let mut all = vec![
            (to.stake_vault, StakeVault::slashCall::SELECTOR, SLASHER),
            (
                to.inference_settlement,
                InferenceSettlement::seizeCall::SELECTOR,
                SLASHER,
            ),
            (to.operator_registry, OperatorRegistry::jailCall::SELECTOR, SLASHER),
            (to.operator_registry, OperatorRegistry::tombstoneCall::SELECTOR, SLASHER),
            (
                to.inference_settlement,
                InferenceSettlement::releaseCall::SELECTOR,
                AUDITOR,
            ),
            (to.judge_committee, JudgeCommittee::requestCall::SELECTOR, AUDITOR),
            (to.stress_gauge, StressGauge::recordBatchCall::SELECTOR, AUDITOR),
            (to.stress_gauge, StressGauge::recordOpenedCall::SELECTOR, AUDITOR),
            (to.stress_gauge, StressGauge::recordClosedCall::SELECTOR, AUDITOR),
            (to.slasher, Slasher::punishCall::SELECTOR, JUDGE),
            (
                to.inference_settlement,
                InferenceSettlement::pauseCall::SELECTOR,
                GUARDIAN,
            ),
            (
                to.inference_settlement,
                InferenceSettlement::unpauseCall::SELECTOR,
                GUARDIAN,
            ),
            (to.case_docket, CaseDocket::openCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::awaitAnswerCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::judgeCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::withholdCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::closeCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::voidCall::SELECTOR, AUDITOR),
            (to.case_docket, CaseDocket::punishEquivocationCall::SELECTOR, AUDITOR),
            (
                to.challenge_manager,
                ChallengeManager::plantCanaryCall::SELECTOR,
                CANARY,
            ),
            (to.slasher, Slasher::changeDowntimePenaltyCall::SELECTOR, GOVERNOR),
            (to.slasher, Slasher::changeFaultTermsCall::SELECTOR, GOVERNOR),
            (to.case_docket, CaseDocket::changeParametersCall::SELECTOR, GOVERNOR),
            (to.stress_gauge, StressGauge::changeParametersCall::SELECTOR, GOVERNOR),
            (
                to.reward_reserve,
                RewardReserve::changeParametersCall::SELECTOR,
                GOVERNOR,
            ),
        ];
        if self.parameters.price.is_some() {
            all.push((to.price_oracle, PriceOracle::changeFeedCall::SELECTOR, GOVERNOR));
        }
        all
    }

    /// Members at the end: role, account, execution delay in seconds.
    pub fn members(&self) -> [(u64, Address, u32); 9] {
        let access = &self.parameters.access;
        [
            (SLASHER, self.addresses.slasher, 0),
            (AUDITOR, self.addresses.case_docket, 0),
            (AUDITOR, self.addresses.audit_manager, 0),
            (AUDITOR, self.addresses.challenge_manager, 0),
            (JUDGE, self.addresses.case_docket, 0),
            (GUARDIAN, access.guardian, 0),
            (CANARY, access.canary, 0),
            (GOVERNOR, access.governor, access.governor_delay_seconds),
            (ADMIN, access.admin, access.admin_delay_seconds),
        ]
    }

    fn roles_call(&self) -> Bytes {
        let mut calls: Vec<Vec<u8>> = LABELS
            .into_iter()
            .map(|(role, label)| {
                AccessManager::labelRoleCall {
                    roleId: role,
                    label: label.into(),
                }
                .abi_encode()
            })
            .collect();
        calls.extend(self.restrictions().into_iter().map(|(target, selector, role)| {
            let selectors = vec![selector.into()];
            AccessManager::setTargetFunctionRoleCall {
                target,
                selectors,
                roleId: role,
            }
            .abi_encode()
        }));
        // The administrator's to do, and only once.
        let bind = RewardReserve::bindCall {
            settlement: self.addresses.inference_settlement,
        };
        calls.push(
            AccessManager::executeCall {
                target: self.addresses.reward_reserve,
                data: bind.abi_encode().into(),
            }
            .abi_encode(),
        );
        calls.extend(self.members().into_iter().map(|(role, account, delay)| {
            AccessManager::grantRoleCall {
                roleId: role,
                account,
                executionDelay: delay,
            }
            .abi_encode()
        }));
        // Last, because it takes away the right to do the others.
        if self.parameters.access.admin != self.deployer {
            calls.push(
                AccessManager::renounceRoleCall {
                    roleId: ADMIN,
                    callerConfirmation: self.deployer,
                }
                .abi_encode(),
            );
        }
        let data = calls.into_iter().map(Bytes::from).collect();
        AccessManager::multicallCall { data }.abi_encode().into()
    }

    /// Storage of the `AccessManager` that makes the deployer an admin, for estimates before it exists:
    /// `_roles[ADMIN].members[deployer].since = 1` (OpenZeppelin 5.7: `_roles` is slot 1, `members` its first field).
    pub(crate) fn admin_storage(&self) -> (B256, B256) {
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

    /// A feed's first answer: `_updatedAt` is slot 1, `_answer` slot 2.
    fn feed_storage(&self) -> Vec<(B256, B256)> {
        let feed = self
            .parameters
            .price
            .as_ref()
            .and_then(|price| price.test_feed.as_ref());
        feed.map(|feed| {
            vec![
                (B256::with_last_byte(1), B256::with_last_byte(1)),
                (B256::with_last_byte(2), feed.answer.into()),
            ]
        })
        .unwrap_or_default()
    }
}

fn terms(terms: &TermsParameters) -> slasher::IFaults::Terms {
    slasher::IFaults::Terms {
        earningsBps: terms.earnings_bps,
        principalBps: terms.principal_bps,
        correlatedBps: terms.correlated_bps,
        cutBps: terms.cut_bps,
        tombstone: terms.tombstone,
        jailSeconds: terms.jail_seconds,
    }
}

fn token_arguments(token: &TestTokenParameters) -> Vec<u8> {
    TestToken::constructorCall {
        name_: token.name.clone(),
        symbol_: token.symbol.clone(),
        decimals_: token.decimals,
    }
    .abi_encode()
}

/// Hash over the creation code of all contracts.
pub fn creation_code_hash() -> B256 {
    keccak256(Step::ALL.map(|step| keccak256(step.creation_code()).0).concat())
}
