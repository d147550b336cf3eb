//! `plumbline index` as a process of its own, killed without warning.

#[path = "../../indexer/tests/common/mod.rs"]
mod common;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Anyhow, Database, World, until};

/// A process that does not outlive the test.
struct Process(Child);

impl Process {
    fn index(world: &World, database: &Database) -> Anyhow<Self> {
        let child = Command::new(env!("CARGO_BIN_EXE_plumbline"))
            .arg("index")
            .env("DATABASE_URL", &database.url)
            .env("PLUMBLINE_RPC_URL", world.chain.http_url())
            .env("PLUMBLINE_DEPLOYMENT", world.deployment_file())
            .env("PLUMBLINE_POLL_INTERVAL_MS", "20")
            // So small that there is much to be interrupted in.
            .env("PLUMBLINE_MAX_RANGE", "3")
            .stdin(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// As `kill -9` does.
    fn kill(mut self) -> Anyhow {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_it_goes_on_without_a_gap_or_a_duplicate() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let kills = async {
        for extra_ms in [0, 5, 11, 23, 47, 2, 31, 90, 17, 64] {
            let before = database.tip().await;
            let process = Process::index(&world, &database)?;
            // Somewhere in its start, its catching up, or a while after it wrote its first range.
            if extra_ms % 2 == 1 {
                until("a range to be written", async || {
                    Ok((database.tip().await > before).then_some(()))
                })
                .await?;
            }
            tokio::time::sleep(Duration::from_millis(extra_ms)).await;
            process.kill()?;
        }
        Anyhow::Ok(())
    };
    let mut kills = std::pin::pin!(kills);
    let mut round = 0;
    loop {
        tokio::select! {
            killed = &mut kills => break killed?,
            sent = world.traffic(1, round) => sent?,
        }
        round += 1;
        if round % 5 == 4 {
            world.reorg(3).await?;
        }
    }
    let process = Process::index(&world, &database)?;
    world.assert_exact(&database).await?;
    process.kill()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_from_a_process_that_was_killed() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let first = Process::index(&world, &database)?;
    world.indexed(&database).await?;
    let second = Process::index(&world, &database)?;
    world.traffic(1, 0).await?;
    world.indexed(&database).await?;
    first.kill()?;
    world.traffic(1, 1).await?;
    world.assert_exact(&database).await?;
    second.kill()
}
