//! The committee: it is drawn for the next period, probes every operator in each slot of its own, and reports.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::rpc::types::Filter;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::{SolEvent, SolStruct, SolValue};
use anyhow::{Context, Result};
use plumbline_protocol::typed_data::UptimeReport;
use plumbline_protocol::{IUptimeLedger, UptimeLedger};

use crate::accounts::{Keyring, Role};
use crate::evidence::{Evidence, ProbeReply};
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::purse::coins;
use crate::random::Stream;

/// Reports that a post takes at least, as in the contract.
const QUORUM: usize = 5;
/// Blocks until a requested draw's block hash is out of reach.
const BLOCK_HASH_HISTORY: u64 = 256;
/// Chance that a member does not reach an operator that is up: the network between the two fails, parts per million.
const UNREACHED_PPM: u32 = 2_000;
/// Late members are waited for during this part of the report window.
const GRACE_DIVISOR: u64 = 3;
/// Periods whose probes are kept: the present one and those that can still be reported.
const MAX_WATCHES: usize = 8;

sol! {
    /// An operator's answer to a probe, signed by its signing key under the ledger's domain. The nonce is the hash of a
    /// block of the slot, so that no answer can be signed in advance.
    struct ProbeAnswer {
        uint64 period;
        uint32 slot;
        bytes32 nonce;
        address operator;
    }
}

pub(crate) struct Committee {
    account: PrivateKeySigner,
    coins: U256,
    seed: u64,
    watches: BTreeMap<u64, Watch>,
    /// Next period, once its committee is known to be drawn.
    drawn: Option<u64>,
    pub(crate) reports_signed: u64,
}

/// A period as its committee sees it.
struct Watch {
    members: Vec<u32>,
    committee_hash: B256,
    operator_count: u32,
    words: usize,
    probed: Vec<bool>,
    seats: Vec<Seat>,
    replies: Vec<ProbeReply>,
    closed: bool,
}

struct Seat {
    observed: Vec<U256>,
    up: Vec<U256>,
    /// Positions of its replies.
    replies: Vec<usize>,
    report: Option<IUptimeLedger::Report>,
}

impl Committee {
    pub(crate) fn new(keyring: &Keyring, seed: u64, outbox: &mut Outbox) -> Result<Self> {
        let account = keyring.signer(Role::Keeper, 1)?;
        outbox.add_account(&account);
        Ok(Self {
            account,
            coins: U256::ZERO,
            seed,
            watches: BTreeMap::new(),
            drawn: None,
            reports_signed: 0,
        })
    }

    /// Account that requests draws and posts reports.
    pub(crate) fn coins(&self) -> (Address, U256) {
        (self.account.address(), self.coins)
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        self.coins = coins(network, self.account.address()).await?;
        Ok(())
    }

    /// After a reorg a period may have another committee. Probes of members that remain are kept.
    pub(crate) fn forget(&mut self) {
        self.drawn = None;
        self.watches.values_mut().for_each(|watch| watch.closed = false);
    }

    /// Sees to it that the next period has a committee.
    pub(crate) async fn plan_draw(&mut self, network: &Network, moment: Moment, calls: &mut Vec<Call>) -> Result<()> {
        let period = if moment.begun { moment.period + 1 } else { 0 };
        let opens = network
            .schedule
            .period_start(period)
            .saturating_sub(network.schedule.period_seconds());
        if self.drawn == Some(period) || self.coins.is_zero() || moment.head.timestamp < opens {
            return Ok(());
        }
        let ledger = network.addresses.uptime_ledger;
        let stored = network.read(ledger, UptimeLedger::periodOfCall { period }).await?;
        let head = moment.head.number;
        if !stored.committeeHash.is_zero() {
            self.drawn = Some(period);
        } else if stored.drawBlock == 0 || head > stored.drawBlock + BLOCK_HASH_HISTORY {
            let request = UptimeLedger::requestDrawCall { period };
            calls.push(Call::new(self.account.address(), ledger, "request a draw", &request));
        } else if head > stored.drawBlock {
            let draw = UptimeLedger::drawCommitteeCall { period };
            calls.push(Call::new(self.account.address(), ledger, "draw a committee", &draw));
        }
        Ok(())
    }

    /// Probes every operator once in a slot, on behalf of each member that is up itself.
    pub(crate) async fn probe(
        &mut self,
        network: &Network,
        operators: &[Operator],
        up: &[bool],
        moment: Moment,
    ) -> Result<()> {
        if !moment.begun || !self.watch(network, moment).await? {
            return Ok(());
        }
        let Some(watch) = self.watches.get_mut(&moment.period) else {
            return Ok(());
        };
        let slot = (moment.slot % network.schedule.slots_per_period) as usize;
        if watch.probed[slot] {
            return Ok(());
        }
        watch.probed[slot] = true;
        let mut answers: BTreeMap<u32, Option<usize>> = BTreeMap::new();
        for (operator, is_up) in operators.iter().zip(up) {
            let Some(index) = operator.bitmap_index() else { continue };
            // Who is not in service is not observed: it would count as missed by the network.
            if index >= watch.operator_count || !operator.is_active() {
                continue;
            }
            let answer = is_up.then(|| answer(network, operator, moment)).transpose()?;
            answers.insert(index, answer.is_some().then_some(watch.replies.len()));
            watch.replies.extend(answer);
        }
        for (seat, member) in watch.members.clone().into_iter().enumerate() {
            // A member that is down sees nothing; one that is not ours is not ours to play.
            if answers.get(&member).copied().flatten().is_some() {
                let mut noise = Stream::new(self.seed, "probe", moment.slot, seat as u64);
                watch.record(seat, slot, &answers, &mut noise);
            }
        }
        Ok(())
    }

    /// True when the present period's committee is known.
    async fn watch(&mut self, network: &Network, moment: Moment) -> Result<bool> {
        let period = moment.period;
        if self.watches.contains_key(&period) {
            return Ok(true);
        }
        let ledger = network.addresses.uptime_ledger;
        let stored = network.read(ledger, UptimeLedger::periodOfCall { period }).await?;
        if stored.committeeHash.is_zero() {
            return Ok(false);
        }
        let Some(members) = drawn_members(network, period, &stored, moment.head.number).await? else {
            return Ok(false);
        };
        if self.watches.len() >= MAX_WATCHES {
            self.watches.pop_first();
        }
        let slots = network.schedule.slots_per_period as usize;
        self.watches.insert(period, Watch::new(members, &stored, slots));
        Ok(true)
    }

    /// Members that are up sign their reports of ended periods; once enough have, they are posted.
    pub(crate) async fn plan_posts(
        &mut self,
        network: &Network,
        operators: &[Operator],
        up: &[bool],
        evidence: &mut Evidence,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let now = moment.head.timestamp;
        let ledger = network.addresses.uptime_ledger;
        for (period, watch) in self.watches.range_mut(..moment.period) {
            let ended = network.schedule.period_start(period + 1);
            if watch.closed || now < ended {
                continue;
            }
            if now >= ended + network.schedule.report_window {
                watch.close();
                continue;
            }
            self.reports_signed += watch.sign(network, *period, operators, up, evidence).await?;
            let reports: Vec<IUptimeLedger::Report> =
                watch.seats.iter().filter_map(|seat| seat.report.clone()).collect();
            let complete = reports.len() == watch.members.len();
            let waited = now >= ended + network.schedule.report_window / GRACE_DIVISOR;
            if reports.len() < QUORUM || !(complete || waited) {
                continue;
            }
            let stored = network
                .read(ledger, UptimeLedger::periodOfCall { period: *period })
                .await?;
            if stored.committeeHash != watch.committee_hash {
                tracing::warn!(
                    period,
                    "a reorg drew another committee; the reports of the first are void"
                );
                watch.close();
            } else if reports.len() > usize::from(stored.reports) {
                let post = UptimeLedger::postCall {
                    period: *period,
                    members: watch.members.clone(),
                    reports,
                };
                calls.push(Call::new(self.account.address(), ledger, "post reports", &post));
            } else if complete {
                watch.close();
            }
        }
        Ok(())
    }
}

impl Watch {
    fn new(members: Vec<u32>, stored: &IUptimeLedger::Period, slots: usize) -> Self {
        let words = stored.operatorCount.div_ceil(256) as usize;
        let seat = || Seat {
            observed: vec![U256::ZERO; words * slots],
            up: vec![U256::ZERO; words * slots],
            replies: Vec::new(),
            report: None,
        };
        Self {
            seats: members.iter().map(|_| seat()).collect(),
            members,
            committee_hash: stored.committeeHash,
            operator_count: stored.operatorCount,
            words,
            probed: vec![false; slots],
            replies: Vec::new(),
            closed: false,
        }
    }

    /// Nothing more will be posted: what takes memory goes.
    fn close(&mut self) {
        self.closed = true;
        self.replies = Vec::new();
        self.seats.iter_mut().for_each(|seat| seat.replies = Vec::new());
    }

    fn record(&mut self, seat: usize, slot: usize, answers: &BTreeMap<u32, Option<usize>>, noise: &mut Stream) {
        let seat = &mut self.seats[seat];
        for (index, answer) in answers {
            let word = slot * self.words + (*index / 256) as usize;
            let bit = U256::from(1) << (*index % 256) as usize;
            seat.observed[word] |= bit;
            let reached = !noise.chance(UNREACHED_PPM);
            if let Some(reply) = answer.filter(|_| reached) {
                seat.up[word] |= bit;
                seat.replies.push(reply);
            }
        }
    }

    /// Signs the reports that can be signed now; gives how many.
    async fn sign(
        &mut self,
        network: &Network,
        period: u64,
        operators: &[Operator],
        up: &[bool],
        evidence: &mut Evidence,
    ) -> Result<u64> {
        let mut signed = 0;
        for (number, (seat, member)) in self.seats.iter_mut().zip(&self.members).enumerate() {
            let ours = operators
                .iter()
                .zip(up)
                .find(|(operator, _)| operator.bitmap_index() == Some(*member));
            let Some((operator, true)) = ours.map(|(operator, is_up)| (operator, *is_up)) else {
                continue;
            };
            if seat.report.is_some() || seat.observed.iter().all(U256::is_zero) {
                continue;
            }
            let replies: Vec<&ProbeReply> = seat.replies.iter().map(|reply| &self.replies[*reply]).collect();
            let evidence_root = evidence.commit_replies(period, operator.address(), &replies).await?;
            let (observed, up) = (seat.observed.clone(), seat.up.clone());
            let report = UptimeReport {
                period,
                observed,
                up,
                evidenceRoot: evidence_root,
            };
            let key = operator.key_before(network.schedule.period_start(period + 1));
            let digest = report.eip712_signing_hash(&network.uptime_domain);
            let signature = key.sign_hash_sync(&digest).context("sign an uptime report")?;
            seat.report = Some(IUptimeLedger::Report {
                seat: u8::try_from(number).context("number seats")?,
                observed: report.observed,
                up: report.up,
                evidenceRoot: evidence_root,
                signature: signature.as_bytes().to_vec().into(),
            });
            signed += 1;
        }
        Ok(signed)
    }
}

fn answer(network: &Network, operator: &Operator, moment: Moment) -> Result<ProbeReply> {
    let slot = u32::try_from(moment.slot % network.schedule.slots_per_period).context("number slots")?;
    let (nonce, address) = (moment.head.hash, operator.address());
    let answer = ProbeAnswer {
        period: moment.period,
        slot,
        nonce,
        operator: address,
    };
    let signature = operator
        .key()
        .sign_hash_sync(&answer.eip712_signing_hash(&network.uptime_domain));
    let signature = signature.context("sign a probe's answer")?.as_bytes().to_vec();
    Ok(ProbeReply {
        slot,
        nonce,
        operator: address,
        signature,
    })
}

/// Members of a drawn committee, from the log of the draw; none when the log is not there yet.
async fn drawn_members(
    network: &Network,
    period: u64,
    stored: &IUptimeLedger::Period,
    head: u64,
) -> Result<Option<Vec<u32>>> {
    let filter = Filter::new()
        .address(network.addresses.uptime_ledger)
        .event_signature(UptimeLedger::CommitteeDrawn::SIGNATURE_HASH)
        .topic1(B256::from(U256::from(period)));
    let to = head.min(stored.drawBlock + BLOCK_HASH_HISTORY);
    for log in network.logs(&filter, stored.drawBlock, to).await? {
        let drawn = UptimeLedger::CommitteeDrawn::decode_log(&log.inner)?;
        if keccak256(drawn.members.abi_encode()) == stored.committeeHash {
            return Ok(Some(drawn.members.clone()));
        }
    }
    Ok(None)
}
