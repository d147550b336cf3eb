//! Operators: they stake, register, serve models, rotate keys, claim what they earned, and come back from jail.

use std::collections::VecDeque;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolStruct;
use anyhow::{Context, Result};
use plumbline_protocol::InferenceSettlement;
use plumbline_protocol::StakeVault;
use plumbline_protocol::typed_data::KeyBinding;
use plumbline_protocol::{IOperatorRegistry, OperatorRegistry};

use crate::accounts::{Keyring, MAX_GENERATIONS, Role};
use crate::evidence::SignedReceipt;
use crate::network::{Moment, Network};
use crate::outbox::{Call, Outbox};
use crate::population::{DOMAINS, OperatorSpec};
use crate::publishers::Model;
use crate::purse::{Purse, coins};

/// Receipts an operator holds until they are settled; beyond it takes no more work.
pub(crate) const MAX_RECEIPTS_HELD: usize = 20_000;
const BPS: u64 = 10_000;
/// Own stake that a slashed operator tops up to, basis points of the floor.
const RESTAKE_BPS: u64 = 12_000;
const CLAIM_PERIODS: u64 = 2;
const ROTATION_PERIODS: u64 = 12;
const COMMISSION_PERIODS: u64 = 20;
/// Periods for which an operator offers, and then does not offer, its last model; likewise for its domain.
const OFFER_PERIODS: u64 = 12;
const MOVE_PERIODS: u64 = 30;

/// `Status` of the registry; the ABI carries its numbers only.
const ACTIVE: u8 = 1;
const JAILED: u8 = 2;
const TOMBSTONED: u8 = 4;

pub(crate) struct Operator {
    index: usize,
    spec: OperatorSpec,
    account: PrivateKeySigner,
    settler: Option<Address>,
    treasury: Option<Address>,
    keys: Keys,
    chain: State,
    pub(crate) receipts: VecDeque<SignedReceipt>,
    /// Turn in which it last settled; turns are counted in `settle_slots`.
    pub(crate) settled_turn: u64,
}

/// Signing keys: the present one, and the one before for what was signed in its time.
struct Keys {
    generation: u32,
    current: PrivateKeySigner,
    previous: Option<PrivateKeySigner>,
    /// Unix seconds from which the present key is bound.
    since: u64,
}

/// What the chain says of an operator.
#[derive(Default)]
struct State {
    record: Option<IOperatorRegistry::Operator>,
    own_stake: U256,
    purse: Purse,
    settler_coins: U256,
    claimable: U256,
    /// In the order of the specification's models.
    offerings: Vec<IOperatorRegistry::Offering>,
}

impl Operator {
    pub(crate) fn new(keyring: &Keyring, index: usize, spec: OperatorSpec, outbox: &mut Outbox) -> Result<Self> {
        let account = keyring.signer(Role::Operator, index)?;
        outbox.add_account(&account);
        let settler = spec
            .has_settler
            .then(|| keyring.signer(Role::Settler, index))
            .transpose()?;
        settler.iter().for_each(|signer| outbox.add_account(signer));
        let treasury = spec
            .has_treasury
            .then(|| keyring.signer(Role::Treasury, index))
            .transpose()?;
        let current = keyring.generation(Role::SigningKey, index, 0)?;
        Ok(Self {
            index,
            spec,
            account,
            settler: settler.map(|signer| signer.address()),
            treasury: treasury.map(|signer| signer.address()),
            keys: Keys {
                generation: 0,
                current,
                previous: None,
                since: 0,
            },
            chain: State::default(),
            receipts: VecDeque::new(),
            settled_turn: 0,
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.account.address()
    }

    /// Account that settles.
    pub(crate) fn settling_account(&self) -> Address {
        self.settler.unwrap_or(self.account.address())
    }

    pub(crate) fn key(&self) -> &PrivateKeySigner {
        &self.keys.current
    }

    /// The key that was bound at a time: a receipt counts only when it is signed with the key of when it was served.
    pub(crate) fn key_at(&self, time: u64) -> &PrivateKeySigner {
        match &self.keys.previous {
            Some(previous) if self.keys.since > time => previous,
            Some(_) | None => &self.keys.current,
        }
    }

    /// A secret that nobody else can make, and that is the same after a restart.
    pub(crate) fn secret(&self, purpose: B256) -> Result<B256> {
        let signature = self.account.sign_hash_sync(&purpose).context("make a secret")?;
        Ok(keccak256(signature.as_bytes()))
    }

    /// It can never serve again.
    pub(crate) fn is_tombstoned(&self) -> bool {
        self.chain
            .record
            .as_ref()
            .is_some_and(|record| record.status == TOMBSTONED)
    }

    /// The key that was bound before a time: what concerns an ended period is signed with the key of that period.
    pub(crate) fn key_before(&self, time: u64) -> &PrivateKeySigner {
        match &self.keys.previous {
            Some(previous) if self.keys.since >= time => previous,
            Some(_) | None => &self.keys.current,
        }
    }

    pub(crate) fn coins(&self) -> impl Iterator<Item = (Address, U256)> {
        let settler = self.settler.map(|settler| (settler, self.chain.settler_coins));
        std::iter::once((self.account.address(), self.chain.purse.coins)).chain(settler)
    }

    /// Position in uptime bitmaps, once registered.
    pub(crate) fn bitmap_index(&self) -> Option<u32> {
        self.chain.record.as_ref().map(|record| record.index)
    }

    pub(crate) fn is_bonded(&self, network: &Network) -> bool {
        let is_here = self.chain.record.is_some() && !self.is_tombstoned();
        is_here && self.chain.own_stake >= network.own_stake_floor
    }

    pub(crate) fn is_active(&self) -> bool {
        self.chain.record.as_ref().is_some_and(|record| record.status == ACTIVE)
    }

    /// Terms for a model, if the operator takes work for it now.
    pub(crate) fn offering(&self, model: usize) -> Option<&IOperatorRegistry::Offering> {
        let position = self.spec.models.iter().position(|offered| *offered == model)?;
        let offering = self.chain.offerings.get(position)?;
        (self.is_active() && offering.active && self.receipts.len() < MAX_RECEIPTS_HELD).then_some(offering)
    }

    pub(crate) async fn refresh(&mut self, network: &Network, keyring: &Keyring, models: &[Model]) -> Result<()> {
        let operator = self.account.address();
        let (registry, vault) = (network.addresses.operator_registry, network.addresses.stake_vault);
        let read = OperatorRegistry::operatorOfCall { operator };
        let record = network.read_unless_reverted(registry, read).await?;
        if let Some(record) = &record {
            self.follow_key(network, keyring, record.signingKey).await?;
        }
        let own_stake = network
            .read(
                vault,
                StakeVault::stakeOfCall {
                    operator,
                    delegator: operator,
                },
            )
            .await?;
        let settlement = network.addresses.inference_settlement;
        let earnings = network
            .read(settlement, InferenceSettlement::earningsCall { operator })
            .await?;
        let mut offerings = Vec::with_capacity(self.spec.models.len());
        for model in &self.spec.models {
            let read = OperatorRegistry::offeringCall {
                operator,
                modelId: models[*model].id,
            };
            offerings.push(network.read(registry, read).await?);
        }
        let settler_coins = match self.settler {
            Some(settler) => coins(network, settler).await?,
            None => U256::ZERO,
        };
        let purse = Purse::read(network, operator, network.stake_token, vault).await?;
        self.chain = State {
            record,
            own_stake,
            purse,
            settler_coins,
            claimable: earnings.claimable,
            offerings,
        };
        Ok(())
    }

    /// Takes up the key that the chain has for the operator, which an earlier run may have rotated to.
    async fn follow_key(&mut self, network: &Network, keyring: &Keyring, key: Address) -> Result<()> {
        if key == self.keys.current.address() && self.keys.since != 0 {
            return Ok(());
        }
        let generation = keyring.generation_of(Role::SigningKey, self.index, key)?.with_context(|| {
            format!(
                "operator {} is registered with the signing key {key}, which is not derived from our mnemonic; give the \
                 mnemonic of the simulation that registered it",
                self.account.address()
            )
        })?;
        let binding = OperatorRegistry::keyBindingCall { key };
        let binding = network.read(network.addresses.operator_registry, binding).await?;
        let derive = |generation| keyring.generation(Role::SigningKey, self.index, generation);
        let previous = generation.checked_sub(1).map(derive).transpose()?;
        self.keys = Keys {
            generation,
            current: derive(generation)?,
            previous,
            since: binding.from,
        };
        Ok(())
    }

    /// What the operator does to be in service, and to stay so.
    pub(crate) fn plan_setup(
        &self,
        network: &Network,
        models: &[Model],
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let Some(record) = &self.chain.record else {
            return self.plan_registration(network, calls);
        };
        let period = moment.period;
        if record.status == ACTIVE {
            self.plan_offerings(network, models, period, calls);
            self.plan_profile(network, record, period, calls);
        } else if record.status == JAILED {
            self.plan_return(network, record, moment, calls);
        }
        Ok(())
    }

    fn plan_registration(&self, network: &Network, calls: &mut Vec<Call>) -> Result<()> {
        if self.chain.own_stake < network.own_stake_floor {
            let target = network.own_stake_floor * U256::from(self.spec.stake_bps) / U256::from(BPS);
            self.plan_stake(network, target, calls);
            return Ok(());
        }
        let operator = self.account.address();
        let register = OperatorRegistry::registerCall {
            signingKey: self.keys.current.address(),
            settlerKey: self.settler.unwrap_or_default(),
            domain: self.domain(0),
            endpoint: self.endpoint(),
            commissionBps: self.spec.commission_bps,
            keySignature: bind_key(network, operator, &self.keys.current)?.into(),
        };
        calls.push(Call::new(
            operator,
            network.addresses.operator_registry,
            "register",
            &register,
        ));
        Ok(())
    }

    fn plan_stake(&self, network: &Network, target: U256, calls: &mut Vec<Call>) {
        let (account, vault) = (self.account.address(), network.addresses.stake_vault);
        let assets = target.saturating_sub(self.chain.own_stake).max(network.min_deposit);
        if self
            .chain
            .purse
            .prepare(network, account, network.stake_token, Some(vault), assets, calls)
        {
            calls.push(Call::new(account, vault, "stake", &StakeVault::stakeCall { assets }));
        }
    }

    /// Offers the newest version of its models; some operators offer their last one only at times.
    fn plan_offerings(&self, network: &Network, models: &[Model], period: u64, calls: &mut Vec<Call>) {
        let (operator, registry) = (self.account.address(), network.addresses.operator_registry);
        for (position, (model, offering)) in self.spec.models.iter().zip(&self.chain.offerings).enumerate() {
            let Model { id, versions, .. } = models[*model];
            let seasonal = position > 0 && position + 1 == self.spec.models.len() && self.index % 5 == 2;
            let paused = seasonal && (period / OFFER_PERIODS) % 2 == 1;
            if paused && offering.active {
                let stop = OperatorRegistry::stopServingCall { modelId: id };
                calls.push(Call::new(operator, registry, "stop serving", &stop));
            } else if !paused && versions > 0 && (!offering.active || offering.version < versions) {
                let price = u128::from(self.spec.price) * network.fee_unit / 1_000_000;
                let serve = OperatorRegistry::serveCall {
                    modelId: id,
                    version: versions,
                    pricePerUnit: price.max(1),
                };
                calls.push(Call::new(operator, registry, "serve", &serve));
            }
        }
    }

    fn plan_profile(
        &self,
        network: &Network,
        record: &IOperatorRegistry::Operator,
        period: u64,
        calls: &mut Vec<Call>,
    ) {
        let (operator, registry) = (self.account.address(), network.addresses.operator_registry);
        if let Some(payout) = self.treasury.filter(|treasury| *treasury != record.payout) {
            calls.push(Call::new(
                operator,
                registry,
                "change payout",
                &OperatorRegistry::changePayoutCall { payout },
            ));
        }
        let domain = self.domain(period);
        if domain != record.domain {
            let change = OperatorRegistry::changeEndpointCall {
                domain,
                endpoint: self.endpoint(),
            };
            calls.push(Call::new(operator, registry, "change endpoint", &change));
        }
        if self.chain.own_stake < network.own_stake_floor {
            self.plan_stake(
                network,
                network.own_stake_floor * U256::from(RESTAKE_BPS) / U256::from(BPS),
                calls,
            );
        }
    }

    /// Leaves jail once the term is over, with the stake that takes.
    fn plan_return(
        &self,
        network: &Network,
        record: &IOperatorRegistry::Operator,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) {
        if moment.head.timestamp < record.jailedUntil {
            return;
        }
        if self.chain.own_stake < network.own_stake_floor {
            self.plan_stake(
                network,
                network.own_stake_floor * U256::from(RESTAKE_BPS) / U256::from(BPS),
                calls,
            );
            return;
        }
        let unjail = OperatorRegistry::unjailCall {};
        calls.push(Call::new(
            self.account.address(),
            network.addresses.operator_registry,
            "unjail",
            &unjail,
        ));
    }

    /// Claims what was earned; now and then rotates the key and announces a commission.
    pub(crate) fn plan_period(
        &self,
        network: &Network,
        keyring: &Keyring,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let (operator, registry) = (self.account.address(), network.addresses.operator_registry);
        let turn = moment.period + self.index as u64;
        if self.chain.claimable > U256::ZERO && turn.is_multiple_of(CLAIM_PERIODS) {
            let claim = InferenceSettlement::claimCall { operator };
            calls.push(Call::new(
                operator,
                network.addresses.inference_settlement,
                "claim",
                &claim,
            ));
        }
        if !self.is_active() {
            return Ok(());
        }
        let next = self.keys.generation + 1;
        let rotated = self.keys.since >= network.schedule.period_start(moment.period);
        let rotates = self.index % 6 == 5 && turn % ROTATION_PERIODS == 3;
        if rotates && !rotated && next < MAX_GENERATIONS {
            let key = keyring.generation(Role::SigningKey, self.index, next)?;
            let signature = bind_key(network, operator, &key)?.into();
            let rotate = OperatorRegistry::rotateKeyCall {
                key: key.address(),
                keySignature: signature,
            };
            calls.push(Call::new(operator, registry, "rotate the signing key", &rotate));
        }
        if self.index % 5 == 1 && turn % COMMISSION_PERIODS == 4 {
            // A little more or less than at first, so that announcements differ.
            let bps = self.spec.commission_bps + 100 * ((turn / COMMISSION_PERIODS) % 3) as u16;
            let announce = OperatorRegistry::announceCommissionCall { commissionBps: bps };
            calls.push(Call::new(operator, registry, "announce a commission", &announce));
        }
        Ok(())
    }

    /// Declared failure domain: some operators move between two.
    fn domain(&self, period: u64) -> B256 {
        let moved = self.index % 9 == 4 && (period / MOVE_PERIODS) % 2 == 1;
        let domain = if moved {
            (self.spec.domain + 1) % DOMAINS.len()
        } else {
            self.spec.domain
        };
        B256::right_padding_from(DOMAINS[domain].0.as_bytes())
    }

    fn endpoint(&self) -> String {
        format!("https://operator-{}.example", self.index)
    }
}

fn bind_key(network: &Network, operator: Address, key: &PrivateKeySigner) -> Result<Vec<u8>> {
    let binding = KeyBinding {
        operator,
        key: key.address(),
    };
    let digest = binding.eip712_signing_hash(&network.operator_domain);
    Ok(key
        .sign_hash_sync(&digest)
        .context("sign a key binding")?
        .as_bytes()
        .to_vec())
}
