//! The registry of enclaves and the settlement relay of another network: their interface, and the file that says where they are.

use std::path::Path;

use alloy::primitives::{Address, B256, keccak256};
use alloy::sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::deployment::{BlockRef, DeploymentError, SourceKind};

/// Longest period and age of a heartbeat that make sense: nothing is told of a period before it ends.
const MAX_PERIOD_SECONDS: u64 = 7 * 86_400;
const MAX_SYMBOL_BYTES: usize = 32;
const MAX_DECIMALS: u8 = 36;

pub use interface::{Registry, Relay};

#[allow(missing_docs, unreachable_pub, clippy::too_many_arguments)]
mod interface {
    alloy::sol! {
        /// Enclaves, the code they may run, and their signs of life.
        #[sol(rpc, all_derives)]
        contract Registry {
            struct Enclave {
                address owner;
                address paymentAddress;
                string endpoint;
                bytes publicKey;
                bytes tlsCertificate;
                bytes32 pcrHash;
                uint8 teeType;
                bool enabled;
                uint256 registeredAt;
                uint256 lastHeartbeatAt;
            }

            event TEETypeAdded(uint8 indexed typeId, string name);
            event TEERegistered(bytes32 indexed teeId, address indexed owner, uint8 teeType);
            event TEEEnabled(bytes32 indexed teeId);
            event TEEDisabled(bytes32 indexed teeId);
            event HeartbeatReceived(bytes32 indexed teeId, uint256 timestamp);
            event PCRApproved(bytes32 indexed pcrHash, uint8 indexed teeType, string version);
            event PCRRevoked(bytes32 indexed pcrHash, uint8 indexed teeType);
            event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
            event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);

            function registerTEEWithAttestation(
                bytes attestationDocument,
                bytes signingPublicKey,
                bytes tlsCertificate,
                address paymentAddress,
                string endpoint,
                uint8 teeType
            ) external returns (bytes32 teeId);
            function getTEE(bytes32 teeId) external view returns (Enclave);
        }

        /// Passes settlements on, one by one or as the root of a batch.
        #[sol(rpc, all_derives)]
        contract Relay {
            event BatchSettlement(bytes32 indexed merkleRoot, uint256 batchSize, bytes walrusBlobId);
            event IndividualSettlement(
                bytes32 indexed teeId,
                address indexed ethAddress,
                bytes32 inputHash,
                bytes32 outputHash,
                uint256 timestamp,
                bytes walrusBlobId,
                bytes signature
            );
            event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
            event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
        }
    }
}

/// Identity of an enclave: the hash of its public key, so that whoever shows the key shows whose calldata it is.
pub fn enclave_id(signing_public_key: &[u8]) -> B256 {
    keccak256(signing_public_key)
}

/// Identity of what an individual settlement settles: the same receipt, whoever relays it and wherever its data lies.
pub fn receipt_id(settlement: &Relay::IndividualSettlement) -> B256 {
    let Relay::IndividualSettlement {
        teeId,
        inputHash,
        outputHash,
        timestamp,
        ..
    } = settlement;
    keccak256((*teeId, *inputHash, *outputHash, *timestamp).abi_encode())
}

/// Where the contracts are, and how their heartbeats are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub source: SourceKind,
    pub chain_id: u64,
    /// No event of the contracts is older.
    pub block: BlockRef,
    pub registry: Address,
    pub relay: Address,
    pub native_token: NativeToken,
    pub heartbeat: Heartbeat,
    pub period: Period,
}

/// The token that gas is paid in; the contracts hold none of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeToken {
    pub symbol: String,
    pub decimals: u8,
}

/// How often an enclave shows that it lives, and how long it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    pub interval_seconds: u64,
    /// The registry's `heartbeatMaxAge`, which no event tells.
    pub max_age_seconds: u64,
}

/// Periods begin at multiples of their length, the first after the first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub slot_seconds: u32,
    pub slots: u32,
}

impl Period {
    pub fn seconds(self) -> u64 {
        u64::from(self.slot_seconds) * u64::from(self.slots)
    }
}

impl Network {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        let network: Self = crate::deployment::parse(path)?;
        match network.problem() {
            None => Ok(network),
            Some(problem) => Err(DeploymentError::Unusable {
                path: path.to_owned(),
                problem,
            }),
        }
    }

    fn problem(&self) -> Option<&'static str> {
        let Self {
            native_token,
            heartbeat,
            period,
            ..
        } = self;
        let symbol_fits = (1..=MAX_SYMBOL_BYTES).contains(&native_token.symbol.len());
        let checks = [
            (
                self.source == SourceKind::Opengradient,
                "`source` must be \"opengradient\"",
            ),
            (self.chain_id != 0, "`chain_id` must not be 0"),
            (!self.registry.is_zero(), "`registry` must not be zero"),
            (!self.relay.is_zero(), "`relay` must not be zero"),
            (
                self.registry != self.relay,
                "`registry` and `relay` must be two contracts",
            ),
            (symbol_fits, "`native_token.symbol` must have 1 to 32 bytes"),
            (
                native_token.decimals <= MAX_DECIMALS,
                "`native_token.decimals` must be at most 36",
            ),
            (
                heartbeat.interval_seconds != 0,
                "`heartbeat.interval_seconds` must not be 0",
            ),
            (
                heartbeat.interval_seconds < heartbeat.max_age_seconds,
                "`heartbeat.max_age_seconds` must be more than `heartbeat.interval_seconds`, or every delay is an outage",
            ),
            (
                heartbeat.max_age_seconds <= MAX_PERIOD_SECONDS,
                "`heartbeat.max_age_seconds` must be at most 7 days",
            ),
            (
                period.slot_seconds != 0 && period.slots != 0,
                "`period.slot_seconds` and `period.slots` must not be 0",
            ),
            (
                period.seconds() <= MAX_PERIOD_SECONDS,
                "a period must be at most 7 days long",
            ),
        ];
        checks
            .into_iter()
            .find_map(|(holds, problem)| (!holds).then_some(problem))
    }
}
