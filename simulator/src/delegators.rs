//! Delegators: they stand by an operator, collect their part of its fees, and now and then leave and come back.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolEvent;
use anyhow::Result;
use plumbline_protocol::IStakeVault;
use plumbline_protocol::StakeVault;

use crate::accounts::{Keyring, Role};
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::population::DelegatorSpec;
use crate::purse::Purse;

const CYCLE_PERIODS: u64 = 16;
const THAW_PHASE: u64 = 9;
const CLAIM_PERIODS: u64 = 4;
const BPS: u64 = 10_000;

pub(crate) struct Delegator {
    index: u64,
    spec: DelegatorSpec,
    account: PrivateKeySigner,
    operator: Address,
    purse: Purse,
    position: Option<IStakeVault::Position>,
    /// Tickets that wait, and when they are ready.
    tickets: BTreeMap<U256, u64>,
}

impl Delegator {
    pub(crate) fn new(
        keyring: &Keyring,
        index: usize,
        spec: DelegatorSpec,
        operators: &[Operator],
        outbox: &mut Outbox,
    ) -> Result<Self> {
        let account = keyring.signer(Role::Delegator, index)?;
        outbox.add_account(&account);
        let operator = operators[spec.operator].address();
        let (purse, tickets) = (Purse::default(), BTreeMap::new());
        Ok(Self {
            index: index as u64,
            spec,
            account,
            operator,
            purse,
            position: None,
            tickets,
        })
    }

    pub(crate) fn coins(&self) -> (Address, U256) {
        (self.account.address(), self.purse.coins)
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        let (account, vault) = (self.account.address(), network.addresses.stake_vault);
        self.purse = Purse::read(network, account, network.stake_token, vault).await?;
        let position = StakeVault::positionCall {
            operator: self.operator,
            delegator: account,
        };
        self.position = Some(network.read(vault, position).await?);
        let mut live = BTreeMap::new();
        for id in self.tickets.keys() {
            let ticket = network.read(vault, StakeVault::ticketCall { ticketId: *id }).await?;
            if ticket.owner == account {
                live.insert(*id, ticket.readyAt);
            }
        }
        self.tickets = live;
        Ok(())
    }

    /// Delegates when nothing is delegated and nothing on its way out.
    pub(crate) fn plan_setup(&self, network: &Network, operators: &[Operator], calls: &mut Vec<Call>) {
        let (account, vault) = (self.account.address(), network.addresses.stake_vault);
        let is_out = self.position.as_ref().is_some_and(|position| position.shares.is_zero());
        // Nobody may delegate to an operator below the floor.
        if !is_out || !self.tickets.is_empty() || !operators[self.spec.operator].is_bonded(network) {
            return;
        }
        let assets = network.own_stake_floor * U256::from(self.spec.stake_bps) / U256::from(BPS);
        let assets = assets.max(network.min_deposit);
        if self
            .purse
            .prepare(network, account, network.stake_token, Some(vault), assets, calls)
        {
            let delegate = StakeVault::delegateCall {
                operator: self.operator,
                assets,
                minShares: U256::ZERO,
            };
            calls.push(Call::new(account, vault, "delegate", &delegate));
        }
    }

    /// Claims rewards, leaves in a phase of the cycle, and withdraws what is ready.
    pub(crate) fn plan_period(&self, network: &Network, moment: Moment, calls: &mut Vec<Call>) {
        let (account, vault) = (self.account.address(), network.addresses.stake_vault);
        let Some(position) = &self.position else { return };
        let phase = (moment.period + self.index) % CYCLE_PERIODS;
        if position.rewards > U256::ZERO && phase.is_multiple_of(CLAIM_PERIODS) {
            let claim = StakeVault::claimRewardsCall {
                operator: self.operator,
            };
            calls.push(Call::new(account, vault, "claim rewards", &claim));
        }
        if phase == THAW_PHASE && self.tickets.is_empty() && !position.shares.is_zero() {
            let thaw = StakeVault::thawCall {
                operator: self.operator,
                shares: position.shares,
            };
            calls.push(Call::new(account, vault, "thaw", &thaw));
        }
        let ready: Vec<U256> = self
            .tickets
            .iter()
            .filter(|(_, at)| **at <= moment.head.timestamp)
            .map(|(id, _)| *id)
            .collect();
        if !ready.is_empty() {
            calls.push(Call::new(
                account,
                vault,
                "withdraw",
                &StakeVault::withdrawCall { ticketIds: ready },
            ));
        }
    }

    /// Takes note of a ticket of this delegator's.
    pub(crate) fn note(&mut self, thawed: &StakeVault::Thawed) {
        if thawed.delegator == self.account.address() {
            self.tickets.insert(thawed.ticketId, thawed.readyAt);
        }
    }
}

/// Finds the tickets of an earlier run.
pub(crate) async fn find_tickets(network: &Network, delegators: &mut [Delegator], head: u64) -> Result<()> {
    if delegators.is_empty() {
        return Ok(());
    }
    let owners: Vec<B256> = delegators
        .iter()
        .map(|delegator| delegator.account.address().into_word())
        .collect();
    let filter = Filter::new()
        .address(network.addresses.stake_vault)
        .event_signature(StakeVault::Thawed::SIGNATURE_HASH)
        .topic2(owners);
    for log in network.logs(&filter, network.search_start(head), head).await? {
        note_ticket(delegators, &log);
    }
    Ok(())
}

/// Takes note of a ticket, if the log is of one.
pub(crate) fn note_ticket(delegators: &mut [Delegator], log: &Log) {
    if let Ok(thawed) = StakeVault::Thawed::decode_log(&log.inner) {
        delegators.iter_mut().for_each(|delegator| delegator.note(&thawed));
    }
}
