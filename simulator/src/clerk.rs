//! The clerk of audits: records seeds, draws batches and committees, and executes what was decided. Anybody may.

use alloy::primitives::{Address, U256};
use anyhow::Result;
use plumbline_protocol::{AuditManager, BlockRandomness, CaseDocket, ChallengeManager, JudgeCommittee};

use crate::accounts::Keyring;
use crate::docket::{Case, Docket};
use crate::network::{Moment, Network};
use crate::outbox::{Call, Outbox};
use crate::purse::{Desk, Duty};
use crate::terms::Stage;

/// Seeds recorded and batches drawn in one step.
const MAX_RECORDS: usize = 16;
const MAX_DRAWS: usize = 32;
const MAX_RULINGS: usize = 16;
/// Periods of an audit's window that may have been an outage: extensions add at most eight.
const MAX_PERIODS_TRIED: usize = 12;
/// What a draw takes when it opens an audit; whether it does may change until it is mined.
const DRAW_GAS: u64 = 700_000;

pub(crate) struct Clerk {
    recorder: Desk,
    desk: Desk,
}

impl Clerk {
    pub(crate) fn new(keyring: &Keyring, outbox: &mut Outbox) -> Result<Self> {
        Ok(Self {
            recorder: Desk::new(keyring, Duty::Record, outbox)?,
            desk: Desk::new(keyring, Duty::Audit, outbox)?,
        })
    }

    pub(crate) fn coins(&self) -> [(Address, U256); 2] {
        [self.recorder.coins(), self.desk.coins()]
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        self.recorder.refresh(network).await?;
        self.desk.refresh(network).await
    }

    /// Accounts with transactions under way are left alone.
    pub(crate) async fn plan(
        &self,
        network: &Network,
        docket: &Docket,
        outbox: &Outbox,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        if self.recorder.is_open() && !outbox.is_busy(self.recorder.account) {
            self.plan_records(network, docket, moment, calls).await?;
        }
        if self.desk.is_open() && !outbox.is_busy(self.desk.account) {
            self.plan_draws(network, docket, moment, calls);
            self.plan_rulings(network, docket, moment, calls);
            self.plan_extensions(network, docket, moment, calls).await?;
        }
        Ok(())
    }

    /// Proves the randomness of blocks that something waits for, while their hashes are known.
    async fn plan_records(
        &self,
        network: &Network,
        docket: &Docket,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let head = moment.head.number;
        let waiting = docket.rounds();
        let provable = waiting
            .range(head.saturating_sub(network.rounds.window - 1)..head)
            .take(MAX_RECORDS);
        for round in provable {
            let Some(header) = network.header(*round).await? else {
                tracing::warn!(
                    round,
                    "the endpoint does not give a block's whole header: its seed cannot be recorded"
                );
                continue;
            };
            let record = BlockRandomness::recordCall { round: *round, header };
            let contract = network.addresses.block_randomness;
            calls.push(Call::new(self.recorder.account, contract, "record a seed", &record));
        }
        Ok(())
    }

    /// Draws batches, the oldest first.
    fn plan_draws(&self, network: &Network, docket: &Docket, moment: Moment, calls: &mut Vec<Call>) {
        let undrawn = docket.batches.iter().filter(|(_, batch)| !batch.audited);
        let seeded = undrawn.filter(|(_, batch)| is_seeded(network, docket, batch.round, moment));
        for (id, batch) in seeded.take(MAX_DRAWS) {
            let draw = AuditManager::drawCall {
                batchId: *id,
                batch: batch.terms.clone(),
            };
            let contract = network.courts.audits;
            let mut call = Call::new(self.desk.account, contract, "draw a batch", &draw);
            call.least_gas = DRAW_GAS;
            calls.push(call);
        }
    }

    fn plan_rulings(&self, network: &Network, docket: &Docket, moment: Moment, calls: &mut Vec<Call>) {
        let rulings = docket
            .cases
            .iter()
            .filter_map(|(id, case)| self.ruling(network, docket, *id, case, moment));
        calls.extend(rulings.take(MAX_RULINGS));
        for (case, seat) in docket.silent_judges.keys().take(MAX_RULINGS) {
            let punish = CaseDocket::punishJudgeCall {
                caseId: *case,
                seat: *seat,
            };
            let contract = network.courts.docket;
            calls.push(Call::new(self.desk.account, contract, "punish a silent judge", &punish));
        }
    }

    /// Gives unanswered audits more time for outages of much of the network.
    async fn plan_extensions(
        &self,
        network: &Network,
        docket: &Docket,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let (now, grace) = (moment.head.timestamp, u64::from(network.audit_parameters.grace_seconds));
        let overdue = docket.cases.iter().filter(|(_, case)| {
            case.stage == Stage::Answering && (case.deadline..case.deadline + grace).contains(&now)
        });
        for (id, case) in overdue.take(MAX_RULINGS) {
            let periods = network.schedule.period_at(case.opened_at)..=network.schedule.period_at(case.deadline);
            for period in periods.take(MAX_PERIODS_TRIED) {
                let extend = AuditManager::extendCall { caseId: *id, period };
                let contract = network.courts.audits;
                // Whether enough was missed in a period, and whether it counted already, only the contract knows.
                if network.read_unless_reverted(contract, extend.clone()).await?.is_some() {
                    calls.push(Call::new(self.desk.account, contract, "extend an audit", &extend));
                    break;
                }
            }
        }
        Ok(())
    }

    /// What moves a case on, if anybody can.
    fn ruling(&self, network: &Network, docket: &Docket, id: U256, case: &Case, moment: Moment) -> Option<Call> {
        let (from, courts, now) = (self.desk.account, network.courts, moment.head.timestamp);
        let batch = case.batch.and_then(|batch| docket.batches.get(&batch));
        match case.stage {
            Stage::Seeding if is_seeded(network, docket, case.round, moment) => {
                let seed = AuditManager::seedAuditCall { caseId: id };
                Some(Call::new(from, courts.audits, "seed an audit", &seed))
            }
            Stage::Answering if now >= case.deadline + u64::from(network.audit_parameters.grace_seconds) => {
                let withhold = AuditManager::withholdCall {
                    caseId: id,
                    batch: batch?.terms.clone(),
                };
                Some(Call::new(from, courts.audits, "punish a withheld leaf", &withhold))
            }
            Stage::Judging => {
                let jury = case.jury.as_ref()?;
                if jury.is_done(now) {
                    let conclude = CaseDocket::concludeCall { caseId: id };
                    return Some(Call::new(from, courts.docket, "conclude a case", &conclude));
                }
                let draw = JudgeCommittee::drawCall { caseId: id };
                let due = !jury.drawn && is_seeded(network, docket, jury.round, moment);
                due.then(|| Call::new(from, courts.judges, "draw judges", &draw))
            }
            Stage::Proving if now >= case.deadline => {
                let conclude = CaseDocket::concludeCall { caseId: id };
                Some(Call::new(from, courts.docket, "conclude a case", &conclude))
            }
            Stage::Decided if case.challenger.is_some() && now >= case.deadline => {
                let execute = ChallengeManager::executeChallengeCall { caseId: id };
                Some(Call::new(from, courts.challenges, "execute a challenge", &execute))
            }
            Stage::Decided if case.batch.is_some() => {
                let execute = AuditManager::executeAuditCall {
                    caseId: id,
                    batch: batch?.terms.clone(),
                };
                Some(Call::new(from, courts.audits, "execute an audit", &execute))
            }
            Stage::None | Stage::Seeding | Stage::Answering | Stage::Proving | Stage::Decided | Stage::Closed => None,
        }
    }
}

/// The seed of a round is known, or can never be.
fn is_seeded(network: &Network, docket: &Docket, round: u64, moment: Moment) -> bool {
    docket.has_seed(round) || moment.head.number > round + network.rounds.window
}
