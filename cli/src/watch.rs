//! `plumbline watch`: a table of operators in the terminal, fed by the HTTP API alone.

mod app;
mod client;
mod poller;
mod screen;
mod snapshot;
mod table;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use clap::builder::FalseyValueParser;
use futures::StreamExt;
use ratatui::crossterm::event::{Event, EventStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use app::App;
use screen::Paint;
use snapshot::Snapshot;
use table::{MIN_WIDTH, Style};
use terminal::Terminal;

pub(crate) use client::Client;
pub(crate) use snapshot::Network;
pub(crate) use table::group;
pub(crate) use terminal::restore;

/// How often ages are drawn anew.
const TICK: Duration = Duration::from_secs(1);
/// Answers that wait to be shown.
const NEWS: usize = 8;

/// Show who is reliable and who drifts: the network, its operators, and what happened to each.
///
/// It needs nothing but an API. Keys are listed by `?`. Where the output is not a terminal, one table is printed.
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

/// Runs until `stop`, until it is told to end, or once.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<()> {
    let mut client = Client::new(&args.api_url, args.window.name())?;
    let screen = io::stdout().is_terminal();
    if args.once || !screen {
        let Some(snapshot) = stop.run_until_cancelled(whole(&mut client)).await else {
            return Ok(());
        };
        return print_once(&snapshot?, args.json, screen);
    }
    let mut terminal = Terminal::enter()?;
    let shown = show(&mut terminal, client, &args, &stop).await;
    terminal.leave();
    shown
}

/// Everything that can be asked, of every operator.
async fn whole(client: &mut Client) -> anyhow::Result<Snapshot> {
    let mut snapshot = client.snapshot().await?;
    let operators: Vec<String> = snapshot
        .operators
        .iter()
        .map(|operator| operator.operator.clone())
        .collect();
    client.details(&mut snapshot, &operators).await?;
    Ok(snapshot)
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

/// Draws whenever a key, an answer or a second comes in.
async fn show(terminal: &mut Terminal, client: Client, args: &Args, stop: &CancellationToken) -> anyhow::Result<()> {
    let interval = Duration::from_secs(args.interval);
    let mut app = App::new(interval);
    let (wanted, wanted_by_poller) = watch::channel(app.wanted());
    let (tell, mut news) = mpsc::channel(NEWS);
    // Ends when `news` is dropped.
    tokio::spawn(poller::poll(client, interval, wanted_by_poller, tell));
    let paint = Paint::new(wants_color());
    let mut keys = EventStream::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !app.done {
        terminal.draw(|frame| screen::draw(frame, &mut app, paint, Instant::now()))?;
        let now = app.wanted();
        wanted.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
            told = news.recv() => match told {
                Some(told) => app.hear(told, Instant::now()),
                None => anyhow::bail!("what asks the API ended by itself"),
            },
            event = keys.next() => match event {
                // A new size is met by the next drawing.
                Some(Ok(event)) => if let Event::Key(key) = event {
                    app.on_key(key);
                },
                Some(Err(error)) => return Err(error).context("read the keyboard"),
                None => break,
            },
        }
    }
    Ok(())
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
