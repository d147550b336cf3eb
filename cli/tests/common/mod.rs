//! `plumbline dev` as a process, from its start to the proof that nothing of it is left.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A bound for a hang, not a measure of speed.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct Dev {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    pub(crate) api: String,
    pub(crate) rpc: String,
}

/// The command with a data directory and ports of its own, and nothing of the caller's environment that would matter.
pub(crate) fn command(data: &Path, api_port: u16, rpc_port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PLUMBLINE_") {
            command.env_remove(name);
        }
    }
    command
        .arg("dev")
        .env_remove("DATABASE_URL")
        .env("PLUMBLINE_OPERATORS", "8")
        .env("PLUMBLINE_DATA_DIR", data)
        .env("PLUMBLINE_API_PORT", api_port.to_string())
        .env("PLUMBLINE_RPC_PORT", rpc_port.to_string());
    command
}

/// Two ports that were free a moment ago.
pub(crate) fn free_ports() -> Result<(u16, u16)> {
    let (first, second) = (
        TcpListener::bind(("127.0.0.1", 0))?,
        TcpListener::bind(("127.0.0.1", 0))?,
    );
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}

impl Dev {
    pub(crate) fn start(data: &Path, (api_port, rpc_port): (u16, u16)) -> Result<Self> {
        let mut child = command(data, api_port, rpc_port)
            .stdout(Stdio::piped())
            .spawn()
            .context("start plumbline")?;
        let output = child.stdout.take().context("read its output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let (api, rpc) = (
            format!("http://127.0.0.1:{api_port}"),
            format!("http://127.0.0.1:{rpc_port}"),
        );
        Ok(Self {
            child,
            lines,
            said: Vec::new(),
            api,
            rpc,
        })
    }

    /// Waits for a line that begins so, and gives it.
    pub(crate) fn wait_for(&mut self, beginning: &str) -> Result<String> {
        let started = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.trim_start().starts_with(beginning) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("{beginning:?} was not said in time: {:#?}", self.said),
                Err(RecvTimeoutError::Disconnected) => bail!("ended without {beginning:?}: {:#?}", self.said),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).context("signal plumbline")
    }

    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if started.elapsed() > PATIENCE {
                bail!("did not end in time: {:#?}", self.said);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that it started, directly or not.
    pub(crate) fn descendants(&self) -> Result<Vec<Process>> {
        let all = processes()?;
        let mut found: Vec<Process> = Vec::new();
        let mut parents = vec![self.child.id()];
        while let Some(parent) = parents.pop() {
            for process in all.iter().filter(|process| process.parent == parent) {
                parents.push(process.id);
                found.push(process.clone());
            }
        }
        Ok(found)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // After a failed assertion; what it started ends with it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    id: u32,
    parent: u32,
    name: String,
}

/// Every process of the machine but zombies, which are over; none where there is no `/proc`.
fn processes() -> Result<Vec<Process>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten() {
        let entry = entry.context("list processes")?;
        let Ok(id) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        // It may have ended since it was listed.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // `id (name) state parent ...`, where the name may hold spaces and parentheses.
        let Some((head, tail)) = stat.rsplit_once(')') else {
            continue;
        };
        let mut fields = tail.split_whitespace();
        let state = fields.next().unwrap_or_default();
        let parent = fields
            .next()
            .unwrap_or_default()
            .parse()
            .context("read a parent's id")?;
        if state != "Z" {
            let name = head.split_once('(').map_or(head, |(_, name)| name).to_owned();
            all.push(Process { id, parent, name });
        }
    }
    Ok(all)
}

/// Which of these still run, after those that are ending had the time to.
pub(crate) fn survivors(of: &[Process]) -> Result<Vec<Process>> {
    let started = Instant::now();
    loop {
        let all = processes()?;
        let runs = |process: &Process| {
            all.iter()
                .any(|other| other.id == process.id && other.name == process.name)
        };
        let left: Vec<Process> = of.iter().filter(|process| runs(process)).cloned().collect();
        if left.is_empty() || started.elapsed() > PATIENCE {
            return Ok(left);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
