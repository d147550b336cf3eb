//! A child process with a warden: a shell that ends the child and removes its directory when we end, however we end.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::rundir::{self, Lock};

/// Time for a checkpoint or a dump of a long chain; after it the child is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const LOG_TAIL_BYTES: u64 = 2_000;

/// A process of its own, because nothing of ours runs after SIGKILL. Its input tells which child to end, an empty line
/// that there is none; end of input means that we are gone. (The kernel's parent-death signal would fire when the
/// *thread* that spawned the child ends, which in tests is every test.)
const WARDEN: &str = r#"
trap '' HUP INT TERM
exec 3>&1 4>&2 >/dev/null 2>&1
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -s "$1" "$pid"
    tenths=$2
    while [ "$tenths" -gt 0 ] && kill -s 0 "$pid"; do
        # Ended, but not yet collected: in a container without an init process nobody does.
        case "$(cat "/proc/$pid/stat")" in *") Z "*) break ;; esac
        sleep 0.1
        tenths=$((tenths - 1))
    done
    kill -s KILL "$pid"
fi
rm -rf -- "$3"
"#;

/// The signal that asks a child to stop in good order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    Interrupt,
    Terminate,
}

impl Stop {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    stop: Stop,
    directory: PathBuf,
    child: Option<Child>,
    warden: Child,
    orders: Option<ChildStdin>,
}

impl Service {
    /// Makes the run directory and its warden; `data` is the lock of a directory that outlives the run.
    pub(crate) fn new(name: &'static str, stop: Stop, data: Option<&Lock>) -> Result<Self> {
        let (directory, lock) = rundir::create()?;
        // The warden inherits the locks as its output, so they are held until its work is done.
        let data = data.map(Lock::share).transpose()?.map_or_else(Stdio::null, Stdio::from);
        let tenths = (STOP_TIMEOUT.as_millis() / 100).to_string();
        let mut warden = Command::new("/bin/sh")
            .args(["-c", WARDEN, "plumbline-warden", stop.name(), &tenths])
            .arg(&directory)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(lock.share()?)
            .stderr(data)
            .spawn()
            .context("start the warden /bin/sh")?;
        let orders = warden.stdin.take();
        Ok(Self {
            name,
            stop,
            directory,
            child: None,
            warden,
            orders,
        })
    }

    /// Removed with everything in it when the service is dropped or its process ends.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts the child in a process group of its own: a Ctrl-C in the terminal is for us to pass on, in our order.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> Result<()> {
        let path = self.log_path();
        // Processes that outlive their crashed parent write to the old one.
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("remove the log of {}", self.name))?;
        }
        let log = File::create(&path).with_context(|| format!("create the log of {}", self.name))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("duplicate the log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().to_string_lossy()))?;
        let pid = child.id();
        self.child = Some(child);
        self.order(&pid.to_string())
    }

    /// The child's exit status if it has ended by itself.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => child.try_wait().with_context(|| format!("look after {}", self.name)),
            None => bail!("{} is not running", self.name),
        }
    }

    /// Polls until `ready` gives a value; fails with the end of the child's log when the child ends first.
    pub(crate) fn wait_until<T>(
        &mut self,
        timeout: Duration,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        loop {
            let ended = self.exited()?;
            if let Some(value) = ready()? {
                return Ok(value);
            }
            if let Some(status) = ended {
                bail!("{} ended with {status}: {}", self.name, self.log_tail());
            }
            if started.elapsed() > timeout {
                bail!("{} was not ready after {timeout:?}: {}", self.name, self.log_tail());
            }
            std::thread::sleep(POLL);
        }
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops the child in good order; it is killed when it takes too long.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        if child.try_wait()?.is_none() {
            kill_process(Pid::from_child(child), self.stop.signal()).with_context(|| format!("stop {}", self.name))?;
            let started = Instant::now();
            while child.try_wait()?.is_none() {
                if started.elapsed() > STOP_TIMEOUT {
                    tracing::warn!(
                        service = self.name,
                        "did not stop within {STOP_TIMEOUT:?} and is killed"
                    );
                    return self.kill();
                }
                std::thread::sleep(POLL);
            }
        }
        self.forget()
    }

    /// Ends the child as a crash would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        child.kill().with_context(|| format!("kill {}", self.name))?;
        child.wait().with_context(|| format!("wait for {}", self.name))?;
        self.forget()
    }

    /// The process id may belong to somebody else from now on, so the warden must not signal it.
    fn forget(&mut self) -> Result<()> {
        self.child = None;
        self.order("")
    }

    fn order(&mut self, line: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the warden takes no more orders")?;
        writeln!(orders, "{line}").context("tell the warden")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The last lines the child wrote, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(self.log_path())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
            let mut tail = Vec::new();
            file.read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).trim().to_owned())
        };
        read().unwrap_or_else(|error| format!("(its log is unreadable: {error})"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(service = self.name, "not stopped in good order: {error:#}");
        }
        // End of input: the warden removes the run directory and ends.
        self.orders = None;
        if let Err(error) = self.warden.wait() {
            tracing::warn!(service = self.name, %error, "the warden is lost");
        }
    }
}
