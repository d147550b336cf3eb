//! Accounts of every role, derived from one mnemonic.

use alloy::primitives::Address;
use alloy::signers::local::coins_bip39::English;
use alloy::signers::local::{MnemonicBuilder, MnemonicKey, PrivateKeySigner};
use anyhow::{Context, Result};

/// Keys that one owner can have one after the other.
pub(crate) const MAX_GENERATIONS: u32 = 256;

/// Branch of the derivation path `m/44'/60'/0'/<branch>/<index>`; wallets use 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    Operator = 101,
    SigningKey = 102,
    Settler = 103,
    Treasury = 104,
    Publisher = 105,
    Payer = 106,
    SessionKey = 107,
    Delegator = 108,
    Keeper = 109,
}

const ROLES: [Role; 9] = [
    Role::Operator,
    Role::SigningKey,
    Role::Settler,
    Role::Treasury,
    Role::Publisher,
    Role::Payer,
    Role::SessionKey,
    Role::Delegator,
    Role::Keeper,
];

/// Derives keys. Branches are derived once, because stretching the words takes a while.
pub(crate) struct Keyring(Vec<MnemonicKey>);

impl Keyring {
    pub(crate) fn new(mnemonic: &str) -> Result<Self> {
        let branch = |role: Role| -> Result<MnemonicKey> {
            MnemonicBuilder::<English>::default()
                .phrase(mnemonic.trim())
                .derivation_path(format!("m/44'/60'/0'/{}/0", role as u32))
                .and_then(|builder| builder.build_parent_key())
                // The source of the error may quote the words.
                .ok()
                .context("the mnemonic is not valid: give 12 to 24 words of the English BIP-39 list")
        };
        ROLES.into_iter().map(branch).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn signer(&self, role: Role, index: usize) -> Result<PrivateKeySigner> {
        let index = u32::try_from(index).context("number accounts")?;
        let branch = &self.0[role as usize - Role::Operator as usize];
        Ok(branch.child(index).context("derive an account")?.signer())
    }

    /// Keys that replace each other over time.
    pub(crate) fn generation(&self, role: Role, owner: usize, generation: u32) -> Result<PrivateKeySigner> {
        self.signer(role, owner * MAX_GENERATIONS as usize + generation as usize)
    }

    /// Which of its owner's keys an address is.
    pub(crate) fn generation_of(&self, role: Role, owner: usize, key: Address) -> Result<Option<u32>> {
        for generation in 0..MAX_GENERATIONS {
            if self.generation(role, owner, generation)?.address() == key {
                return Ok(Some(generation));
            }
        }
        Ok(None)
    }
}
