//! The file `deployments/<chain id>.json`: which contracts run where, with which parameters.

use std::fmt;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Contracts of a deployment that emit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    AccessManager,
    ModelRegistry,
    StakeVault,
    OperatorRegistry,
    UptimeLedger,
    PriceOracle,
    RewardReserve,
    InferenceSettlement,
    Slasher,
    BlockRandomness,
    VerifierRegistry,
    JudgeCommittee,
    StressGauge,
    CaseDocket,
    AuditManager,
    ChallengeManager,
}

impl Contract {
    /// Every contract, in the order of deployment.
    pub const ALL: [Self; 16] = [
        Self::AccessManager,
        Self::ModelRegistry,
        Self::StakeVault,
        Self::OperatorRegistry,
        Self::UptimeLedger,
        Self::PriceOracle,
        Self::RewardReserve,
        Self::InferenceSettlement,
        Self::Slasher,
        Self::BlockRandomness,
        Self::VerifierRegistry,
        Self::JudgeCommittee,
        Self::StressGauge,
        Self::CaseDocket,
        Self::AuditManager,
        Self::ChallengeManager,
    ];

    /// Name in Solidity.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessManager => "AccessManager",
            Self::ModelRegistry => "ModelRegistry",
            Self::StakeVault => "StakeVault",
            Self::OperatorRegistry => "OperatorRegistry",
            Self::UptimeLedger => "UptimeLedger",
            Self::PriceOracle => "PriceOracle",
            Self::RewardReserve => "RewardReserve",
            Self::InferenceSettlement => "InferenceSettlement",
            Self::Slasher => "Slasher",
            Self::BlockRandomness => "BlockRandomness",
            Self::VerifierRegistry => "VerifierRegistry",
            Self::JudgeCommittee => "JudgeCommittee",
            Self::StressGauge => "StressGauge",
            Self::CaseDocket => "CaseDocket",
            Self::AuditManager => "AuditManager",
            Self::ChallengeManager => "ChallengeManager",
        }
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose contracts a deployments file names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// This project's: what `plumbline deploy` writes.
    #[default]
    Plumbline,
    /// Another network's registry and relay, see [`crate::opengradient::Network`].
    Opengradient,
}

impl SourceKind {
    /// The kind of a deployments file; one that does not say is of this project's contracts.
    pub fn of(path: &Path) -> Result<Self, DeploymentError> {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(default)]
            source: SourceKind,
        }
        Ok(parse::<Kind>(path)?.source)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One deployment of all contracts on one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    #[serde(default, skip_serializing_if = "SourceKind::is_default")]
    pub source: SourceKind,
    pub chain_id: u64,
    /// Block of the first transaction: no event of these contracts is older.
    pub block: BlockRef,
    pub contracts: Addresses,
    pub parameters: Parameters,
    pub compiler: Compiler,
    pub deployer: Address,
    /// Transactions that made it, in the order of their nonces.
    pub transactions: Vec<Transaction>,
}

/// A block by number and hash: the hash tells a reset development chain from the one deployed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockRef {
    pub number: u64,
    pub hash: B256,
}

/// Addresses of the contracts and of the two tokens (which may be one).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    pub access_manager: Address,
    pub stake_token: Address,
    pub fee_token: Address,
    pub model_registry: Address,
    pub stake_vault: Address,
    pub operator_registry: Address,
    pub uptime_ledger: Address,
    /// Zero where fees are paid in the stake token: then there is no price.
    pub price_feed: Address,
    /// Zero where there is no feed.
    pub price_oracle: Address,
    pub reward_reserve: Address,
    pub inference_settlement: Address,
    pub slasher: Address,
    pub block_randomness: Address,
    pub verifier_registry: Address,
    pub judge_committee: Address,
    pub stress_gauge: Address,
    pub case_docket: Address,
    pub audit_manager: Address,
    pub challenge_manager: Address,
}

impl Addresses {
    /// Address of a contract.
    pub fn of(&self, contract: Contract) -> Address {
        match contract {
            Contract::AccessManager => self.access_manager,
            Contract::ModelRegistry => self.model_registry,
            Contract::StakeVault => self.stake_vault,
            Contract::OperatorRegistry => self.operator_registry,
            Contract::UptimeLedger => self.uptime_ledger,
            Contract::PriceOracle => self.price_oracle,
            Contract::RewardReserve => self.reward_reserve,
            Contract::InferenceSettlement => self.inference_settlement,
            Contract::Slasher => self.slasher,
            Contract::BlockRandomness => self.block_randomness,
            Contract::VerifierRegistry => self.verifier_registry,
            Contract::JudgeCommittee => self.judge_committee,
            Contract::StressGauge => self.stress_gauge,
            Contract::CaseDocket => self.case_docket,
            Contract::AuditManager => self.audit_manager,
            Contract::ChallengeManager => self.challenge_manager,
        }
    }

    /// The contracts that are deployed: there is no price oracle where fees are paid in the stake token.
    pub fn deployed(&self) -> impl Iterator<Item = (Contract, Address)> {
        let addresses = *self;
        Contract::ALL
            .into_iter()
            .map(move |contract| (contract, addresses.of(contract)))
            .filter(|(_, address)| !address.is_zero())
    }

    /// Contract at an address, if it is one of these.
    pub fn contract_at(&self, address: Address) -> Option<Contract> {
        self.deployed()
            .find_map(|(contract, at)| (at == address).then_some(contract))
    }
}

/// Parameters as they are on chain. Durations are seconds, amounts base units (decimal strings in JSON), shares basis
/// points of 10,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    pub tokens: TokenParameters,
    pub access: AccessParameters,
    pub vault: VaultParameters,
    pub operators: OperatorParameters,
    pub uptime: UptimeParameters,
    /// None where fees are paid in the stake token.
    pub price: Option<PriceParameters>,
    pub rewards: RewardParameters,
    pub settlement: SettlementParameters,
    pub coverage: CoverageParameters,
    pub slasher: SlasherParameters,
    pub faults: FaultParameters,
    pub randomness: RandomnessParameters,
    pub audits: AuditParameters,
    pub stress: StressParameters,
}

/// Test tokens that were deployed along, each none where an existing token is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenParameters {
    pub stake: Option<TestTokenParameters>,
    /// Also none when fees are paid in the stake token.
    pub fee: Option<TestTokenParameters>,
}

/// Constructor of `TestToken`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestTokenParameters {
    pub name: String,
    pub symbol: String,
    pub decimals: u8,
}

/// Who may change policy, and how slowly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessParameters {
    pub admin: Address,
    pub admin_delay_seconds: u32,
    pub governor: Address,
    pub governor_delay_seconds: u32,
    /// May pause settlement for some days.
    pub guardian: Address,
    /// May plant outputs that are known to be wrong, to see whether judges look.
    pub canary: Address,
}

/// Constructor of `StakeVault`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultParameters {
    pub sink: Address,
    #[serde(with = "decimal")]
    pub own_stake_floor: U256,
    #[serde(with = "decimal")]
    pub min_deposit: U256,
    pub thaw_seconds: u64,
    /// Also the `Slasher`'s evidence window: one number, so that the thaw period covers it.
    pub evidence_seconds: u64,
    pub dispute_seconds: u64,
    pub resolution_seconds: u64,
    pub buffer_seconds: u64,
}

/// Constructor of `OperatorRegistry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorParameters {
    pub commission_delay_seconds: u64,
}

/// Constructor of `UptimeLedger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UptimeParameters {
    /// Unix seconds at which period 0 begins.
    pub genesis: u64,
    pub slot_seconds: u32,
    pub slots_per_period: u32,
    pub report_window_seconds: u64,
}

/// Constructor of `InferenceSettlement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementParameters {
    pub protocol_fee_bps: u16,
    pub exit_delay_seconds: u64,
    pub epoch_seconds: u64,
}

/// Constructor of `PriceOracle`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceParameters {
    /// The feed that was deployed along; none where an existing one is used.
    pub test_feed: Option<TestFeedParameters>,
    pub max_age_seconds: u32,
    pub window_seconds: u32,
}

/// Constructor of `TestFeed`; its owner is the guardian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFeedParameters {
    pub decimals: u8,
    /// Whole fee tokens for a whole stake token, times `10^decimals`.
    #[serde(with = "decimal")]
    pub answer: U256,
}

/// Constructor of `RewardReserve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardParameters {
    pub report_seconds: u64,
    pub claim_seconds: u64,
    /// Fee-token base units an hour for each floor of fully available stake.
    #[serde(with = "decimal")]
    pub wage: U256,
    pub domain_bps: u16,
    pub refill_bps: u16,
}

/// Terms of coverage of `InferenceSettlement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageParameters {
    pub beta_bps: u32,
    pub utilisation_bps: u16,
    pub haircut_bps: u16,
    pub penalty_bps: u16,
    pub correlation_bps: u16,
}

/// Constructor of `Slasher`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlasherParameters {
    pub earnings_bps: u16,
    pub principal_bps: u16,
    pub reporter_cut_bps: u16,
    pub repeat_after: u16,
    pub memory_periods: u32,
    pub jail_seconds: u64,
}

/// What each fault but downtime costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultParameters {
    /// Seconds within which stake at fault is added up.
    pub correlation_window_seconds: u64,
    pub withheld: TermsParameters,
    pub wrong_output: TermsParameters,
    pub equivocation: TermsParameters,
    pub false_report: TermsParameters,
    pub unrevealed: TermsParameters,
}

/// Terms of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermsParameters {
    pub earnings_bps: u16,
    pub principal_bps: u16,
    pub correlated_bps: u16,
    pub cut_bps: u16,
    pub tombstone: bool,
    pub jail_seconds: u64,
}

/// Constructor of `BlockRandomness`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomnessParameters {
    pub delay_blocks: u64,
    pub window_blocks: u64,
}

/// Parameters of `CaseDocket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditParameters {
    /// Least probability of an audit.
    pub min_probability_bps: u16,
    #[serde(with = "decimal")]
    pub bond: U256,
    pub max_challenges: u32,
    pub answer_seconds: u32,
    pub grace_seconds: u32,
    pub proof_seconds: u32,
    pub commit_seconds: u32,
    pub reveal_seconds: u32,
    pub canary_seconds: u32,
    pub dispute_seconds: u32,
}

/// Parameters of `StressGauge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StressParameters {
    pub step_seconds: u64,
    pub backlog_capacity: u32,
}

/// What compiled the creation code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    pub solc: String,
    pub evm_version: String,
    pub via_ir: bool,
    pub optimizer_runs: u64,
    /// Hash over the creation code of all contracts: the same sources and settings give the same.
    pub creation_code_hash: B256,
}

/// One transaction of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What it did, e.g. `deploy StakeVault`.
    pub step: String,
    /// The contract that it created or called.
    pub contract: Address,
    pub hash: B256,
    pub block_number: u64,
    pub gas_used: u64,
    /// Paid in base units of the chain's native token.
    #[serde(with = "decimal")]
    pub cost: U256,
}

/// Why a deployments file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    #[error("cannot read deployments file {}: {cause}; `plumbline deploy` writes it", path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("deployments file {} is not valid: {cause}; restore it or deploy again", path.display())]
    Parse { path: PathBuf, cause: serde_json::Error },
    #[error("deployments file {} cannot be used: {problem}", path.display())]
    Unusable { path: PathBuf, problem: &'static str },
    #[error(
        "deployments file {} is for chain {in_file}, but the RPC endpoint serves chain {on_chain}; \
         give the file or the RPC URL of the other", path.display()
    )]
    WrongChain { path: PathBuf, in_file: u64, on_chain: u64 },
}

impl Deployment {
    /// Reads and checks a deployments file.
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        parse(path)
    }

    /// Reads a deployments file that must be for the chain that the RPC endpoint serves.
    pub fn read_for_chain(path: &Path, on_chain: u64) -> Result<Self, DeploymentError> {
        let deployment = Self::read(path)?;
        if deployment.chain_id != on_chain {
            let in_file = deployment.chain_id;
            return Err(DeploymentError::WrongChain {
                path: path.to_owned(),
                in_file,
                on_chain,
            });
        }
        Ok(deployment)
    }

    /// Name of the file of a chain, below the folder of deployments.
    pub fn path_in(folder: &Path, chain_id: u64) -> PathBuf {
        folder.join(format!("{chain_id}.json"))
    }
}

pub(crate) fn parse<T: DeserializeOwned>(path: &Path) -> Result<T, DeploymentError> {
    let text = std::fs::read_to_string(path).map_err(|cause| DeploymentError::Read {
        path: path.to_owned(),
        cause,
    })?;
    serde_json::from_str(&text).map_err(|cause| DeploymentError::Parse {
        path: path.to_owned(),
        cause,
    })
}

/// `U256` as a decimal string, because JSON numbers lose digits.
pub mod decimal {
    use alloy::primitives::U256;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes `"123"`.
    pub fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads `"123"`; underscores between digits are allowed.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.replace('_', "");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(D::Error::custom(format!(
                "{text:?} is no amount: write base units as decimal digits in quotes"
            )));
        }
        U256::from_str_radix(&digits, 10).map_err(|_| D::Error::custom(format!("{text:?} does not fit in 256 bits")))
    }
}
