//! Who may call what: roles, the functions they guard, and their members.

use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use plumbline_protocol::{
    AccessManager, CaseDocket, ChallengeManager, InferenceSettlement, JudgeCommittee, OperatorRegistry, PriceOracle,
    RewardReserve, Slasher, StakeVault, StressGauge,
};

use crate::plan::Blueprint;

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

impl Blueprint<'_> {
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

    pub(crate) fn roles_call(&self) -> Bytes {
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
}
