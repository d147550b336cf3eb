//! Reading back what is on chain: exact code and roles.

use alloy::primitives::{Address, FixedBytes};
use alloy::sol_types::SolCall;
use plumbline_protocol::AccessManager;

use crate::error::Error;
use crate::node::Node;
use crate::plan::{Blueprint, Step};
use crate::roles::{ADMIN, AUDITOR, CANARY, GOVERNOR, GUARDIAN, JUDGE, SLASHER};

/// Compares the contract's code on chain with what its constructor leaves, immutables included.
pub(crate) async fn code(node: &Node, blueprint: &Blueprint<'_>, step: Step) -> Result<(), Error> {
    let address = step.address(blueprint.addresses);
    let mismatch = |detail: &str| Error::Mismatch {
        what: step.to_string(),
        address,
        detail: detail.into(),
    };
    let on_chain = node.code(address).await?;
    if on_chain.is_empty() {
        return Err(mismatch("there is no contract"));
    }
    if on_chain != node.runtime_code(blueprint, step).await? {
        return Err(mismatch("its code differs from what the creation code makes"));
    }
    Ok(())
}

/// What is not as specified in the roles, none when all is.
pub(crate) async fn role_fault(node: &Node, blueprint: &Blueprint<'_>) -> Result<Option<String>, Error> {
    for (target, selector, role) in blueprint.restrictions() {
        let call = AccessManager::getTargetFunctionRoleCall {
            target,
            selector: FixedBytes(selector),
        };
        let found = ask(node, blueprint, &call).await?;
        if found != role {
            return Ok(Some(format!(
                "function {} of {target} needs role {found}, not {role}",
                FixedBytes(selector)
            )));
        }
    }
    let members = blueprint.members();
    for (role, account, delay) in members {
        let found = membership(node, blueprint, role, account).await?;
        if found != (true, delay) {
            return Ok(Some(format!(
                "role {role} of {account}: expected a member with {delay} seconds delay, found member = {}, delay = {}",
                found.0, found.1
            )));
        }
    }
    for role in [ADMIN, SLASHER, GOVERNOR, AUDITOR, JUDGE, GUARDIAN, CANARY] {
        let may = members
            .iter()
            .any(|(member_role, account, _)| (*member_role, *account) == (role, blueprint.deployer));
        if !may && membership(node, blueprint, role, blueprint.deployer).await?.0 {
            return Ok(Some(format!("the deployer still has role {role}")));
        }
    }
    Ok(None)
}

async fn membership(node: &Node, blueprint: &Blueprint<'_>, role: u64, account: Address) -> Result<(bool, u32), Error> {
    let found = ask(node, blueprint, &AccessManager::hasRoleCall { roleId: role, account }).await?;
    Ok((found.isMember, found.executionDelay))
}

async fn ask<C: SolCall>(node: &Node, blueprint: &Blueprint<'_>, call: &C) -> Result<C::Return, Error> {
    let address = blueprint.addresses.access_manager;
    let answer = node.call(address, call.abi_encode().into()).await?;
    C::abi_decode_returns(&answer).map_err(|error| Error::Mismatch {
        what: "AccessManager".into(),
        address,
        detail: format!("{} answered unreadably: {error}", C::SIGNATURE),
    })
}
