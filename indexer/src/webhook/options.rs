//! Which webhooks get which alerts, and the keys that sign what they get.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _};
use plumbline_protocol::rpc::redact;
use reqwest::Url;
use sha2::{Digest as _, Sha256};

use crate::error::Halt;

/// Holds the secret, where no file does; a secret is never an argument, which every user of the machine can read.
const SECRET_VARIABLE: &str = "PLUMBLINE_WEBHOOK_SECRET";
const MOST_TARGETS: usize = 16;
/// What the key of the signature has at least; half of it is more than can be guessed.
const LEAST_KEY_BYTES: usize = 24;
/// How a secret says that base64 of the key follows.
const ENCODED: &str = "whsec_";
/// With doubling pauses from a second on, a receiver may be away for an hour and a half.
const ATTEMPTS: u32 = 14;
const FIRST_PAUSE_MS: u64 = 1_000;

/// Alerts by webhook: slashes, drift alarms, incidents and alarms of the network, signed and sent until acknowledged.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Webhooks")]
pub struct Webhooks {
    /// Where to post alerts; several are given one by one, or in the variable with commas between them
    #[arg(
        long = "webhook-url",
        env = "PLUMBLINE_WEBHOOK_URL",
        hide_env_values = true,
        value_name = "URL",
        value_delimiter = ','
    )]
    pub urls: Vec<String>,

    /// File with the secret that signs what is posted, of at least 24 bytes: one for all webhooks, or one for each in the
    /// same order; without it the secret is read from the variable PLUMBLINE_WEBHOOK_SECRET
    #[arg(
        long = "webhook-secret-file",
        env = "PLUMBLINE_WEBHOOK_SECRET_FILE",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub secret_files: Vec<PathBuf>,

    /// Kinds of alerts to post
    #[arg(
        long = "webhook-kinds",
        env = "PLUMBLINE_WEBHOOK_KINDS",
        value_name = "KIND",
        value_delimiter = ',',
        default_value = "slash,drift,incident,network"
    )]
    pub kinds: Vec<Kind>,

    /// Post before finality, and a message that retracts an alert when a reorg takes it back
    #[arg(
        long = "webhook-unfinalized",
        env = "PLUMBLINE_WEBHOOK_UNFINALIZED",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub unfinalized: bool,

    /// Attempts after which a message is set aside; `plumbline alerts` lists those and tries them again
    #[arg(long = "webhook-attempts", env = "PLUMBLINE_WEBHOOK_ATTEMPTS", default_value_t = ATTEMPTS, value_name = "NUMBER",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,

    /// Pause after the first failed attempt; it doubles up to a quarter of an hour
    #[arg(long = "webhook-pause-ms", env = "PLUMBLINE_WEBHOOK_PAUSE_MS", default_value_t = FIRST_PAUSE_MS, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(1..=900_000))]
    pub first_pause_ms: u64,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Slash,
    Drift,
    Incident,
    Network,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Slash, Self::Drift, Self::Incident, Self::Network];

    fn as_str(self) -> &'static str {
        match self {
            Self::Slash => "slash",
            Self::Drift => "drift",
            Self::Incident => "incident",
            Self::Network => "network",
        }
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            secret_files: Vec::new(),
            kinds: Kind::ALL.to_vec(),
            unfinalized: false,
            attempts: ATTEMPTS,
            first_pause_ms: FIRST_PAUSE_MS,
        }
    }
}

/// One webhook; it has no `Debug`, because its key must not reach a log.
pub(super) struct Target {
    /// Beginning of the hash of the URL.
    pub(super) id: String,
    /// Scheme, host and port: all of the URL that may be logged.
    pub(super) host: String,
    pub(super) url: Url,
    pub(super) key: Hmac<Sha256>,
    pub(super) kinds: Vec<String>,
    pub(super) unfinalized: bool,
    pub(super) attempts: u32,
    pub(super) first_pause: Duration,
}

impl Webhooks {
    /// The webhooks, or what is wrong with how they are given.
    pub(super) fn targets(&self) -> anyhow::Result<Vec<Target>> {
        // Set but empty, as compose files and CI write it, means not set.
        let urls: Vec<&String> = self.urls.iter().filter(|url| !url.is_empty()).collect();
        if urls.len() > MOST_TARGETS {
            return Err(wrong(format!("{} webhooks are more than {MOST_TARGETS}", urls.len())));
        }
        let keys = self.keys(urls.len())?;
        let mut targets: Vec<Target> = Vec::new();
        for (url, key) in urls.into_iter().zip(keys) {
            let target = self.target(url, key)?;
            if targets.iter().any(|other| other.id == target.id) {
                return Err(wrong(format!("a webhook at {} is given twice", target.host)));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    fn target(&self, url: &str, key: Hmac<Sha256>) -> anyhow::Result<Target> {
        let host = redact(url);
        let parsed = Url::parse(url)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()));
        let Some(parsed) = parsed else {
            return Err(wrong(format!("the webhook at {host} is no http:// or https:// URL")));
        };
        let hash = Sha256::digest(url.as_bytes());
        Ok(Target {
            id: hash[..8].iter().map(|byte| format!("{byte:02x}")).collect(),
            host,
            url: parsed,
            key,
            kinds: self.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
            unfinalized: self.unfinalized,
            attempts: self.attempts,
            first_pause: Duration::from_millis(self.first_pause_ms),
        })
    }

    /// One key for each webhook.
    fn keys(&self, targets: usize) -> anyhow::Result<Vec<Hmac<Sha256>>> {
        if targets == 0 {
            return Ok(Vec::new());
        }
        let files: Vec<&PathBuf> = self
            .secret_files
            .iter()
            .filter(|file| !file.as_os_str().is_empty())
            .collect();
        match files.as_slice() {
            [] => {
                let secret = std::env::var(SECRET_VARIABLE).unwrap_or_default();
                if secret.is_empty() {
                    let remedy =
                        format!("webhooks need a secret: give --webhook-secret-file, or set {SECRET_VARIABLE}");
                    return Err(wrong(remedy));
                }
                Ok(vec![key(&secret, SECRET_VARIABLE)?; targets])
            }
            [file] => Ok(vec![read_key(file)?; targets]),
            files if files.len() == targets => files.iter().map(|file| read_key(file)).collect(),
            files => Err(wrong(format!(
                "{targets} webhooks and {} secret files: give one file for all, or one for each in the same order",
                files.len()
            ))),
        }
    }
}

fn read_key(file: &Path) -> anyhow::Result<Hmac<Sha256>> {
    let place = file.display().to_string();
    let secret = std::fs::read_to_string(file)
        .map_err(|error| wrong(format!("the webhook secret in {place} cannot be read: {error}")))?;
    key(secret.trim_end_matches(['\n', '\r']), &place)
}

fn key(secret: &str, place: &str) -> anyhow::Result<Hmac<Sha256>> {
    let bytes = match secret.strip_prefix(ENCODED) {
        Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| {
            wrong(format!(
                "the webhook secret in {place} begins with {ENCODED}, but no base64 follows"
            ))
        })?,
        None => secret.as_bytes().to_vec(),
    };
    if bytes.len() < LEAST_KEY_BYTES {
        let remedy = "`openssl rand -base64 32` makes one";
        return Err(wrong(format!(
            "the webhook secret in {place} has {} bytes, fewer than {LEAST_KEY_BYTES}; {remedy}",
            bytes.len()
        )));
    }
    Hmac::new_from_slice(&bytes).context("make a key of the webhook secret")
}

fn wrong(problem: String) -> anyhow::Error {
    Halt::Configuration(problem).into()
}
