//! What an account holds and may spend.

use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use anyhow::Result;
use plumbline_protocol::TestToken;

use crate::accounts::{Keyring, Role};
use crate::network::{Network, Token};
use crate::outbox::{Call, Outbox};

/// Tokens got at a time, as a multiple of what is needed now.
const SUPPLY: u64 = 8;

/// Coins for gas, tokens, and what of them a contract may pull.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Purse {
    pub(crate) coins: U256,
    tokens: U256,
    allowance: U256,
}

impl Purse {
    pub(crate) async fn read(network: &Network, account: Address, token: Token, spender: Address) -> Result<Self> {
        let tokens = TestToken::balanceOfCall { account };
        let allowance = TestToken::allowanceCall {
            owner: account,
            spender,
        };
        Ok(Self {
            coins: coins(network, account).await?,
            tokens: network.read(token.address, tokens).await?,
            allowance: network.read(token.address, allowance).await?,
        })
    }

    /// True when the account can spend `need`; until then, plans what makes it so. Without a spender the account spends
    /// by signature.
    pub(crate) fn prepare(
        &self,
        network: &Network,
        account: Address,
        token: Token,
        spender: Option<Address>,
        need: U256,
        calls: &mut Vec<Call>,
    ) -> bool {
        if self.coins.is_zero() {
            return false;
        }
        let supplied = self.tokens >= need;
        if !supplied {
            let amount = need.saturating_mul(U256::from(SUPPLY));
            calls.push(if token.mintable {
                let mint = TestToken::mintCall { to: account, amount };
                Call::new(account, token.address, "mint tokens", &mint)
            } else {
                let transfer = TestToken::transferCall {
                    to: account,
                    value: amount,
                };
                Call::new(network.faucet, token.address, "hand out tokens", &transfer)
            });
        }
        let allowed = spender.is_none() || self.allowance >= need;
        if let (false, Some(spender)) = (allowed, spender) {
            let approve = TestToken::approveCall {
                spender,
                value: U256::MAX,
            };
            calls.push(Call::new(account, token.address, "approve", &approve));
        }
        supplied && allowed
    }
}

pub(crate) async fn coins(network: &Network, account: Address) -> Result<U256> {
    network
        .rpc("read a balance", network.provider.get_balance(account))
        .await
}

/// One of the keepers' accounts: each duty has its own, so that none waits for another's transactions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk {
    pub(crate) account: Address,
    coins: U256,
}

/// Keepers' duties, by the index of their account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Duty {
    Record = 2,
    Audit = 3,
    Gauge = 4,
    Reward = 5,
}

impl Desk {
    pub(crate) fn new(keyring: &Keyring, duty: Duty, outbox: &mut Outbox) -> Result<Self> {
        let signer = keyring.signer(Role::Keeper, duty as usize)?;
        outbox.add_account(&signer);
        let (account, coins) = (signer.address(), U256::ZERO);
        Ok(Self { account, coins })
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        self.coins = coins(network, self.account).await?;
        Ok(())
    }

    pub(crate) fn coins(&self) -> (Address, U256) {
        (self.account, self.coins)
    }

    /// It can pay for gas.
    pub(crate) fn is_open(&self) -> bool {
        !self.coins.is_zero()
    }
}
