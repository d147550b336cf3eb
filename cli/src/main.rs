//! The command `plumbline`: one binary that runs every part.

mod alerts;
mod deploy;
mod dev;
mod index;
mod logging;
mod openapi;
mod refold;
mod serve;
mod signals;
mod simulate;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An open inference network in which execution and uptime are audited.
///
/// Every option can also be given by the environment variable beside it.
#[derive(Parser)]
#[command(
    name = "plumbline",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: logging::Args,
}

#[derive(Subcommand)]
enum Command {
    Alerts(alerts::Args),
    Dev(dev::Args),
    Deploy(deploy::Args),
    Index(index::Args),
    Openapi(openapi::Args),
    Refold(refold::Args),
    Serve(serve::Args),
    Simulate(simulate::Args),
    Verify(verify::Args),
    Watch(watch::Args),
}

/// What the main thread has. Unoptimised, the whole URL space of the API is put together in more than a worker's 2 MiB.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(anyhow::Error::new(error).context("start the runtime")),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            // The whole chain of causes in one line, as the last word on the terminal.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    plumbline_protocol::rpc::install_tls();
    let stop = signals::stop_on_signal()?;
    // `dev` writes its records to a file in its data directory.
    if !matches!(cli.command, Command::Dev(_)) {
        cli.logging.to_terminal()?;
    }
    match cli.command {
        Command::Alerts(args) => alerts::run(args).await,
        Command::Dev(args) => dev::run(args, &cli.logging, stop).await,
        Command::Deploy(args) => deploy::run(args, stop).await,
        Command::Index(args) => index::run(args, stop).await,
        Command::Openapi(args) => openapi::run(&args),
        Command::Refold(args) => refold::run(args, stop).await,
        Command::Serve(args) => serve::run(args, stop).await,
        Command::Simulate(args) => simulate::run(args, stop).await,
        Command::Verify(args) => return verify::run(args, stop).await,
        Command::Watch(args) => watch::run(args, stop).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
