//! A short-lived directory for one service: sockets, logs and temporary data, never left behind for long.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "plumbline-run-";
const LOCK: &str = "lock";
/// A longer parent directory would push a socket's path over the system's limit of about 100 bytes.
const PARENT_MAX_BYTES: usize = 50;
/// How long a server whose parent has died may take to finish before its data counts as in use.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(50);

/// Held by us and, through inheritance, by the warden: locked means that something here is still alive.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock of a directory that outlives a run, waiting for the server of an owner that has died.
    pub(crate) fn acquire(directory: &Path) -> Result<Self> {
        let path = directory.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let mut file = file.with_context(|| format!("open {}", path.display()))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0).context("clear a lock")?;
                    write!(file, "{}", std::process::id()).context("sign a lock")?;
                    return Ok(Self(file));
                }
                Err(TryLockError::WouldBlock) => {
                    let owner = fs::read_to_string(&path).unwrap_or_default();
                    if started.elapsed() > TAKEOVER_TIMEOUT || is_alive(&owner) {
                        bail!(
                            "{} is in use by process {owner}; stop that one, or choose another data directory",
                            directory.display()
                        );
                    }
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("lock {}", path.display()));
                }
            }
        }
    }

    pub(crate) fn share(&self) -> Result<File> {
        self.0.try_clone().context("duplicate a lock")
    }
}

fn is_alive(pid: &str) -> bool {
    let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) else {
        return false;
    };
    // Another user's process may not be signalled, but it is there.
    !matches!(test_kill_process(pid), Err(Errno::SRCH))
}

/// Makes a directory that no other process uses, and removes those whose processes are gone. The warden removes it.
pub(crate) fn create() -> Result<(PathBuf, Lock)> {
    let parent = parent();
    sweep(&parent);
    let directory = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(&parent)
        .with_context(|| {
            format!(
                "make a directory in {}; set TMPDIR to choose another place",
                parent.display()
            )
        })?
        .keep();
    // Others may pass through, so that PostgreSQL's account reaches its own directories inside.
    fs::set_permissions(&directory, Permissions::from_mode(0o711)).context("open the run directory")?;
    // Named only once locked: a sweep in another process must never see it unlocked.
    let unnamed = directory.join("lock.new");
    let file = File::create(&unnamed).context("create the lock of the run directory")?;
    file.try_lock().context("lock the run directory")?;
    fs::rename(&unnamed, directory.join(LOCK)).context("name the lock of the run directory")?;
    Ok((directory, Lock(file)))
}

fn parent() -> PathBuf {
    let parent = std::env::temp_dir();
    if parent.as_os_str().len() > PARENT_MAX_BYTES {
        PathBuf::from("/tmp")
    } else {
        parent
    }
}

/// Wardens clean up after crashes of their parents; this cleans up after crashes of the machine.
fn sweep(parent: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == own);
        if !ours {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "an abandoned directory stays");
        }
    }
}
