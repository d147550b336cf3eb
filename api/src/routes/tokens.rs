//! The tokens that stake and fees are counted in.

use sqlx::{PgConnection, Postgres, Transaction};

use crate::error::{Error, Result};
use crate::snapshot::Snapshot;
use crate::value::{Address, Amount, Token, TokenAmount};

/// The two tokens, which may be the same; from `StakeVaultConfigured`. The chain's own, of address zero, in a source whose
/// contracts hold none.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) stake: Token,
    pub(crate) fee: Token,
}

impl Tokens {
    /// Nothing before the contracts' deployment was indexed; no operator, model or flow exists then.
    pub(crate) async fn load(db: &mut Transaction<'static, Postgres>, at: &Snapshot) -> Result<Option<Self>> {
        Self::at(db, at.block()).await
    }

    async fn at(db: &mut PgConnection, block: i64) -> Result<Option<Self>> {
        let row = sqlx::query!(
            r#"select s.token as "stake_token: Address", s.symbol as stake_symbol, s.decimals as stake_decimals,
                      f.token as "fee_token: Address", f.symbol as fee_symbol, f.decimals as fee_decimals
               from ((select stake_token, fee_token from stake_vault_configured where block_number <= $1
                      order by block_number desc, log_index desc limit 1)
                     union all
                     select decode(repeat('00', 20), 'hex'), decode(repeat('00', 20), 'hex') from opengradient) vault
               join token s on s.token = vault.stake_token
               join token f on f.token = vault.fee_token"#,
            block
        )
        .fetch_optional(db)
        .await?;
        Ok(row.map(|row| Self {
            stake: Token {
                address: row.stake_token,
                symbol: row.stake_symbol,
                decimals: row.stake_decimals,
            },
            fee: Token {
                address: row.fee_token,
                symbol: row.fee_symbol,
                decimals: row.fee_decimals,
            },
        }))
    }

    /// Where rows exist, the contracts were deployed before them.
    pub(crate) async fn must_load(db: &mut Transaction<'static, Postgres>, at: &Snapshot) -> Result<Self> {
        Self::must_be_at(db, at.block()).await
    }

    pub(crate) async fn must_be_at(db: &mut PgConnection, block: i64) -> Result<Self> {
        let missing = || {
            Error::NotReady(vec![
                "the tokens of the contracts are not recorded; `plumbline index` does that when it starts".to_owned(),
            ])
        };
        Self::at(db, block).await?.ok_or_else(missing)
    }

    pub(crate) fn in_stake(&self, amount: Amount) -> TokenAmount {
        TokenAmount::new(amount, &self.stake)
    }

    pub(crate) fn in_fees(&self, amount: Amount) -> TokenAmount {
        TokenAmount::new(amount, &self.fee)
    }
}
