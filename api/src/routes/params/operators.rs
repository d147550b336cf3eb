//! Parameters of operators, their stake and their uptime.

use super::{Contracts, Parameter, parameters, settings};
use crate::error::Result;
use crate::value::{Address, Amount, Hash, Timestamp};
use crate::view::{One, View};

pub(super) async fn parameters(view: &mut View<One>, contracts: &Contracts) -> Result<Vec<Parameter>> {
    let mut all = operator_registry(view, contracts.operator_registry).await?;
    all.append(&mut stake_vault(view, contracts.stake_vault).await?);
    all.append(&mut uptime_ledger(view, contracts.uptime_ledger).await?);
    Ok(all)
}

async fn operator_registry(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "operator_registry_configured",
        r#"c.commission_delay as "commission_delay: Amount""#
    );
    Ok(parameters! {
        ("OperatorRegistry", address), rows, "";
        commission_delay: Seconds, "Between announcing a commission and its effect.";
    }
    .collect())
}

async fn stake_vault(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "stake_vault_configured",
        r#"c.stake_token as "stake_token: Address", c.fee_token as "fee_token: Address", c.sink as "sink: Address",
           c.own_stake_floor as "own_stake_floor: Amount", c.min_deposit as "min_deposit: Amount",
           c.thaw as "thaw: Amount", c.evidence as "evidence: Amount", c.dispute as "dispute: Amount",
           c.resolution as "resolution: Amount", c.buffer as "buffer: Amount""#
    );
    Ok(parameters! {
        ("StakeVault", address), rows, "";
        stake_token: Address, "Token that is staked.";
        fee_token: Address, "Token that fees are distributed to stakers in.";
        sink: Address, "Account that slashed stake is credited to.";
        own_stake_floor: StakeToken, "Own stake below which an operator carries no new risk.";
        min_deposit: StakeToken, "Smallest deposit.";
        thaw: Seconds, "From thawing stake to withdrawing it.";
        evidence: Seconds, "Part of the thaw: time to bring evidence.";
        dispute: Seconds, "Part of the thaw: time to dispute.";
        resolution: Seconds, "Part of the thaw: time to resolve.";
        buffer: Seconds, "Part of the thaw: reserve.";
    }
    .collect())
}

async fn uptime_ledger(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "uptime_ledger_configured",
        r#"c.genesis as "genesis: Amount", c.slot_seconds, c.slots_per_period,
           c.report_window as "report_window: Amount""#
    );
    Ok(parameters! {
        ("UptimeLedger", address), rows, "";
        genesis: UnixTime, "Begin of period 0.";
        slot_seconds: Seconds, "Length of a slot.";
        slots_per_period: Count, "Slots of a period.";
        report_window: Seconds, "After a period's end, in which reports are taken; the result is final after it.";
    }
    .collect())
}
