//! Who deploys: a key that signs here, or an address whose transactions are signed elsewhere.

use std::fmt;
use std::io::Write;
use std::path::Path;

use alloy::primitives::Address;
use alloy::signers::local::{LocalSigner, PrivateKeySigner};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::journal::to_json;

/// Environment variable with the deployer's private key.
pub const KEY_VARIABLE: &str = "PLUMBLINE_DEPLOYER_KEY";
/// Environment variable with the path of a file that holds the keystore's password.
pub const PASSWORD_FILE_VARIABLE: &str = "PLUMBLINE_KEYSTORE_PASSWORD_FILE";

/// The account that deploys. Its `Debug` form shows the address alone.
#[derive(Clone)]
pub enum Account {
    /// Signs and sends here.
    Key(PrivateKeySigner),
    /// Signs elsewhere; its transactions are looked for on chain.
    Watched(Address),
}

impl Account {
    pub fn address(&self) -> Address {
        match self {
            Self::Key(signer) => signer.address(),
            Self::Watched(address) => *address,
        }
    }

    /// Reads a private key (32 bytes, hexadecimal). Errors never repeat it.
    pub fn from_key(text: &str) -> Result<Self, Error> {
        text.trim().parse().map(Self::Key).map_err(|_| {
            Error::Key(format!(
                "the private key in {KEY_VARIABLE} is not valid: expected 32 bytes as 64 hexadecimal digits, with or \
                 without 0x"
            ))
        })
    }

    /// The key in `PLUMBLINE_DEPLOYER_KEY`, if that is set.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        match std::env::var(KEY_VARIABLE) {
            Ok(text) => Self::from_key(&text).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::Key(format!("{KEY_VARIABLE} is not text"))),
        }
    }

    /// Decrypts a keystore file; the password comes from the file that `PLUMBLINE_KEYSTORE_PASSWORD_FILE` names, or
    /// from the terminal.
    pub fn from_keystore(path: &Path) -> Result<Self, Error> {
        let problem = |cause: &dyn fmt::Display| {
            Error::Key(format!(
                "cannot open keystore {}: {cause}; expected an Ethereum keystore (version 3) and its password",
                path.display()
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
        let mut keystore: Map<String, Value> = serde_json::from_str(&text).map_err(|error| problem(&error))?;
        // Ethers and MyEtherWallet write the field with a capital letter, which the decoder does not know.
        if let Some(crypto) = keystore.remove("Crypto") {
            keystore.insert("crypto".into(), crypto);
        }
        let password = keystore_password()?;
        // The decoder reads files alone; what this one holds is encrypted.
        let mut readable = NamedTempFile::new().map_err(|error| problem(&error))?;
        readable
            .write_all(to_json(&keystore).as_bytes())
            .map_err(|error| problem(&error))?;
        LocalSigner::decrypt_keystore(readable.path(), password)
            .map(Self::Key)
            .map_err(|error| problem(&error))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.address())
    }
}

fn keystore_password() -> Result<String, Error> {
    if let Some(path) = std::env::var_os(PASSWORD_FILE_VARIABLE) {
        let path = Path::new(&path);
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Key(format!("cannot read password file {}: {error}", path.display())))?;
        return Ok(text
            .strip_suffix('\n')
            .map_or(text.as_str(), |line| line.trim_end_matches('\r'))
            .to_owned());
    }
    rpassword::prompt_password("Keystore password: ").map_err(|error| {
        Error::Key(format!(
            "cannot ask for the keystore's password ({error}); without a terminal name a file that holds it in \
             {PASSWORD_FILE_VARIABLE}"
        ))
    })
}
