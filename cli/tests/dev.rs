//! `plumbline dev` from the outside: a process, its ports, its data directory.

mod common;

use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use common::{Dev, command, free_ports, survivors};
use rustix::process::Signal;
use serde_json::{Value, json};

async fn get(url: &str) -> Result<Value> {
    plumbline_protocol::rpc::install_tls();
    let response = reqwest::get(url).await.with_context(|| format!("get {url}"))?;
    let status = response.status();
    let body = response.json().await.with_context(|| format!("read {url}"))?;
    ensure!(status.is_success(), "{url} answered {status}: {body}");
    Ok(body)
}

async fn rpc(url: &str, method: &str, params: Value) -> Result<Value> {
    plumbline_protocol::rpc::install_tls();
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer: Value = reqwest::Client::new()
        .post(url)
        .json(&request)
        .send()
        .await?
        .json()
        .await?;
    answer
        .get("result")
        .cloned()
        .with_context(|| format!("{method} answered {answer}"))
}

async fn genesis(url: &str) -> Result<Value> {
    Ok(rpc(url, "eth_getBlockByNumber", json!(["0x0", false])).await?["hash"].clone())
}

fn watch(api: &str, arguments: &[&str]) -> Result<std::process::Output> {
    Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(["watch", "--api-url", api])
        .args(arguments)
        .output()
        .context("run plumbline watch")
}

async fn answers_over_http(api: &str) -> Result<()> {
    for path in [
        "/readyz",
        "/v1/operators",
        "/v1/slashes",
        "/v1/flows/summary?finalized=false",
        "/v1/network/summary",
    ] {
        get(&format!("{api}{path}")).await?;
    }
    let operators = get(&format!("{api}/v1/operators")).await?;
    assert!(!operators["data"].as_array().context("a list of operators")?.is_empty());
    Ok(())
}

fn watch_prints_a_table_and_json(api: &str) -> Result<()> {
    let table = watch(api, &["--once"])?;
    let text = String::from_utf8(table.stdout)?;
    assert!(
        table.status.success() && text.contains("OPERATOR") && text.contains("0x"),
        "no table: {text}"
    );
    assert!(!text.contains('\x1b'), "escape codes in a pipe: {text:?}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "wider than 80 columns:\n{text}"
    );
    let output = watch(api, &["--once", "--json"])?;
    let snapshot: Value = serde_json::from_slice(&output.stdout).context("read the JSON of watch")?;
    let operators = snapshot["operators"].as_array().context("operators in the JSON")?;
    assert!(!operators.is_empty() && operators.iter().all(|operator| operator["stake"]["units"].is_string()));
    Ok(())
}

fn refuses(mut command: Command, expected: &[&str]) -> Result<()> {
    let output = command.output().context("run plumbline dev")?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!output.status.success(), "it should have refused");
    for word in expected {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    Ok(())
}

/// One run costs seconds, so what needs a running one is asked of the same.
#[tokio::test]
async fn dev_answers_stops_without_a_trace_and_takes_up_again() -> Result<()> {
    let directory = tempfile::tempdir_in("/tmp").context("make a temporary directory")?;
    open_to_all(directory.path())?;
    let data = directory.path().join("data");
    let ports = free_ports()?;

    let mut first = Dev::start(&data, ports)?;
    first.wait_for("Ready after")?;
    answers_over_http(&first.api).await?;
    watch_prints_a_table_and_json(&first.api)?;
    refuses(
        command(&data, ports.0, ports.1),
        &["runs already", "PLUMBLINE_DATA_DIR"],
    )?;
    let genesis_before = genesis(&first.rpc).await?;
    let operators_before = get(&format!("{}/v1/operators?sort=registered&order=asc&limit=1", first.api)).await?;
    let started = first.descendants()?;
    #[cfg(target_os = "linux")]
    assert!(started.len() >= 2, "a database and a chain should run: {started:?}");
    first.signal(Signal::TERM)?;
    let status = first.wait()?;
    assert!(status.success(), "ended with {status}");
    let left = survivors(&started)?;
    assert!(left.is_empty(), "still running: {left:?}");

    let mut second = Dev::start(&data, ports)?;
    second.wait_for("Ready after")?;
    answers_over_http(&second.api).await?;
    assert_eq!(genesis(&second.rpc).await?, genesis_before, "another chain");
    let operators = get(&format!(
        "{}/v1/operators?sort=registered&order=asc&limit=1",
        second.api
    ))
    .await?;
    assert_eq!(
        operators["data"][0]["registered_at"],
        operators_before["data"][0]["registered_at"]
    );
    let started = second.descendants()?;
    second.signal(Signal::KILL)?;
    second.wait()?;
    let left = survivors(&started)?;
    assert!(left.is_empty(), "orphans after SIGKILL: {left:?}");

    // The database knows a chain that is gone: nothing may be mixed.
    std::fs::remove_dir_all(data.join("chain")).context("lose the chain")?;
    refuses(command(&data, ports.0, ports.1), &["--reset"])?;
    Ok(())
}

/// The account that PostgreSQL runs as when we are root has to pass through.
fn open_to_all(directory: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).context("open the directory")
}

#[test]
fn a_taken_port_is_refused_before_anything_is_started() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let (taken, (free, _)) = (taken.local_addr()?.port(), free_ports()?);
    let number = taken.to_string();
    refuses(
        command(directory.path(), taken, free),
        &[&number, "taken", "PLUMBLINE_API_PORT"],
    )?;
    assert!(!directory.path().join("postgres").exists(), "something was started");
    Ok(())
}

#[test]
fn watch_says_what_mends_an_api_that_is_down() -> Result<()> {
    let (free, _) = free_ports()?;
    let output = watch(&format!("http://127.0.0.1:{free}"), &["--once"])?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!output.status.success());
    assert!(
        said.contains("nothing answers") && said.contains("make dev") && said.contains("--api-url"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn a_size_out_of_range_is_refused_before_anything_is_started() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (api, rpc) = free_ports()?;
    let mut three = command(directory.path(), api, rpc);
    three.env("PLUMBLINE_OPERATORS", "3");
    refuses(three, &["operators is 3", "5 to 450"])?;
    assert!(!directory.path().join("postgres").exists(), "something was started");
    Ok(())
}
