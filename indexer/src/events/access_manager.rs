//! Events of OpenZeppelin's `AccessManager`: roles, and changes that are scheduled.

use plumbline_protocol::AccessManager::AccessManagerEvents as Events;

use crate::book::Page;
use crate::rows::fact;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::OperationScheduled(e) => {
            fact! { rows, at, operation_scheduled {
                operation_id: e.operationId, nonce: e.nonce, ready_at: i64::try_from(e.schedule)?, caller: e.caller,
                target: e.target, data: e.data.to_vec(),
            } }
        }
        Events::OperationExecuted(e) => {
            fact! { rows, at, operation_executed { operation_id: e.operationId, nonce: e.nonce } }
        }
        Events::OperationCanceled(e) => {
            fact! { rows, at, operation_canceled { operation_id: e.operationId, nonce: e.nonce } }
        }
        Events::RoleGranted(e) => {
            fact! { rows, at, role_granted {
                role_id: e.roleId, account: e.account, delay: e.delay, since: i64::try_from(e.since)?,
                new_member: e.newMember,
            } }
        }
        Events::RoleRevoked(e) => fact! { rows, at, role_revoked { role_id: e.roleId, account: e.account } },
        Events::RoleAdminChanged(e) => fact! { rows, at, role_admin_changed { role_id: e.roleId, admin: e.admin } },
        Events::RoleGuardianChanged(e) => {
            fact! { rows, at, role_guardian_changed { role_id: e.roleId, guardian: e.guardian } }
        }
        Events::RoleGrantDelayChanged(e) => {
            fact! { rows, at, role_grant_delay_changed {
                role_id: e.roleId, delay: e.delay, since: i64::try_from(e.since)?,
            } }
        }
        Events::RoleLabel(e) => fact! { rows, at, role_label { role_id: e.roleId, label: e.label } },
        Events::TargetFunctionRoleUpdated(e) => {
            fact! { rows, at, target_function_role_updated {
                target: e.target, selector: e.selector.as_slice().to_vec(), role_id: e.roleId,
            } }
        }
        Events::TargetAdminDelayUpdated(e) => {
            fact! { rows, at, target_admin_delay_updated {
                target: e.target, delay: e.delay, since: i64::try_from(e.since)?,
            } }
        }
        Events::TargetClosed(e) => fact! { rows, at, target_closed { target: e.target, closed: e.closed } },
    }
    Ok(())
}
