//! `plumbline alerts`: what no webhook took, and a way to have it sent again.

use std::io::{self, Write};

use anyhow::{Context, ensure};
use clap::builder::FalseyValueParser;
use plumbline_indexer::Dead;

/// Stands for every alert.
const ALL: &str = "all";

/// List alerts that a webhook did not take after many attempts, or have them sent again.
///
/// The API lists all alerts at /v1/alerts, and what became of the messages that tell of them at /v1/alerts/messages.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// PostgreSQL database that `plumbline index` writes to, by a role that may write.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// List as JSON.
    #[arg(long, env = "PLUMBLINE_ALERTS_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Have an alert sent again by the running indexer.
    Retry {
        /// Id of the alert, or `all`.
        alert: String,
    },
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        None => list(&plumbline_indexer::dead_messages(&args.database_url).await?, args.json),
        Some(Action::Retry { alert }) => {
            let one = (alert != ALL).then_some(alert.as_str());
            let count = plumbline_indexer::retry_messages(&args.database_url, one).await?;
            ensure!(
                count != 0 || alert == ALL,
                "no message about {alert} was given up; `plumbline alerts` lists those that were"
            );
            say(&format!(
                "{count} to be sent again; a running `plumbline index` does that"
            ))
        }
    }
}

fn list(dead: &[Dead], json: bool) -> anyhow::Result<()> {
    if json {
        return say(&serde_json::to_string_pretty(dead).context("write JSON")?);
    }
    if dead.is_empty() {
        return say("no message was given up");
    }
    for message in dead {
        let Dead {
            alert,
            event,
            host,
            attempts,
            last_error,
            ..
        } = message;
        say(&format!(
            "{alert}  {event}  {host}  {attempts} attempts, the last failed: {last_error}"
        ))?;
    }
    say("\n`plumbline alerts retry ID` (or `all`) has them sent again")
}

fn say(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write to standard output"),
    }
}
