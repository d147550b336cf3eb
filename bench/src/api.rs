//! `bench api`: every endpoint under load on a database of ten million events, and Ponder's own API on the same question.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::http::Method;
use plumbline_devnet::Postgres;
use serde_json::{Map, Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::database::{self, Database};
use crate::indexer::built;
use crate::load::{self, Held, Question};
use crate::program::Program;
use crate::recording::{Plan, Recording};
use crate::replay::Replay;
use crate::settled::{self, address};
use crate::subject::{Ground, Subject};

const DATABASE: &str = "bench_api";
const PERIODS: f64 = 720.0;
/// Names that are asked for by turns where a path has one.
const EXAMPLES: u64 = 16;
/// Of the server that keeps answers: the default.
const MEMORY_MB: u32 = 64;
const BLOCK_INTERVAL: Duration = Duration::from_secs(2);
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// The page that both APIs are asked for.
const PAGE: u32 = 50;

/// Ask every endpoint as often as two cores can answer, on a database of ten million events
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Part of the full size, 720 periods with 10 million events
    #[arg(long, default_value_t = 1.0, value_name = "FRACTION")]
    scale: f64,

    /// Only endpoints that contain this text
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,

    /// Leave Ponder out
    #[arg(long)]
    alone: bool,

    /// Keep the database for the next run, and use what the last run kept
    #[arg(long)]
    keep: bool,

    /// Plumbline's binary
    #[arg(long, default_value = "target/release/plumbline", value_name = "FILE")]
    plumbline: PathBuf,

    /// Where the figures are written
    #[arg(long, default_value = "target/bench/api.json", value_name = "FILE")]
    out: PathBuf,
}

/// Runs the benchmark and writes the figures.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    ensure!(
        (0.001..=10.0).contains(&args.scale),
        "--scale must be between 0.001 and 10"
    );
    let root = std::env::current_dir().context("find the current directory")?;
    let plumbline = built(&root, &args.plumbline)?;
    let database = Database::start(&root, args.keep)?;
    let postgres = database.server()?;
    let periods = (PERIODS * args.scale).ceil() as u64;
    let events = fill(postgres, periods, args.keep).await?;
    let serve = async |memory| serve(&root, postgres, &plumbline, memory).await;
    let mut figures = measured(&args.out)?;
    figures.insert("events".into(), json!(events));
    figures.insert("operators".into(), json!(settled::OPERATORS));
    println!(
        "{:<42}{:>12}{:>9}{:>9}{:>14}{:>9}{:>9}",
        "endpoint", "requests/s", "p50 ms", "p99 ms", "not kept: /s", "p50 ms", "p99 ms"
    );
    let (keeping, forgetful) = (serve(MEMORY_MB).await?, serve(0).await?);
    for (endpoint, paths) in questions()? {
        if !endpoint.contains(&args.only) {
            continue;
        }
        let question = Question::get(paths);
        let kept = {
            let _growth = Growth::begin(postgres, periods).await?;
            load::highest(keeping.address, &question).await?
        };
        let unkept = load::highest(forgetful.address, &question).await?;
        println!("{endpoint:<42}{}{}", columns(kept, 12), columns(unkept, 14));
        let mut figure = figure(kept);
        figure["unkept"] = self::figure(unkept);
        figures.insert(endpoint, figure);
    }
    drop(keeping);
    write(&args.out, &figures)?;
    if !args.alone {
        let (ours, theirs) = compare(&root, postgres, &plumbline, forgetful.address).await?;
        figures.insert("ponder".into(), figure(theirs));
        figures.insert("same_question".into(), figure(ours));
        let ratio = (ours.requests_per_s / theirs.requests_per_s * 100.0).round() / 100.0;
        println!("{ratio} times the requests of Ponder's API for the newest {PAGE} settlements of an operator");
        figures.insert("ratio_ponder".into(), json!(ratio));
    }
    drop(forgetful);
    write(&args.out, &figures)
}

/// Figures that are not measured anew stay in the file.
fn measured(out: &Path) -> anyhow::Result<Map<String, Value>> {
    match fs::read(out) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("read {}; remove it", out.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", out.display())),
    }
}

fn write(out: &Path, figures: &Map<String, Value>) -> anyhow::Result<()> {
    if let Some(directory) = out.parent() {
        fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    }
    let text = serde_json::to_string_pretty(figures).context("write the figures as JSON")? + "\n";
    fs::write(out, text).with_context(|| format!("write {}", out.display()))
}

fn figure(held: Held) -> Value {
    let round = |value: f64| (value * 100.0).round() / 100.0;
    json!({
        "requests_per_s": held.requests_per_s.round(), "p50_ms": round(held.p50_ms), "p99_ms": round(held.p99_ms),
        "within_limits": held.within_limits,
    })
}

fn columns(held: Held, width: usize) -> String {
    let mark = if held.within_limits { "" } else { "!" };
    let (rate, p99) = (
        format!("{:.0}", held.requests_per_s),
        format!("{mark}{:.2}", held.p99_ms),
    );
    format!("{rate:>width$}{:>9.2}{p99:>9}", held.p50_ms)
}

/// Makes the database, and returns how many events it holds.
async fn fill(postgres: &Postgres, periods: u64, keep: bool) -> anyhow::Result<i64> {
    let mut db = database::connect(postgres, DATABASE).await?;
    if !(keep && settled::is_filled(&mut db, periods).await?) {
        let began = Instant::now();
        eprintln!("fill a database of {periods} periods (minutes)");
        db = database::anew(postgres, DATABASE).await?;
        settled::fill(&mut db, periods).await?;
        eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
    }
    settled::count(&mut db).await
}

/// A chain that grows while questions are asked: with each block every answer is another one.
struct Growth(JoinHandle<anyhow::Result<()>>);

impl Growth {
    async fn begin(postgres: &Postgres, periods: u64) -> anyhow::Result<Self> {
        let mut db = database::connect(postgres, DATABASE).await?;
        settled::extend(&mut db, periods, 0).await?;
        Ok(Self(tokio::spawn(async move {
            for by in 1.. {
                tokio::time::sleep(BLOCK_INTERVAL).await;
                settled::extend(&mut db, periods, by).await?;
            }
            Ok(())
        })))
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A running server.
struct Served {
    address: SocketAddr,
    _program: Program,
}

async fn serve(root: &Path, postgres: &Postgres, plumbline: &Path, memory_mb: u32) -> anyhow::Result<Served> {
    let address = free_address()?;
    let mut command = Command::new(plumbline);
    command.args([
        "serve",
        "--rate-limit",
        "0",
        "--kept-answers-mb",
        &memory_mb.to_string(),
        "--listen",
        &address.to_string(),
        "--database-url",
        &postgres.url(DATABASE),
    ]);
    let program = Program::start("serve", &mut command, &root.join("target/bench/logs"))?;
    answers(address, "/healthz").await?;
    Ok(Served {
        address,
        _program: program,
    })
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

async fn answers(address: SocketAddr, path: &str) -> anyhow::Result<()> {
    let url = format!("http://{address}{path}");
    let began = Instant::now();
    while !reqwest::get(&url)
        .await
        .is_ok_and(|answer| answer.status().is_success())
    {
        ensure!(
            began.elapsed() < START_TIMEOUT,
            "{url} did not answer within {START_TIMEOUT:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Every endpoint of the committed description that answers from rows, with examples for each name in its path.
fn questions() -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let document: Value = serde_json::from_str(include_str!("../../api/openapi.json")).context("parse openapi.json")?;
    let paths = document["paths"].as_object().context("openapi.json has no paths")?;
    let mut questions = BTreeMap::new();
    for endpoint in paths.keys() {
        // Exports and streams last as long as their reader wants.
        if !endpoint.starts_with("/v1/") || endpoint.starts_with("/v1/export") || endpoint.starts_with("/v1/stream") {
            continue;
        }
        let count = if endpoint.contains('{') { EXAMPLES } else { 1 };
        let paths = (1..=count).map(|number| example(endpoint, number)).collect();
        questions.insert(endpoint.clone(), paths);
    }
    Ok(questions)
}

fn example(endpoint: &str, number: u64) -> String {
    let id = match endpoint.split('/').nth(2) {
        Some("operators") => address(number),
        // Five payers have paid each operator.
        Some("payers") => address(1_000_000 + 5 * number),
        Some("models") => format!("0x{number:064x}"),
        // A batch in each block from 20 on.
        Some("batches") => (number + 20).to_string(),
        Some(_) | None => number.to_string(),
    };
    let named = endpoint
        .split('/')
        .map(|part| if part.starts_with('{') { id.as_str() } else { part });
    named.collect::<Vec<_>>().join("/")
}

/// The newest settlements of an operator, asked of both, one after the other.
async fn compare(root: &Path, postgres: &Postgres, plumbline: &Path, ours: SocketAddr) -> anyhow::Result<(Held, Held)> {
    let operators = (1..=EXAMPLES).map(address).collect::<Vec<_>>();
    let recording = Arc::new(Recording::make(Plan::dense(100)));
    let replay = Replay::start(recording.clone(), Duration::ZERO, 0).await?;
    let ground = Ground {
        root: root.to_owned(),
        postgres,
        recording: &recording,
        rpc_url: replay.url(),
        plumbline: plumbline.to_owned(),
        deployment: PathBuf::new(),
    };
    let mut db = ground.prepare(Subject::PonderCold).await?;
    let theirs = free_address()?;
    let mut command = ground.command(Subject::PonderCold)?;
    command.env("PORT", theirs.port().to_string());
    let mut program = Program::start("ponder_api", &mut command, &root.join("target/bench/logs"))?;
    let last = recording.last().context("the recording holds no heartbeat")?;
    program
        .wait_for(&mut db, &Subject::PonderCold.row_query(&last, &recording))
        .await?;
    answers(theirs, "/ready").await?;
    copy_settlements(postgres, &mut db).await?;
    let fields = "blockNumber logIndex txHash payer operator amount";
    let query = |operator: &String| {
        let query = format!(
            "{{ settlements(where: {{ operator: \"{operator}\" }}, orderBy: \"position\", orderDirection: \"desc\", limit: {PAGE}) \
             {{ items {{ {fields} }} pageInfo {{ endCursor }} }} }}"
        );
        json!({ "query": query }).to_string()
    };
    let graphql = Question {
        method: Method::POST,
        paths: vec!["/graphql".into()],
        bodies: operators.iter().map(query).collect(),
    };
    let path = |operator: &String| format!("/v1/operators/{operator}/flows?kind=fee&limit={PAGE}");
    let page = Question::get(operators.iter().map(path).collect());
    let theirs = load::highest(theirs, &graphql).await?;
    println!("{:<42}{}", "Ponder: settlements of an operator", columns(theirs, 12));
    let ours = load::highest(ours, &page).await?;
    println!("{:<42}{}", "the same of Plumbline, not kept", columns(ours, 12));
    program.stop();
    Ok((ours, theirs))
}

/// The same settlements in Ponder's table, with the index that its documentation would have for the question.
async fn copy_settlements(postgres: &Postgres, theirs: &mut PgConnection) -> anyhow::Result<()> {
    let mut ours = PgConnection::connect(&postgres.url(DATABASE))
        .await
        .context("connect to PostgreSQL")?;
    let query = "copy (select block_number * 100000 + log_index, block_number, log_index, '0x' || encode(word(block_number), 'hex'),
                 '0x' || encode(from_account, 'hex'), '0x' || encode(operator, 'hex'), amount from flow where kind = 'fee') to stdout";
    let rows = ours.copy_out_raw(query).await.context("read settlements")?;
    // Ponder's triggers need temporary tables of its own connection.
    sqlx::raw_sql("set session_replication_role = replica")
        .execute(&mut *theirs)
        .await
        .context("pass by Ponder's triggers")?;
    let columns = "position, block_number, log_index, tx_hash, payer, operator, amount";
    let mut sink = theirs
        .copy_in_raw(&format!("copy bench.settlement ({columns}) from stdin"))
        .await
        .context("copy settlements")?;
    futures::pin_mut!(rows);
    while let Some(chunk) = futures::StreamExt::next(&mut rows).await {
        sink.send(chunk.context("read settlements")?)
            .await
            .context("copy settlements")?;
    }
    sink.finish().await.context("copy settlements")?;
    sqlx::raw_sql("vacuum analyze bench.settlement")
        .execute(theirs)
        .await
        .context("analyze settlements")?;
    Ok(())
}
