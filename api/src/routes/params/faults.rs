//! What each fault costs.

use super::{Contracts, MAX_CHANGES, Parameter, Unit, log, parameter, parameters, settings};
use crate::error::Result;
use crate::value::{Address, Amount, Hash, Timestamp};
use crate::view::{One, View};

pub(super) async fn parameters(view: &mut View<One>, contracts: &Contracts) -> Result<Vec<Parameter>> {
    let mut all = slasher(view, contracts.slasher).await?;
    all.append(&mut downtime(view, contracts.slasher).await?);
    all.append(&mut terms(view, contracts.slasher).await?);
    Ok(all)
}

async fn slasher(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "slasher_configured",
        r#"c.evidence_window as "evidence_window: Amount", c.correlation_window as "correlation_window: Amount",
           c.first_period as "first_period: Amount""#
    );
    Ok(parameters! {
        ("Slasher", address), rows, "";
        evidence_window: Seconds, "After a period's end, in which its downtime can be punished.";
        correlation_window: Seconds, "For which an operator's stake counts as at fault after a fault.";
        first_period: Count, "First period whose downtime is punished.";
    }
    .collect())
}

async fn downtime(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    let rows = settings!(
        view,
        "downtime_penalty_changed",
        r#"c.earnings_bps, c.principal_bps, c.reporter_cut_bps, c.repeat_after, c.memory_periods,
           c.jail_seconds as "jail_seconds: Amount""#
    );
    Ok(parameters! {
        ("Slasher", address), rows, "downtime.";
        earnings_bps: Bps, "Part of escrowed earnings taken at a fault, scaled by the missed share and the period's correlation.";
        principal_bps: Bps, "Part of the pool taken at a repeated fault, scaled likewise.";
        reporter_cut_bps: Bps, "Part of what is taken that the reporter earns.";
        repeat_after: Count, "Faults within `memory_periods` from which on one counts as repeated.";
        memory_periods: Count, "Distance in periods up to which another fault counts.";
        jail_seconds: Seconds, "Jail term of a repeated fault.";
    }
    .collect())
}

/// Terms of every fault but downtime, each read by its index.
async fn terms(view: &mut View<One>, address: Address) -> Result<Vec<Parameter>> {
    const FAULTS: [&str; 5] = ["withheld", "wrong_output", "equivocation", "false_report", "unrevealed"];
    let faults = FAULTS.map(str::to_owned);
    let rows = sqlx::query!(
        r#"select f.fault as "fault!", c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash",
                  b.timestamp as "set_at: Timestamp", c.earnings_bps, c.principal_bps, c.correlated_bps, c.cut_bps,
                  c.tombstone, c.jail_seconds as "jail_seconds: Amount"
           from unnest($2::text[]) as f(fault)
           cross join lateral (
               select * from fault_terms_changed where fault = f.fault and block_number <= $1
               order by block_number desc, log_index desc limit $3
           ) c
           join block b on b.number = c.block_number
           order by c.block_number desc, c.log_index desc"#,
        view.at.block(),
        &faults,
        MAX_CHANGES,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let mut all = Vec::new();
    for fault in FAULTS {
        macro_rules! term {
            ($column:ident, $unit:ident, $meaning:literal) => {
                let of_fault = rows.iter().filter(|row| row.fault == fault);
                all.extend(parameter(
                    ("Slasher", address),
                    format!("{fault}.{}", stringify!($column)),
                    of_fault.map(|row| (log!(row), row.$column.to_string())).collect(),
                    Unit::$unit,
                    $meaning,
                ));
            };
        }
        term!(earnings_bps, Bps, "Part of escrowed earnings taken.");
        term!(principal_bps, Bps, "Part of the slashable pool taken.");
        term!(
            correlated_bps,
            Bps,
            "Part of the slashable pool taken besides, in full when a third of all stake is at fault."
        );
        term!(cut_bps, Bps, "Part of what is taken that goes to who proved the fault.");
        term!(tombstone, Flag, "Whether the operator can never serve again.");
        term!(jail_seconds, Seconds, "Jail term.");
    }
    Ok(all)
}
