//! `plumbline deploy` as a user runs it: its own process, its own files, a real chain.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use plumbline_devnet::{Chain, ChainOptions};
use plumbline_protocol::Deployment;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Transactions of a whole deployment with both test tokens.
const TRANSACTIONS: u64 = 20;

struct World {
    chain: Chain,
    folder: TempDir,
}

impl World {
    fn new(block_time: Option<Duration>) -> Self {
        let chain = Chain::start(&ChainOptions {
            block_time,
            ..ChainOptions::default()
        })
        .unwrap();
        Self {
            chain,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The command without a key.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| !name.starts_with("PLUMBLINE_")));
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/config/dev.toml");
        command.args(["deploy", "--config", config, "--rpc-url", &self.chain.http_url()]);
        command.arg("--out").arg(self.out());
        command
    }

    fn command_with_key(&self) -> Command {
        let mut command = self.command();
        command.env("PLUMBLINE_DEPLOYER_KEY", &self.chain.keys()[0]);
        command
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("deployments")
    }

    /// The journal, none before there is one.
    fn pending(&self) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.out().join("31337.pending.json")).ok()?).ok()
    }

    fn deployment(&self) -> Deployment {
        Deployment::read_for_chain(&self.out().join("31337.json"), 31_337).unwrap()
    }

    fn nonce(&self) -> u64 {
        let accounts = self.chain.rpc("eth_accounts", &json!([])).unwrap();
        let nonce = self
            .chain
            .rpc("eth_getTransactionCount", &json!([accounts[0], "latest"]))
            .unwrap();
        u64::from_str_radix(nonce.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }
}

/// The end of what the command printed: with all logging on there are megabytes.
fn tail(output: &Output) -> String {
    let text = said(output);
    text.chars().skip(text.chars().count().saturating_sub(2000)).collect()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]]
        .map(String::from_utf8_lossy)
        .concat()
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", tail(&output));
    said(&output)
}

fn fails(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", tail(&output));
    said(&output)
}

#[test]
fn it_prints_addresses_gas_and_cost_and_a_second_run_sends_nothing() {
    let world = World::new(None);
    let text = succeeds(&mut world.command_with_key());
    let deployment = world.deployment();
    for transaction in &deployment.transactions {
        for part in [
            &transaction.step,
            &transaction.contract.to_string(),
            &transaction.gas_used.to_string(),
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
    let again = succeeds(&mut world.command_with_key());
    assert!(again.contains("nothing was sent"), "{again}");
    assert_eq!(world.nonce(), TRANSACTIONS);
}

#[test]
fn a_killed_deployment_continues_without_deploying_twice() {
    let world = World::new(Some(Duration::from_secs(1)));
    let mut killed = world
        .command_with_key()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sent = |journal: Value| {
        let steps = journal["steps"].as_array().unwrap().clone();
        steps
            .iter()
            .filter(|step| step["attempts"].as_array().is_some_and(|attempts| !attempts.is_empty()))
            .count()
    };
    while world.pending().map_or(0, sent) < 4 {
        assert!(
            killed.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    // SIGKILL: no handler runs.
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!world.out().join("31337.json").exists());
    let planned = world.pending().unwrap()["addresses"].clone();

    succeeds(&mut world.command_with_key());
    assert_eq!(world.nonce(), TRANSACTIONS);
    assert_eq!(json!(world.deployment().contracts), planned);
}

#[test]
fn an_interrupted_deployment_says_that_it_can_be_continued() {
    let world = World::new(Some(Duration::from_secs(1)));
    let child = world
        .command_with_key()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while world.pending().is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    assert!(
        said(&output).contains("the same command continues"),
        "{}",
        said(&output)
    );
    assert!(!output.status.success());
}

#[test]
fn a_dry_run_shows_the_cost_and_sends_and_writes_nothing() {
    let world = World::new(None);
    let text = succeeds(world.command_with_key().arg("--dry-run"));
    for part in [
        "dry run on chain 31337",
        "deploy InferenceSettlement",
        "total",
        "covers",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(world.nonce(), 0);
    assert!(!world.out().exists());

    let poor = "0x00000000000000000000000000000000000000aa";
    let text = fails(world.command().args(["--dry-run", "--from", poor]));
    assert!(text.contains("does not cover"), "{text}");
}

#[test]
fn the_key_is_never_printed_nor_written() {
    let mut world = World::new(None);
    let key = world.chain.keys()[0].trim_start_matches("0x").to_lowercase();
    let mut texts = vec![
        succeeds(world.command_with_key().args(["--log", "trace"])),
        succeeds(
            world
                .command_with_key()
                .arg("--force-new")
                .args(["--log", "trace", "--log-format", "json"]),
        ),
        // One digit short: not a key, but all but the key.
        fails(world.command().env("PLUMBLINE_DEPLOYER_KEY", &key[..63])),
        fails(world.command_with_key().args(["--keystore", "/nowhere.json"])),
    ];
    for file in std::fs::read_dir(world.out()).unwrap() {
        texts.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    world.chain.stop().unwrap();
    texts.push(fails(world.command_with_key().args(["--log", "trace"])));
    texts.push(succeeds(world.command_with_key().arg("--help")));
    for text in texts {
        let found = text.to_lowercase().find(&key[..63]);
        assert_eq!(
            found,
            None,
            "the key is in: {}",
            text.chars().take(200).collect::<String>()
        );
    }
}

#[test]
fn a_keystore_made_by_ethers_is_opened_with_the_password_in_a_file() {
    let world = World::new(None);
    let (keystore, password) = (
        world.folder.path().join("key.json"),
        world.folder.path().join("password"),
    );
    let script = "import { encryptKeystoreJsonSync, computeAddress } from 'ethers';
        const privateKey = process.env.KEY;
        const account = { address: computeAddress(privateKey), privateKey };
        console.log(encryptKeystoreJsonSync(account, 'correct horse', { scrypt: { N: 1024 } }));";
    let made = Command::new("node")
        .args(["--input-type=module", "-e", script])
        .env("KEY", &world.chain.keys()[0])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    std::fs::write(&keystore, made.stdout).unwrap();
    let command = || {
        let mut command = world.command();
        command
            .arg("--keystore")
            .arg(&keystore)
            .env("PLUMBLINE_KEYSTORE_PASSWORD_FILE", &password);
        command
    };

    assert!(fails(&mut command()).contains("cannot read password file"));
    std::fs::write(&password, "wrong\n").unwrap();
    assert!(fails(&mut command()).contains("cannot open keystore"));
    std::fs::write(&password, "correct horse\n").unwrap();
    succeeds(&mut command());
    assert_eq!(world.nonce(), TRANSACTIONS);
}

#[test]
fn without_a_key_it_says_how_to_give_one() {
    let world = World::new(None);
    let text = fails(&mut world.command());
    for part in ["--keystore", "PLUMBLINE_DEPLOYER_KEY", "--from ADDRESS"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(!text.contains("--private-key"));
}

#[test]
fn transactions_for_another_signer_are_written_and_nothing_is_sent() {
    let world = World::new(None);
    let file = world.folder.path().join("unsigned.json");
    let accounts = world.chain.rpc("eth_accounts", &json!([])).unwrap();
    let from = accounts[0].as_str().unwrap();
    let text = succeeds(world.command().args(["--from", from]).arg("--unsigned").arg(&file));
    assert!(text.contains("20 transactions to sign"), "{text}");
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["transactions"].as_array().unwrap().len() as u64, TRANSACTIONS);
    assert_eq!(world.nonce(), 0);
    let text = fails(world.command().args(["--from", from]));
    assert!(text.contains("deploy AccessManager is not on chain yet"), "{text}");
}
