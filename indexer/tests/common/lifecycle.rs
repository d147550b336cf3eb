//! Everything that can happen to the contracts, once: each event at least one time.

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolEvent;
use plumbline_deploy::SLASHER as SLASHER_ROLE;
use plumbline_protocol::IUptimeLedger::Report;
use plumbline_protocol::typed_data::{SignerBinding, UptimeReport, settlement_domain, uptime_domain};
use plumbline_protocol::{
    AccessManager, InferenceSettlement, ModelRegistry, OperatorRegistry, Slasher, StakeVault, UptimeLedger,
};

use super::{Anyhow, World, derived, sign};

/// The address that nobody has the key of.
const BURN: Address = alloy::primitives::address!("000000000000000000000000000000000000dEaD");

/// Result of a period, as the slasher wants it.
pub struct Outcome {
    pub period: u64,
    pub observed: Vec<U256>,
    pub up: Vec<U256>,
}

impl World {
    /// Unix seconds at which a period begins.
    pub fn period_start(&self, period: u64) -> u64 {
        let uptime = &self.deployment.parameters.uptime;
        uptime.genesis + period * u64::from(uptime.slot_seconds) * u64::from(uptime.slots_per_period)
    }

    /// A period whose draw is still to open: then there is a whole period's time for it, however slow the machine is.
    pub async fn next_period(&self) -> Anyhow<u64> {
        let now = self.head().await?.1;
        Ok((1..)
            .find(|period| self.period_start(*period - 1) > now)
            .unwrap_or_default())
    }

    /// Draws the committee of a period, during the one before.
    pub async fn draw(&self, period: u64) -> Anyhow<Vec<u32>> {
        let ledger = self.deployment.contracts.uptime_ledger;
        let opens_at = self.period_start(period) - (self.period_start(1) - self.period_start(0));
        self.next_block_at(opens_at).await?;
        self.send(self.deployer, ledger, UptimeLedger::requestDrawCall { period })
            .await?;
        self.mine(3).await?;
        let receipt = self
            .send(self.deployer, ledger, UptimeLedger::drawCommitteeCall { period })
            .await?;
        let drawn = receipt
            .logs()
            .iter()
            .find_map(|log| UptimeLedger::CommitteeDrawn::decode_log(&log.inner).ok());
        Ok(drawn
            .ok_or_else(|| anyhow::anyhow!("no committee was drawn"))?
            .members
            .clone())
    }

    /// Posts a period's reports after its end: everyone was up but those of `down`, whom nobody saw answer.
    pub async fn report(&self, period: u64, members: Vec<u32>, down: &[usize], reports: usize) -> Anyhow<Outcome> {
        let ledger = self.deployment.contracts.uptime_ledger;
        let contract = UptimeLedger::new(ledger, &self.provider);
        let count = contract.periodOf(period).call().await?.operatorCount;
        let slots = self.deployment.parameters.uptime.slots_per_period as usize;
        let everyone = (U256::from(1) << count) - U256::from(1);
        let silent = down
            .iter()
            .fold(U256::ZERO, |bits, index| bits | U256::from(1) << *index);
        let (observed, up) = (vec![everyone; slots], vec![everyone & !silent; slots]);
        let domain = uptime_domain(self.deployment.chain_id, ledger);
        let mut signed = Vec::new();
        for (seat, member) in members.iter().enumerate().take(reports) {
            let message = UptimeReport {
                period,
                observed: observed.clone(),
                up: up.clone(),
                evidenceRoot: B256::repeat_byte(seat as u8 + 1),
            };
            let signature = sign(&self.operators[*member as usize].signing_key, &message, &domain)?;
            let UptimeReport {
                observed,
                up,
                evidenceRoot,
                ..
            } = message;
            signed.push(Report {
                seat: seat as u8,
                observed,
                up,
                evidenceRoot,
                signature,
            });
        }
        let ends_at = self.period_start(period + 1);
        if self.head().await?.1 < ends_at {
            self.next_block_at(ends_at).await?;
        }
        let post = UptimeLedger::postCall {
            period,
            members,
            reports: signed,
        };
        let receipt = self.send(self.deployer, ledger, post).await?;
        let posted = receipt
            .logs()
            .iter()
            .find_map(|log| UptimeLedger::PeriodReported::decode_log(&log.inner).ok());
        let posted = posted.ok_or_else(|| anyhow::anyhow!("no result was posted"))?;
        Ok(Outcome {
            period,
            observed: posted.observed.clone(),
            up: posted.up.clone(),
        })
    }

    /// The next period from draw to the end of its report window.
    pub async fn run_period(&self, down: &[usize]) -> Anyhow<Outcome> {
        let period = self.next_period().await?;
        let members = self.draw(period).await?;
        let outcome = self.report(period, members, down, 5).await?;
        self.close(period).await?;
        Ok(outcome)
    }

    /// Mines the first block that comes too late for the period's reports.
    pub async fn close(&self, period: u64) -> Anyhow {
        let closes_at = self.period_start(period + 1) + self.deployment.parameters.uptime.report_window_seconds;
        self.next_block_at(closes_at).await?;
        self.mine(1).await
    }

    pub async fn punish(&self, operator: usize, outcome: &Outcome) -> Anyhow {
        let call = Slasher::punishDowntimeCall {
            operator: self.operators[operator].address,
            period: outcome.period,
            observed: outcome.observed.clone(),
            up: outcome.up.clone(),
        };
        self.send(self.deployer, self.deployment.contracts.slasher, call)
            .await
            .map(drop)
    }

    /// Each event at least once.
    pub async fn lifecycle(&self) -> Anyhow {
        self.models().await?;
        self.profiles().await?;
        self.signers_and_vouchers().await?;
        // Two bad periods: the second fault reaches principal and jails.
        for _ in 0..2 {
            self.pay(0, 0, 50_000).await?;
            let outcome = self.run_period(&[0]).await?;
            self.punish(0, &outcome).await?;
        }
        self.send(self.deployer, self.deployment.contracts.slasher, self.milder_penalty())
            .await?;
        self.governance().await?;
        self.stake_and_withdraw().await?;
        self.earnings().await?;
        self.unjail_and_exit().await?;
        self.wipe_out().await
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
        let registered = receipt
            .logs()
            .iter()
            .find_map(|log| ModelRegistry::ModelRegistered::decode_log(&log.inner).ok());
        let child = registered
            .ok_or_else(|| anyhow::anyhow!("no model was registered"))?
            .modelId;
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
        let thawed = receipt
            .logs()
            .iter()
            .find_map(|log| StakeVault::Thawed::decode_log(&log.inner).ok());
        let ticket = thawed.ok_or_else(|| anyhow::anyhow!("nothing thawed"))?.ticketId;
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
        self.pay(0, 3, 123_456).await?;
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
        let reserve = self.deployment.parameters.settlement.reserve;
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

    async fn unjail_and_exit(&self) -> Anyhow {
        let registry = self.deployment.contracts.operator_registry;
        self.pass(self.deployment.parameters.slasher.jail_seconds).await?;
        self.send(self.operators[0].address, registry, OperatorRegistry::unjailCall {})
            .await?;
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
        let almost_all = U256::from(super::STAKE) - U256::from(7);
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
