//! The configuration file: what to deploy with which parameters, checked before anything is spent.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, U256};
use plumbline_protocol::deployment::{
    AccessParameters, AuditParameters, CoverageParameters, FaultParameters, OperatorParameters, Parameters,
    PriceParameters, RandomnessParameters, RewardParameters, SettlementParameters, SlasherParameters, StressParameters,
    TestFeedParameters, TestTokenParameters, TokenParameters, UptimeParameters, VaultParameters, decimal,
};
use serde::Deserialize;

/// Epochs for which earnings stay locked at least (the ring of `InferenceSettlement`).
const LOCKED_EPOCHS: u64 = 7;
/// Periods by which an outage can lengthen an audit (`CaseDocket.MAX_EXTENSIONS`).
const MAX_EXTENSIONS: u64 = 8;
/// Shares of a lost bond: the defender's, and five judges'.
const BOND_PARTS: U256 = U256::from_limbs([6, 0, 0, 0]);
const MAX_WAGE: U256 = U256::from_limbs([u64::MAX, u32::MAX as u64, 0, 0]);

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
    /// None: fees are paid in the stake token.
    pub price: Option<Price>,
    pub rewards: RewardParameters,
    pub settlement: SettlementParameters,
    pub coverage: CoverageParameters,
    pub slasher: SlasherParameters,
    pub faults: FaultParameters,
    pub randomness: RandomnessParameters,
    pub audits: AuditParameters,
    pub stress: StressParameters,
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
    /// None: the admin.
    pub guardian: Option<Address>,
    /// None: the admin.
    pub canary: Option<Address>,
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

/// Price of stake in fee tokens: an existing feed by its address, or a test feed by decimals and first answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub feed: Option<Address>,
    pub test_feed: Option<TestFeedParameters>,
    pub max_age_seconds: u32,
    pub window_seconds: u32,
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
                guardian: self.access.guardian.unwrap_or(admin),
                canary: self.access.canary.unwrap_or(admin),
            },
            vault: self.vault.resolve(admin),
            operators: self.operators.clone(),
            uptime: self.uptime.resolve(begun_at)?,
            price: self.resolve_price()?,
            rewards: self.rewards.clone(),
            settlement: self.settlement.clone(),
            coverage: self.coverage.clone(),
            slasher: self.slasher.clone(),
            faults: self.faults.clone(),
            randomness: self.randomness.clone(),
            audits: self.audits.clone(),
            stress: self.stress.clone(),
        };
        check_windows(&parameters)?;
        check_audits(&parameters)?;
        check_delays(&parameters, self.dev)?;
        Ok(parameters)
    }

    fn resolve_price(&self) -> Result<Option<PriceParameters>, ConfigError> {
        let Some(price) = &self.price else {
            if self.tokens.fee.is_some() {
                return Err(invalid(
                    "price",
                    "missing: fees in another token than stake need a feed of its price, or a `test_feed`",
                ));
            }
            return Ok(None);
        };
        if self.tokens.fee.is_none() {
            return Err(invalid(
                "price",
                "fees are paid in the stake token: leave the table out",
            ));
        }
        match (price.feed, &price.test_feed) {
            (Some(Address::ZERO), _) => return Err(invalid("price.feed", "the zero address is no feed")),
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid("price", "give either `feed` or `test_feed`"));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        let answer = price.test_feed.as_ref().map(|feed| feed.answer);
        if answer.is_some_and(|answer| answer.is_zero() || answer > U256::from(u128::MAX)) {
            return Err(invalid(
                "price.test_feed.answer",
                "a price is above zero and fits in 128 bits",
            ));
        }
        Ok(Some(PriceParameters {
            test_feed: price.test_feed.clone(),
            max_age_seconds: price.max_age_seconds,
            window_seconds: price.window_seconds,
        }))
    }

    /// Address of a feed that exists already.
    pub fn given_feed(&self) -> Option<Address> {
        self.price.as_ref().and_then(|price| price.feed)
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

/// Rules of audits and rewards that are known before anything is spent; the contracts check the rest, too.
fn check_audits(parameters: &Parameters) -> Result<(), ConfigError> {
    let (audits, vault, uptime) = (&parameters.audits, &parameters.vault, &parameters.uptime);
    let period_seconds = u64::from(uptime.slot_seconds) * u64::from(uptime.slots_per_period);
    let grace = period_seconds + uptime.report_window_seconds;
    if u64::from(audits.grace_seconds) <= grace {
        return Err(invalid(
            "audits.grace_seconds",
            format!(
                "{} is not more than a period and its report window, {grace}: an outage could not be shown in time",
                audits.grace_seconds
            ),
        ));
    }
    let judging =
        u64::from(audits.proof_seconds).max(u64::from(audits.commit_seconds) + u64::from(audits.reveal_seconds));
    let answering =
        u64::from(audits.answer_seconds) + MAX_EXTENSIONS * period_seconds + u64::from(audits.grace_seconds);
    let challenge = u64::from(audits.dispute_seconds) + judging + u64::from(audits.canary_seconds);
    let longest = (answering + judging).max(challenge);
    if longest > vault.thaw_seconds {
        return Err(invalid(
            "vault.thaw_seconds",
            format!(
                "{} is less than the {longest} seconds that a case can last: stake could leave before its fault is judged",
                vault.thaw_seconds
            ),
        ));
    }
    if audits.bond.is_zero() || !(audits.bond % BOND_PARTS).is_zero() || audits.bond > U256::from(u128::MAX) {
        return Err(invalid(
            "audits.bond",
            format!(
                "{} is no multiple of {BOND_PARTS} above zero: a lost bond is shared by six",
                audits.bond
            ),
        ));
    }
    if parameters.rewards.wage > MAX_WAGE {
        return Err(invalid(
            "rewards.wage",
            format!("{} does not fit in 96 bits", parameters.rewards.wage),
        ));
    }
    if audits.min_probability_bps == 0 || audits.min_probability_bps > 10_000 {
        return Err(invalid(
            "audits.min_probability_bps",
            format!("{} is not between 1 and 10,000", audits.min_probability_bps),
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
        ("access.guardian", access.guardian),
        ("access.canary", access.canary),
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
