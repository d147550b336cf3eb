//! The configuration file: what to deploy with which parameters, checked before anything is spent.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, U256};
use plumbline_protocol::deployment::{
    AccessParameters, OperatorParameters, Parameters, SettlementParameters, SlasherParameters, TestTokenParameters,
    TokenParameters, UptimeParameters, VaultParameters, decimal,
};
use serde::Deserialize;

/// Epochs for which earnings stay locked at least (the ring of `InferenceSettlement`).
const LOCKED_EPOCHS: u64 = 7;

/// Parameters for one network. Files `dev.toml` and `testnet.toml` explain each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// True lifts the rule that policy changes take at least a thaw period. For chains without value.
    #[serde(default)]
    pub dev: bool,
    pub tokens: Tokens,
    #[serde(default)]
    pub access: Access,
    pub vault: Vault,
    pub operators: OperatorParameters,
    pub uptime: Uptime,
    pub settlement: Settlement,
    pub slasher: SlasherParameters,
}

/// Token that is staked and token that fees are paid in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub stake: Token,
    /// None: fees are paid in the stake token.
    pub fee: Option<Token>,
}

/// An existing token by its address, or a test token by name, symbol and decimals.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub address: Option<Address>,
    pub name: Option<String>,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
}

/// Who may change policy after deployment, and how slowly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// None: the deployer, on a dev chain only.
    pub admin: Option<Address>,
    #[serde(default)]
    pub admin_delay_seconds: u32,
    /// None: the admin.
    pub governor: Option<Address>,
    #[serde(default)]
    pub governor_delay_seconds: u32,
}

/// Parameters of `StakeVault`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// None: the admin.
    pub sink: Option<Address>,
    #[serde(with = "decimal")]
    pub own_stake_floor: U256,
    #[serde(with = "decimal")]
    pub min_deposit: U256,
    pub thaw_seconds: u64,
    pub evidence_seconds: u64,
    pub dispute_seconds: u64,
    pub resolution_seconds: u64,
    pub buffer_seconds: u64,
}

/// Parameters of `UptimeLedger`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uptime {
    /// None: the next multiple of the period length after the deployment began, so that days begin at midnight UTC.
    pub genesis: Option<u64>,
    pub slot_seconds: u32,
    pub slots_per_period: u32,
    pub report_window_seconds: u64,
}

/// Parameters of `InferenceSettlement`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// None: the admin.
    pub reserve: Option<Address>,
    pub protocol_fee_bps: u16,
    pub exit_delay_seconds: u64,
    pub epoch_seconds: u64,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read configuration {}: {cause}", path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("configuration {}: {cause}", path.display())]
    Parse { path: PathBuf, cause: Box<toml::de::Error> },
    #[error("configuration key {key}: {problem}")]
    Invalid { key: &'static str, problem: String },
}

fn invalid(key: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        key,
        problem: problem.into(),
    }
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Read {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text).map_err(|cause| ConfigError::Parse {
            path: path.to_owned(),
            cause: Box::new(cause),
        })
    }

    /// Reads a configuration from text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The shipped configuration for development chains.
    pub fn dev() -> Self {
        Self::parse(include_str!("../config/dev.toml")).expect("the shipped dev.toml is valid")
    }

    /// Parameters with every default filled in, or the first rule that they break.
    ///
    /// `begun_at` is the chain's time (unix seconds) when the deployment began.
    pub fn resolve(&self, deployer: Address, begun_at: u64) -> Result<Parameters, ConfigError> {
        let admin = match self.access.admin {
            Some(admin) => admin,
            None if self.dev => deployer,
            None => {
                return Err(invalid(
                    "access.admin",
                    "missing: name the timelock or multisig that governs after deployment, here or by --admin",
                ));
            }
        };
        let parameters = Parameters {
            tokens: self.tokens.resolve()?,
            access: AccessParameters {
                admin,
                admin_delay_seconds: self.access.admin_delay_seconds,
                governor: self.access.governor.unwrap_or(admin),
                governor_delay_seconds: self.access.governor_delay_seconds,
            },
            vault: self.vault.resolve(admin),
            operators: self.operators.clone(),
            uptime: self.uptime.resolve(begun_at)?,
            settlement: SettlementParameters {
                reserve: self.settlement.reserve.unwrap_or(admin),
                protocol_fee_bps: self.settlement.protocol_fee_bps,
                exit_delay_seconds: self.settlement.exit_delay_seconds,
                epoch_seconds: self.settlement.epoch_seconds,
            },
            slasher: self.slasher.clone(),
        };
        check_windows(&parameters)?;
        check_delays(&parameters, self.dev)?;
        Ok(parameters)
    }

    /// Addresses of tokens that exist already: stake, fee. None where a test token is deployed.
    pub fn given_tokens(&self) -> (Option<Address>, Option<Address>) {
        (
            self.tokens.stake.address,
            self.tokens.fee.as_ref().and_then(|token| token.address),
        )
    }
}

impl Tokens {
    fn resolve(&self) -> Result<TokenParameters, ConfigError> {
        Ok(TokenParameters {
            stake: self.stake.resolve("tokens.stake")?,
            fee: self
                .fee
                .as_ref()
                .map(|token| token.resolve("tokens.fee"))
                .transpose()?
                .flatten(),
        })
    }
}

impl Token {
    fn resolve(&self, key: &'static str) -> Result<Option<TestTokenParameters>, ConfigError> {
        match (self.address, &self.name, &self.symbol, self.decimals) {
            (Some(Address::ZERO), ..) => Err(invalid(key, "the zero address is no token")),
            (Some(_), None, None, None) => Ok(None),
            (None, Some(name), Some(symbol), Some(decimals)) => Ok(Some(TestTokenParameters {
                name: name.clone(),
                symbol: symbol.clone(),
                decimals,
            })),
            _ => Err(invalid(
                key,
                "give either `address` alone, or `name`, `symbol` and `decimals` of a test token",
            )),
        }
    }
}

impl Vault {
    fn resolve(&self, admin: Address) -> VaultParameters {
        VaultParameters {
            sink: self.sink.unwrap_or(admin),
            own_stake_floor: self.own_stake_floor,
            min_deposit: self.min_deposit,
            thaw_seconds: self.thaw_seconds,
            evidence_seconds: self.evidence_seconds,
            dispute_seconds: self.dispute_seconds,
            resolution_seconds: self.resolution_seconds,
            buffer_seconds: self.buffer_seconds,
        }
    }
}

impl Uptime {
    fn resolve(&self, begun_at: u64) -> Result<UptimeParameters, ConfigError> {
        let period_seconds = u64::from(self.slot_seconds) * u64::from(self.slots_per_period);
        if period_seconds == 0 {
            return Err(invalid(
                "uptime.slot_seconds",
                "a period needs at least one slot of at least one second",
            ));
        }
        Ok(UptimeParameters {
            genesis: self.genesis.unwrap_or((begun_at / period_seconds + 1) * period_seconds),
            slot_seconds: self.slot_seconds,
            slots_per_period: self.slots_per_period,
            report_window_seconds: self.report_window_seconds,
        })
    }
}

/// Rules between contracts, which no single constructor can check.
fn check_windows(parameters: &Parameters) -> Result<(), ConfigError> {
    let (vault, uptime) = (&parameters.vault, &parameters.uptime);
    let required = [
        vault.evidence_seconds,
        vault.dispute_seconds,
        vault.resolution_seconds,
        vault.buffer_seconds,
    ]
    .into_iter()
    .fold(0, u64::saturating_add);
    if vault.thaw_seconds < required {
        return Err(invalid(
            "vault.thaw_seconds",
            format!(
                "{} is less than evidence + dispute + resolution + buffer = {required}",
                vault.thaw_seconds
            ),
        ));
    }
    let period_seconds = u64::from(uptime.slot_seconds) * u64::from(uptime.slots_per_period);
    let reach = period_seconds.saturating_add(vault.evidence_seconds);
    if vault.thaw_seconds < reach {
        return Err(invalid(
            "vault.thaw_seconds",
            format!(
                "{} is less than a period and its evidence window, {reach}: stake could leave before its downtime is \
                 punished",
                vault.thaw_seconds
            ),
        ));
    }
    if uptime.report_window_seconds >= vault.evidence_seconds {
        return Err(invalid(
            "uptime.report_window_seconds",
            format!(
                "{} is not less than vault.evidence_seconds = {}: a result would be final only when it can no longer be \
                 punished",
                uptime.report_window_seconds, vault.evidence_seconds
            ),
        ));
    }
    let locked = parameters.settlement.epoch_seconds.saturating_mul(LOCKED_EPOCHS);
    if locked < vault.evidence_seconds {
        return Err(invalid(
            "settlement.epoch_seconds",
            format!(
                "earnings would be locked for {locked} seconds ({LOCKED_EPOCHS} epochs), less than \
                 vault.evidence_seconds = {}",
                vault.evidence_seconds
            ),
        ));
    }
    // A claim shares out at the commission of its day: what was earned under the old one must be claimable under it.
    let earliest = parameters.settlement.epoch_seconds.saturating_mul(LOCKED_EPOCHS + 1);
    if parameters.operators.commission_delay_seconds <= earliest {
        return Err(invalid(
            "operators.commission_delay_seconds",
            format!(
                "{} is not more than the {earliest} seconds ({} epochs) that earnings stay locked: fees already earned \
                 would be shared out at a commission announced after them",
                parameters.operators.commission_delay_seconds,
                LOCKED_EPOCHS + 1
            ),
        ));
    }
    Ok(())
}

/// Nobody may be bound by new rules before they could have left.
fn check_delays(parameters: &Parameters, dev: bool) -> Result<(), ConfigError> {
    let access = &parameters.access;
    for (key, address) in [
        ("access.admin", access.admin),
        ("access.governor", access.governor),
        ("vault.sink", parameters.vault.sink),
        ("settlement.reserve", parameters.settlement.reserve),
    ] {
        if address == Address::ZERO {
            return Err(invalid(
                key,
                "the zero address would lock what it governs or receives for ever",
            ));
        }
    }
    let thaw = parameters.vault.thaw_seconds;
    for (key, delay) in [
        ("access.admin_delay_seconds", access.admin_delay_seconds),
        ("access.governor_delay_seconds", access.governor_delay_seconds),
    ] {
        if !dev && u64::from(delay) < thaw {
            return Err(invalid(
                key,
                format!(
                    "{delay} is less than vault.thaw_seconds = {thaw}, so rules could change before stakers can leave; \
                     raise it, or set `dev = true` on a chain without value"
                ),
            ));
        }
    }
    Ok(())
}
