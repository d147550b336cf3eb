//! `plumbline watch`: a table of operators in the terminal, fed by the HTTP API alone.

mod client;
mod snapshot;
mod table;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use snapshot::Snapshot;
use table::{MIN_WIDTH, Style};

pub(crate) use client::Client;
pub(crate) use snapshot::Network;
pub(crate) use table::group;

/// Lines of the screen that are not operators: figures of the network, header, legend, error and a line to spare.
const LINES_AROUND: usize = 16;
const ROWS_MIN: usize = 5;

/// Show a table of operators (uptime, drift, slashes, stake) and refresh it.
///
/// Where the output is not a terminal, one table is printed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the API, as `plumbline dev` or `plumbline serve` prints it.
    #[arg(
        long,
        env = "PLUMBLINE_API_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    api_url: String,
    /// How far back uptime is counted.
    #[arg(long, env = "PLUMBLINE_WATCH_WINDOW", value_name = "WINDOW", default_value = "7d")]
    window: Window,
    /// Seconds between refreshes.
    #[arg(long, env = "PLUMBLINE_WATCH_INTERVAL", value_name = "SECONDS", default_value = "5",
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    interval: u64,
    /// Print one table and end.
    #[arg(long, env = "PLUMBLINE_WATCH_ONCE", value_parser = FalseyValueParser::new())]
    once: bool,
    /// Print JSON with every digit instead of a table.
    #[arg(long, env = "PLUMBLINE_WATCH_JSON", value_parser = FalseyValueParser::new(), requires = "once")]
    json: bool,
}

/// The windows of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Window {
    #[value(name = "1d")]
    Day,
    #[value(name = "7d")]
    Week,
    #[value(name = "30d")]
    Month,
    #[value(name = "90d")]
    Quarter,
}

impl Window {
    fn name(self) -> &'static str {
        match self {
            Self::Day => "1d",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }
}

/// Runs until `stop`, or once.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let mut client = Client::new(&args.api_url, args.window.name())?;
    let screen = io::stdout().is_terminal();
    if args.once || !screen {
        let Some(snapshot) = stop.run_until_cancelled(client.snapshot(usize::MAX)).await else {
            return Ok(());
        };
        return print_once(&snapshot?, args.json, screen);
    }
    let _guard = AlternateScreen::enter()?;
    refresh(&mut client, &args, &stop).await
}

fn print_once(snapshot: &Snapshot, json: bool, screen: bool) -> anyhow::Result<()> {
    let text = if json {
        serde_json::to_string_pretty(snapshot).context("write JSON")?
    } else {
        let width = if screen { size().0 } else { MIN_WIDTH };
        table::render(
            snapshot,
            Style {
                width,
                color: screen && wants_color(),
            },
            usize::MAX,
        )
        .join("\n")
    };
    match writeln!(io::stdout(), "{text}") {
        // The reader of a pipe (`head`, say) has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write to standard output"),
    }
}

async fn refresh(client: &mut Client, args: &Args, stop: &CancellationToken) -> anyhow::Result<()> {
    let interval = Duration::from_secs(args.interval);
    let mut last: Option<Snapshot> = None;
    let mut failing_since: Option<Instant> = None;
    loop {
        let (width, height) = size();
        let rows = height.saturating_sub(LINES_AROUND).max(ROWS_MIN);
        let Some(result) = stop.run_until_cancelled(client.snapshot(rows)).await else {
            return Ok(());
        };
        let style = Style {
            width,
            color: wants_color(),
        };
        let mut lines = Vec::new();
        match result {
            Ok(snapshot) => {
                failing_since = None;
                last = Some(snapshot);
            }
            Err(error) => {
                let since = failing_since.get_or_insert_with(Instant::now).elapsed().as_secs();
                lines.extend(table::failure(
                    &format!("{error:#}"),
                    since,
                    args.interval,
                    last.is_some(),
                    style,
                ));
            }
        }
        if let Some(snapshot) = &last {
            lines.extend(table::render(snapshot, style, rows));
        }
        lines.push(table::footer(args.interval, style));
        draw(&lines, height)?;
        if stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
            return Ok(());
        }
    }
}

/// Overwrites the screen line by line, which does not flicker as clearing it would.
fn draw(lines: &[String], height: usize) -> anyhow::Result<()> {
    let shown: Vec<String> = lines.iter().take(height).map(|line| format!("{line}\x1b[K")).collect();
    let frame = format!("\x1b[H{}\x1b[J", shown.join("\r\n"));
    let mut out = io::stdout().lock();
    out.write_all(frame.as_bytes())
        .and_then(|()| out.flush())
        .context("write to the terminal")
}

/// The terminal's other page, so that what was on the screen comes back.
struct AlternateScreen;

impl AlternateScreen {
    fn enter() -> anyhow::Result<Self> {
        let mut out = io::stdout();
        out.write_all(b"\x1b[?1049h\x1b[?25l")
            .and_then(|()| out.flush())
            .context("write to the terminal")?;
        Ok(Self)
    }
}

impl Drop for AlternateScreen {
    fn drop(&mut self) {
        let mut out = io::stdout();
        // Nothing is left to do about a terminal that is gone.
        drop(out.write_all(b"\x1b[?25h\x1b[?1049l").and_then(|()| out.flush()));
    }
}

/// Columns and lines of the terminal.
fn size() -> (usize, usize) {
    const DEFAULT: (usize, usize) = (MIN_WIDTH, 24);
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        Ok(_) | Err(_) => DEFAULT,
    }
}

fn wants_color() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
