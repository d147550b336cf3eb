//! A real chain: what stays of it, and what it says when it cannot start.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use plumbline_devnet::{Chain, ChainOptions};
use serde_json::{Value, json};

/// A contract whose creation emits one log.
const EMITS: &str = "0x60aa60005260206000a0600060005260016000f3";
const FIRST_ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

fn persistent(data: &Path) -> ChainOptions {
    ChainOptions {
        data_dir: Some(data.to_owned()),
        ..Default::default()
    }
}

/// Makes a block with one log; the block comes a moment after the transaction is accepted.
fn emit(chain: &Chain) -> Result<()> {
    let hash = chain.rpc(
        "eth_sendTransaction",
        &json!([{ "from": FIRST_ACCOUNT, "data": EMITS }]),
    )?;
    let started = Instant::now();
    while chain.rpc("eth_getTransactionReceipt", &json!([hash]))?.is_null() {
        ensure!(started.elapsed() < Duration::from_secs(20), "no receipt");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn height(chain: &Chain) -> Result<u64> {
    let hex = chain.rpc("eth_blockNumber", &json!([]))?;
    let hex = hex
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .context("a hex number")?;
    Ok(u64::from_str_radix(hex, 16)?)
}

/// Everything an indexer reads.
fn history(chain: &Chain) -> Result<Vec<Value>> {
    let mut history = vec![chain.rpc("eth_getLogs", &json!([{ "fromBlock": "0x0", "toBlock": "latest" }]))?];
    for number in 0..=height(chain)? {
        let number = format!("{number:#x}");
        history.push(chain.rpc("eth_getBlockByNumber", &json!([number, true]))?);
        history.push(chain.rpc("eth_getBlockReceipts", &json!([number]))?);
    }
    Ok(history)
}

#[test]
fn a_chain_answers_and_knows_its_accounts() -> Result<()> {
    let chain = Chain::start(&ChainOptions {
        chain_id: 1234,
        accounts: 3,
        ..Default::default()
    })?;
    assert_eq!(chain.rpc("eth_chainId", &json!([]))?, json!("0x4d2"));
    assert_eq!(
        chain
            .rpc("eth_accounts", &json!([]))?
            .as_array()
            .context("a list")?
            .len(),
        3
    );
    assert_eq!(chain.keys().len(), 3);
    assert_eq!(
        chain.keys()[0],
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    );
    let error = chain
        .rpc("eth_noSuchMethod", &json!([]))
        .err()
        .context("an unknown method")?;
    assert!(error.to_string().starts_with("eth_noSuchMethod failed"), "{error:#}");
    Ok(())
}

#[test]
fn two_chains_run_side_by_side() -> Result<()> {
    let (one, other) = (
        Chain::start(&ChainOptions::default())?,
        Chain::start(&ChainOptions::default())?,
    );
    assert_ne!(one.http_url(), other.http_url());
    emit(&one)?;
    assert_eq!((height(&one)?, height(&other)?), (1, 0));
    Ok(())
}

#[test]
fn a_persistent_chain_is_taken_up_with_its_blocks_receipts_and_logs() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut chain = Chain::start(&persistent(data.path()))?;
    for _ in 0..3 {
        emit(&chain)?;
    }
    let before = history(&chain)?;
    let url = chain.http_url();
    chain.restart()?;
    assert_eq!(chain.http_url(), url);
    assert_eq!(history(&chain)?, before);
    drop(chain);

    let chain = Chain::start(&persistent(data.path()))?;
    assert_eq!(history(&chain)?, before);
    emit(&chain)?;
    let after = history(&chain)?;
    assert_eq!(after[1..before.len()], before[1..], "history has changed");
    assert_eq!(after[0].as_array().context("logs")?.len(), 4);
    Ok(())
}

#[test]
fn a_persistent_chain_keeps_its_first_block_over_many_starts() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut chain = Chain::start(&persistent(data.path()))?;
    emit(&chain)?;
    let before = chain.rpc("eth_getBlockByNumber", &json!(["0x0", false]))?;
    for _ in 0..6 {
        // Each start makes a first block by the clock, whose times are whole seconds.
        std::thread::sleep(Duration::from_millis(1_100));
        chain.restart()?;
        assert_eq!(chain.rpc("eth_getBlockByNumber", &json!(["0x0", false]))?, before);
    }
    Ok(())
}

#[test]
fn a_state_cut_short_gives_way_to_that_of_the_run_before() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut chain = Chain::start(&persistent(data.path()))?;
    emit(&chain)?;
    chain.restart()?;
    emit(&chain)?;
    chain.stop()?;
    let state = data.path().join("state.json");
    let text = std::fs::read(&state)?;
    std::fs::write(&state, &text[..text.len() / 2])?;
    chain.restart()?;
    assert_eq!(height(&chain)?, 1);
    Ok(())
}

#[test]
fn blocks_come_at_the_block_time_and_are_finalized_two_epochs_later() -> Result<()> {
    let options = ChainOptions {
        block_time: Some(Duration::from_millis(500)),
        slots_in_an_epoch: 1,
        ..Default::default()
    };
    let chain = Chain::start(&options)?;
    let started = Instant::now();
    while height(&chain)? < 4 {
        assert!(started.elapsed() < Duration::from_secs(20), "no blocks");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(started.elapsed() > Duration::from_secs(1), "blocks come too fast");
    chain.rpc("anvil_setIntervalMining", &json!([0]))?;
    let head = height(&chain)?;
    let finalized = chain.rpc("eth_getBlockByNumber", &json!(["finalized", false]))?;
    assert_eq!(finalized["number"], json!(format!("{:#x}", head - 2)));
    Ok(())
}

#[test]
fn a_taken_port_is_named() -> Result<()> {
    let other = Chain::start(&ChainOptions::default())?;
    let port: u16 = other.http_url().rsplit(':').next().context("a port")?.parse()?;
    let error = Chain::start(&ChainOptions {
        port: Some(port),
        ..Default::default()
    })
    .err()
    .context("a taken port")?;
    assert!(
        error.to_string().starts_with(&format!("port {port} is taken")),
        "{error:#}"
    );
    assert_eq!(height(&other)?, 0);
    Ok(())
}

#[test]
fn what_anvil_says_about_a_wrong_argument_is_in_the_error() -> Result<()> {
    let args = vec!["--no-such-argument".to_owned()];
    let error = Chain::start(&ChainOptions {
        args,
        port: Some(1),
        ..Default::default()
    })
    .err()
    .context("a start")?;
    assert!(format!("{error:#}").contains("--no-such-argument"), "{error:#}");
    Ok(())
}
