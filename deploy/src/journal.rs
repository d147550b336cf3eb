//! The files of a deployment: the result, the journal of what was sent, and a lock against a second process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use plumbline_protocol::Deployment;
use plumbline_protocol::deployment::{Addresses, Parameters};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::plan::{Blueprint, Step};

/// Progress of a deployment. It is on disk before anything that it describes is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    pub(crate) chain_id: u64,
    pub(crate) genesis_hash: B256,
    /// Block before which none of the transactions can be.
    pub(crate) start_block: u64,
    pub(crate) deployer: Address,
    pub(crate) creation_code_hash: B256,
    pub(crate) parameters: Parameters,
    pub(crate) addresses: Addresses,
    pub(crate) steps: Vec<Record>,
}

/// One step and what was sent for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) step: Step,
    pub(crate) nonce: u64,
    /// Transactions with this nonce, of which one at most can be mined.
    pub(crate) attempts: Vec<Attempt>,
}

/// One signed transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) hash: B256,
    pub(crate) fees: Fees,
}

/// Wei per gas. Without a priority fee it is a legacy gas price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    pub max_fee_per_gas: u128,
    pub max_priority_fee_per_gas: Option<u128>,
}

impl Journal {
    pub(crate) fn blueprint(&self) -> Blueprint<'_> {
        Blueprint {
            deployer: self.deployer,
            parameters: &self.parameters,
            addresses: &self.addresses,
        }
    }

    /// Gives the steps from `from` on consecutive nonces, and the contracts the addresses that follow from them.
    pub(crate) fn number(&mut self, from: usize, first_nonce: u64) {
        let one_token = self.parameters.tokens.fee.is_none() && self.addresses.fee_token == self.addresses.stake_token;
        for (record, nonce) in self.steps[from..].iter_mut().zip(first_nonce..) {
            if record.nonce != nonce {
                record.attempts.clear();
            }
            record.nonce = nonce;
            if let Some(address) = record.step.address_mut(&mut self.addresses) {
                *address = self.deployer.create(nonce);
            }
        }
        if one_token {
            self.addresses.fee_token = self.addresses.stake_token;
        }
    }
}

/// Files of one chain in the folder of deployments. The lock lasts as long as this value, and no longer than the process.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: PathBuf,
    chain_id: u64,
    _lock: Option<File>,
}

impl Folder {
    /// Opens the folder for writing, creating it, and takes the lock.
    pub(crate) fn lock(folder: &Path, chain_id: u64) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(|cause| file_error("create folder", folder, cause))?;
        let path = folder.join(format!("{chain_id}.lock"));
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|cause| file_error("open", &path, cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                chain_id,
                _lock: Some(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { path }),
            Err(TryLockError::Error(cause)) => Err(file_error("lock", &path, cause)),
        }
    }

    /// Opens the folder for reading alone.
    pub(crate) fn read_only(folder: &Path, chain_id: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            chain_id,
            _lock: None,
        }
    }

    pub(crate) fn deployment_path(&self) -> PathBuf {
        Deployment::path_in(&self.folder, self.chain_id)
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.folder.join(format!("{}.pending.json", self.chain_id))
    }

    /// The deployment of this chain, if there is a file.
    pub(crate) fn deployment(&self) -> Result<Option<Deployment>, Error> {
        let path = self.deployment_path();
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Deployment::read_for_chain(&path, self.chain_id)?))
    }

    /// The journal of this chain, if there is a file.
    pub(crate) fn journal(&self) -> Result<Option<Journal>, Error> {
        let path = self.journal_path();
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|cause| file_error("read", &path, cause))?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|cause| Error::Journal { path, cause })
    }

    pub(crate) fn write_journal(&self, journal: &Journal) -> Result<(), Error> {
        write_whole(&self.journal_path(), &to_json(journal))
    }

    /// Writes the result; only then the journal may go.
    pub(crate) fn finish(&self, deployment: &Deployment) -> Result<(), Error> {
        write_whole(&self.deployment_path(), &to_json(deployment))?;
        self.remove_journal()
    }

    pub(crate) fn remove_journal(&self) -> Result<(), Error> {
        let path = self.journal_path();
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(file_error("remove", &path, cause)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Renames the files of an earlier deployment, which are never overwritten.
    pub(crate) fn set_aside(&self) -> Result<(), Error> {
        for path in [self.deployment_path(), self.journal_path()] {
            if !path.exists() {
                continue;
            }
            let mut aside = (1_u32..).map(|number| {
                let mut name = path.clone().into_os_string();
                name.push(format!(".{number}.old"));
                PathBuf::from(name)
            });
            if let Some(free) = aside.find(|candidate| !candidate.exists()) {
                fs::rename(&path, &free).map_err(|cause| file_error("rename", &path, cause))?;
                tracing::info!(from = %path.display(), to = %free.display(), "kept the earlier file");
            }
        }
        Ok(())
    }
}

/// Replaces a file so that a reader, or a crash, sees the old or the new content and nothing between.
pub(crate) fn write_whole(path: &Path, content: &str) -> Result<(), Error> {
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The rename itself is durable only once the folder is.
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    write().map_err(|cause| file_error("write", path, cause))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value).expect("these types have string keys alone");
    text + "\n"
}

pub(crate) fn file_error(action: &'static str, path: &Path, cause: std::io::Error) -> Error {
    Error::File {
        action,
        path: path.to_owned(),
        cause,
    }
}
