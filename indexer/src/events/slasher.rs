//! Events of `Slasher`. The tokens that a penalty takes move by the events of the vault and the settlement.

use plumbline_protocol::Contract;
use plumbline_protocol::Slasher::{DowntimePenaltyChanged, SlasherEvents as Events};

use super::authority_updated;
use crate::book::Book;
use crate::rows::{At, Rows, fact};

pub(super) fn fact(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    let Book { rows, at, .. } = book;
    match event {
        Events::DowntimePunished(e) => {
            fact! { rows, at, downtime_punished {
                operator: e.operator, period: i64::try_from(e.period)?, reporter: e.reporter,
                observed_slots: e.observedSlots, missed_slots: e.missedSlots, strikes: e.strikes,
                earnings_taken: e.earningsTaken, principal_taken: e.principalTaken, jailed_until: e.jailedUntil,
            } }
        }
        Events::DowntimePenaltyChanged(e) => downtime_penalty_changed(rows, at, e),
        Events::SlasherConfigured(e) => {
            fact! { rows, at, slasher_configured {
                uptime_ledger: e.uptimeLedger, operator_registry: e.operatorRegistry, stake_vault: e.stakeVault,
                inference_settlement: e.inferenceSettlement, evidence_window: e.evidenceWindow,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(book, Contract::Slasher, e.authority),
    }
    Ok(())
}

fn downtime_penalty_changed(rows: &mut Rows, at: &At, e: &DowntimePenaltyChanged) {
    fact! { rows, at, downtime_penalty_changed {
        previous_earnings_bps: e.previous.earningsBps, previous_principal_bps: e.previous.principalBps,
        previous_reporter_cut_bps: e.previous.reporterCutBps, previous_repeat_after: e.previous.repeatAfter,
        previous_memory_periods: e.previous.memoryPeriods, previous_jail_seconds: e.previous.jailSeconds,
        earnings_bps: e.current.earningsBps, principal_bps: e.current.principalBps,
        reporter_cut_bps: e.current.reporterCutBps, repeat_after: e.current.repeatAfter,
        memory_periods: e.current.memoryPeriods, jail_seconds: e.current.jailSeconds,
    } }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::DowntimePunished(e) => {
            book.operator(e.operator).await?.faults += 1;
            book.network().await?.faults += 1;
        }
        Events::DowntimePenaltyChanged(_) | Events::SlasherConfigured(_) | Events::AuthorityUpdated(_) => {}
    }
    Ok(())
}
