//! One step: look at the chain, take in what happened, do what is due.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, U256};
use alloy::rpc::types::{Log, TransactionReceipt};
use anyhow::Result;
use futures::{StreamExt, TryStreamExt, stream};
use plumbline_protocol::InferenceSettlement;

use crate::books::Channel;
use crate::delegators::{find_tickets, note_ticket};
use crate::network::{CONCURRENCY, Head, Moment, Network};
use crate::outbox::Call;
use crate::purse::coins;
use crate::simulation::{Actor, Setup, Simulation, Status};

/// A channel and its lanes as the chain has them.
struct ChannelState {
    operator: usize,
    payer: usize,
    channel: Channel,
    /// Model, fee and units settled.
    lanes: Vec<(usize, u128, u64)>,
}

/// What logs say has changed.
#[derive(Default)]
struct Changes {
    operators: BTreeSet<usize>,
    channels: BTreeSet<(usize, usize)>,
}

impl Simulation {
    /// Does everything that is due at the chain's present time, once. It waits for answers of the endpoint, never for
    /// blocks; calling it again before there is a new block does next to nothing.
    ///
    /// # Errors
    /// When the endpoint fails. Nothing is lost by it: the next step reads the chain again.
    pub async fn step(&mut self) -> Result<Status> {
        let head = self.network.head().await?;
        let moment = self.network.schedule.moment(head);
        self.detect_reorg(head).await?;
        let mined = self.outbox.collect(&self.network, head).await?;
        if self.refreshed_period.is_some() && self.seen == Some(head) && mined.is_empty() {
            return Ok(self.status(moment));
        }
        self.docket.follow(&self.network, head).await?;
        let changes = self.take_in(mined);
        if self.refreshed_period == Some(moment.period) {
            self.refresh_changed(changes).await?;
        } else {
            self.begin_period(moment).await?;
        }
        let up = self.availability.up(moment.slot);
        self.serve(moment)?;
        self.committee
            .probe(&self.network, &self.operators, &up, moment)
            .await?;
        let urgent = self.plan_urgent(&up, moment).await?;
        self.outbox.send(&self.network, urgent, &mut self.chores, head).await?;
        self.seen = Some(head);
        self.report.block = head.number;
        self.report.period = moment.period;
        Ok(self.status(moment))
    }

    fn status(&mut self, moment: Moment) -> Status {
        Status {
            block: moment.head.number,
            timestamp: moment.head.timestamp,
            begun: moment.begun,
            period: moment.period,
            slot: moment.slot,
            operators_up: self.availability.up(moment.slot).into_iter().filter(|up| *up).count(),
            transactions_pending: self.outbox.pending(),
        }
    }

    /// After a reorg everything is read anew.
    async fn detect_reorg(&mut self, head: Head) -> Result<()> {
        let Some(seen) = self.seen.filter(|seen| *seen != head) else {
            return Ok(());
        };
        let there = self.network.block(BlockNumberOrTag::Number(seen.number)).await?;
        if there.is_some_and(|block| block.hash == seen.hash) {
            return Ok(());
        }
        tracing::warn!(block = seen.number, hash = %seen.hash, "a reorg: reading everything anew");
        self.outbox.drop_unknown(&self.network).await?;
        self.report.reorgs += 1;
        self.refreshed_period = None;
        self.committee.forget();
        self.keeper.forget();
        self.results.forget();
        self.rewards.forget();
        self.docket.forget();
        self.mined_until = 0;
        self.seen = None;
        Ok(())
    }

    fn take_in(&mut self, mined: Vec<(Call, TransactionReceipt)>) -> Changes {
        let mut changes = Changes::default();
        for (call, receipt) in mined {
            self.mined_until = self.mined_until.max(receipt.block_number.unwrap_or_default());
            if let Some((operator, receipts)) = call.batch {
                let held = &mut self.operators[operator].receipts;
                held.drain(..receipts.min(held.len()));
            }
            for log in receipt.logs() {
                self.report.count(log, call.to == self.network.courts.challenges);
                note_ticket(&mut self.delegators, log);
                self.note_change(log, &mut changes);
            }
        }
        changes
    }

    fn note_change(&self, log: &Log, changes: &mut Changes) {
        let addresses = self.network.addresses;
        let actors: Vec<Actor> = log
            .topics()
            .iter()
            .skip(1)
            .filter_map(|topic| self.by_address.get(&Address::from_word(*topic)))
            .copied()
            .collect();
        if log.address() == addresses.inference_settlement {
            match actors.as_slice() {
                [Actor::Operator(operator), Actor::Payer(payer), ..]
                | [Actor::Payer(payer), Actor::Operator(operator), ..] => {
                    changes.channels.insert((*operator, *payer));
                }
                _ => {}
            }
        } else if log.address() == addresses.operator_registry {
            changes.operators.extend(actors.iter().filter_map(|actor| match actor {
                Actor::Operator(operator) => Some(*operator),
                Actor::Payer(_) => None,
            }));
        }
    }

    async fn refresh_changed(&mut self, changes: Changes) -> Result<()> {
        let states: Vec<ChannelState> = stream::iter(changes.channels)
            .map(|(operator, payer)| self.read_channel(operator, payer))
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        states.into_iter().for_each(|state| self.note_channel(state));
        for operator in changes.operators {
            self.operators[operator]
                .refresh(&self.network, &self.keyring, &self.publishers.models)
                .await?;
        }
        Ok(())
    }

    async fn begin_period(&mut self, moment: Moment) -> Result<()> {
        self.refresh(moment).await?;
        self.plan_chores(moment).await?;
        self.refreshed_period = Some(moment.period);
        let status = self.status(moment);
        let report = self.report();
        tracing::info!(
            period = status.period,
            block = status.block,
            operators_up = status.operators_up,
            transactions = report.transactions_sent,
            batches = report.batches,
            vouchers = report.vouchers_paid,
            posts = report.posts,
            punishments = report.punishments,
            "a period begins"
        );
        if let Some(callback) = &self.on_period {
            callback(&status, &report);
        }
        Ok(())
    }

    /// Reads the state of every participant from the chain.
    async fn refresh(&mut self, moment: Moment) -> Result<()> {
        let (network, keyring) = (&self.network, &self.keyring);
        if self.seen.is_none() {
            find_tickets(network, &mut self.delegators, moment.head.number).await?;
        }
        self.faucet_coins = coins(network, self.network.faucet).await?;
        self.publishers.refresh(network).await?;
        self.committee.refresh(network).await?;
        self.keeper.refresh(network).await?;
        self.clerk.refresh(network).await?;
        self.gauges.refresh(network, moment.head.timestamp).await?;
        self.rewards.refresh(network).await?;
        let models = &self.publishers.models;
        let now = moment.head.timestamp;
        stream::iter(self.operators.iter_mut().map(Ok))
            .try_for_each_concurrent(CONCURRENCY, |operator| operator.refresh(network, keyring, models))
            .await?;
        stream::iter(self.payers.iter_mut().map(Ok))
            .try_for_each_concurrent(CONCURRENCY, |payer| payer.refresh(network, keyring, now))
            .await?;
        stream::iter(self.delegators.iter_mut().map(Ok))
            .try_for_each_concurrent(CONCURRENCY, |delegator| delegator.refresh(network))
            .await?;
        let keys: Vec<(usize, usize)> = self
            .payers
            .iter()
            .enumerate()
            .flat_map(|(payer, spec)| spec.spec.channels.iter().map(move |channel| (channel.operator, payer)))
            .collect();
        let states: Vec<ChannelState> = stream::iter(keys)
            .map(|(operator, payer)| self.read_channel(operator, payer))
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        states.into_iter().for_each(|state| self.note_channel(state));
        Ok(())
    }

    async fn read_channel(&self, operator: usize, payer: usize) -> Result<ChannelState> {
        let network: &Network = &self.network;
        let contract = network.addresses.inference_settlement;
        let (from, to) = (self.payers[payer].address(), self.operators[operator].address());
        let read = InferenceSettlement::channelCall {
            payer: from,
            operator: to,
        };
        let state = network.read(contract, read).await?;
        let credit = self.payers[payer].credit(operator);
        let channel = Channel {
            balance: state.balance,
            settled: state.settled,
            exit_at: state.exitAt,
            credit,
        };
        let mut lanes = Vec::new();
        for model in &self.population.operators[operator].models {
            let id = self.publishers.models[*model].id;
            let read = InferenceSettlement::laneCall {
                payer: from,
                operator: to,
                modelId: id,
            };
            let lane = network.read(contract, read).await?;
            lanes.push((*model, lane.fee, lane.units));
        }
        Ok(ChannelState {
            operator,
            payer,
            channel,
            lanes,
        })
    }

    fn note_channel(&mut self, state: ChannelState) {
        let ChannelState {
            operator,
            payer,
            channel,
            lanes,
        } = state;
        self.books.channels.insert((operator, payer), channel);
        for (model, fee, units) in lanes {
            self.books.lane_mut(operator, payer, model).settle_to(fee, units);
        }
    }

    /// What participants do in this period besides serving. Accounts that have something under way are left alone,
    /// because what was read does not tell of it yet.
    async fn plan_chores(&mut self, moment: Moment) -> Result<()> {
        let mut calls = self.plan_setup(moment)?;
        self.publishers.plan_period(&self.network, moment.period, &mut calls);
        for operator in &self.operators {
            operator.plan_period(&self.network, &self.keyring, moment, &mut calls)?;
        }
        for payer in &self.payers {
            payer.plan_period(&self.network, &self.operators, &self.books, moment, &mut calls);
        }
        for delegator in &self.delegators {
            delegator.plan_period(&self.network, moment, &mut calls);
        }
        let creditors = &self.docket.creditors;
        self.keeper
            .plan_collections(&self.network, creditors, moment, &mut calls)
            .await?;
        calls.retain(|call| !self.outbox.is_busy(call.from));
        self.chores = calls;
        Ok(())
    }

    /// What is missing for everybody to take part.
    fn plan_setup(&self, moment: Moment) -> Result<Vec<Call>> {
        let mut calls = self.plan_coins();
        let (network, models) = (&self.network, &self.publishers.models);
        self.publishers.plan_setup(network, moment.period, &mut calls);
        self.rewards.plan_setup(network, &mut calls);
        for operator in &self.operators {
            operator.plan_setup(network, models, moment, &mut calls)?;
        }
        for payer in &self.payers {
            payer.plan_setup(network, &self.operators, &self.books, moment, &mut calls)?;
        }
        for delegator in &self.delegators {
            delegator.plan_setup(network, &self.operators, &mut calls);
        }
        Ok(calls)
    }

    /// Coins for gas, for every account that has used up half of what it is kept supplied with, as far as they reach.
    fn plan_coins(&self) -> Vec<Call> {
        let faucet = self.network.faucet;
        let mut left = self.faucet_coins;
        let mut calls = Vec::new();
        for (account, missing) in self.coins_missing() {
            if missing < left {
                left -= missing;
                calls.push(Call::coins(faucet, account, missing));
            }
        }
        calls
    }

    fn coins_missing(&self) -> Vec<(Address, U256)> {
        let full = self.config.gas_per_account;
        let accounts = self
            .publishers
            .coins()
            .chain(self.operators.iter().flat_map(|operator| operator.coins()));
        let accounts = accounts.chain(self.payers.iter().map(|payer| payer.coins()));
        let accounts = accounts.chain(self.delegators.iter().map(|delegator| delegator.coins()));
        let accounts = accounts.chain([self.committee.coins(), (self.keeper.address(), self.keeper.coins)]);
        let accounts = accounts
            .chain(self.clerk.coins())
            .chain([self.gauges.coins(), self.rewards.coins()]);
        accounts
            .filter(|(account, held)| *account != self.network.faucet && *held < full / U256::from(2))
            .map(|(account, held)| (account, full - held))
            .collect()
    }

    /// Why the faucet cannot supply everybody, if it cannot.
    fn faucet_shortage(&self) -> Option<String> {
        let missing = self.coins_missing();
        let needed: U256 = missing.iter().map(|(_, coins)| *coins).sum();
        (needed > self.faucet_coins).then(|| {
            format!(
                "the faucet {} holds {} native base units, but {} accounts need {needed}; send it more, or lower \
                 --gas-per-account",
                self.network.faucet,
                self.faucet_coins,
                missing.len()
            )
        })
    }

    /// One round of setting up: waits for what the last one sent, reads everything, sends what can be sent.
    pub(crate) async fn setup_round(&mut self) -> Result<Setup> {
        let head = self.wait_until_mined().await?;
        let moment = self.network.schedule.moment(head);
        self.refresh(moment).await?;
        self.seen = Some(head);
        if let Some(shortage) = self.faucet_shortage() {
            return Ok(Setup::Impossible(shortage));
        }
        let mut calls = self.plan_setup(moment)?;
        if calls.is_empty() {
            return Ok(Setup::Complete);
        }
        // The price takes a while to be known, and without it nobody is paid.
        self.gauges
            .plan(&self.network, &self.outbox, moment, &mut calls)
            .await?;
        let sent = self.outbox.send(&self.network, Vec::new(), &mut calls, head).await?;
        if sent > 0 {
            return Ok(Setup::Continues);
        }
        self.outbox.unmute();
        Ok(Setup::Stuck)
    }

    /// Waits until what was sent is mined; the outbox gives up on what is not. Gives the block of the last look.
    async fn wait_until_mined(&mut self) -> Result<Head> {
        loop {
            let head = self.network.head().await?;
            let mined = self.outbox.collect(&self.network, head).await?;
            self.take_in(mined);
            if self.outbox.pending() == 0 {
                return Ok(head);
            }
            tokio::time::sleep(Duration::from_millis(self.config.poll_interval_ms)).await;
        }
    }
}
