//! Parameters of audits and challenges.

use super::{Contracts, Parameter, parameters, settings};
use crate::error::Result;
use crate::value::{Address, Amount, Hash, Timestamp};
use crate::view::{One, View};

pub(super) async fn parameters(view: &mut View<One>, contracts: &Contracts) -> Result<Vec<Parameter>> {
    let mut all = block_randomness(view, contracts.block_randomness).await?;
    all.append(&mut case_docket(view, contracts.case_docket).await?);
    all.append(&mut stress_gauge(view, contracts.stress_gauge).await?);
    Ok(all)
}

async fn block_randomness(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "block_randomness_configured",
        r#"c.delay as "delay: Amount", c.record_window as "record_window: Amount""#
    );
    Ok(parameters! {
        ("BlockRandomness", address), rows, "";
        delay: Blocks, "Between a commitment and the block that seeds its draw.";
        record_window: Blocks, "After its own block, in which a seed can be recorded.";
    }
    .collect())
}

async fn case_docket(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "audit_parameters_changed",
        r#"c.min_probability as "min_probability: Amount", c.bond as "bond: Amount", c.max_challenges,
           c.answer_window, c.grace, c.proof_window, c.commit_window, c.reveal_window, c.canary_window,
           c.dispute_window"#
    );
    Ok(parameters! {
        ("CaseDocket", address), rows, "";
        min_probability: Fraction, "Least probability of an audit. This and what follows holds for cases opened from its setting on.";
        bond: FeeToken, "Bond of a challenge.";
        max_challenges: Count, "Open challenges that one operator can have.";
        answer_window: Seconds, "In which an audited leaf must be shown.";
        grace: Seconds, "After it, in which an outage can still be shown to lengthen it.";
        proof_window: Seconds, "In which a verifier must be convinced.";
        commit_window: Seconds, "In which judges commit.";
        reveal_window: Seconds, "In which they reveal.";
        canary_window: Seconds, "Between the verdict on a challenge and its execution.";
        dispute_window: Seconds, "Age up to which a receipt can be challenged.";
    }
    .collect())
}

async fn stress_gauge(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "stress_parameters_changed",
        r#"c.step as "step: Amount", c.backlog_capacity"#
    );
    Ok(parameters! {
        ("StressGauge", address), rows, "";
        step: Seconds, "Least time between two updates of the multiplier.";
        backlog_capacity: Count, "Open cases that auditors are expected to keep up with.";
    }
    .collect())
}
