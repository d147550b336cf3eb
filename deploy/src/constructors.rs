//! The arguments that each contract is created with.

use alloy::primitives::I256;
use alloy::sol_types::SolConstructor;
use plumbline_protocol::bindings::{inference_settlement, reward_reserve, slasher, stress_gauge};
use plumbline_protocol::deployment::{TermsParameters, TestTokenParameters};
use plumbline_protocol::{
    AccessManager, AuditManager, BlockRandomness, CaseDocket, ChallengeManager, ICaseDocket, ISlasher, IStakeVault,
    IUptimeLedger, InferenceSettlement, JudgeCommittee, OperatorRegistry, PriceOracle, RewardReserve, Slasher,
    StakeVault, StressGauge, TestFeed, TestToken, UptimeLedger, VerifierRegistry,
};

use crate::plan::{Blueprint, Step};

/// Fractions of 1e18 in a basis point.
const WAD_PER_BPS: u64 = 100_000_000_000_000;

impl Blueprint<'_> {
    pub(crate) fn constructor_arguments(&self, step: Step) -> Vec<u8> {
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
        self.test_feed()
            .map(|feed| {
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
        self.parameters
            .price
            .as_ref()
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
