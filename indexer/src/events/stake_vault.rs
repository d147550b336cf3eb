//! Events of `StakeVault`.

use plumbline_protocol::Contract;
use plumbline_protocol::StakeVault::{PoolReset, Slashed, StakeVaultEvents as Events, Staked, Thawed};
use plumbline_protocol::deployment::Addresses;

use super::authority_updated;
use crate::book::{Book, Page};
use crate::flow::{Kind, Movement, Place, Token};
use crate::rows::fact;
use crate::sql::Uint;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::Staked(e) => {
            fact! { rows, at, staked {
                operator: e.operator, delegator: e.delegator, assets: e.assets, shares: e.shares,
            } }
        }
        Events::Thawed(e) => {
            fact! { rows, at, thawed {
                operator: e.operator, delegator: e.delegator, ticket_id: e.ticketId, shares: e.shares,
                assets: e.assets, thaw_shares: e.thawShares, ready_at: e.readyAt,
            } }
        }
        Events::Withdrawn(e) => {
            fact! { rows, at, withdrawn {
                operator: e.operator, delegator: e.delegator, ticket_id: e.ticketId, assets: e.assets,
            } }
        }
        Events::Slashed(e) => {
            fact! { rows, at, slashed {
                operator: e.operator, beneficiary: e.beneficiary, from_active: e.fromActive,
                from_thawing: e.fromThawing, cut: e.cut,
            } }
        }
        Events::PoolReset(e) => {
            fact! { rows, at, pool_reset { operator: e.operator, generation: e.generation, dust: e.dust } }
        }
        Events::FeesDistributed(e) => {
            fact! { rows, at, fees_distributed { operator: e.operator, sender: e.from, amount: e.amount } }
        }
        Events::RewardsClaimed(e) => {
            fact! { rows, at, rewards_claimed { operator: e.operator, delegator: e.delegator, amount: e.amount } }
        }
        Events::SlashedStakeCollected(e) => {
            fact! { rows, at, slashed_stake_collected { account: e.account, amount: e.amount } }
        }
        Events::StakeVaultConfigured(e) => {
            fact! { rows, at, stake_vault_configured {
                stake_token: e.stakeToken, fee_token: e.feeToken, sink: e.sink, own_stake_floor: e.ownStakeFloor,
                min_deposit: e.minDeposit, thaw: e.durations.thaw, evidence: e.durations.evidence,
                dispute: e.durations.dispute, resolution: e.durations.resolution, buffer: e.durations.buffer,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::StakeVault, e.authority),
    }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::Staked(e) => stake(e, book).await,
        Events::Thawed(e) => thaw(e, book).await,
        Events::Withdrawn(e) => {
            let (from, to) = (Place::StakeThawing(e.operator), Place::Wallet(e.delegator));
            book.transfer(Movement::stake(Kind::Withdraw, from, to, e.assets).of(e.operator))
                .await
        }
        Events::Slashed(e) => slash(e, book).await,
        Events::PoolReset(e) => reset(e, book).await,
        Events::FeesDistributed(e) => {
            // The settlement pays out of the operator's claimable earnings, the reserve out of what it owes; anyone else
            // pays out of pocket.
            let addresses = &book.parameters.addresses;
            let from = if e.from == addresses.inference_settlement {
                Place::EarningsClaimable(e.operator)
            } else if e.from == addresses.reward_reserve {
                Place::RewardOwed(e.from)
            } else {
                Place::Wallet(e.from)
            };
            book.transfer(Movement::fees(Kind::Reward, from, Place::Rewards(e.operator), e.amount).of(e.operator))
                .await
        }
        Events::RewardsClaimed(e) => {
            let (from, to) = (Place::Rewards(e.operator), Place::Wallet(e.delegator));
            book.transfer(Movement::fees(Kind::RewardClaim, from, to, e.amount).of(e.operator))
                .await
        }
        Events::SlashedStakeCollected(e) => {
            let (kind, to) = Place::payee(e.account);
            book.transfer(Movement::stake(kind, Place::StakeCredit(e.account), to, e.amount))
                .await
        }
        Events::StakeVaultConfigured(e) => {
            let Addresses {
                stake_token, fee_token, ..
            } = book.parameters.addresses;
            if (e.stakeToken, e.feeToken) != (stake_token, fee_token) {
                return Err(book.inconsistent("the vault has other tokens than the deployments file"));
            }
            book.parameters.sink = Some(e.sink);
            Ok(())
        }
        Events::AuthorityUpdated(_) => Ok(()),
    }
}

async fn stake(event: &Staked, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (from, to) = (Place::Wallet(event.delegator), Place::StakeActive(event.operator));
    book.transfer(Movement::stake(Kind::Stake, from, to, event.assets).of(event.operator))
        .await?;
    let account = book.operator(event.operator).await?;
    let mut changes = vec![account.shares.increase(event.shares)];
    if event.delegator == event.operator {
        changes.push(account.own_shares.increase(event.shares));
    }
    changes.into_iter().try_for_each(|change| book.summed(change))
}

async fn thaw(event: &Thawed, book: &mut Book<'_>) -> anyhow::Result<()> {
    let (from, to) = (Place::StakeActive(event.operator), Place::StakeThawing(event.operator));
    book.transfer(Movement::stake(Kind::Thaw, from, to, event.assets).of(event.operator))
        .await?;
    let account = book.operator(event.operator).await?;
    let mut changes = vec![account.shares.decrease(event.shares)];
    if event.delegator == event.operator {
        changes.push(account.own_shares.decrease(event.shares));
    }
    changes.into_iter().try_for_each(|change| book.summed(change))
}

async fn slash(event: &Slashed, book: &mut Book<'_>) -> anyhow::Result<()> {
    let sources = [
        (Place::StakeActive(event.operator), event.fromActive),
        (Place::StakeThawing(event.operator), event.fromThawing),
    ];
    let rest = event
        .fromActive
        .checked_add(event.fromThawing)
        .and_then(|taken| taken.checked_sub(event.cut))
        .ok_or_else(|| book.inconsistent(format!("a cut of {} is more than was taken", event.cut)))?;
    let parts = [
        (Kind::SlashCut, Place::StakeCredit(event.beneficiary), event.cut),
        (Kind::Slash, Place::StakeCredit(book.sink()?), rest),
    ];
    book.penalize(Token::Stake, event.operator, &sources, &parts).await
}

/// What a slash left goes to the sink; shares of the generation are void.
async fn reset(event: &PoolReset, book: &mut Book<'_>) -> anyhow::Result<()> {
    let sink = Place::StakeCredit(book.sink()?);
    let account = book.operator(event.operator).await?;
    let (active, thawing) = (account.stake_active.0, account.stake_thawing.0);
    account.shares = Uint::default();
    account.own_shares = Uint::default();
    account.generation = i64::from(event.generation);
    if active.checked_add(thawing) != Some(event.dust) {
        let what = format!(
            "the pool was reset with {} left, but holds {active} and {thawing} thawing",
            event.dust
        );
        return Err(book.inconsistent(what));
    }
    let sources = [
        (Place::StakeActive(event.operator), active),
        (Place::StakeThawing(event.operator), thawing),
    ];
    let parts = [(Kind::Slash, sink, event.dust)];
    book.penalize(Token::Stake, event.operator, &sources, &parts).await
}
