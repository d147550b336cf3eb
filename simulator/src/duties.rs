//! What is due in a step: serving, settling, and everything that cannot wait.

use anyhow::Result;

use crate::demand::{requests, requests_in};
use crate::judges::{Court, Workshop};
use crate::network::Moment;
use crate::outbox::Call;
use crate::service::{Counter, settlement};
use crate::simulation::Simulation;

/// Slots whose requests are made up for when blocks come late; older requests went elsewhere.
const MAX_SLOTS_SERVED_LATE: u64 = 2;

impl Simulation {
    /// Serves what was asked for since the last step.
    pub(crate) fn serve(&mut self, moment: Moment) -> Result<()> {
        let (now, schedule) = (moment.head.timestamp, self.network.schedule);
        let from = self
            .served_until
            .unwrap_or(now)
            .max(now.saturating_sub(MAX_SLOTS_SERVED_LATE * schedule.slot_seconds));
        self.served_until = Some(now);
        if !moment.begun {
            return Ok(());
        }
        let first = from.saturating_sub(schedule.genesis) / schedule.slot_seconds;
        for slot in first..=moment.slot {
            let up = self.availability.up(slot);
            let period = slot / schedule.slots_per_period;
            let count = requests_in(self.config.requests_per_slot, period);
            for request in requests(self.config.seed, &self.population, &up, slot, count) {
                let at = schedule.slot_start(slot) + request.at_permille * schedule.slot_seconds / 1_000;
                if at <= from || at > now {
                    continue;
                }
                let mut counter = Counter {
                    network: &self.network,
                    seed: self.config.seed,
                    misdeeds: &self.misdeeds,
                    models: &self.publishers.models,
                    operators: &mut self.operators,
                    payers: &self.payers,
                    books: &mut self.books,
                };
                let Some(served) = counter.serve(&request, slot, at)? else {
                    self.report.requests_turned_away += 1;
                    continue;
                };
                self.report.requests_served += 1;
                self.report.wrong_outputs += u64::from(served.is_wrong);
                let operator = &self.operators[served.operator];
                self.canaries
                    .bait(&self.network, operator, &served, &self.population, period)?;
                self.disputes.examine(served, &self.docket, &self.population, period);
            }
        }
        Ok(())
    }

    /// What cannot wait: the price, draws, reports, penalties, audits, and settlements whose turn has come.
    pub(crate) async fn plan_urgent(&mut self, up: &[bool], moment: Moment) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        let (network, outbox) = (&self.network, &self.outbox);
        self.gauges.plan(network, outbox, moment, &mut calls).await?;
        self.committee.plan_draw(network, moment, &mut calls).await?;
        self.committee
            .plan_posts(network, &self.operators, up, &mut self.evidence, moment, &mut calls)
            .await?;
        self.keeper.plan(network, &mut self.results, moment, &mut calls).await?;
        // Until the docket is as new as our own transactions, they would be sent again.
        if self.mined_until <= moment.head.number {
            self.plan_audits(up, moment, &mut calls).await?;
        }
        let (network, outbox) = (&self.network, &self.outbox);
        self.rewards
            .plan(network, &self.operators, &mut self.results, outbox, moment, &mut calls)
            .await?;
        for (index, is_up) in up.iter().enumerate() {
            // In turns, so that not all settle in the same block.
            let turn = 1 + (moment.slot + index as u64) / u64::from(self.config.settle_slots);
            let operator = &mut self.operators[index];
            if !is_up || operator.settled_turn == turn || outbox.is_busy(operator.settling_account()) {
                continue;
            }
            operator.settled_turn = turn;
            calls.extend(settlement(network, &mut self.evidence, &self.books, index, operator).await?);
        }
        Ok(calls)
    }

    /// Batches and cases, by everybody who has a part in them.
    async fn plan_audits(&mut self, up: &[bool], moment: Moment, calls: &mut Vec<Call>) -> Result<()> {
        let (network, docket, operators) = (&self.network, &self.docket, &self.operators);
        let court = Court {
            network,
            docket,
            operators,
            up,
            moment,
        };
        court.plan_answers(&self.evidence, &self.misdeeds, calls).await?;
        let mut workshop = Workshop {
            seed: self.config.seed,
            population: &self.population,
            availability: &mut self.availability,
            schedule: network.schedule,
            requests_per_slot: self.config.requests_per_slot,
        };
        court.plan_verdicts(&mut self.findings, &mut workshop, calls)?;
        court.plan_proofs(&self.publishers.models, &mut self.findings, &mut workshop, calls);
        self.canaries.plan(network, docket, &self.outbox, moment, calls).await?;
        self.disputes
            .plan(network, &self.payers, operators, docket, moment, calls)
            .await?;
        self.clerk.plan(network, docket, &self.outbox, moment, calls).await
    }
}
