//! A server over a network in which everything has happened once, for clients of the API to be tried on: it prints its
//! address and runs until its standard input ends.

#[allow(clippy::unwrap_used, reason = "it is shared with the tests")]
#[path = "../../indexer/tests/common/mod.rs"]
mod world;

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result};
use plumbline_api::{Config, Server, install_metrics};
use tokio_util::sync::CancellationToken;
use world::World;

/// Unoptimised, what the indexer awaits takes more than a worker's 2 MiB.
const STACK_BYTES: usize = 8 << 20;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()?;
    runtime.block_on(serve())
}

async fn serve() -> Result<()> {
    let (_world, database, indexer) = World::living().await?;
    let listen = "127.0.0.1:0".parse().context("read the address")?;
    let server = Server::start(&Config {
        rate_limit: None,
        ..Config::new(database.url.clone(), listen, install_metrics()?)
    })
    .await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "http://{}", server.address())?;
    stdout.flush()?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    stop.cancel();
    running.await?;
    indexer.stop().await
}
