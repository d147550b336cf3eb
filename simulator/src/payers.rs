//! Payers: they fund channels in three ways, let session keys sign for them, and take the rest back when they leave.

use alloy::primitives::{Address, B256, Signature, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::{Eip712Domain, SolStruct, SolValue};
use anyhow::{Context, Result};
use plumbline_protocol::typed_data::SignerBinding;
use plumbline_protocol::{InferenceSettlement, TestToken};

use crate::accounts::{Keyring, MAX_GENERATIONS, Role};
use crate::books::{Books, Channel};
use crate::demand::MEAN_UNITS;
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::population::{Funding, PayerSpec, Population};
use crate::purse::Purse;
use crate::random::MILLION;

/// Periods that a full channel lasts, and that of a payer who pays late.
const FUNDED_PERIODS: u128 = 12;
const LATE_FUNDED_PERIODS: u128 = 1;
/// A late payer's credit, as a part of its full channel.
const CREDIT_DIVISOR: u128 = 2;
const SESSION_SECONDS: u64 = 30 * 86_400;
/// A session key is replaced when it has less than this left beyond the notice of a revocation.
const SESSION_MARGIN_SECONDS: u64 = 3_600;
const REVOKE_PERIODS: u64 = 20;
const AUTHORIZATION_SECONDS: u64 = 3_600;
/// A payer that leaves does so in this phase of a cycle, and does not come back before another.
const EXIT_CYCLE_PERIODS: u64 = 12;
const EXIT_PHASE: u64 = 4;
const RETURN_PHASE: u64 = 10;

sol! {
    /// ERC-2612.
    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }

    /// ERC-3009.
    struct ReceiveWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }
}

pub(crate) struct Payer {
    index: usize,
    pub(crate) spec: PayerSpec,
    account: PrivateKeySigner,
    purse: Purse,
    permit_nonce: U256,
    session: Session,
    /// What each channel holds when full.
    targets: Vec<u128>,
}

struct Session {
    generation: u32,
    key: PrivateKeySigner,
    /// The chain takes its vouchers.
    live: bool,
}

impl Payer {
    pub(crate) fn new(
        network: &Network,
        keyring: &Keyring,
        index: usize,
        population: &Population,
        requests_per_slot: u32,
        outbox: &mut Outbox,
    ) -> Result<Self> {
        let spec = population.payers[index].clone();
        let account = keyring.signer(Role::Payer, index)?;
        outbox.add_account(&account);
        let requests = u128::from(requests_per_slot) * u128::from(network.schedule.slots_per_period);
        let periods = if spec.pays_late {
            LATE_FUNDED_PERIODS
        } else {
            FUNDED_PERIODS
        };
        let target = |(position, channel): (usize, &crate::population::ChannelSpec)| {
            let share = u128::from(population.channel_share_ppm(index, position));
            let units = requests * periods * u128::from(MEAN_UNITS) * share / u128::from(MILLION);
            let price = u128::from(population.operators[channel.operator].price);
            let least = network.fee_unit / 10;
            (units * price * network.fee_unit / u128::from(MILLION))
                .max(least)
                .max(1)
        };
        let targets = spec.channels.iter().enumerate().map(target).collect();
        let session = Session {
            generation: 0,
            key: keyring.generation(Role::SessionKey, index, 0)?,
            live: false,
        };
        let (purse, permit_nonce) = (Purse::default(), U256::ZERO);
        Ok(Self {
            index,
            spec,
            account,
            purse,
            permit_nonce,
            session,
            targets,
        })
    }

    pub(crate) fn address(&self) -> Address {
        self.account.address()
    }

    pub(crate) fn coins(&self) -> (Address, U256) {
        (self.account.address(), self.purse.coins)
    }

    /// The key that signs vouchers now.
    pub(crate) fn voucher_key(&self) -> &PrivateKeySigner {
        if self.session.live {
            &self.session.key
        } else {
            &self.account
        }
    }

    /// What an operator lends a payer that is known to pay late.
    pub(crate) fn credit(&self, operator: usize) -> u128 {
        let channel = self
            .spec
            .channels
            .iter()
            .position(|channel| channel.operator == operator);
        let target = channel.map_or(0, |channel| self.targets[channel]);
        if self.spec.pays_late {
            target / CREDIT_DIVISOR
        } else {
            0
        }
    }

    pub(crate) async fn refresh(&mut self, network: &Network, keyring: &Keyring, now: u64) -> Result<()> {
        let (account, token) = (self.account.address(), network.fee_token);
        let settlement = network.addresses.inference_settlement;
        self.purse = Purse::read(network, account, token, settlement).await?;
        if self.spec.funding == Funding::Permit && network.fee_token_domain.is_some() {
            self.permit_nonce = network
                .read(token.address, TestToken::noncesCall { owner: account })
                .await?;
        }
        if self.spec.uses_session_keys {
            self.find_session(network, keyring, now).await?;
        }
        Ok(())
    }

    /// Finds the first session key that was not used up: live, or never authorised.
    async fn find_session(&mut self, network: &Network, keyring: &Keyring, now: u64) -> Result<()> {
        let settlement = network.addresses.inference_settlement;
        let needed = now + network.exit_delay + SESSION_MARGIN_SECONDS;
        for generation in self.session.generation..MAX_GENERATIONS {
            let key = keyring.generation(Role::SessionKey, self.index, generation)?;
            let bound = network
                .read(settlement, InferenceSettlement::signerCall { key: key.address() })
                .await?;
            let live = bound.payer == self.account.address() && bound.validUntil > needed;
            if live || bound.payer.is_zero() {
                self.session = Session { generation, key, live };
                return Ok(());
            }
        }
        // All used up: the payer signs itself from now on.
        self.spec.uses_session_keys = false;
        self.session.live = false;
        Ok(())
    }

    /// What the payer does to have funded channels and somebody to sign for it.
    pub(crate) fn plan_setup(
        &self,
        network: &Network,
        operators: &[Operator],
        books: &Books,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        if self.purse.coins.is_zero() {
            return Ok(());
        }
        if self.spec.uses_session_keys && !self.session.live {
            calls.push(self.authorize_session(network, moment)?);
        }
        self.plan_deposits(network, operators, books, moment, calls)
    }

    /// Ends session keys and exits channels, now and then.
    pub(crate) fn plan_period(
        &self,
        network: &Network,
        operators: &[Operator],
        books: &Books,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) {
        let turn = moment.period + self.index as u64;
        if self.session.live && turn % REVOKE_PERIODS == REVOKE_PERIODS - 1 {
            let revoke = InferenceSettlement::revokeSignerCall {
                key: self.session.key.address(),
            };
            let contract = network.addresses.inference_settlement;
            calls.push(Call::new(
                self.account.address(),
                contract,
                "revoke a session key",
                &revoke,
            ));
        }
        self.plan_exit(network, operators, books, moment, calls);
    }

    fn authorize_session(&self, network: &Network, moment: Moment) -> Result<Call> {
        let (payer, settlement) = (self.account.address(), network.addresses.inference_settlement);
        let key = self.session.key.address();
        let digest = SignerBinding { payer, signer: key }.eip712_signing_hash(&network.settlement_domain);
        let proof = self
            .session
            .key
            .sign_hash_sync(&digest)
            .context("sign a session key's binding")?;
        let authorize = InferenceSettlement::authorizeSignerCall {
            key,
            validUntil: moment.head.timestamp + network.exit_delay + SESSION_MARGIN_SECONDS + SESSION_SECONDS,
            proof: proof.as_bytes().to_vec().into(),
        };
        Ok(Call::new(payer, settlement, "authorize a session key", &authorize))
    }

    /// Leaves the first channel in a phase of the cycle; in every other cycle thinks better of it.
    fn plan_exit(
        &self,
        network: &Network,
        operators: &[Operator],
        books: &Books,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) {
        let Some(channel) = self.spec.channels.first().filter(|_| self.spec.leaves) else {
            return;
        };
        let (payer, settlement) = (self.account.address(), network.addresses.inference_settlement);
        let operator = operators[channel.operator].address();
        let held = books.channel(channel.operator, self.index);
        let turn = moment.period + self.index as u64;
        let phase = turn % EXIT_CYCLE_PERIODS;
        let cancels = (turn / EXIT_CYCLE_PERIODS) % 2 == 1;
        if held.exit_at == 0 {
            if phase == EXIT_PHASE && held.available() > 0 {
                let start = InferenceSettlement::startExitCall { operator };
                calls.push(Call::new(payer, settlement, "start an exit", &start));
            }
        } else if moment.head.timestamp >= held.exit_at {
            let finish = InferenceSettlement::finishExitCall { operator };
            calls.push(Call::new(payer, settlement, "finish an exit", &finish));
        } else if phase == EXIT_PHASE + 1 && cancels {
            let cancel = InferenceSettlement::cancelExitCall { operator };
            calls.push(Call::new(payer, settlement, "cancel an exit", &cancel));
        }
    }

    fn plan_deposits(
        &self,
        network: &Network,
        operators: &[Operator],
        books: &Books,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let mut wanted: Vec<(usize, u128)> = Vec::new();
        for (position, channel) in self.spec.channels.iter().enumerate() {
            let held = books.channel(channel.operator, self.index);
            let operator = &operators[channel.operator];
            let stays = held.exit_at == 0 && !self.is_away(position, moment) && !operator.is_tombstoned();
            if stays && operator.bitmap_index().is_some() && self.wants_more(position, &held) {
                let owed = books.shortfall(channel.operator, self.index);
                wanted.push((
                    channel.operator,
                    self.targets[position].saturating_sub(held.available()) + owed,
                ));
            }
        }
        // A permit sets the allowance anew, so it goes alone: with more to fund, the others go first, from an allowance.
        let by_signature = match self.spec.funding {
            Funding::Transfer => false,
            Funding::Permit => wanted.len() == 1,
            Funding::Authorization => true,
        };
        if self.spec.funding == Funding::Permit && wanted.len() > 1 {
            wanted.pop();
        }
        let need: u128 = wanted.iter().map(|(_, amount)| amount).sum();
        let (payer, settlement) = (self.account.address(), network.addresses.inference_settlement);
        let domain = network.fee_token_domain.as_ref().filter(|_| by_signature);
        let spender = domain.is_none().then_some(settlement);
        if wanted.is_empty()
            || !self
                .purse
                .prepare(network, payer, network.fee_token, spender, U256::from(need), calls)
        {
            return Ok(());
        }
        for (operator, amount) in wanted {
            let operator = operators[operator].address();
            let amount = U256::from(amount);
            calls.push(match domain {
                Some(domain) if self.spec.funding == Funding::Permit => {
                    self.deposit_with_permit(network, domain, operator, amount, moment)?
                }
                Some(domain) => self.deposit_with_authorization(network, domain, operator, amount, moment)?,
                None => {
                    let deposit = InferenceSettlement::depositCall {
                        payer,
                        operator,
                        amount,
                    };
                    Call::new(payer, settlement, "deposit", &deposit)
                }
            });
        }
        Ok(())
    }

    /// Between leaving a channel and coming back to it.
    fn is_away(&self, channel: usize, moment: Moment) -> bool {
        let phase = (moment.period + self.index as u64) % EXIT_CYCLE_PERIODS;
        self.spec.leaves && channel == 0 && (EXIT_PHASE..RETURN_PHASE).contains(&phase)
    }

    fn wants_more(&self, channel: usize, held: &Channel) -> bool {
        if self.spec.pays_late {
            held.available() == 0
        } else {
            held.available() < self.targets[channel] / 2
        }
    }

    fn deposit_with_permit(
        &self,
        network: &Network,
        domain: &Eip712Domain,
        operator: Address,
        amount: U256,
        moment: Moment,
    ) -> Result<Call> {
        let (owner, spender) = (self.account.address(), network.addresses.inference_settlement);
        let deadline = U256::from(moment.head.timestamp + AUTHORIZATION_SECONDS);
        let permit = Permit {
            owner,
            spender,
            value: amount,
            nonce: self.permit_nonce,
            deadline,
        };
        let (v, r, s) = split(self.sign(&permit, domain)?);
        let deposit = InferenceSettlement::depositWithPermitCall {
            operator,
            amount,
            deadline,
            v,
            r,
            s,
        };
        Ok(Call::new(owner, spender, "deposit with a permit", &deposit))
    }

    /// Submitted by the operator: the payer signs and pays no gas.
    fn deposit_with_authorization(
        &self,
        network: &Network,
        domain: &Eip712Domain,
        operator: Address,
        amount: U256,
        moment: Moment,
    ) -> Result<Call> {
        let (payer, settlement) = (self.account.address(), network.addresses.inference_settlement);
        let salt = keccak256((payer, operator, moment.head.hash).abi_encode());
        let nonce = keccak256((operator, salt).abi_encode());
        let valid_before = U256::from(moment.head.timestamp + AUTHORIZATION_SECONDS);
        let authorization = ReceiveWithAuthorization {
            from: payer,
            to: settlement,
            value: amount,
            validAfter: U256::ZERO,
            validBefore: valid_before,
            nonce,
        };
        let (v, r, s) = split(self.sign(&authorization, domain)?);
        let deposit = InferenceSettlement::depositWithAuthorizationCall {
            payer,
            operator,
            amount,
            validAfter: U256::ZERO,
            validBefore: valid_before,
            salt,
            nonce,
            v,
            r,
            s,
        };
        Ok(Call::new(
            operator,
            settlement,
            "deposit with an authorization",
            &deposit,
        ))
    }

    fn sign(&self, message: &impl SolStruct, domain: &Eip712Domain) -> Result<Signature> {
        self.account
            .sign_hash_sync(&message.eip712_signing_hash(domain))
            .context("sign a transfer of tokens")
    }
}

fn split(signature: Signature) -> (u8, B256, B256) {
    (27 + u8::from(signature.v()), signature.r().into(), signature.s().into())
}
