//! What the handlers of events write into: rows, running state, and the journal of token movements.

use alloy::primitives::{Address, B256, U256};
use plumbline_protocol::deployment::Addresses;
use sqlx::PgConnection;

use crate::accounts::{
    Accounts, Case, Channel, CreditClass, Edge, Imbalance, Model, Network, Offering, OperatorAccount,
};
use crate::accounts::{OperatorProfile, PauseClock, Stage, Status};
use crate::flow::{Kind, Movement, Place, Token, penalty};
use crate::rows::{At, Rows, row};
use crate::schedule::Schedule;

/// What the contracts were configured with, as far as rows depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    pub(crate) addresses: Addresses,
    /// Account that protocol fees and seized earnings are credited to.
    pub(crate) reserve: Option<Address>,
    /// Account that slashed stake is credited to.
    pub(crate) sink: Option<Address>,
    pub(crate) schedule: Option<Schedule>,
}

/// Where the fact of one log is written.
pub(crate) struct Page<'a> {
    pub(crate) rows: &'a mut Rows,
    pub(crate) addresses: &'a Addresses,
    pub(crate) at: At,
}

/// One log being applied.
pub(crate) struct Book<'a> {
    pub(crate) db: &'a mut PgConnection,
    pub(crate) rows: &'a mut Rows,
    pub(crate) accounts: &'a mut Accounts,
    pub(crate) parameters: &'a mut Parameters,
    pub(crate) at: At,
    /// Movements of this log so far.
    parts: i16,
}

impl<'a> Book<'a> {
    pub(crate) fn new(
        db: &'a mut PgConnection,
        rows: &'a mut Rows,
        accounts: &'a mut Accounts,
        parameters: &'a mut Parameters,
        at: At,
    ) -> Self {
        Self {
            db,
            rows,
            accounts,
            parameters,
            at,
            parts: 0,
        }
    }

    pub(crate) async fn profile(&mut self, operator: Address) -> anyhow::Result<&mut OperatorProfile> {
        self.accounts.profile(self.db, operator).await
    }

    pub(crate) async fn operator(&mut self, operator: Address) -> anyhow::Result<&mut OperatorAccount> {
        self.accounts.operator(self.db, operator).await
    }

    pub(crate) async fn channel(&mut self, payer: Address, operator: Address) -> anyhow::Result<&mut Channel> {
        self.accounts.channel(self.db, payer, operator).await
    }

    pub(crate) async fn model(&mut self, model_id: B256) -> anyhow::Result<&mut Model> {
        self.accounts.model(self.db, model_id).await
    }

    pub(crate) async fn offering(&mut self, operator: Address, model_id: B256) -> anyhow::Result<&mut Offering> {
        self.accounts.offering(self.db, operator, model_id).await
    }

    pub(crate) async fn case(&mut self, case_id: U256) -> anyhow::Result<&mut Case> {
        self.accounts.case(self.db, case_id).await
    }

    /// A case that was opened in this block against an operator.
    pub(crate) async fn open_case(&mut self, case_id: U256, operator: Address) -> anyhow::Result<&mut Case> {
        let opened_at = i64::try_from(self.at.timestamp)?;
        self.operator(operator).await?.cases_open += 1;
        self.network().await?.cases_open += 1;
        let case = self.case(case_id).await?;
        if case.stage == Stage::None {
            case.stage = Stage::Seeding;
        }
        (case.operator, case.opened_at) = (operator, opened_at);
        Ok(case)
    }

    /// The settlement's clock, to be changed by a pause.
    pub(crate) async fn pause_clock(&mut self) -> anyhow::Result<&mut PauseClock> {
        self.accounts.pause_clock(self.db).await
    }

    /// Seconds for which the settlement has been paused until this block.
    pub(crate) async fn paused_seconds(&mut self) -> anyhow::Result<U256> {
        let now = self.at.timestamp;
        let paused = self.accounts.read_pause_clock(self.db).await?.paused_seconds(now);
        paused.ok_or_else(|| self.inconsistent("a pause ends before it began"))
    }

    pub(crate) async fn network(&mut self) -> anyhow::Result<&mut Network> {
        self.accounts.network(self.db).await
    }

    /// Changes an operator's status and the counts that depend on it.
    pub(crate) async fn set_status(&mut self, operator: Address, status: Status) -> anyhow::Result<()> {
        let previous = std::mem::replace(&mut self.profile(operator).await?.status, status);
        let network = self.network().await?;
        *network.with_status(previous) -= 1;
        *network.with_status(status) += 1;
        Ok(())
    }

    /// An error that names this log.
    pub(crate) fn inconsistent(&self, what: impl Into<String>) -> anyhow::Error {
        self.at.inconsistent(what)
    }

    /// The account that protocol fees and seized earnings are credited to.
    pub(crate) fn reserve(&self) -> anyhow::Result<Address> {
        self.parameters
            .reserve
            .ok_or_else(|| self.inconsistent("InferenceSettlementConfigured was never seen"))
    }

    /// The account that slashed stake is credited to.
    pub(crate) fn sink(&self) -> anyhow::Result<Address> {
        self.parameters
            .sink
            .ok_or_else(|| self.inconsistent("StakeVaultConfigured was never seen"))
    }

    /// Records a penalty that took from some places of an operator, and what became of it.
    pub(crate) async fn penalize(
        &mut self,
        token: Token,
        operator: Address,
        sources: &[(Place, U256)],
        parts: &[(Kind, Place, U256)],
    ) -> anyhow::Result<()> {
        let movements = penalty(token, operator, sources, parts)
            .ok_or_else(|| self.inconsistent("the parts of a penalty are not what was taken"))?;
        for movement in movements {
            self.transfer(movement).await?;
        }
        Ok(())
    }

    /// Records a movement of tokens; one of nothing is none.
    pub(crate) async fn transfer(&mut self, movement: Movement) -> anyhow::Result<()> {
        if movement.amount.is_zero() {
            return Ok(());
        }
        let token = match movement.token {
            Token::Fee => self.parameters.addresses.fee_token,
            Token::Stake => self.parameters.addresses.stake_token,
        };
        self.journal(token, &movement);
        let debited = self.debit(&movement).await?;
        self.balanced(movement.from, debited)?;
        let credited = self.credit(&movement).await?;
        self.balanced(movement.to, credited)?;
        self.total(token, &movement).await
    }

    fn journal(&mut self, token: Address, movement: &Movement) {
        row! { self.rows, flow {
            block_number: self.at.block_number, log_index: self.at.log_index, part: self.parts,
            kind: movement.kind.as_str(), token, from_class: movement.from.class(), from_account: movement.from,
            to_class: movement.to.class(), to_account: movement.to, operator: movement.operator,
            amount: movement.amount,
        } }
        self.parts += 1;
    }

    async fn debit(&mut self, movement: &Movement) -> anyhow::Result<Result<(), Imbalance>> {
        let amount = movement.amount;
        Ok(match movement.from {
            Place::Wallet(_) | Place::Burned(_) => Ok(()),
            Place::Escrow { payer, operator } => {
                let channel = self.channel(payer, operator).await?;
                if movement.kind == Kind::Exit {
                    channel.give_back(amount)
                } else {
                    channel.settle(amount)
                }
            }
            Place::EarningsUndrawn(operator) => self.operator(operator).await?.earnings_undrawn.decrease(amount),
            Place::EarningsLocked(operator) => self.operator(operator).await?.earnings_locked.decrease(amount),
            Place::EarningsClaimable(operator) => self.operator(operator).await?.earnings_claimable.decrease(amount),
            Place::StakeActive(operator) => self.operator(operator).await?.stake_active.decrease(amount),
            Place::StakeThawing(operator) => self.operator(operator).await?.stake_thawing.decrease(amount),
            Place::Rewards(operator) => self.operator(operator).await?.rewards.decrease(amount),
            Place::Royalties(model_id) => {
                let model = self.model(model_id).await?;
                model
                    .royalties
                    .decrease(amount)
                    .and_then(|()| model.royalties_claimed.increase(amount))
            }
            Place::FeeCredit(account) => self.collect(CreditClass::Fee, account, amount).await?,
            Place::StakeCredit(account) => self.collect(CreditClass::Stake, account, amount).await?,
            Place::BondCredit(account) => self.collect(CreditClass::Bond, account, amount).await?,
            Place::Bond(case_id) => self.case(case_id).await?.bond.decrease(amount),
            // There is one reserve: the sums of the network are its balances.
            Place::ReservePending(_) | Place::Reserve(_) | Place::RewardOwed(_) | Place::Unburned(_) => Ok(()),
        })
    }

    async fn collect(
        &mut self,
        class: CreditClass,
        account: Address,
        amount: U256,
    ) -> anyhow::Result<Result<(), Imbalance>> {
        let credit = self.accounts.credit(self.db, class, account).await?;
        Ok(credit
            .balance
            .decrease(amount)
            .and_then(|()| credit.collected.increase(amount)))
    }

    async fn credit(&mut self, movement: &Movement) -> anyhow::Result<Result<(), Imbalance>> {
        let amount = movement.amount;
        Ok(match movement.to {
            Place::Wallet(_) | Place::Burned(_) => Ok(()),
            Place::Escrow { payer, operator } => self.channel(payer, operator).await?.deposited.increase(amount),
            Place::EarningsUndrawn(operator) => self.operator(operator).await?.earnings_undrawn.increase(amount),
            Place::EarningsLocked(operator) => self.operator(operator).await?.earnings_locked.increase(amount),
            Place::EarningsClaimable(operator) => self.operator(operator).await?.earnings_claimable.increase(amount),
            Place::StakeActive(operator) => self.operator(operator).await?.stake_active.increase(amount),
            Place::StakeThawing(operator) => self.operator(operator).await?.stake_thawing.increase(amount),
            Place::Rewards(operator) => self.operator(operator).await?.rewards.increase(amount),
            Place::Royalties(model_id) => self.model(model_id).await?.royalties.increase(amount),
            Place::FeeCredit(account) => self.owe(CreditClass::Fee, account, amount).await?,
            Place::StakeCredit(account) => self.owe(CreditClass::Stake, account, amount).await?,
            Place::BondCredit(account) => self.owe(CreditClass::Bond, account, amount).await?,
            Place::Bond(case_id) => self.case(case_id).await?.bond.increase(amount),
            Place::ReservePending(_) | Place::Reserve(_) | Place::RewardOwed(_) | Place::Unburned(_) => Ok(()),
        })
    }

    async fn owe(
        &mut self,
        class: CreditClass,
        account: Address,
        amount: U256,
    ) -> anyhow::Result<Result<(), Imbalance>> {
        let credit = self.accounts.credit(self.db, class, account).await?;
        Ok(credit.balance.increase(amount))
    }

    /// Adds a movement to the totals of its edge, of the network and of the operator.
    async fn total(&mut self, token: Address, movement: &Movement) -> anyhow::Result<()> {
        let amount = movement.amount;
        let edge = Edge {
            token,
            kind: movement.kind,
            from_class: movement.from.class(),
            to_class: movement.to.class(),
        };
        let total = self.accounts.edge(self.db, edge).await?;
        total.movements += 1;
        let mut sums = vec![total.amount.increase(amount)];

        let network = self.network().await?;
        sums.extend(network.holding(movement.from).map(|holding| holding.decrease(amount)));
        sums.extend(network.holding(movement.to).map(|holding| holding.increase(amount)));
        let refund = if movement.kind == Kind::Refund {
            amount
        } else {
            U256::ZERO
        };
        if movement.kind.is_penalty() {
            sums.push(network.refunded.increase(refund));
            sums.push(match movement.token {
                Token::Fee => network.slashed_earnings.increase(amount),
                Token::Stake => network.slashed_stake.increase(amount),
            });
        }
        if let (true, Some(operator)) = (movement.kind.is_penalty(), movement.operator) {
            let account = self.operator(operator).await?;
            sums.push(account.refunded.increase(refund));
            sums.push(match movement.token {
                Token::Fee => account.slashed_earnings.increase(amount),
                Token::Stake => account.slashed_stake.increase(amount),
            });
        }
        sums.into_iter().try_for_each(|sum| self.balanced(movement.from, sum))
    }

    fn balanced(&self, place: Place, change: Result<(), Imbalance>) -> anyhow::Result<()> {
        change.map_err(|imbalance| {
            let how = match imbalance {
                Imbalance::Overdrawn => "would be less than nothing",
                Imbalance::Overflown => "would not fit in 256 bits",
            };
            self.inconsistent(format!("the balance of {place:?} {how}"))
        })
    }

    /// Adds to a sum that is no balance of tokens.
    pub(crate) fn summed(&self, change: Result<(), Imbalance>) -> anyhow::Result<()> {
        change.map_err(|_| self.inconsistent("a total would not fit in 256 bits or fall below zero"))
    }
}
