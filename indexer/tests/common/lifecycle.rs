//! Everything that can happen to the contracts, once: each event at least one time.

use alloy::primitives::{Address, B256, U256};
use plumbline_deploy::SLASHER as SLASHER_ROLE;
use plumbline_protocol::typed_data::{SignerBinding, settlement_domain};
use plumbline_protocol::{AccessManager, InferenceSettlement, ModelRegistry, OperatorRegistry, Slasher, StakeVault};

use super::{Anyhow, World, derived, event, sign};

/// The address that nobody has the key of.
const BURN: Address = alloy::primitives::address!("000000000000000000000000000000000000dEaD");

/// `IOperatorRegistry.Status.Jailed`.
const JAILED: u8 = 2;

impl World {
    /// Each event at least once.
    pub async fn lifecycle(&self) -> Anyhow {
        self.models().await?;
        self.profiles().await?;
        self.signers_and_vouchers().await?;
        self.paid_period().await?;
        // Two bad periods: the second fault reaches principal and jails.
        for _ in 0..2 {
            self.pay(0, 0, 50_000).await?;
            let outcome = self.run_period(&[0]).await?;
            self.punish(0, &outcome).await?;
        }
        self.send(self.deployer, self.deployment.contracts.slasher, self.milder_penalty())
            .await?;
        self.governance().await?;
        self.cases().await?;
        self.pause().await?;
        self.stake_and_withdraw().await?;
        self.earnings().await?;
        self.unjail_and_exit().await?;
        self.wipe_out().await?;
        self.equivocation(7).await?;
        self.burned_surplus().await
    }

    async fn models(&self) -> Anyhow {
        let registry = self.deployment.contracts.model_registry;
        let (publisher, heir, model_id) = (self.publisher, self.payers[1].address(), self.model_id);
        let version = ModelRegistry::publishVersionCall {
            modelId: model_id,
            weightsDigest: B256::repeat_byte(0x78),
            mode: 2,
            royaltyBps: 100,
            uri: "https://models.example/second\0hidden".into(),
        };
        self.send(publisher, registry, version).await?;
        let derived_model = ModelRegistry::registerModelCall {
            weightsDigest: B256::repeat_byte(0x79),
            parent: model_id,
            mode: 3,
            royaltyBps: 0,
            uri: String::new(),
            salt: B256::repeat_byte(1),
        };
        let receipt = self.send(publisher, registry, derived_model).await?;
        let child = event::<ModelRegistry::ModelRegistered>(&receipt)?.modelId;
        self.send(publisher, registry, ModelRegistry::retireModelCall { modelId: child })
            .await?;
        let transfer = ModelRegistry::transferPublisherCall {
            modelId: model_id,
            pendingPublisher: heir,
        };
        self.send(publisher, registry, transfer).await?;
        self.send(heir, registry, ModelRegistry::acceptPublisherCall { modelId: model_id })
            .await
            .map(drop)
    }

    async fn profiles(&self) -> Anyhow {
        let registry = self.deployment.contracts.operator_registry;
        let operator = self.operators[1].address;
        let settler = derived(operator, "settler").address();
        self.send(
            operator,
            registry,
            OperatorRegistry::changeSettlerCall { settlerKey: settler },
        )
        .await?;
        let payout = derived(operator, "payout").address();
        self.send(operator, registry, OperatorRegistry::changePayoutCall { payout })
            .await?;
        let domain = B256::repeat_byte(b'e');
        let moved = OperatorRegistry::changeEndpointCall {
            domain,
            endpoint: "https://elsewhere.example".into(),
        };
        self.send(operator, registry, moved).await?;
        self.send(
            operator,
            registry,
            OperatorRegistry::announceCommissionCall { commissionBps: 2_000 },
        )
        .await?;
        let model_id = self.model_id;
        self.send(
            operator,
            registry,
            OperatorRegistry::stopServingCall { modelId: model_id },
        )
        .await?;
        let serve = OperatorRegistry::serveCall {
            modelId: model_id,
            version: 2,
            pricePerUnit: u128::MAX,
        };
        self.send(operator, registry, serve).await.map(drop)
    }

    async fn signers_and_vouchers(&self) -> Anyhow {
        let settlement = self.deployment.contracts.inference_settlement;
        let payer = &self.payers[1];
        let session = derived(payer.address(), "session");
        let domain = settlement_domain(self.deployment.chain_id, settlement);
        let binding = SignerBinding {
            payer: payer.address(),
            signer: session.address(),
        };
        let authorize = InferenceSettlement::authorizeSignerCall {
            key: session.address(),
            // The end of time is legal, and larger than any signed 64-bit number.
            validUntil: u64::MAX,
            proof: sign(&session, &binding, &domain)?,
        };
        self.send(payer.address(), settlement, authorize).await?;
        self.pay(1, 2, 7_777).await?;
        // Underfunded: nothing was deposited for it; then by a stranger's key.
        self.settle(payer, self.operators[2].address, 1_000, &session).await?;
        self.settle(payer, self.operators[2].address, 1_000, &self.payers[0])
            .await?;
        let revoke = InferenceSettlement::revokeSignerCall { key: session.address() };
        self.send(payer.address(), settlement, revoke).await?;

        let operator = self.operators[2].address;
        let deposit = InferenceSettlement::depositCall {
            payer: payer.address(),
            operator,
            amount: U256::from(5_000),
        };
        self.send(payer.address(), settlement, deposit).await?;
        self.send(
            payer.address(),
            settlement,
            InferenceSettlement::startExitCall { operator },
        )
        .await?;
        self.send(
            payer.address(),
            settlement,
            InferenceSettlement::cancelExitCall { operator },
        )
        .await?;
        self.send(
            payer.address(),
            settlement,
            InferenceSettlement::startExitCall { operator },
        )
        .await?;
        self.pass(self.deployment.parameters.settlement.exit_delay_seconds)
            .await?;
        self.send(
            payer.address(),
            settlement,
            InferenceSettlement::finishExitCall { operator },
        )
        .await
        .map(drop)
    }

    /// A pause while one exit is under way, and an exit that begins after it.
    async fn pause(&self) -> Anyhow {
        let settlement = self.deployment.contracts.inference_settlement;
        let guardian = self.deployment.parameters.access.guardian;
        let begin = |payer: usize, operator: usize| {
            let operator = self.operators[operator].address;
            self.send(
                self.payers[payer].address(),
                settlement,
                InferenceSettlement::startExitCall { operator },
            )
        };
        begin(0, 6).await?;
        self.send(guardian, settlement, InferenceSettlement::pauseCall { duration: 600 })
            .await?;
        self.pass(77).await?;
        self.send(guardian, settlement, InferenceSettlement::unpauseCall {})
            .await?;
        begin(1, 4).await.map(drop)
    }

    async fn stake_and_withdraw(&self) -> Anyhow {
        let vault = self.deployment.contracts.stake_vault;
        let (operator, delegator) = (self.operators[3].address, self.payers[0].address());
        let assets = U256::from(10_u128.pow(19));
        self.send(
            delegator,
            vault,
            StakeVault::delegateCall {
                operator,
                assets,
                minShares: U256::ZERO,
            },
        )
        .await?;
        let receipt = self
            .send(
                delegator,
                vault,
                StakeVault::thawCall {
                    operator,
                    shares: U256::from(10_u128.pow(24)),
                },
            )
            .await?;
        let ticket = event::<StakeVault::Thawed>(&receipt)?.ticketId;
        self.pass(self.deployment.parameters.vault.thaw_seconds).await?;
        self.send(
            delegator,
            vault,
            StakeVault::withdrawCall {
                ticketIds: vec![ticket],
            },
        )
        .await
        .map(drop)
    }

    async fn earnings(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let operator = self.operators[3].address;
        self.pay_until_released(0, 3, 123_456).await?;
        // Covered for a part only.
        self.pay(0, 2, 150_000_000).await?;
        self.pass(9 * self.deployment.parameters.settlement.epoch_seconds)
            .await?;
        let anyone = self.deployer;
        self.send(
            anyone,
            contracts.inference_settlement,
            InferenceSettlement::claimCall { operator },
        )
        .await?;
        let royalties = InferenceSettlement::claimRoyaltiesCall { modelId: self.model_id };
        self.send(anyone, contracts.inference_settlement, royalties).await?;
        let reserve = contracts.reward_reserve;
        self.send(
            anyone,
            contracts.inference_settlement,
            InferenceSettlement::collectCall { account: reserve },
        )
        .await?;
        let sink = self.deployment.parameters.vault.sink;
        self.send(
            anyone,
            contracts.stake_vault,
            StakeVault::collectSlashedCall { account: sink },
        )
        .await?;
        let gift = StakeVault::distributeCall {
            operator,
            amount: U256::from(1_001),
        };
        self.send(self.payers[0].address(), contracts.stake_vault, gift).await?;
        self.send(
            operator,
            contracts.stake_vault,
            StakeVault::claimRewardsCall { operator },
        )
        .await
        .map(drop)
    }

    /// Whoever is jailed by now goes back to work, one operator leaves.
    async fn unjail_and_exit(&self) -> Anyhow {
        let registry = self.deployment.contracts.operator_registry;
        let contract = OperatorRegistry::new(registry, &self.provider);
        for operator in self.operators.iter().map(|operator| operator.address) {
            let record = contract.operatorOf(operator).call().await?;
            if record.status != JAILED {
                continue;
            }
            if self.head().await?.1 < record.jailedUntil {
                self.next_block_at(record.jailedUntil).await?;
            }
            self.send(operator, registry, OperatorRegistry::unjailCall {}).await?;
        }
        self.send(self.operators[4].address, registry, OperatorRegistry::exitCall {})
            .await?;
        // What follows an exit: it is no longer expected, though it still holds stake.
        self.run_period(&[1]).await.map(drop)
    }

    /// A slash of everything, with stake thawing and a cut that is burned.
    async fn wipe_out(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let operator = self.operators[5].address;
        let thaw = StakeVault::thawCall {
            operator,
            shares: U256::from(3 * 10_u128.pow(26)),
        };
        self.send(operator, contracts.stake_vault, thaw).await?;
        let hand = self.deployer;
        let grant = AccessManager::grantRoleCall {
            roleId: SLASHER_ROLE,
            account: hand,
            executionDelay: 0,
        };
        self.send(hand, contracts.access_manager, grant).await?;
        let pool = StakeVault::new(contracts.stake_vault, &self.provider);
        let almost_all = pool.slashable(operator).call().await? - U256::from(7);
        let slash = StakeVault::slashCall {
            operator,
            amount: almost_all,
            cutBps: U256::from(2_000),
            beneficiary: BURN,
        };
        self.send(hand, contracts.stake_vault, slash).await?;
        self.send(
            hand,
            contracts.stake_vault,
            StakeVault::collectSlashedCall { account: BURN },
        )
        .await?;
        let again = StakeVault::stakeCall {
            assets: U256::from(super::STAKE),
        };
        self.send(operator, contracts.stake_vault, again).await.map(drop)
    }

    pub(super) fn milder_penalty(&self) -> Slasher::changeDowntimePenaltyCall {
        let now = &self.deployment.parameters.slasher;
        Slasher::changeDowntimePenaltyCall {
            penalty: plumbline_protocol::ISlasher::DowntimePenalty {
                earningsBps: now.earnings_bps / 2,
                principalBps: now.principal_bps,
                reporterCutBps: now.reporter_cut_bps,
                repeatAfter: now.repeat_after,
                memoryPeriods: now.memory_periods,
                jailSeconds: now.jail_seconds,
            },
        }
    }
}
