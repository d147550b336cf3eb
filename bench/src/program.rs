//! A program under measurement: started, watched until its last row is visible, stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::usage::{self, Usage};

/// The time between two looks for the last row.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
/// Reading /proc takes time that the programs lack.
const LOOKS_PER_SAMPLE: u32 = 20;
/// No run takes longer.
const RUN_TIMEOUT: Duration = Duration::from_secs(1_800);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const LOG_TAIL_BYTES: usize = 2_000;

/// A running child; dropped, it is stopped.
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    pub(crate) started: Instant,
}

impl Program {
    /// Starts a program that writes its log to a file below `logs`.
    pub(crate) fn start(name: &str, command: &mut Command, logs: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(logs).with_context(|| format!("make {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let errors = out.try_clone().context("share a log file")?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
            started,
        })
    }

    /// What it has used up to now.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        usage::of(self.child.id())
    }

    /// Waits until a query finds a row, and returns how long that took since the start and what was used until then.
    /// The query may fail for as long as there is no table.
    pub(crate) async fn wait_for(&mut self, db: &mut PgConnection, query: &str) -> anyhow::Result<(Duration, Usage)> {
        let mut usage = Usage::default();
        for look in 1_u32.. {
            let found = sqlx::raw_sql(AssertSqlSafe(query)).fetch_optional(&mut *db).await;
            let (elapsed, done) = (self.started.elapsed(), matches!(found, Ok(Some(_))));
            if done || look.is_multiple_of(LOOKS_PER_SAMPLE) {
                let now = self.usage()?;
                // A program that ends with its work leaves nothing to read.
                usage.cpu_s = usage.cpu_s.max(now.cpu_s);
                usage.peak_rss_mb = usage.peak_rss_mb.max(now.peak_rss_mb);
            }
            if done {
                return Ok((elapsed, usage));
            }
            if let Some(status) = self.child.try_wait().context("look after a program")? {
                bail!(
                    "{} ended with {status} before its last row was there:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            if elapsed > RUN_TIMEOUT {
                bail!("{} was not done after {RUN_TIMEOUT:?}:\n{}", self.name, self.log_tail());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        bail!("{} was looked at too often", self.name)
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let mut start = text.len().saturating_sub(LOG_TAIL_BYTES);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        text[start..].to_owned()
    }

    /// Asks it to stop, and makes it when it does not.
    pub(crate) fn stop(&mut self) {
        if let Ok(None) = self.child.try_wait()
            && let Some(pid) = Pid::from_raw(self.child.id() as i32)
        {
            // It may have ended just now.
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > STOP_TIMEOUT {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}
