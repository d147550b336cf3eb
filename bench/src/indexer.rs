//! `bench indexer`: the same events by every indexer into the same database server, round by round.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use plumbline_devnet::Postgres;
use serde_json::json;

use crate::database::Database;
use crate::program::Program;
use crate::recording::{CHAIN_ID, Heartbeat, Plan, REGISTRY, RELAY, Recording};
use crate::replay::Replay;
use crate::report::{self, Floors, Run, Scenario};
use crate::subject::{Ground, Subject};
use crate::{content, floor, head, usage};

const DENSE_HEARTBEATS: u64 = 1_500_000;
const SPARSE_BLOCKS: u64 = 300_000;
const LATENCY: Duration = Duration::from_millis(50);

/// Index the recorded chain with every indexer and compare rows, time, processor, memory and requests
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each scenario; medians are reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Part of the full size, 1.5 million heartbeats and 300,000 blocks
    #[arg(long, default_value_t = 1.0, value_name = "FRACTION")]
    scale: f64,

    /// Only these scenarios: dense, untimed, latency, sparse, head
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,

    /// Only these indexers: plumbline, subsquid, ponder
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    subjects: Vec<String>,

    /// Plumbline's binary
    #[arg(long, default_value = "target/release/plumbline", value_name = "FILE")]
    plumbline: PathBuf,

    /// Where the figures are written
    #[arg(long, default_value = "target/bench/indexer.json", value_name = "FILE")]
    out: PathBuf,
}

impl Args {
    fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario)
    }

    fn subjects(&self) -> impl Iterator<Item = Subject> + '_ {
        Subject::ALL.into_iter().filter(|subject| {
            let names = &self.subjects;
            names.is_empty() || names.iter().any(|name| subject.name().starts_with(name.as_str()))
        })
    }
}

/// A scenario's name, what is recorded, and the delay of each answer.
fn scenarios(scale: f64) -> [(&'static str, Plan, Duration); 4] {
    let dense = Plan::dense((DENSE_HEARTBEATS as f64 * scale) as u64);
    let sparse = Plan::sparse((SPARSE_BLOCKS as f64 * scale) as u64);
    let untimed = Plan { timed: false, ..dense };
    [
        ("dense", dense, Duration::ZERO),
        ("latency", dense, LATENCY),
        ("untimed", untimed, Duration::ZERO),
        ("sparse", sparse, Duration::ZERO),
    ]
}

/// Runs the benchmarks and writes the figures.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    ensure!(
        (0.001..=100.0).contains(&args.scale),
        "--scale must be between 0.001 and 100"
    );
    let root = std::env::current_dir().context("find the current directory")?;
    let plumbline = built(&root, &args.plumbline)?;
    let database = Database::start(&root, false)?;
    let postgres = database.server()?;
    let mut recorded: Option<Arc<Recording>> = None;
    let mut results = BTreeMap::new();
    for (name, plan, latency) in scenarios(args.scale) {
        if !args.wants(name) {
            continue;
        }
        let recording = match recorded.take() {
            Some(recording) if recording.plan() == plan => recording,
            Some(_) | None => Arc::new(tokio::task::spawn_blocking(move || Recording::make(plan)).await?),
        };
        recorded = Some(recording.clone());
        let scenario = measure(&args, &root, postgres, &plumbline, name, recording, latency).await?;
        report::print(name, &scenario);
        results.insert(name, scenario);
    }
    let head = if args.wants("head") {
        let head = head::measure(&root, postgres, &plumbline).await?;
        println!(
            "\nblock mined → row visible: p50 {:.1} ms, p99 {:.1} ms",
            head.p50, head.p99
        );
        Some(head)
    } else {
        None
    };
    report::write(&args.out, &results, head)
}

/// Plumbline's binary, by a path below the current directory.
pub(crate) fn built(root: &Path, binary: &Path) -> anyhow::Result<PathBuf> {
    let path = root.join(binary);
    ensure!(
        path.is_file(),
        "{} is missing; build it with `cargo build --release --bin plumbline`",
        path.display()
    );
    Ok(path)
}

async fn measure(
    args: &Args,
    root: &Path,
    postgres: &Postgres,
    plumbline: &Path,
    name: &str,
    recording: Arc<Recording>,
    latency: Duration,
) -> anyhow::Result<Scenario> {
    let replay = Replay::start(recording.clone(), latency, 0).await?;
    let last = recording.last().context("the recording holds no heartbeat")?;
    let ground = Ground {
        root: root.to_owned(),
        postgres,
        recording: &recording,
        rpc_url: replay.url(),
        plumbline: plumbline.to_owned(),
        deployment: write_deployment(root, &recording)?,
    };
    let events = recording.all_heartbeats().count() as u64;
    let expected = content::recorded(&recording);
    eprintln!(
        "\n{name}: {events} heartbeats in {} blocks, {} MB of logs",
        recording.head(),
        recording.bytes() >> 20
    );
    let mut scenario = Scenario::new(events, recording.head());
    for round in 1..=args.rounds {
        let fetch = floor::fetch(&recording, replay.url()).await?;
        let mut copy = None;
        for subject in args.subjects() {
            // Only the floor's requests so far.
            replay.take();
            let run = index(&ground, &replay, subject, &last, &expected).await?;
            eprintln!("{name}, round {round}: {} {:.2} s", subject.name(), run.wall_s);
            scenario.runs.entry(subject).or_default().push(run);
            if subject == Subject::Plumbline {
                copy = Some(copy_floor(&ground).await?);
            }
        }
        scenario.floors.push(Floors {
            fetch_s: fetch.as_secs_f64(),
            copy_s: copy.map(|copy| copy.as_secs_f64()),
        });
    }
    Ok(scenario)
}

/// One run of one subject, whose rows have to be what was recorded.
async fn index(
    ground: &Ground<'_>,
    replay: &Replay,
    subject: Subject,
    last: &Heartbeat,
    expected: &str,
) -> anyhow::Result<Run> {
    let mut db = ground.prepare(subject).await?;
    let server = ground.postgres.pid().context("PostgreSQL runs")?;
    let before = usage::of(server)?;
    let logs = ground.root.join("target/bench/logs");
    let mut program = Program::start(subject.name(), &mut ground.command(subject)?, &logs)?;
    let query = subject.row_query(last, ground.recording);
    let (wall, used) = program.wait_for(&mut db, &query).await?;
    let after = usage::of(server)?;
    let asked = replay.take();
    let started = asked.first_logs.map(|at| at.duration_since(program.started));
    program.stop();
    let found = content::stored(&mut db, &subject.content_query()).await?;
    ensure!(
        found == expected,
        "the rows of {} are not those that were recorded",
        subject.name()
    );
    Ok(Run {
        wall_s: wall.as_secs_f64(),
        start_s: started.map(|start| start.as_secs_f64()),
        cpu_s: used.cpu_s,
        postgres_cpu_s: after.cpu_s - before.cpu_s,
        peak_rss_mb: used.peak_rss_mb,
        requests: asked.requests,
        calls: asked.calls,
    })
}

/// Bare COPY of the rows that Plumbline has just written.
async fn copy_floor(ground: &Ground<'_>) -> anyhow::Result<Duration> {
    let mut db = ground.connect(Subject::Plumbline).await?;
    let rows = floor::rows(&mut db, Subject::Plumbline.table()).await?;
    floor::copy(&mut db, Subject::Plumbline.table(), &rows).await
}

/// The file that tells Plumbline where the recorded contracts are.
fn write_deployment(root: &Path, recording: &Recording) -> anyhow::Result<PathBuf> {
    let path = root.join("target/bench/deployment.json");
    let deployment = json!({
        "source": "opengradient", "chain_id": CHAIN_ID,
        "block": { "number": 0, "hash": recording.hash(0) },
        "registry": REGISTRY, "relay": RELAY,
        "native_token": { "symbol": "ETH", "decimals": 18 },
        "heartbeat": { "interval_seconds": 900, "max_age_seconds": 1_800 },
        "period": { "slot_seconds": 900, "slots": 96 },
    });
    let directory = path.parent().context("the path has a parent")?;
    fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    fs::write(&path, format!("{deployment:#}\n")).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}
