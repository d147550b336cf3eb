//! Everything that can happen to roles and scheduled changes, once.

use alloy::primitives::{Address, B256};
use alloy::sol_types::SolCall;
use plumbline_deploy::GOVERNOR;
use plumbline_protocol::AccessManager;

use super::{Anyhow, World};

/// A role that nothing depends on.
const SPARE_ROLE: u64 = 99;
/// Seconds between scheduling a change and executing it.
const DELAY: u32 = 5;

impl World {
    /// Scheduled changes by a governor that has to wait, then each setting of the manager.
    pub(super) async fn governance(&self) -> Anyhow {
        let manager = self.deployment.contracts.access_manager;
        let governor = self.payers[0].address();
        let grant = AccessManager::grantRoleCall {
            roleId: GOVERNOR,
            account: governor,
            executionDelay: DELAY,
        };
        self.send(self.deployer, manager, grant).await?;
        self.scheduled_changes(governor).await?;
        self.role_settings(governor).await?;
        self.target_settings().await
    }

    async fn scheduled_changes(&self, governor: Address) -> Anyhow {
        let manager = self.deployment.contracts.access_manager;
        let target = self.deployment.contracts.slasher;
        let change = self.milder_penalty().abi_encode();
        let schedule = AccessManager::scheduleCall {
            target,
            data: change.clone().into(),
            when: Default::default(),
        };
        self.send(governor, manager, schedule.clone()).await?;
        let ready_at = self.head().await?.1 + u64::from(DELAY);
        self.next_block_at(ready_at).await?;
        let execute = AccessManager::executeCall {
            target,
            data: change.clone().into(),
        };
        self.send(governor, manager, execute).await?;
        self.send(governor, manager, schedule).await?;
        let cancel = AccessManager::cancelCall {
            caller: governor,
            target,
            data: change.into(),
        };
        self.send(governor, manager, cancel).await.map(drop)
    }

    async fn role_settings(&self, governor: Address) -> Anyhow {
        let manager = self.deployment.contracts.access_manager;
        let admin = self.deployer;
        let label = AccessManager::labelRoleCall {
            roleId: SPARE_ROLE,
            label: "SPARE\0ROLE".into(),
        };
        self.send(admin, manager, label).await?;
        let role_admin = AccessManager::setRoleAdminCall {
            roleId: SPARE_ROLE,
            admin: GOVERNOR,
        };
        self.send(admin, manager, role_admin).await?;
        let guardian = AccessManager::setRoleGuardianCall {
            roleId: SPARE_ROLE,
            guardian: GOVERNOR,
        };
        self.send(admin, manager, guardian).await?;
        let grant_delay = AccessManager::setGrantDelayCall {
            roleId: SPARE_ROLE,
            newDelay: DELAY,
        };
        self.send(admin, manager, grant_delay).await?;
        let revoke = AccessManager::revokeRoleCall {
            roleId: GOVERNOR,
            account: governor,
        };
        self.send(admin, manager, revoke).await.map(drop)
    }

    async fn target_settings(&self) -> Anyhow {
        let manager = self.deployment.contracts.access_manager;
        // Nobody's contract: closing it closes nothing.
        let target = Address::from_word(B256::repeat_byte(0x77));
        let delay = AccessManager::setTargetAdminDelayCall {
            target,
            newDelay: DELAY,
        };
        self.send(self.deployer, manager, delay).await?;
        let close = AccessManager::setTargetClosedCall { target, closed: true };
        self.send(self.deployer, manager, close).await.map(drop)
    }
}
