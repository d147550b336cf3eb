//! The account PostgreSQL runs as: our own, or an unprivileged one when we are root, which the server refuses.

use std::os::unix::{fs::chown, process::CommandExt};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Tried in this order when we are root.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Debug)]
pub(crate) enum Account {
    Own,
    Other { name: &'static str, user: u32, group: u32 },
}

impl Account {
    pub(crate) fn detect() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        for name in UNPRIVILEGED {
            if let (Some(user), Some(group)) = (id("-u", name), id("-g", name)) {
                return Ok(Self::Other { name, user, group });
            }
        }
        bail!(
            "PostgreSQL does not run as root, and there is no account `{}` to run it as; run as an ordinary user, or \
             create one: useradd --system postgres",
            UNPRIVILEGED.join("` or `")
        )
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Own => "this user",
            Self::Other { name, .. } => name,
        }
    }

    /// A command that runs as this account, in a directory that every account may enter.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Self::Other { user, group, .. } = self {
            // The standard library drops root's supplementary groups together with the user id.
            command.uid(*user).gid(*group);
        }
        command
    }

    pub(crate) fn take_ownership(&self, path: &Path) -> Result<()> {
        if let Self::Other { name, user, group } = self {
            chown(path, Some(*user), Some(*group))
                .with_context(|| format!("hand {} to the account {name}", path.display()))?;
        }
        Ok(())
    }

    /// Whether the account may enter the directory, which takes search permission on every parent too.
    pub(crate) fn enters(&self, directory: &Path) -> bool {
        // Nearest existing directory: what is yet to be made below it is made by us, with the right mode.
        let Some(existing) = directory.ancestors().find(|path| path.is_dir()) else {
            return false;
        };
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(existing)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id")
        .args([flag, name])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
