//! Runs a command beside a local PostgreSQL, a local chain or both: `devnet [--data DIR] postgres chain -- COMMAND`.
//!
//! The command finds them in `DATABASE_URL` and `RPC_URL`; they end with it.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use plumbline_devnet::{Chain, ChainOptions, Postgres, PostgresOptions};

const USAGE: &str = "usage: devnet [--data DIR] [postgres] [chain] -- COMMAND [ARGUMENT]...";
const DATABASE: &str = "plumbline";

#[derive(Debug, Default)]
struct Request {
    data: Option<PathBuf>,
    postgres: bool,
    chain: bool,
    command: Vec<String>,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request> {
    let mut request = Request::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => request.data = Some(arguments.next().context(USAGE)?.into()),
            "postgres" => request.postgres = true,
            "chain" => request.chain = true,
            "--" => {
                request.command.extend(arguments);
                break;
            }
            other => bail!("unexpected argument {other}\n{USAGE}"),
        }
    }
    ensure!(!request.command.is_empty(), USAGE);
    Ok(request)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let request = parse(std::env::args().skip(1))?;
    let below_data = |name: &str| request.data.as_ref().map(|data| data.join(name));
    let (program, arguments) = request.command.split_first().context(USAGE)?;
    let mut command = Command::new(program);
    command.args(arguments);

    let postgres = if request.postgres {
        let options = PostgresOptions {
            data_dir: below_data("postgres"),
            ..Default::default()
        };
        Some(Postgres::start(&options)?)
    } else {
        None
    };
    if let Some(postgres) = &postgres {
        command.env("DATABASE_URL", postgres.database(DATABASE).await?);
    }
    let chain = if request.chain {
        Some(Chain::start(&ChainOptions {
            data_dir: below_data("chain"),
            ..Default::default()
        })?)
    } else {
        None
    };
    if let Some(chain) = &chain {
        command.env("RPC_URL", chain.http_url());
    }

    let status = command.status().with_context(|| format!("start {program}"))?;
    // A command ended by a signal has no code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
