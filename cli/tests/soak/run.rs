//! One run: a real `plumbline index`, and everything around it that breaks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use plumbline_devnet::{Postgres, PostgresOptions};
use plumbline_indexer::{VerifyConfig, verify};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::common::{Anyhow, Database, World, contents};
use crate::moody::{Mood, Moody};
use crate::stage::{self, DEEPEST_REORG};

const DEPTHS: [u64; 5] = [1, 3, 10, 40, DEEPEST_REORG];
const MOODS: [Mood; 8] = [
    Mood::Calm,
    Mood::Faulty(5),
    Mood::Faulty(15),
    Mood::Faulty(40),
    Mood::Lagging,
    Mood::OtherFork,
    Mood::Torn,
    Mood::Dark,
];
/// While it reads history.
const FIRST_MOODS: [Mood; 4] = [Mood::Calm, Mood::Faulty(15), Mood::Faulty(30), Mood::Torn];
const STEPS: u64 = 16;
const MOST_ENDPOINTS: usize = 3;
/// By which another fork is longer than what it forked from.
const BLOCKS_OF_FORK: u64 = 4;
const PERIOD_SECONDS: u64 = 60;
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What happens in one step of a run.
#[derive(Debug, Clone, Copy)]
enum Step {
    Traffic(u64),
    Pay,
    Reorg(u64),
    /// The next process may start before the first is killed.
    Kill {
        overlap: bool,
    },
    StopDatabase {
        crash: bool,
    },
    Mood(usize, Mood),
    Period,
    ClosePeriod,
}

impl Step {
    fn draw(random: &mut StdRng) -> Self {
        match random.random_range(0..16) {
            0..=2 => Self::Traffic(random.random_range(1..6)),
            3 => Self::Pay,
            4..=6 => Self::Reorg(*DEPTHS.choose(random).unwrap_or(&1)),
            7..=8 => Self::Kill {
                overlap: random.random_range(0..3) == 0,
            },
            9 => Self::StopDatabase {
                crash: random.random_range(0..2) == 0,
            },
            10..=13 => Self::Mood(
                random.random_range(0..MOST_ENDPOINTS),
                *MOODS.choose(random).unwrap_or(&Mood::Calm),
            ),
            14 => Self::Period,
            _ => Self::ClosePeriod,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Traffic(_) => "traffic".to_owned(),
            Self::Pay => "payment".to_owned(),
            Self::Reorg(depth) => format!("reorg of {depth}"),
            Self::Kill { overlap: false } => "kill -9".to_owned(),
            Self::Kill { overlap: true } => "kill -9 with a standby".to_owned(),
            Self::StopDatabase { crash: false } => "database stopped".to_owned(),
            Self::StopDatabase { crash: true } => "database killed".to_owned(),
            Self::Mood(_, mood) => format!("mood {mood:?}"),
            Self::Period => "period reported".to_owned(),
            Self::ClosePeriod => "period closed".to_owned(),
        }
    }
}

/// What came of a run.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Tables that differ from a fresh index, and values that differ from the chain's.
    pub(crate) differences: Vec<String>,
    /// How often what was done to it.
    pub(crate) steps: BTreeMap<String, u64>,
    /// How many of its requests met which fault.
    pub(crate) requests: BTreeMap<String, u64>,
}

pub(crate) struct Run<'a> {
    random: StdRng,
    world: World,
    /// Shuts its chain down at the end.
    _fork: World,
    endpoints: Vec<Moody>,
    postgres: &'a mut Postgres,
    database: Database,
    max_range: u64,
    /// Announced by the chain itself, whatever the endpoints tell.
    heads: bool,
    log: &'a Path,
}

impl<'a> Run<'a> {
    pub(crate) async fn prepare(origin: &World, postgres: &'a mut Postgres, seed: u64, log: &'a Path) -> Anyhow<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let world = stage::copy(origin, &mut random).await?;
        let fork = stage::fork(&world, &mut random, BLOCKS_OF_FORK).await?;
        let mut endpoints = Vec::new();
        for _ in 0..random.random_range(1..=MOST_ENDPOINTS) {
            let seed = random.random_range(0..u64::MAX);
            let endpoint = Moody::start(world.chain.http_url(), fork.chain.http_url(), seed).await?;
            endpoint.set(*FIRST_MOODS.choose(&mut random).unwrap_or(&Mood::Calm));
            endpoints.push(endpoint);
        }
        Ok(Self {
            max_range: *[2, 17, 2_000].choose(&mut random).unwrap_or(&2),
            heads: random.random_range(0..2) == 0,
            random,
            world,
            _fork: fork,
            endpoints,
            database: Database::at(postgres.fresh_database().await?)?,
            postgres,
            log,
        })
    }

    pub(crate) async fn judge(mut self) -> Anyhow<Outcome> {
        let mut outcome = Outcome::default();
        let mut process = self.start()?;
        for _ in 0..STEPS {
            let step = Step::draw(&mut self.random);
            *outcome.steps.entry(step.name()).or_default() += 1;
            writeln!(self.log()?, "-- {step:?}")?;
            self.take(step, &mut process).await?;
            self.pause(&[10, 100, 300, 1_000]).await;
        }
        for endpoint in &self.endpoints {
            endpoint.set(Mood::Calm);
        }
        // Longer than the fork, whose head the indexer may have seen.
        self.world.mine(BLOCKS_OF_FORK + 1).await?;
        tokio::select! {
            settled = self.world.indexed(&self.database) => settled?,
            failed = process.failure() => failed?,
        }
        process.kill()?;
        for (fault, count) in self.endpoints.iter().flat_map(Moody::met) {
            *outcome.requests.entry(fault).or_default() += count;
        }
        outcome.differences = self.differences().await?;
        Ok(outcome)
    }

    async fn take(&mut self, step: Step, process: &mut Process) -> Anyhow {
        match step {
            Step::Traffic(transactions) => {
                for _ in 0..transactions {
                    stage::act(&self.world, &mut self.random).await?;
                }
            }
            Step::Pay => {
                let (payer, operator) = (self.random.random_range(0..2), self.random.random_range(0..4));
                let fee = self.random.random_range(1_000..1_000_000);
                // After a reorg it may revert.
                drop(self.world.pay(payer, operator, fee).await);
            }
            Step::Reorg(depth) => stage::reorg(&self.world, &mut self.random, depth).await?,
            Step::Kill { overlap } => {
                let standby = if overlap { Some(self.start()?) } else { None };
                self.pause(&[0, 50, 200]).await;
                process.kill()?;
                *process = match standby {
                    Some(standby) => standby,
                    None => {
                        self.pause(&[0, 50, 200]).await;
                        self.start()?
                    }
                };
            }
            Step::StopDatabase { crash } => {
                if crash {
                    self.postgres.kill()?;
                } else {
                    self.postgres.stop()?;
                }
                self.pause(&[0, 100, 300]).await;
                self.postgres.restart()?;
            }
            Step::Mood(which, mood) => self.endpoints[which % self.endpoints.len()].set(mood),
            Step::Period => {
                let down = self.random.random_range(0..self.world.operators.len());
                // After a reorg it may revert.
                drop(self.world.run_period(&[down]).await);
            }
            Step::ClosePeriod => {
                self.world
                    .pass(PERIOD_SECONDS + self.random.random_range(0..30))
                    .await?
            }
        }
        Ok(())
    }

    /// Up to one of these, in milliseconds.
    async fn pause(&mut self, longest: &[u64]) {
        let longest = longest.choose(&mut self.random).copied().unwrap_or_default();
        let ms = self.random.random_range(0..=longest);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn start(&self) -> Anyhow<Process> {
        let urls: Vec<String> = self.endpoints.iter().map(Moody::url).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        if self.heads {
            command.env("PLUMBLINE_WS_URL", self.world.chain.ws_url());
        }
        let child = command
            .arg("index")
            .env("DATABASE_URL", &self.database.url)
            .env("PLUMBLINE_RPC_URL", urls.join(","))
            .env("PLUMBLINE_DEPLOYMENT", self.world.deployment_file())
            .env("PLUMBLINE_LOG", "plumbline_indexer=debug,info")
            .env("PLUMBLINE_POLL_INTERVAL_MS", "20")
            .env("PLUMBLINE_MAX_RANGE", self.max_range.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log()?)
            .spawn()?;
        Ok(Process {
            child,
            log: self.log.to_owned(),
        })
    }

    /// What the indexer says, and between it what is done to it.
    fn log(&self) -> Anyhow<File> {
        Ok(File::options().append(true).open(self.log)?)
    }

    async fn differences(&self) -> Anyhow<Vec<String>> {
        let fresh = Database::at(self.postgres.fresh_database().await?)?;
        let (ours, fresh) = (contents(&self.database).await?, self.world.index_into(&fresh).await?);
        let mut found = Vec::new();
        for ((table, ours), (_, fresh)) in ours.iter().zip(&fresh) {
            if ours != fresh {
                let only = |a: &str, b: &str| a.lines().find(|line| !b.contains(line)).unwrap_or("-").to_owned();
                let (here, there) = (only(ours, fresh), only(fresh, ours));
                found.push(format!("{table}: only here {here}; only in a fresh index {there}"));
            }
        }
        let config = VerifyConfig {
            unfinalized: true,
            ..VerifyConfig::new(
                &self.database.url,
                self.world.chain.http_url(),
                self.world.deployment_file(),
            )
        };
        let report = verify(&config, &|_| {}).await?;
        found.extend(report.differences.iter().map(|difference| format!("{difference:?}")));
        Ok(found)
    }
}

/// A server of one's own, which can be stopped.
pub(crate) fn postgres() -> Anyhow<Postgres> {
    Postgres::start(&PostgresOptions::default())
}

/// `plumbline index` as a process of its own.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// As `kill -9` does.
    fn kill(&mut self) -> Anyhow {
        self.check()?;
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// A process that ends by itself is a failure.
    fn check(&mut self) -> Anyhow {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(&self.log)?;
            let last = log.lines().last().unwrap_or_default();
            anyhow::bail!("the indexer ended by itself with {status}: {last}");
        }
        Ok(())
    }

    async fn failure(&mut self) -> Anyhow {
        loop {
            self.check()?;
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
