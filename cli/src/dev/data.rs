//! The data directory of `plumbline dev`: where each part keeps its own, and the lock that gives it to one process.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use plumbline_protocol::Deployment;

const LOCK: &str = "dev.lock";
/// What a reset removes; anything else in the directory is not ours.
const PARTS: [&str; 3] = ["postgres", "chain", "deployments"];

/// Ours until dropped. The system ends the lock with the process, so none can be left behind.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    lock: File,
    after_crash: bool,
}

impl DataDir {
    /// Makes the directory if need be and takes it.
    ///
    /// # Errors
    /// When another process has it.
    pub(super) fn take(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path).context("find the current directory")?;
        fs::create_dir_all(&path).with_context(|| {
            format!(
                "make the data directory {}; choose another by PLUMBLINE_DATA_DIR",
                path.display()
            )
        })?;
        let file = path.join(LOCK);
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&file)
            .with_context(|| {
                format!(
                    "open {}; choose another data directory by PLUMBLINE_DATA_DIR",
                    file.display()
                )
            })?;
        let taken = match lock.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", file.display()));
            }
        };
        // The number only serves messages; who holds the lock is the system's knowledge.
        let mut owner = String::new();
        lock.read_to_string(&mut owner)
            .with_context(|| format!("read {}", file.display()))?;
        if taken {
            let owner = owner.trim();
            let who = if owner.is_empty() {
                "another process".to_owned()
            } else {
                format!("process {owner}")
            };
            bail!(
                "`plumbline dev` runs already on {} ({who}); stop it, or set PLUMBLINE_DATA_DIR to another directory",
                path.display()
            );
        }
        let mut data = Self {
            path,
            lock,
            after_crash: !owner.trim().is_empty(),
        };
        data.write_owner(&std::process::id().to_string())?;
        Ok(data)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The run before did not come to its end; what it started may still be ending.
    pub(super) fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Nothing was kept here yet.
    pub(super) fn is_new(&self) -> bool {
        PARTS.iter().all(|part| !self.path.join(part).exists())
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    pub(super) fn chain(&self) -> PathBuf {
        self.path.join("chain")
    }

    pub(super) fn deployments(&self) -> PathBuf {
        self.path.join("deployments")
    }

    /// The contracts of this chain were deployed, as far as the files tell.
    pub(super) fn has_deployment(&self, chain_id: u64) -> bool {
        Deployment::path_in(&self.deployments(), chain_id).exists()
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("plumbline.log")
    }

    /// Removes what earlier runs kept.
    pub(super) fn reset(&self) -> anyhow::Result<()> {
        for part in PARTS {
            let path = self.path.join(part);
            if path.exists() {
                fs::remove_dir_all(&path).with_context(|| format!("remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// To be called when all that was started has ended.
    pub(super) fn leave(mut self) -> anyhow::Result<()> {
        self.write_owner("")
    }

    fn write_owner(&mut self, owner: &str) -> anyhow::Result<()> {
        let write = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            lock.write_all(owner.as_bytes())
        };
        write(&mut self.lock).with_context(|| format!("write {}", self.path.join(LOCK).display()))
    }
}
