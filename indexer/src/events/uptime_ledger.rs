//! Events of `UptimeLedger`.

use plumbline_protocol::UptimeLedger::UptimeLedgerEvents as Events;

use super::words;
use crate::book::{Book, Page};
use crate::rows::{At, fact};
use crate::schedule::Schedule;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::DrawRequested(e) => {
            fact! { rows, at, draw_requested { period: i64::try_from(e.period)?, draw_block: e.drawBlock } }
        }
        Events::CommitteeDrawn(e) => {
            fact! { rows, at, committee_drawn {
                period: i64::try_from(e.period)?, seed: e.seed, operator_count: e.operatorCount, members: e.members,
            } }
        }
        Events::PeriodReported(e) => {
            fact! { rows, at, period_reported {
                period: i64::try_from(e.period)?, poster: e.poster, seats: e.seats, result_hash: e.resultHash,
                observed: words(&e.observed), up: words(&e.up), evidence_roots: e.evidenceRoots.concat(),
            } }
        }
        Events::UptimeLedgerConfigured(e) => {
            fact! { rows, at, uptime_ledger_configured {
                operator_registry: e.operatorRegistry, genesis: e.schedule.genesis,
                slot_seconds: e.schedule.slotSeconds, slots_per_period: e.schedule.slotsPerPeriod,
                report_window: e.schedule.reportWindow,
            } }
        }
        // The signing domain is fixed; the event exists only because the interface has it.
        Events::EIP712DomainChanged(_) => {}
    }
    Ok(())
}

pub(super) fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    if let Some(schedule) = schedule(event, book.at)? {
        book.parameters.schedule = Some(schedule);
    }
    Ok(())
}

/// The schedule, when this event configures it.
pub(super) fn schedule(event: &Events, at: At) -> anyhow::Result<Option<Schedule>> {
    match event {
        Events::UptimeLedgerConfigured(e) => Ok(Some(Schedule {
            genesis: e.schedule.genesis,
            period_seconds: u64::from(e.schedule.slotSeconds) * u64::from(e.schedule.slotsPerPeriod),
            slots: e.schedule.slotsPerPeriod,
            report_window: e.schedule.reportWindow,
            deployed_at: at.timestamp,
        })),
        Events::DrawRequested(_)
        | Events::CommitteeDrawn(_)
        | Events::PeriodReported(_)
        | Events::EIP712DomainChanged(_) => Ok(None),
    }
}
