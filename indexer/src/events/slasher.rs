//! Events of `Slasher`. The tokens that a penalty takes move by the events of the vault and the settlement.

use alloy::primitives::Address;
use plumbline_protocol::Contract;
use plumbline_protocol::Slasher::{
    DowntimePenaltyChanged, FaultPunished, FaultTermsChanged, SlasherConfigured, SlasherEvents as Events,
};

use super::{authority_updated, name_of};
use crate::book::{Book, Page};
use crate::rows::{At, Rows, fact};

/// `IFaults.Fault` by its number.
const FAULTS: [&str; 6] = [
    "downtime",
    "withheld",
    "wrong_output",
    "equivocation",
    "false_report",
    "unrevealed",
];

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::DowntimePunished(e) => {
            fact! { rows, at, downtime_punished {
                operator: e.operator, period: i64::try_from(e.period)?, reporter: e.reporter,
                observed_slots: e.observedSlots, missed_slots: e.missedSlots, strikes: e.strikes,
                earnings_taken: e.earningsTaken, principal_taken: e.principalTaken, jailed_until: e.jailedUntil,
            } }
        }
        Events::DowntimePenaltyChanged(e) => downtime_penalty_changed(rows, at, e),
        Events::SlasherConfigured(e) => configured(rows, at, e),
        Events::FaultPunished(e) => fault_punished(rows, at, e)?,
        Events::FaultTermsChanged(e) => fault_terms_changed(rows, at, e)?,
        Events::OutageWeighed(e) => {
            fact! { rows, at, outage_weighed {
                period: i64::try_from(e.period)?, missed_bps: e.missedBps, average_bps: e.averageBps,
                factor_bps: e.factorBps,
            } }
        }
        Events::StakeAtFaultCounted(e) => {
            fact! { rows, at, stake_at_fault_counted {
                operator: e.operator, stake: e.stake, at_fault: e.atFault, total: e.total,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::Slasher, e.authority),
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

fn configured(rows: &mut Rows, at: &At, e: &SlasherConfigured) {
    fact! { rows, at, slasher_configured {
        uptime_ledger: e.uptimeLedger, operator_registry: e.operatorRegistry, stake_vault: e.stakeVault,
        inference_settlement: e.inferenceSettlement, evidence_window: e.configuration.evidenceWindow,
        correlation_window: e.configuration.correlationWindow, first_period: e.configuration.firstPeriod,
    } }
}

fn fault_punished(rows: &mut Rows, at: &At, e: &FaultPunished) -> anyhow::Result<()> {
    fact! { rows, at, fault_punished {
        operator: e.operator, fault: fault(at, e.fault)?, offence: e.offence, beneficiary: e.beneficiary,
        victim: e.victim, earnings_taken: e.earningsTaken, principal_taken: e.principalTaken,
        jailed_until: e.jailedUntil, tombstoned: e.tombstoned,
    } }
    Ok(())
}

fn fault_terms_changed(rows: &mut Rows, at: &At, e: &FaultTermsChanged) -> anyhow::Result<()> {
    fact! { rows, at, fault_terms_changed {
        fault: fault(at, e.fault)?,
        previous_earnings_bps: e.previous.earningsBps, previous_principal_bps: e.previous.principalBps,
        previous_correlated_bps: e.previous.correlatedBps, previous_cut_bps: e.previous.cutBps,
        previous_tombstone: e.previous.tombstone, previous_jail_seconds: e.previous.jailSeconds,
        earnings_bps: e.current.earningsBps, principal_bps: e.current.principalBps,
        correlated_bps: e.current.correlatedBps, cut_bps: e.current.cutBps, tombstone: e.current.tombstone,
        jail_seconds: e.current.jailSeconds,
    } }
    Ok(())
}

fn fault(at: &At, number: u8) -> anyhow::Result<&'static str> {
    name_of(&FAULTS, number).ok_or_else(|| at.inconsistent(format!("{number} is no fault")))
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::DowntimePunished(e) => count_fault(e.operator, book).await,
        Events::FaultPunished(e) => count_fault(e.operator, book).await,
        Events::DowntimePenaltyChanged(_)
        | Events::SlasherConfigured(_)
        | Events::FaultTermsChanged(_)
        | Events::OutageWeighed(_)
        | Events::StakeAtFaultCounted(_)
        | Events::AuthorityUpdated(_) => Ok(()),
    }
}

async fn count_fault(operator: Address, book: &mut Book<'_>) -> anyhow::Result<()> {
    book.operator(operator).await?.faults += 1;
    book.network().await?.faults += 1;
    Ok(())
}
