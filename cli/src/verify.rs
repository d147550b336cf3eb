//! `plumbline verify`: whether the rows are what the contracts say, to the base unit.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::builder::FalseyValueParser;
use plumbline_indexer::{Difference, VerifyConfig, VerifyProgress, VerifyReport};
use tokio_util::sync::CancellationToken;

/// Of a process that ran and found the rows wrong; 1 says that it could not run, 2 that it was called wrongly.
const DIFFERENT: u8 = 3;
const REDRAW: Duration = Duration::from_millis(100);
const CLEAR_LINE: &str = "\r\x1b[K";

/// Compare the rows of the indexer with what the contracts say at the same block.
///
/// Stakes, channels, earnings, credits, cases, uptime and penalties are asked of the contracts; facts are compared with the
/// chain's logs, and what no contract knows with the facts. It exits with 3 when something differs, with 1 when it could
/// not find out.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: VerifyConfig,
    /// Print the report as JSON.
    #[arg(long, env = "PLUMBLINE_VERIFY_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
}

/// Verifies once.
pub(crate) async fn run(args: Args, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let screen = io::stderr().is_terminal();
    let drawn = Mutex::new(None);
    let progress = |progress: VerifyProgress| {
        if screen {
            draw(&drawn, progress);
        }
    };
    let verified = stop
        .run_until_cancelled(plumbline_indexer::verify(&args.config, &progress))
        .await;
    if screen {
        eprint!("{CLEAR_LINE}");
    }
    let report = verified.context("stopped before it was done")??;
    let text = if args.json {
        serde_json::to_string_pretty(&report).context("write JSON")?
    } else {
        render(&report)
    };
    writeln!(io::stdout(), "{text}").context("write to standard output")?;
    Ok(if report.difference_count() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    })
}

fn draw(drawn: &Mutex<Option<Instant>>, progress: VerifyProgress) {
    let Ok(mut drawn) = drawn.lock() else { return };
    if drawn.is_some_and(|at| at.elapsed() < REDRAW) {
        return;
    }
    *drawn = Some(Instant::now());
    let VerifyProgress { subject, done, total } = progress;
    eprint!("{CLEAR_LINE}{subject}: {done} of {total}");
}

fn render(report: &VerifyReport) -> String {
    let mut lines = Vec::new();
    if !report.differences.is_empty() {
        lines.extend(table(&report.differences));
        lines.push(String::new());
    }
    for (table, compared) in &report.compared {
        let wrong = match compared.differences {
            0 => String::new(),
            differences => format!("  {differences} differ"),
        };
        let (keys, values) = (compared.keys, compared.values);
        lines.push(format!("{table:<32} {keys:>9} keys {values:>10} values{wrong}"));
    }
    for surplus in &report.unaccounted {
        lines.push(format!(
            "{} holds {} of {} that no row accounts for: they came by a plain transfer",
            surplus.contract, surplus.amount, surplus.token
        ));
    }
    if report.facts_only {
        lines.push(
            "contracts of another source cannot be asked: facts were compared with the logs, and nothing else".into(),
        );
    }
    let values: u64 = report.compared.values().map(|compared| compared.values).sum();
    let finality = if report.finalized { "final" } else { "not final yet" };
    let outcome = match report.difference_count() {
        0 => format!("{values} values agree"),
        differences => format!("{differences} of {values} values differ"),
    };
    let part = report
        .sample
        .map_or_else(String::new, |keys| format!(", a sample of {keys} keys of each table"));
    lines.push(String::new());
    lines.push(format!(
        "block {} ({}), {finality}: {outcome}{part}",
        report.block, report.hash
    ));
    lines.join("\n")
}

fn table(differences: &[Difference]) -> Vec<String> {
    let header = ["TABLE", "KEY", "COLUMN", "ROWS SAY", "CHAIN SAYS"].map(str::to_owned);
    let rows = differences.iter().map(|difference| {
        let Difference {
            table,
            key,
            column,
            rows,
            chain,
        } = difference;
        [table, key, column, rows, chain].map(Clone::clone)
    });
    let rows: Vec<[String; 5]> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  "));
            cells.collect::<String>() + &row[4]
        })
        .collect()
}
