//! Parameters of fees, of the risk that collateral covers, of prices and of pay for uptime.

use super::{Contracts, Parameter, parameters, settings};
use crate::error::Result;
use crate::value::{Address, Amount, Hash, Timestamp};
use crate::view::{One, View};

pub(super) async fn parameters(view: &mut View<One>, contracts: &Contracts) -> Result<Vec<Parameter>> {
    let mut all = inference_settlement(view, contracts.inference_settlement).await?;
    all.append(&mut coverage(view, contracts.inference_settlement).await?);
    all.append(&mut price_oracle(view, contracts.price_oracle).await?);
    all.append(&mut price_feed(view, contracts.price_oracle).await?);
    all.append(&mut reward_reserve(view, contracts.reward_reserve).await?);
    all.append(&mut rewards(view, contracts.reward_reserve).await?);
    Ok(all)
}

async fn inference_settlement(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "inference_settlement_configured",
        r#"c.fee_token as "fee_token: Address", c.reserve as "reserve: Address", c.protocol_fee_bps,
           c.exit_delay as "exit_delay: Amount", c.epoch_duration as "epoch_duration: Amount""#
    );
    Ok(parameters! {
        ("InferenceSettlement", address), rows, "";
        fee_token: Address, "Token that fees are paid in.";
        reserve: Address, "Account that protocol fees and seized earnings are credited to.";
        protocol_fee_bps: Bps, "Protocol's part of each fee.";
        exit_delay: Seconds, "From starting a payer's exit to finishing it; notice of a session key's end.";
        epoch_duration: Seconds, "An epoch of earnings; they stay locked for 7 to 8 of them.";
    }
    .collect())
}

async fn coverage(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "coverage_configured",
        r#"c.beta_bps, c.utilisation_bps, c.haircut_bps, c.penalty_bps, c.correlation_bps"#
    );
    Ok(parameters! {
        ("InferenceSettlement", address), rows, "coverage.";
        beta_bps: Bps, "What a wrong batch may gain, times its value at risk.";
        utilisation_bps: Bps, "Part of the collateral that open risk may use.";
        haircut_bps: Bps, "Fall of the stake's price that coverage outlasts.";
        penalty_bps: Bps, "Part of the collateral that fraud costs.";
        correlation_bps: Bps, "Part of the collateral held back for faults of others.";
    }
    .collect())
}

async fn price_oracle(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(view, "price_oracle_configured", r#"c.time_window"#);
    Ok(parameters! {
        ("PriceOracle", address), rows, "";
        time_window: Seconds, "Time that the average price is over.";
    }
    .collect())
}

async fn price_feed(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(view, "feed_changed", r#"c.feed as "feed: Address", c.max_age"#);
    Ok(parameters! {
        ("PriceOracle", address), rows, "";
        feed: Address, "Feed of the price of stake in fee tokens.";
        max_age: Seconds, "Age up to which an answer of the feed admits new risk.";
    }
    .collect())
}

async fn reward_reserve(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "reward_reserve_configured",
        r#"c.bond as "bond: Amount", c.report_seconds as "report_seconds: Amount",
           c.claim_seconds as "claim_seconds: Amount""#
    );
    Ok(parameters! {
        ("RewardReserve", address), rows, "";
        bond: StakeToken, "Collateral that one wage is for.";
        report_seconds: Seconds, "In which availability is reported, from when a period's result is final.";
        claim_seconds: Seconds, "In which rewards are claimed, from when a period is closed.";
    }
    .collect())
}

async fn rewards(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "reward_parameters_changed",
        r#"c.first_period as "first_period: Amount", c.wage as "wage: Amount", c.domain_bps, c.refill_bps"#
    );
    Ok(parameters! {
        ("RewardReserve", address), rows, "";
        first_period: Count, "Period from which on the wage and the two parts are as set.";
        wage: FeeToken, "Pay of an hour for each bond of available collateral.";
        domain_bps: Bps, "Most of a release that one failure domain gets.";
        refill_bps: Bps, "Most of a surplus that the reserve keeps of its protocol fees.";
    }
    .collect())
}
