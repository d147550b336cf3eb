//! Events of `RewardReserve`.

use alloy::primitives::{Address, U256};
use plumbline_protocol::Contract;
use plumbline_protocol::RewardReserve::{
    PeriodClosed, RewardClaimed, RewardParametersChanged, RewardReserveConfigured, RewardReserveEvents as Events,
};

use super::authority_updated;
use crate::book::{Book, Page};
use crate::flow::{BURN_ADDRESS, Kind, Movement, Place};
use crate::rows::{At, Rows, fact};

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::SettlementBound(e) => {
            fact! { rows, at, settlement_bound {
                settlement: e.settlement, protocol_fee_bps: e.protocolFeeBps, first_period: e.firstPeriod,
            } }
        }
        Events::RewardParametersChanged(e) => parameters_changed(rows, at, e),
        Events::OperatorEnrolled(e) => {
            fact! { rows, at, operator_enrolled { operator: e.operator, period: e.period, collateral: e.collateral } }
        }
        Events::AvailabilityReported(e) => {
            fact! { rows, at, availability_reported {
                operator: e.operator, period: e.period, domain: e.domain, availability_bps: e.availabilityBps,
                weight: e.weight,
            } }
        }
        Events::PeriodClosed(e) => {
            fact! { rows, at, period_closed {
                period: e.period, weight: e.weight, wages: e.wages, protocol_fees: e.protocolFees,
                received: e.received, release: e.release, burned: e.burned, expires_at: e.expiresAt,
            } }
        }
        Events::RewardClaimed(e) => {
            fact! { rows, at, reward_claimed {
                operator: e.operator, period: e.period, payout: e.payout, paid: e.paid, distributed: e.distributed,
                withheld: e.withheld,
            } }
        }
        Events::RewardsExpired(e) => fact! { rows, at, rewards_expired { period: e.period, amount: e.amount } },
        Events::SurplusBurned(e) => fact! { rows, at, surplus_burned { amount: e.amount } },
        Events::RewardReserveConfigured(e) => configured(rows, at, e),
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::RewardReserve, e.authority),
    }
}

fn parameters_changed(rows: &mut Rows, at: &At, e: &RewardParametersChanged) {
    fact! { rows, at, reward_parameters_changed {
        first_period: e.firstPeriod, previous_wage: e.previous.wage.to::<U256>(),
        previous_domain_bps: e.previous.domainBps, previous_refill_bps: e.previous.refillBps,
        wage: e.current.wage.to::<U256>(), domain_bps: e.current.domainBps, refill_bps: e.current.refillBps,
    } }
}

fn configured(rows: &mut Rows, at: &At, e: &RewardReserveConfigured) {
    fact! { rows, at, reward_reserve_configured {
        uptime_ledger: e.uptimeLedger, operator_registry: e.operatorRegistry, stake_vault: e.stakeVault,
        fee_token: e.feeToken, bond: e.bond, report_seconds: e.reportSeconds, claim_seconds: e.claimSeconds,
    } }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    let reserve = book.parameters.addresses.reward_reserve;
    match event {
        Events::PeriodClosed(e) => close(e, reserve, book).await,
        Events::RewardClaimed(e) => claim(e, reserve, book).await,
        Events::RewardsExpired(e) => {
            let (from, to) = (Place::RewardOwed(reserve), Place::Reserve(reserve));
            book.transfer(Movement::fees(Kind::Expire, from, to, e.amount)).await
        }
        Events::SurplusBurned(e) => {
            let (from, to) = (Place::Unburned(reserve), Place::Burned(BURN_ADDRESS));
            book.transfer(Movement::fees(Kind::Burn, from, to, e.amount)).await
        }
        Events::SettlementBound(_)
        | Events::RewardParametersChanged(_)
        | Events::OperatorEnrolled(_)
        | Events::AvailabilityReported(_)
        | Events::RewardReserveConfigured(_)
        | Events::AuthorityUpdated(_) => Ok(()),
    }
}

/// Takes into the books what came since the last close, then sets a part of them aside.
async fn close(event: &PeriodClosed, reserve: Address, book: &mut Book<'_>) -> anyhow::Result<()> {
    let pending = book.network().await?.reserve_pending.0;
    let gift = event
        .received
        .checked_sub(pending)
        .ok_or_else(|| book.inconsistent("the reserve received less than the settlement paid it"))?;
    let funds = Place::Reserve(reserve);
    for (kind, from, to, amount) in [
        (Kind::Receive, Place::ReservePending(reserve), funds, pending),
        (Kind::Gift, Place::Wallet(Address::ZERO), funds, gift),
        (Kind::RewardRelease, funds, Place::RewardOwed(reserve), event.release),
        (Kind::Surplus, funds, Place::Unburned(reserve), event.burned),
    ] {
        book.transfer(Movement::fees(kind, from, to, amount)).await?;
    }
    Ok(())
}

/// What is distributed moves by the vault's `FeesDistributed`; what is withheld stays owed.
async fn claim(event: &RewardClaimed, reserve: Address, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (from, to) = (Place::RewardOwed(reserve), Place::Wallet(event.payout));
    book.transfer(Movement::fees(Kind::Claim, from, to, event.paid).of(event.operator))
        .await?;
    let amount = event
        .paid
        .checked_add(event.distributed)
        .ok_or_else(|| book.inconsistent("a reward does not fit in 256 bits"))?;
    let of_operator = book.operator(event.operator).await?.uptime_rewards.increase(amount);
    let of_network = book.network().await?.uptime_rewards.increase(amount);
    book.summed(of_operator)?;
    book.summed(of_network)
}
