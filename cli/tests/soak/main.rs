//! Everything that breaks around an indexer, at once and at random: afterwards its rows equal a fresh index of the chain, and
//! the chain's own words.

#[path = "../../../indexer/tests/common/mod.rs"]
mod common;
mod moody;
mod run;
mod stage;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use common::{Anyhow, World};
use plumbline_devnet::Postgres;
use run::{Outcome, Run};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Seeds of the run that every test has.
const FIXED_SEEDS: Range<u64> = 1..3;
/// Runs side by side, where nothing else is said.
const SIDE_BY_SIDE: u64 = 2;
/// Runs on one server, before the databases of earlier ones take too much of the disk.
const RUNS_PER_SERVER: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn rows_survive_everything_at_once() -> Anyhow {
    let soak = Soak::new(FIXED_SEEDS, SIDE_BY_SIDE, None).await?;
    soak.all().await?;
    soak.verdict();
    Ok(())
}

/// `make soak RUNS=200 SEED=1`: as many runs with consecutive seeds; a failing seed is named and written down.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "takes seconds a run; `make soak` has it"]
async fn soak() -> Anyhow {
    let number = |name: &str, default: u64| -> Anyhow<u64> {
        let given = std::env::var(name).ok();
        Ok(given.map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let (runs, first) = (number("RUNS", 20)?, number("SEED", 1)?);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&folder)?;
    let (jobs, file) = (number("JOBS", SIDE_BY_SIDE)?, folder.join("soak.json"));
    let soak = Soak::new(first..first + runs, jobs, Some(file)).await?;
    soak.all().await?;
    soak.verdict();
    Ok(())
}

/// Runs with consecutive seeds, some side by side.
struct Soak {
    world: World,
    seeds: Range<u64>,
    side_by_side: u64,
    /// Where the report is after each run.
    file: Option<PathBuf>,
    next: AtomicU64,
    began: Instant,
    results: Mutex<Results>,
}

#[derive(Default)]
struct Results {
    runs: u64,
    differing: Vec<u64>,
    /// Those that could not be judged, because the indexer ended or never reached the head.
    failing: Vec<u64>,
    steps: BTreeMap<String, u64>,
    requests: BTreeMap<String, u64>,
}

impl Soak {
    async fn new(seeds: Range<u64>, side_by_side: u64, file: Option<PathBuf>) -> Anyhow<Arc<Self>> {
        Ok(Arc::new(Self {
            world: stage::set().await?,
            side_by_side,
            file,
            next: AtomicU64::new(seeds.start),
            seeds,
            began: Instant::now(),
            results: Mutex::default(),
        }))
    }

    /// Each worker is a task, since starting a server or a chain holds up a thread.
    async fn all(self: &Arc<Self>) -> Anyhow {
        let mut workers = JoinSet::new();
        for _ in 0..self.side_by_side {
            let soak = self.clone();
            workers.spawn(async move { soak.some().await });
        }
        workers.join_all().await.into_iter().collect()
    }

    /// One run after the other, until there are no more seeds.
    async fn some(&self) -> Anyhow {
        let mut postgres = run::postgres()?;
        let mut runs = 0;
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if !self.seeds.contains(&seed) {
                return Ok(());
            }
            let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("soak-{seed}.log"));
            File::create(&log)?;
            let judged = self.run(&mut postgres, seed, &log).await;
            runs += 1;
            if judged.is_err() || runs % RUNS_PER_SERVER == 0 {
                postgres = run::postgres()?;
            }
            if judged.as_ref().is_ok_and(|outcome| outcome.differences.is_empty()) {
                fs::remove_file(&log)?;
            }
            self.note(seed, judged, &log);
            if let Some(file) = &self.file {
                fs::write(file, format!("{:#}\n", self.report()))?;
            }
        }
    }

    async fn run(&self, postgres: &mut Postgres, seed: u64, log: &Path) -> Anyhow<Outcome> {
        Run::prepare(&self.world, postgres, seed, log).await?.judge().await
    }

    fn note(&self, seed: u64, judged: Anyhow<Outcome>, log: &Path) {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.runs += 1;
        let again = format!(
            "`make soak RUNS=1 SEED={seed}` runs it again; {} is its log",
            log.display()
        );
        match judged {
            Ok(outcome) => {
                if !outcome.differences.is_empty() {
                    println!("seed {seed} differs: {:#?}\n{again}", outcome.differences);
                    results.differing.push(seed);
                }
                for (name, count) in outcome.steps {
                    *results.steps.entry(name).or_default() += count;
                }
                for (name, count) in outcome.requests {
                    *results.requests.entry(name).or_default() += count;
                }
            }
            Err(error) => {
                println!("seed {seed} failed: {error:#}\n{again}");
                results.failing.push(seed);
            }
        }
        println!(
            "{} of {} runs, {} with differences, {} failed, {} s",
            results.runs,
            self.seeds.end - self.seeds.start,
            results.differing.len(),
            results.failing.len(),
            self.began.elapsed().as_secs()
        );
    }

    fn report(&self) -> Value {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "runs": results.runs, "differences": results.differing.len(), "failures": results.failing.len(),
            "first_seed": self.seeds.start, "differing_seeds": results.differing, "failing_seeds": results.failing,
            "seconds": self.began.elapsed().as_secs(), "steps": results.steps, "requests": results.requests,
        })
    }

    fn verdict(&self) {
        let report = self.report();
        assert!(report["differences"] == 0 && report["failures"] == 0, "{report:#}");
    }
}
