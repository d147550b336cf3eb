//! The steps of a deployment and the transaction that each of them is.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolConstructor};
use plumbline_protocol::deployment::{Addresses, Parameters, TestTokenParameters};
use plumbline_protocol::{
    AccessManager, ISlasher, IStakeVault, IUptimeLedger, InferenceSettlement, ModelRegistry, OperatorRegistry, Slasher,
    StakeVault, TestToken, UptimeLedger,
};
use serde::{Deserialize, Serialize};

/// Role that takes stake and earnings and jails; the `Slasher` alone has it.
pub const SLASHER: u64 = 1;
/// Role that changes penalties.
pub const GOVERNOR: u64 = 2;
/// OpenZeppelin's role that manages all roles.
pub const ADMIN: u64 = 0;

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
    InferenceSettlement,
    Slasher,
    /// All roles in one call, so that they are either as specified or not given at all.
    Roles,
}

impl Step {
    /// Every step in order.
    pub const ALL: [Self; 10] = [
        Self::AccessManager,
        Self::StakeToken,
        Self::FeeToken,
        Self::ModelRegistry,
        Self::StakeVault,
        Self::OperatorRegistry,
        Self::UptimeLedger,
        Self::InferenceSettlement,
        Self::Slasher,
        Self::Roles,
    ];

    /// The steps that these parameters need.
    pub fn needed(parameters: &Parameters) -> Vec<Self> {
        let skips = |step| match step {
            Self::StakeToken => parameters.tokens.stake.is_none(),
            Self::FeeToken => parameters.tokens.fee.is_none(),
            Self::AccessManager
            | Self::ModelRegistry
            | Self::StakeVault
            | Self::OperatorRegistry
            | Self::UptimeLedger
            | Self::InferenceSettlement
            | Self::Slasher
            | Self::Roles => false,
        };
        Self::ALL.into_iter().filter(|step| !skips(*step)).collect()
    }

    /// Steps whose contracts this one's transaction calls; they need nothing but their own code for that.
    pub(crate) fn calls(self) -> &'static [Self] {
        match self {
            Self::InferenceSettlement => &[Self::StakeVault],
            Self::Slasher => &[Self::UptimeLedger, Self::StakeVault],
            Self::Roles => &[Self::AccessManager],
            Self::AccessManager
            | Self::StakeToken
            | Self::FeeToken
            | Self::ModelRegistry
            | Self::StakeVault
            | Self::OperatorRegistry
            | Self::UptimeLedger => &[],
        }
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
            Self::InferenceSettlement => addresses.inference_settlement,
            Self::Slasher => addresses.slasher,
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
            Self::InferenceSettlement => &mut addresses.inference_settlement,
            Self::Slasher => &mut addresses.slasher,
            Self::Roles => return None,
        })
    }

    fn creation_code(self) -> &'static [u8] {
        match self {
            Self::AccessManager => &AccessManager::BYTECODE,
            Self::StakeToken | Self::FeeToken => &TestToken::BYTECODE,
            Self::ModelRegistry => &ModelRegistry::BYTECODE,
            Self::StakeVault => &StakeVault::BYTECODE,
            Self::OperatorRegistry => &OperatorRegistry::BYTECODE,
            Self::UptimeLedger => &UptimeLedger::BYTECODE,
            Self::InferenceSettlement => &InferenceSettlement::BYTECODE,
            Self::Slasher => &Slasher::BYTECODE,
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
            Self::InferenceSettlement => "deploy InferenceSettlement",
            Self::Slasher => "deploy Slasher",
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
            Step::InferenceSettlement => self.settlement_arguments(),
            Step::Slasher => self.slasher_arguments(),
        }
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
        let settlement = &self.parameters.settlement;
        InferenceSettlement::constructorCall {
            manager: self.addresses.access_manager,
            feeToken: self.addresses.fee_token,
            operatorRegistry: self.addresses.operator_registry,
            modelRegistry: self.addresses.model_registry,
            stakeVault: self.addresses.stake_vault,
            configuration: InferenceSettlement::Configuration {
                reserve: settlement.reserve,
                protocolFeeBps: settlement.protocol_fee_bps,
                exitDelay: settlement.exit_delay_seconds,
                epochDuration: settlement.epoch_seconds,
            },
        }
        .abi_encode()
    }

    fn slasher_arguments(&self) -> Vec<u8> {
        let slasher = &self.parameters.slasher;
        Slasher::constructorCall {
            manager: self.addresses.access_manager,
            uptimeLedger: self.addresses.uptime_ledger,
            operatorRegistry: self.addresses.operator_registry,
            stakeVault: self.addresses.stake_vault,
            inferenceSettlement: self.addresses.inference_settlement,
            evidenceWindow: self.parameters.vault.evidence_seconds,
            penalty: ISlasher::DowntimePenalty {
                earningsBps: slasher.earnings_bps,
                principalBps: slasher.principal_bps,
                reporterCutBps: slasher.reporter_cut_bps,
                repeatAfter: slasher.repeat_after,
                memoryPeriods: slasher.memory_periods,
                jailSeconds: slasher.jail_seconds,
            },
        }
        .abi_encode()
    }

    /// Restricted functions: contract, selector, role that may call it.
    pub fn restrictions(&self) -> [(Address, [u8; 4], u64); 4] {
        let to = self.addresses;
        [
            (to.stake_vault, StakeVault::slashCall::SELECTOR, SLASHER),
            (
                to.inference_settlement,
                InferenceSettlement::seizeCall::SELECTOR,
                SLASHER,
            ),
            (to.operator_registry, OperatorRegistry::jailCall::SELECTOR, SLASHER),
            (to.slasher, Slasher::changeDowntimePenaltyCall::SELECTOR, GOVERNOR),
        ]
    }

    /// Members at the end: role, account, execution delay in seconds.
    pub fn members(&self) -> [(u64, Address, u32); 3] {
        let access = &self.parameters.access;
        [
            (SLASHER, self.addresses.slasher, 0),
            (GOVERNOR, access.governor, access.governor_delay_seconds),
            (ADMIN, access.admin, access.admin_delay_seconds),
        ]
    }

    fn roles_call(&self) -> Bytes {
        let mut calls: Vec<Vec<u8>> = vec![
            AccessManager::labelRoleCall {
                roleId: SLASHER,
                label: "SLASHER".into(),
            }
            .abi_encode(),
            AccessManager::labelRoleCall {
                roleId: GOVERNOR,
                label: "GOVERNOR".into(),
            }
            .abi_encode(),
        ];
        calls.extend(self.restrictions().into_iter().map(|(target, selector, role)| {
            let selectors = vec![selector.into()];
            AccessManager::setTargetFunctionRoleCall {
                target,
                selectors,
                roleId: role,
            }
            .abi_encode()
        }));
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
