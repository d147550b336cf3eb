//! Tables for people.

use alloy::primitives::utils::format_ether;
use alloy::primitives::{Address, U256};
use plumbline_protocol::Deployment;

use crate::estimate::Estimate;

/// Step, contract, gas and cost of each transaction of a deployment, and the total.
pub fn deployment_table(deployment: &Deployment) -> String {
    let transactions = &deployment.transactions;
    let rows = transactions
        .iter()
        .map(|row| (row.step.clone(), row.contract, row.gas_used, row.cost))
        .collect();
    table(rows)
}

/// The same for an estimate.
pub fn cost_table(estimate: &Estimate) -> String {
    let steps = estimate.steps.iter();
    table(
        steps
            .map(|row| (row.step.to_string(), row.contract, row.gas, estimate.cost_of(row.gas)))
            .collect(),
    )
}

fn table(rows: Vec<(String, Address, u64, U256)>) -> String {
    let gas: u64 = rows.iter().map(|row| row.2).sum();
    let cost: U256 = rows.iter().map(|row| row.3).sum();
    let line =
        |step: &str, contract: &str, gas: &str, cost: &str| format!("{step:<26} {contract:<42} {gas:>12} {cost:>24}\n");
    let mut text = line("step", "contract", "gas", "cost (native token)");
    for (step, contract, gas, cost) in &rows {
        text += &line(step, &contract.to_string(), &gas.to_string(), &format_ether(*cost));
    }
    text + &line("total", "", &gas.to_string(), &format_ether(cost))
}
