//! Periods of the uptime ledger: drawn, reported, closed, weighed and punished.

use alloy::primitives::{B256, U256};
use plumbline_protocol::IUptimeLedger::Report;
use plumbline_protocol::typed_data::{UptimeReport, uptime_domain};
use plumbline_protocol::{Slasher, UptimeLedger};

use super::{Anyhow, World, event, sign};

/// Result of a period, as the slasher wants it.
pub struct Outcome {
    pub period: u64,
    pub observed: Vec<U256>,
    pub up: Vec<U256>,
}

impl World {
    /// Unix seconds at which a period begins.
    pub fn period_start(&self, period: u64) -> u64 {
        let uptime = &self.deployment.parameters.uptime;
        uptime.genesis + period * u64::from(uptime.slot_seconds) * u64::from(uptime.slots_per_period)
    }

    /// A period whose draw is still to open: then there is a whole period's time for it, however slow the machine is.
    pub async fn next_period(&self) -> Anyhow<u64> {
        let now = self.head().await?.1;
        Ok((1..)
            .find(|period| self.period_start(*period - 1) > now)
            .unwrap_or_default())
    }

    /// Draws the committee of a period, during the one before.
    pub async fn draw(&self, period: u64) -> Anyhow<Vec<u32>> {
        let ledger = self.deployment.contracts.uptime_ledger;
        let opens_at = self.period_start(period) - (self.period_start(1) - self.period_start(0));
        self.next_block_at(opens_at).await?;
        self.send(self.deployer, ledger, UptimeLedger::requestDrawCall { period })
            .await?;
        self.mine(3).await?;
        let receipt = self
            .send(self.deployer, ledger, UptimeLedger::drawCommitteeCall { period })
            .await?;
        Ok(event::<UptimeLedger::CommitteeDrawn>(&receipt)?.members)
    }

    /// Posts a period's reports after its end: everyone was up but those of `down`, whom nobody saw answer.
    pub async fn report(&self, period: u64, members: Vec<u32>, down: &[usize], reports: usize) -> Anyhow<Outcome> {
        let ledger = self.deployment.contracts.uptime_ledger;
        let contract = UptimeLedger::new(ledger, &self.provider);
        let count = contract.periodOf(period).call().await?.operatorCount;
        let slots = self.deployment.parameters.uptime.slots_per_period as usize;
        let everyone = (U256::from(1) << count) - U256::from(1);
        let silent = down
            .iter()
            .fold(U256::ZERO, |bits, index| bits | U256::from(1) << *index);
        let (observed, up) = (vec![everyone; slots], vec![everyone & !silent; slots]);
        let domain = uptime_domain(self.deployment.chain_id, ledger);
        let mut signed = Vec::new();
        for (seat, member) in members.iter().enumerate().take(reports) {
            let message = UptimeReport {
                period,
                observed: observed.clone(),
                up: up.clone(),
                evidenceRoot: B256::repeat_byte(seat as u8 + 1),
            };
            let signature = sign(&self.operators[*member as usize].signing_key, &message, &domain)?;
            let UptimeReport {
                observed,
                up,
                evidenceRoot,
                ..
            } = message;
            signed.push(Report {
                seat: seat as u8,
                observed,
                up,
                evidenceRoot,
                signature,
            });
        }
        let ends_at = self.period_start(period + 1);
        if self.head().await?.1 < ends_at {
            self.next_block_at(ends_at).await?;
        }
        let post = UptimeLedger::postCall {
            period,
            members,
            reports: signed,
        };
        let receipt = self.send(self.deployer, ledger, post).await?;
        let posted = event::<UptimeLedger::PeriodReported>(&receipt)?;
        Ok(Outcome {
            period,
            observed: posted.observed,
            up: posted.up,
        })
    }

    /// The next period from draw to the end of its report window, weighed.
    pub async fn run_period(&self, down: &[usize]) -> Anyhow<Outcome> {
        let period = self.next_period().await?;
        let members = self.draw(period).await?;
        self.end_period(period, members, down).await
    }

    /// The rest of a period whose committee was drawn.
    pub(super) async fn end_period(&self, period: u64, members: Vec<u32>, down: &[usize]) -> Anyhow<Outcome> {
        let outcome = self.report(period, members, down, 5).await?;
        self.close(period).await?;
        let weigh = Slasher::weighPeriodCall {
            period,
            observed: outcome.observed.clone(),
            up: outcome.up.clone(),
        };
        self.send(self.deployer, self.deployment.contracts.slasher, weigh)
            .await?;
        Ok(outcome)
    }

    /// Mines the first block that comes too late for the period's reports.
    pub async fn close(&self, period: u64) -> Anyhow {
        let closes_at = self.period_start(period + 1) + self.deployment.parameters.uptime.report_window_seconds;
        self.next_block_at(closes_at).await?;
        self.mine(1).await
    }

    pub async fn punish(&self, operator: usize, outcome: &Outcome) -> Anyhow {
        let call = Slasher::punishDowntimeCall {
            operator: self.operators[operator].address,
            period: outcome.period,
            observed: outcome.observed.clone(),
            up: outcome.up.clone(),
        };
        self.send(self.deployer, self.deployment.contracts.slasher, call)
            .await
            .map(drop)
    }
}
