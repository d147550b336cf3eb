//! A local PostgreSQL and a local chain as child processes that never outlive their parent.

mod account;
mod chain;
mod installation;
mod postgres;
mod rundir;
mod service;
mod state;

use std::path::{Path, PathBuf};

pub use chain::{Chain, ChainOptions, MNEMONIC};
pub use postgres::{Postgres, PostgresOptions, Tcp};

/// The directory for data that outlives a run: `.plumbline` below `root`, or one under `/var/lib` where PostgreSQL's
/// account may not enter `root` (a clone in root's home, say).
///
/// # Errors
/// When run as root on a machine without an account for PostgreSQL to run as.
pub fn default_data_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let root = std::path::absolute(root)?;
    if account::Account::detect()?.enters(&root) {
        return Ok(root.join(".plumbline"));
    }
    let name: String = root
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Ok(Path::new("/var/lib/plumbline").join(name.trim_matches('-')))
}
