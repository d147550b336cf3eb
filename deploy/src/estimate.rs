//! What a deployment will cost, without sending anything.

use alloy::primitives::{Address, U256};
use alloy::rpc::types::state::{AccountOverride, StateOverride, StateOverridesBuilder};

use crate::error::Error;
use crate::journal::Record;
use crate::node::{EstimateFailure, Node};
use crate::plan::{Blueprint, Step};

/// Gas and cost of the steps that are still to be sent.
///
/// Steps that build on contracts not yet on chain are estimated with those contracts' code put in place for the
/// estimate, so the figures are near but need not equal what is used in the end; the gas price moves anyway.
#[derive(Debug, Clone)]
pub struct Estimate {
    pub chain_id: u64,
    pub deployer: Address,
    pub steps: Vec<StepEstimate>,
    /// Wei per gas now, tip included.
    pub gas_price: u128,
    /// Wei that the deployer has.
    pub balance: U256,
}

/// Gas of one step.
#[derive(Debug, Clone, Copy)]
pub struct StepEstimate {
    pub step: Step,
    /// The contract that it will create or call.
    pub contract: Address,
    pub gas: u64,
}

impl Estimate {
    pub fn gas(&self) -> u64 {
        self.steps.iter().map(|step| step.gas).sum()
    }

    /// Wei for some gas at the present price.
    pub fn cost_of(&self, gas: u64) -> U256 {
        U256::from(gas) * U256::from(self.gas_price)
    }

    /// Wei for all steps at the present price.
    pub fn cost(&self) -> U256 {
        self.cost_of(self.gas())
    }

    pub fn is_sufficient(&self) -> bool {
        self.balance >= self.cost()
    }
}

/// Estimates each of the steps, in their order.
pub(crate) async fn steps(
    node: &Node,
    blueprint: &Blueprint<'_>,
    records: &[Record],
) -> Result<Vec<StepEstimate>, Error> {
    let mut estimates = Vec::new();
    for record in records {
        let step = record.step;
        let overrides = missing_contracts(node, blueprint, record).await?;
        let gas = match node.estimate(blueprint, step, overrides.clone()).await {
            Ok(gas) => gas,
            Err(EstimateFailure::Revert(reason)) => return Err(Error::WouldRevert { step, reason }),
            Err(EstimateFailure::Rpc(cause)) if cause.is_error_resp() && !overrides.is_empty() => {
                tracing::debug!(%step, %cause, "estimate with overrides refused");
                return Err(Error::NoOverrides {
                    method: "eth_estimateGas",
                });
            }
            Err(EstimateFailure::Rpc(cause)) => {
                return Err(Error::Rpc {
                    action: "estimate gas",
                    cause: cause.into(),
                });
            }
        };
        estimates.push(StepEstimate {
            step,
            contract: step.address(blueprint.addresses),
            gas,
        });
    }
    Ok(estimates)
}

/// Contracts that the step's transaction calls and that are not on chain yet.
async fn missing_contracts(node: &Node, blueprint: &Blueprint<'_>, record: &Record) -> Result<StateOverride, Error> {
    let mut overrides = StateOverridesBuilder::default();
    for called in record.step.calls(blueprint.parameters) {
        let address = called.address(blueprint.addresses);
        if !node.code(address).await?.is_empty() {
            continue;
        }
        let contract = AccountOverride::default()
            .with_code(node.runtime_code(blueprint, called).await?)
            .with_state_diff(blueprint.storage(called));
        // With the present nonce the step would create its contract where an earlier one belongs.
        overrides = overrides
            .append(address, contract)
            .with_nonce(blueprint.deployer, record.nonce);
    }
    Ok(overrides.build())
}
