//! What processes have used: CPU seconds and memory of a process and all its descendants.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

/// Use of a tree of processes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// User and system time, that of ended children included.
    pub(crate) cpu_s: f64,
    /// Sum of the most that each living process has held.
    pub(crate) peak_rss_mb: f64,
}

/// What /proc says of one process.
struct Process {
    parent: u32,
    ticks: u64,
}

/// Use of the process and its descendants up to now.
pub(crate) fn of(root: u32) -> anyhow::Result<Usage> {
    let processes = processes()?;
    let mut usage = Usage::default();
    for (pid, process) in &processes {
        if !descends(&processes, *pid, root) {
            continue;
        }
        usage.cpu_s += process.ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        usage.peak_rss_mb += peak_rss_mb(*pid);
    }
    Ok(usage)
}

fn processes() -> anyhow::Result<BTreeMap<u32, Process>> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc")
        .context("read /proc; the benchmarks need Linux")?
        .flatten()
    {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        // A process may end meanwhile.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        if let Some(process) = parse(&stat) {
            processes.insert(pid, process);
        }
    }
    Ok(processes)
}

/// Fields of `stat` behind the command, which may hold spaces: state, parent, …, then times from the twelfth on.
fn parse(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse().unwrap_or(0)).sum();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        ticks,
    })
}

fn descends(processes: &BTreeMap<u32, Process>, pid: u32, root: u32) -> bool {
    let mut at = pid;
    // No chain of parents is longer than there are processes.
    for _ in 0..=processes.len() {
        if at == root {
            return true;
        }
        match processes.get(&at) {
            Some(process) => at = process.parent,
            None => return false,
        }
    }
    false
}

fn peak_rss_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    kilobytes / 1_000.0
}
