//! Everything that breaks around an indexer, at once and at random: afterwards its rows equal a fresh index of the chain, and
//! the chain's own words.

#[path = "../../indexer/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use common::{Anyhow, Database, Mood, Moody, Random, World, contents};
use plumbline_devnet::{Chain, ChainOptions, Postgres, PostgresOptions};
use plumbline_indexer::{VerifyConfig, verify};
use plumbline_protocol::{InferenceSettlement, OperatorRegistry, StakeVault, rpc};
use serde_json::json;

/// Finality far below what is reorganised: twice this below the head.
const SLOTS_IN_AN_EPOCH: u64 = 100;
/// Empty blocks above what the world was set up with, so that no reorg takes that away.
const BLOCKS_ABOVE_SETUP: u64 = 120;
const DEPTHS: [u64; 5] = [1, 3, 10, 40, 100];
/// Fewer than what the main chain grows by in a run, for the longer chain is the chain.
const BLOCKS_OF_FORK: u64 = 4;
const STEPS: u64 = 14;
/// Runs on one chain before a new one is made: an older chain is longer to replay.
const RUNS_PER_WORLD: u64 = 8;
const PERIOD_SECONDS: u64 = 60;
/// Seeds of the run that every test has; they meet each kind of fault.
const FIXED_SEEDS: [u64; 2] = [3, 11];

/// What happens in one step of a run.
#[derive(Debug, Clone, Copy)]
enum Step {
    Traffic(u64),
    Reorg(u64),
    Kill { after_ms: u64, down_ms: u64 },
    StopDatabase { crash: bool, down_ms: u64 },
    Mood(Mood),
    ClosePeriod,
    Wait(u64),
}

impl Step {
    fn draw(random: &mut Random) -> Self {
        match random.below(16) {
            0..=4 => Self::Traffic(1 + random.below(6)),
            5..=7 => Self::Reorg(random.one_of(&DEPTHS)),
            8..=9 => Self::Kill {
                after_ms: random.below(80),
                down_ms: random.below(60),
            },
            10 => Self::StopDatabase {
                crash: random.below(2) == 0,
                down_ms: random.below(120),
            },
            11..=13 => Self::Mood(random.one_of(&[
                Mood::Calm,
                Mood::Faulty(15),
                Mood::Faulty(50),
                Mood::Stale,
                Mood::OtherFork,
                Mood::Dark,
            ])),
            14 => Self::ClosePeriod,
            _ => Self::Wait(random.below(250)),
        }
    }
}

/// `plumbline index` as a process of its own.
struct Process {
    child: Child,
    log: std::path::PathBuf,
}

impl Process {
    fn index(world: &World, database: &Database, endpoint: &Moody, max_range: u64, folder: &Path) -> Anyhow<Self> {
        let log = folder.join("indexer.log");
        let output = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(env!("CARGO_BIN_EXE_plumbline"))
            .arg("index")
            .env("DATABASE_URL", &database.url)
            .env("PLUMBLINE_RPC_URL", endpoint.url())
            .env("PLUMBLINE_DEPLOYMENT", world.deployment_file())
            .env("PLUMBLINE_POLL_INTERVAL_MS", "20")
            .env("PLUMBLINE_MAX_RANGE", max_range.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// As `kill -9` does; a process that ended by itself before is a failure.
    fn kill(&mut self) -> Anyhow {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(&self.log)?;
            let last: Vec<&str> = log.lines().rev().take(5).collect();
            anyhow::bail!("the indexer ended by itself with {status}: {}", last.join("\n"));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A world with enough blocks above its setup.
async fn stage() -> Anyhow<World> {
    let world = World::with(ChainOptions {
        slots_in_an_epoch: SLOTS_IN_AN_EPOCH,
        ..ChainOptions::default()
    })
    .await?;
    world.mine(BLOCKS_ABOVE_SETUP).await?;
    Ok(world)
}

/// Another chain that has the same blocks up to now, and others from here on.
async fn fork(world: &World, random: &mut Random) -> Anyhow<Chain> {
    let (number, timestamp, _) = world.head().await?;
    let fork = Chain::start(&ChainOptions {
        slots_in_an_epoch: SLOTS_IN_AN_EPOCH,
        args: [
            "--fork-url",
            &world.chain.http_url(),
            "--fork-block-number",
            &number.to_string(),
            "--no-storage-caching",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..ChainOptions::default()
    })?;
    let provider = rpc::connect(&fork.http_url()).await?;
    for (method, parameters) in [
        ("anvil_autoImpersonateAccount", json!([true])),
        ("evm_setNextBlockTimestamp", json!([timestamp + 7])),
    ] {
        provider
            .raw_request::<_, serde_json::Value>(method.into(), parameters)
            .await?;
    }
    for _ in 0..BLOCKS_OF_FORK {
        act(world, &provider, random).await;
    }
    Ok(fork)
}

/// One transaction of somebody. After a reorg it may be one that reverts; then nothing happens, which is as good.
async fn act(world: &World, provider: &DynProvider, random: &mut Random) {
    let contracts = world.deployment.contracts;
    let operator = world.operators[random.below(world.operators.len() as u64) as usize].address;
    let payer = world.payers[random.below(world.payers.len() as u64) as usize].address();
    let amount = U256::from(10_u128.pow(18) + u128::from(random.below(1_000_000)));
    let (vault, settlement, registry) = (
        contracts.stake_vault,
        contracts.inference_settlement,
        contracts.operator_registry,
    );
    let (from, to, input): (Address, Address, Vec<u8>) = match random.below(7) {
        0 | 1 => {
            let call = StakeVault::delegateCall {
                operator,
                assets: amount,
                minShares: U256::ZERO,
            };
            (payer, vault, call.abi_encode())
        }
        2 => {
            let shares = U256::from(10_u128.pow(20) + u128::from(random.below(1_000)));
            (operator, vault, StakeVault::thawCall { operator, shares }.abi_encode())
        }
        3 => {
            let call = InferenceSettlement::depositCall {
                payer,
                operator,
                amount: U256::from(1 + random.below(1_000_000)),
            };
            (payer, settlement, call.abi_encode())
        }
        4 => (
            payer,
            settlement,
            InferenceSettlement::startExitCall { operator }.abi_encode(),
        ),
        5 => (
            payer,
            settlement,
            InferenceSettlement::cancelExitCall { operator }.abi_encode(),
        ),
        _ => {
            let call = OperatorRegistry::changeEndpointCall {
                domain: B256::repeat_byte(b'a' + random.below(4) as u8),
                endpoint: format!("https://operator.example/{}", random.next()),
            };
            (operator, registry, call.abi_encode())
        }
    };
    let request = TransactionRequest::default().from(from).to(to).input(input.into());
    drop(provider.send_transaction(request).await);
}

/// How a run went: tables that differ from a fresh index, and values that differ from the chain's.
async fn run(world: &World, postgres: &mut Postgres, seed: u64) -> Anyhow<Vec<String>> {
    let mut random = Random::new(seed);
    let fork = fork(world, &mut random).await?;
    let folder = tempfile::tempdir()?;
    let database = Database::at(postgres.fresh_database().await?)?;
    let endpoint = Moody::start(&world.chain.http_url(), &fork.http_url(), random.next()).await?;
    let max_range = random.one_of(&[2, 17, 2_000]);
    let start = || Process::index(world, &database, &endpoint, max_range, folder.path());
    let mut process = start()?;
    for _ in 0..STEPS {
        match Step::draw(&mut random) {
            Step::Traffic(transactions) => {
                for _ in 0..transactions {
                    act(world, &world.provider, &mut random).await;
                }
            }
            Step::Reorg(depth) => {
                world.reorg(depth).await?;
                act(world, &world.provider, &mut random).await;
            }
            Step::Kill { after_ms, down_ms } => {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                process.kill()?;
                tokio::time::sleep(Duration::from_millis(down_ms)).await;
                process = start()?;
            }
            Step::StopDatabase { crash, down_ms } => {
                if crash {
                    postgres.kill()?;
                } else {
                    postgres.stop()?;
                }
                tokio::time::sleep(Duration::from_millis(down_ms)).await;
                postgres.restart()?;
            }
            Step::Mood(mood) => endpoint.set(mood),
            Step::ClosePeriod => world.pass(PERIOD_SECONDS + random.below(30)).await?,
            Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
    }
    endpoint.set(Mood::Calm);
    // Longer than the fork, whose head the indexer may have seen.
    world.mine(BLOCKS_OF_FORK + 1).await?;
    world.indexed(&database).await?;
    process.kill()?;
    differences(world, &database).await
}

async fn differences(world: &World, database: &Database) -> Anyhow<Vec<String>> {
    let (ours, fresh) = (contents(database).await?, world.fresh_index().await?);
    let mut found = Vec::new();
    for ((table, ours), (_, fresh)) in ours.iter().zip(&fresh) {
        if ours != fresh {
            let only = |a: &str, b: &str| a.lines().find(|line| !b.contains(line)).unwrap_or("-").to_owned();
            found.push(format!(
                "{table}: only here {}; only in a fresh index {}",
                only(ours, fresh),
                only(fresh, ours)
            ));
        }
    }
    let config = VerifyConfig {
        unfinalized: true,
        ..VerifyConfig::new(&database.url, world.chain.http_url(), world.deployment_file())
    };
    let report = verify(&config, &|_| {}).await?;
    found.extend(report.differences.iter().map(|difference| format!("{difference:?}")));
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_survive_everything_at_once() -> Anyhow {
    let mut postgres = Postgres::start(&PostgresOptions::default())?;
    let world = stage().await?;
    for seed in FIXED_SEEDS {
        let differences = run(&world, &mut postgres, seed).await?;
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
    }
    Ok(())
}

/// `make soak RUNS=200 SEED=1`: as many runs with consecutive seeds; a failing seed is named and written down.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes seconds a run; `make soak` has it"]
async fn soak() -> Anyhow {
    let number = |name: &str, default: u64| -> Anyhow<u64> {
        Ok(std::env::var(name)
            .ok()
            .map(|text| text.parse())
            .transpose()?
            .unwrap_or(default))
    };
    let (runs, first) = (number("RUNS", 20)?, number("SEED", 1)?);
    let began = Instant::now();
    let mut postgres = Postgres::start(&PostgresOptions::default())?;
    let mut world = stage().await?;
    let (mut differing, mut failed) = (Vec::new(), Vec::new());
    for done in 0..runs {
        let seed = first + done;
        let failures = failed.len();
        match run(&world, &mut postgres, seed).await {
            Ok(differences) if differences.is_empty() => {}
            Ok(differences) => {
                println!("seed {seed}: {differences:#?}");
                differing.push(seed);
            }
            Err(error) => {
                println!("seed {seed} could not be judged: {error:#}");
                failed.push(seed);
            }
        }
        println!(
            "{} of {runs} runs, {} with differences, {} failed, {} s",
            done + 1,
            differing.len(),
            failed.len(),
            began.elapsed().as_secs()
        );
        if (done + 1) % RUNS_PER_WORLD == 0 || failures != failed.len() {
            if postgres.restart().is_err() {
                postgres = Postgres::start(&PostgresOptions::default())?;
            }
            world = stage().await?;
        }
    }
    let report = json!({
        "runs": runs, "differences": differing.len(), "failures": failed.len(), "first_seed": first,
        "differing_seeds": differing, "failing_seeds": failed, "seconds": began.elapsed().as_secs(),
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("soak.json"), serde_json::to_string_pretty(&report)?)?;
    anyhow::ensure!(differing.is_empty() && failed.is_empty(), "{report:#}");
    Ok(())
}
