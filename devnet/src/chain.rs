//! A local chain of our own: anvil.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::installation;
use crate::postgres::free_port;
use crate::rundir::Lock;
use crate::service::{Service, Stop};
use crate::state;

/// The words behind the accounts that every local chain is known by. Never a secret, never for value.
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Taking up a long chain again takes a while.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const RPC_TIMEOUT: Duration = Duration::from_secs(30);
/// A free port may be taken between the moment it is found and the moment anvil listens.
const PORT_ATTEMPTS: u32 = 3;
/// What a crash of the machine may lose of a persistent chain. Each time the whole chain is written.
const STATE_INTERVAL: Duration = Duration::from_secs(60);

/// How a chain is started; the default is a temporary one that makes a block for each transaction.
#[derive(Clone, Debug)]
pub struct ChainOptions {
    /// The port to listen on; without it one that is free.
    pub port: Option<u16>,
    /// The time between blocks; without it each transaction makes a block.
    pub block_time: Option<Duration>,
    /// Where the chain stays. Blocks, transactions, receipts and logs of earlier runs remain; *states* do not, so calls
    /// at a block of an earlier run fail, unless `--preserve-historical-states` is among [`Self::args`], which takes
    /// about 160 kB a block.
    pub data_dir: Option<PathBuf>,
    /// Blocks count as safe this many below the head, and as finalized twice as many below it.
    pub slots_in_an_epoch: u64,
    /// How many accounts hold coins.
    pub accounts: u32,
    /// The words the accounts are derived from.
    pub mnemonic: String,
    /// The chain id.
    pub chain_id: u64,
    /// More arguments for anvil.
    pub args: Vec<String>,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self {
            port: None,
            block_time: None,
            data_dir: None,
            slots_in_an_epoch: 32,
            accounts: 10,
            mnemonic: MNEMONIC.to_owned(),
            chain_id: 31_337,
            args: Vec::new(),
        }
    }
}

/// A running chain; dropped, it shuts down and nothing of it is left but a given data directory.
#[derive(Debug)]
pub struct Chain {
    service: Service,
    options: ChainOptions,
    data_dir: Option<PathBuf>,
    port: u16,
    keys: Vec<String>,
    // Last, so that the next owner of the data waits until anvil is gone.
    _data: Option<Lock>,
}

/// What anvil writes about itself.
#[derive(Deserialize)]
struct Config {
    private_keys: Vec<String>,
}

impl Chain {
    /// Starts a chain and waits until it answers.
    ///
    /// It also makes ring the process's TLS provider if there is none yet, because HTTP clients refuse to be made
    /// without one even where no TLS is used.
    ///
    /// # Errors
    /// When anvil is missing, the port is taken, the data directory is in use, or anvil does not come up; the message
    /// ends with what anvil wrote.
    pub fn start(options: &ChainOptions) -> Result<Self> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost only to another thread that does the same.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let data = options.data_dir.as_deref().map(open_data_dir).transpose()?;
        let service = Service::new("anvil", Stop::Terminate, data.as_ref().map(|(_, lock)| lock))?;
        let (data_dir, data) = data.unzip();
        let mut chain = Self {
            service,
            options: options.clone(),
            data_dir,
            port: 0,
            keys: Vec::new(),
            _data: data,
        };
        let mut attempt = 1;
        loop {
            chain.port = options.port.map_or_else(free_port, Ok)?;
            match chain.launch() {
                Err(_) if options.port.is_none() && attempt < PORT_ATTEMPTS => attempt += 1,
                result => return result.map(|()| chain),
            }
        }
    }

    /// The address for JSON-RPC over HTTP. The same after [`Self::restart`].
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address for JSON-RPC over a WebSocket. The same after [`Self::restart`].
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// The private keys of the accounts that hold coins, 0x-hex, in the order of derivation.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// anvil's process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.service.pid()
    }

    /// Calls a JSON-RPC method and gives its result.
    ///
    /// # Errors
    /// When the chain does not answer, or answers with an error.
    pub fn rpc(&self, method: &str, params: &Value) -> Result<Value> {
        rpc(self.port, method, params)
    }

    /// Shuts down; a chain with a data directory is written there first.
    ///
    /// # Errors
    /// When anvil could not be signalled.
    pub fn stop(&mut self) -> Result<()> {
        self.service.stop()
    }

    /// How anvil ended, if it did so by itself.
    ///
    /// # Errors
    /// When it was stopped or cannot be looked after.
    pub fn exited(&mut self) -> Result<Option<String>> {
        let ended = self.service.exited()?;
        Ok(ended.map(|status| format!("{status} {}", self.service.log_tail()).trim_end().to_owned()))
    }

    /// Ends anvil as a crash would: what a persistent chain did in the last seconds is lost.
    ///
    /// # Errors
    /// When anvil could not be signalled.
    pub fn kill(&mut self) -> Result<()> {
        self.service.kill()
    }

    /// Starts again at the same address, after shutting down first if need be: a persistent chain where it was, a
    /// temporary one from its genesis.
    ///
    /// # Errors
    /// When anvil does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.service.stop()?;
        self.launch()
    }

    fn launch(&mut self) -> Result<()> {
        if let Some(directory) = &self.data_dir {
            state::secure(directory)?;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        // Somebody else's chain there would answer in place of ours.
        ensure!(TcpStream::connect(address).is_err(), self.taken());
        let config = self.service.directory().join("config.json");
        if config.exists() {
            fs::remove_file(&config).context("remove what anvil said about itself")?;
        }
        let program = installation::anvil();
        self.service.spawn(&mut self.command(&program, &config)).context(
            "anvil does not start; run `npm ci`, or install Foundry where npm carries none (https://getfoundry.sh)",
        )?;
        let outcome = self.service.wait_until(START_TIMEOUT, || {
            let answers = rpc(address.port(), "eth_chainId", &json!([])).is_ok();
            Ok(answers.then(|| read_config(&config)).flatten())
        });
        match outcome {
            Ok(config) => {
                self.keys = config.private_keys;
                Ok(())
            }
            Err(error) => {
                let taken = self.service.log_tail().contains("in use");
                self.service.stop()?;
                ensure!(!taken, self.taken());
                Err(error)
            }
        }
    }

    fn taken(&self) -> String {
        format!(
            "port {} is taken; stop what listens there, or choose another port for the chain",
            self.port
        )
    }

    fn command(&self, program: &Path, config: &Path) -> Command {
        let options = &self.options;
        let mut command = Command::new(program);
        command.arg("--quiet").args([
            "--host",
            "127.0.0.1",
            "--no-request-size-limit",
            "--disable-code-size-limit",
        ]);
        command.arg("--port").arg(self.port.to_string());
        command.arg("--chain-id").arg(options.chain_id.to_string());
        command.arg("--accounts").arg(options.accounts.to_string());
        command.arg("--mnemonic").arg(&options.mnemonic);
        command
            .arg("--slots-in-an-epoch")
            .arg(options.slots_in_an_epoch.to_string());
        command.arg("--config-out").arg(config);
        // Not in the home directory, where it would stay.
        command.arg("--cache-path").arg(self.service.directory().join("cache"));
        if let Some(time) = options.block_time {
            command.arg("--block-time").arg(time.as_secs_f64().to_string());
        }
        if let Some(directory) = &self.data_dir {
            command.arg("--state").arg(state::path(directory));
            command
                .arg("--state-interval")
                .arg(STATE_INTERVAL.as_secs().to_string());
        }
        command.args(&options.args);
        command
    }
}

/// `None` as long as it is not written to its end.
fn read_config(path: &Path) -> Option<Config> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn open_data_dir(directory: &Path) -> Result<(PathBuf, Lock)> {
    let directory = std::path::absolute(directory).context("find the current directory")?;
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    let lock = Lock::acquire(&directory)?;
    Ok((directory, lock))
}

/// One call on a connection of its own. HTTP/1.0, so that the answer ends with the connection and is never chunked.
fn rpc(port: u16, method: &str, params: &Value) -> Result<Value> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, RPC_TIMEOUT)
        .with_context(|| format!("connect to the chain at {address}"))?;
    stream
        .set_read_timeout(Some(RPC_TIMEOUT))
        .context("bound the wait for an answer")?;
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .with_context(|| format!("call {method}"))?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .with_context(|| format!("read the answer to {method}"))?;
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .context("an answer without a body")?;
    let mut answer: Value = serde_json::from_slice(&answer[end + 4..]).with_context(|| format!("parse {method}"))?;
    if let Some(error) = answer.get("error") {
        bail!("{method} failed: {error}");
    }
    Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
}
