//! Publishers: they register base models and what was tuned from them, publish versions, and collect royalties.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use anyhow::Result;
use plumbline_protocol::InferenceSettlement;
use plumbline_protocol::{ModelRegistry, VerifierRegistry};
use sha2::{Digest, Sha256};

use crate::accounts::{Keyring, Role};
use crate::network::Network;
use crate::outbox::{Call, Outbox};
use crate::population::{MODELS, Mode, PUBLISHERS};
use crate::proofs;
use crate::purse::coins;

/// Periods between two versions of a model.
const VERSION_PERIODS: u64 = 20;
/// Periods between two collections of a model's royalties.
const ROYALTY_PERIODS: u64 = 4;

pub(crate) struct Publishers {
    accounts: Vec<PrivateKeySigner>,
    coins: Vec<U256>,
    pub(crate) models: Vec<Model>,
    /// What puts the verifier of proofs on chain, while it is not there.
    deployment: Option<Call>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Model {
    pub(crate) id: B256,
    /// Versions on chain; none until it is registered.
    pub(crate) versions: u32,
    /// Its first version has a verifier, if its outputs are to be proved.
    is_bound: bool,
    royalties: U256,
}

impl Publishers {
    pub(crate) fn new(keyring: &Keyring, outbox: &mut Outbox) -> Result<Self> {
        let accounts = (0..PUBLISHERS)
            .map(|index| keyring.signer(Role::Publisher, index))
            .collect::<Result<Vec<_>>>()?;
        accounts.iter().for_each(|account| outbox.add_account(account));
        let models = MODELS
            .iter()
            .map(|spec| {
                let publisher = accounts[spec.publisher].address();
                let id = keccak256((publisher, weights_digest(spec.name, 1), B256::ZERO).abi_encode());
                Model { id, ..Model::default() }
            })
            .collect();
        Ok(Self {
            coins: vec![U256::ZERO; accounts.len()],
            accounts,
            models,
            deployment: None,
        })
    }

    pub(crate) fn coins(&self) -> impl Iterator<Item = (Address, U256)> {
        self.accounts
            .iter()
            .map(PrivateKeySigner::address)
            .zip(self.coins.iter().copied())
    }

    pub(crate) async fn refresh(&mut self, network: &Network) -> Result<()> {
        for (account, held) in self.accounts.iter().zip(&mut self.coins) {
            *held = coins(network, account.address()).await?;
        }
        let deployer = self.accounts[MODELS[0].publisher].address();
        let is_deployed = proofs::has_code(network, proofs::verifier()).await?;
        self.deployment = if is_deployed {
            None
        } else {
            proofs::deployment(network, deployer).await?
        };
        for model in &mut self.models {
            let binding = VerifierRegistry::bindingOfCall {
                modelId: model.id,
                version: 1,
            };
            let bound = network.read(network.addresses.verifier_registry, binding).await?;
            // Where nothing can be deployed there is nothing to bind.
            model.is_bound = !bound.verifier.is_zero() || !is_deployed;
            let read = ModelRegistry::modelCall { modelId: model.id };
            let record = network
                .read_unless_reverted(network.addresses.model_registry, read)
                .await?;
            model.versions = record.map_or(0, |record| record.versions);
            let royalties = InferenceSettlement::royaltiesCall { modelId: model.id };
            model.royalties = network.read(network.addresses.inference_settlement, royalties).await?;
        }
        Ok(())
    }

    /// Publishes what is due.
    pub(crate) fn plan_setup(&self, network: &Network, period: u64, calls: &mut Vec<Call>) {
        let can_pay = !self.coins[MODELS[0].publisher].is_zero();
        calls.extend(self.deployment.iter().filter(|_| can_pay).cloned());
        for (index, (spec, model)) in MODELS.iter().zip(&self.models).enumerate() {
            let publisher = self.accounts[spec.publisher].address();
            let parent = spec.parent.map(|parent| self.models[parent]);
            if self.coins[spec.publisher].is_zero() || parent.is_some_and(|parent| parent.versions == 0) {
                continue;
            }
            let is_proved = matches!(spec.mode, Mode::Attested | Mode::Proof);
            if model.versions > 0 && is_proved && !model.is_bound {
                let bind = VerifierRegistry::bindVerifierCall {
                    modelId: model.id,
                    version: 1,
                    verifier: proofs::verifier(),
                };
                let registry = network.addresses.verifier_registry;
                calls.push(Call::new(publisher, registry, "bind a verifier", &bind));
            }
            let due = 1 + u32::try_from(period / VERSION_PERIODS).unwrap_or(u32::MAX);
            if model.versions < spec.versions.min(due) {
                calls.push(publish(network, publisher, index, model, parent));
            }
        }
    }

    pub(crate) fn plan_period(&self, network: &Network, period: u64, calls: &mut Vec<Call>) {
        for (index, (spec, model)) in MODELS.iter().zip(&self.models).enumerate() {
            if model.royalties > U256::ZERO && (period + index as u64).is_multiple_of(ROYALTY_PERIODS) {
                let publisher = self.accounts[spec.publisher].address();
                let claim = InferenceSettlement::claimRoyaltiesCall { modelId: model.id };
                calls.push(Call::new(
                    publisher,
                    network.addresses.inference_settlement,
                    "claim royalties",
                    &claim,
                ));
            }
        }
    }
}

/// Registers the model with its first version, or publishes its next.
fn publish(network: &Network, publisher: Address, index: usize, model: &Model, parent: Option<Model>) -> Call {
    let spec = &MODELS[index];
    let version = model.versions + 1;
    let digest = weights_digest(spec.name, version);
    let mode = spec.mode as u8;
    let uri = format!("https://models.example/{}/v{version}.safetensors", spec.name);
    let registry = network.addresses.model_registry;
    if model.versions > 0 {
        let publish = ModelRegistry::publishVersionCall {
            modelId: model.id,
            weightsDigest: digest,
            mode,
            royaltyBps: spec.royalty_bps,
            uri,
        };
        return Call::new(publisher, registry, "publish a version", &publish);
    }
    let register = ModelRegistry::registerModelCall {
        weightsDigest: digest,
        parent: parent.map(|parent| parent.id).unwrap_or_default(),
        mode,
        royaltyBps: spec.royalty_bps,
        uri,
        salt: B256::ZERO,
    };
    Call::new(publisher, registry, "register a model", &register)
}

/// SHA-256 of the artefact, which here is a short text.
pub(crate) fn weights_digest(name: &str, version: u32) -> B256 {
    B256::from_slice(&Sha256::digest(format!("weights of {name}, version {version}\n")))
}
