//! Where log records go: the terminal, or a file of bounded size with only warnings on the terminal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// A log file is moved aside when it reaches this size; one earlier file is kept.
const FILE_MAX_BYTES: u64 = 32 * 1024 * 1024;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct Args {
    /// What is logged: a level, or levels by module such as `warn,plumbline_indexer=debug`.
    #[arg(
        long,
        env = "PLUMBLINE_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "info"
    )]
    log: String,
    /// How records are written to the terminal.
    #[arg(
        long,
        env = "PLUMBLINE_LOG_FORMAT",
        global = true,
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Args {
    /// Records go to standard error.
    pub(crate) fn to_terminal(&self) -> anyhow::Result<()> {
        let records = fmt::layer().with_writer(|| Terminal);
        let records = match self.log_format {
            Format::Text => records.with_ansi(colorful()).boxed(),
            Format::Json => records.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry()
            .with(self.filter()?)
            .with(records)
            .try_init()
            .context("set up logging")
    }

    /// Records go to a file; the terminal shows warnings and errors, or everything if `verbose`.
    pub(crate) fn to_file(&self, path: &Path, verbose: bool) -> anyhow::Result<()> {
        let file = RotatingFile::begin(path)?;
        let records = fmt::layer().with_writer(file).with_ansi(false);
        let level = if verbose { LevelFilter::TRACE } else { LevelFilter::WARN };
        let shown = fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(colorful())
            .with_target(verbose)
            .compact();
        tracing_subscriber::registry()
            .with(self.filter()?)
            .with(records)
            .with(shown.with_filter(level))
            .try_init()
            .context("set up logging")
    }

    fn filter(&self) -> anyhow::Result<EnvFilter> {
        EnvFilter::try_new(&self.log).with_context(|| {
            format!(
                "--log (PLUMBLINE_LOG) is {:?}; write a level such as `info`, or `info,sqlx=warn`",
                self.log
            )
        })
    }
}

/// The convention of <https://no-color.org>.
pub(crate) fn colorful() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Standard error, where the bar of a catch-up may stand: it makes room for every record.
struct Terminal;

impl Write for Terminal {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        plumbline_indexer::aside(|| io::stderr().write_all(record))?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A file that begins anew at every start and whenever it has grown too long; the one before is kept beside it.
#[derive(Clone, Debug)]
struct RotatingFile(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl RotatingFile {
    fn begin(path: &Path) -> anyhow::Result<Self> {
        let file = rotate(path).with_context(|| format!("begin the log file {}", path.display()))?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            path: path.to_owned(),
            file,
            bytes: 0,
        }))))
    }
}

fn rotate(path: &Path) -> io::Result<File> {
    match fs::rename(path, path.with_extension("previous.log")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.bytes >= FILE_MAX_BYTES {
            inner.file = rotate(&inner.path)?;
            inner.bytes = 0;
        }
        let written = inner.file.write(record)?;
        inner.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file.flush()
    }
}

impl<'a> MakeWriter<'a> for RotatingFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}
