//! Events of `StressGauge`.

use plumbline_protocol::Contract;
use plumbline_protocol::StressGauge::{MultiplierUpdated, StressGaugeEvents as Events};

use super::authority_updated;
use crate::book::Page;
use crate::rows::{At, Rows, fact};

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::MultiplierUpdated(e) => multiplier_updated(rows, at, e),
        Events::StressParametersChanged(e) => {
            fact! { rows, at, stress_parameters_changed {
                previous_step: e.previous.step, previous_backlog_capacity: e.previous.backlogCapacity,
                step: e.current.step, backlog_capacity: e.current.backlogCapacity,
            } }
        }
        Events::StressGaugeConfigured(e) => {
            fact! { rows, at, stress_gauge_configured {
                stake_vault: e.stakeVault, price_oracle: e.priceOracle, faults: e.faults,
                uptime_ledger: e.uptimeLedger,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::StressGauge, e.authority),
    }
}

fn multiplier_updated(rows: &mut Rows, at: &At, e: &MultiplierUpdated) {
    fact! { rows, at, multiplier_updated {
        previous_bps: e.previousBps, current_bps: e.currentBps, stress_bps: e.stressBps,
        utilisation: e.signs.utilisation, price_fall: e.signs.priceFall, exit_queue: e.signs.exitQueue,
        missed: e.signs.missed, backlog: e.signs.backlog, lost_disputes: e.signs.lostDisputes,
    } }
}
