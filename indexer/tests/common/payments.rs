//! What payers and operators do day by day: deposits, vouchers, batches and their release.

use alloy::primitives::{Address, B256, U256};
use alloy::providers::Provider;
use alloy::rpc::types::BlockNumberOrTag;
use alloy::signers::local::PrivateKeySigner;
use plumbline_protocol::bindings::audit_manager::IBatches::Batch;
use plumbline_protocol::typed_data::{Voucher, settlement_domain};
use plumbline_protocol::{AuditManager, BlockRandomness, InferenceSettlement, PriceOracle, StakeVault, TestFeed};

use super::{Anyhow, OPERATORS, PAYERS, World, event, sign};

/// Seconds between two observations of the price that carry the most weight.
const OBSERVATION_SECONDS: u64 = 4;
/// Observations that make an average complete, whatever came before.
const OBSERVATIONS: usize = 8;

/// A batch to settle: one voucher, and the receipts behind it.
pub struct Delivery<'a> {
    pub payer: &'a PrivateKeySigner,
    pub operator: Address,
    pub model_id: B256,
    /// More than the lane holds, fee-token base units.
    pub fee: u128,
    /// Who signs the voucher.
    pub signer: &'a PrivateKeySigner,
    pub receipts_root: B256,
    pub receipt_count: u32,
    pub declared_risk: u128,
}

/// A batch that was settled.
pub struct Settled {
    pub batch_id: U256,
    pub batch: Batch,
}

impl World {
    /// One payer deposits and one operator settles a voucher of it.
    pub async fn pay(&self, payer: usize, operator: usize, fee: u128) -> Anyhow<Settled> {
        let (payer, operator) = (&self.payers[payer], self.operators[operator].address);
        self.deposit(payer.address(), operator, fee).await?;
        self.settle(payer, operator, fee, payer).await
    }

    pub async fn deposit(&self, payer: Address, operator: Address, amount: u128) -> Anyhow {
        let deposit = InferenceSettlement::depositCall {
            payer,
            operator,
            amount: U256::from(amount),
        };
        self.send(payer, self.deployment.contracts.inference_settlement, deposit)
            .await
            .map(drop)
    }

    /// An operator settles a voucher for `fee` more than the lane holds, signed by `signer`.
    pub async fn settle(
        &self,
        payer: &PrivateKeySigner,
        operator: Address,
        fee: u128,
        signer: &PrivateKeySigner,
    ) -> Anyhow<Settled> {
        self.settle_batch(Delivery {
            payer,
            operator,
            model_id: self.model_id,
            fee,
            signer,
            receipts_root: B256::repeat_byte(0x11),
            receipt_count: 3,
            declared_risk: 0,
        })
        .await
    }

    pub async fn settle_batch(&self, delivery: Delivery<'_>) -> Anyhow<Settled> {
        self.observe_price().await?;
        let settlement = self.deployment.contracts.inference_settlement;
        let contract = InferenceSettlement::new(settlement, &self.provider);
        let Delivery {
            payer,
            operator,
            model_id,
            fee,
            ..
        } = delivery;
        let lane = contract.lane(payer.address(), operator, model_id).call().await?;
        let voucher = Voucher {
            payer: payer.address(),
            operator,
            modelId: model_id,
            cumulativeFee: lane.fee + fee,
            cumulativeUnits: lane.units + (fee / 10) as u64,
        };
        let domain = settlement_domain(self.deployment.chain_id, settlement);
        let call = InferenceSettlement::settleCall {
            signatures: vec![sign(delivery.signer, &voucher, &domain)?],
            vouchers: vec![voucher],
            receiptsRoot: delivery.receipts_root,
            receiptCount: delivery.receipt_count,
            declaredRisk: delivery.declared_risk,
            evidenceURI: "ipfs://receipts".into(),
        };
        let receipt = self.send(operator, settlement, call).await?;
        let settled: InferenceSettlement::BatchSettled = event(&receipt)?;
        let block = receipt.block_number.unwrap_or_default();
        Ok(Settled {
            batch_id: settled.batchId,
            batch: Batch {
                operator,
                settledAt: self.timestamp(block).await?,
                settledBlock: block,
                receiptCount: settled.receiptCount,
                receiptsRoot: settled.receiptsRoot,
                earned: settled.earned,
                risk: settled.risk,
            },
        })
    }

    /// Draws a batch; gives the number of its audit's case, or zero when it was released.
    pub async fn draw_batch(&self, settled: &Settled) -> Anyhow<U256> {
        let draw = AuditManager::drawCall {
            batchId: settled.batch_id,
            batch: settled.batch.clone(),
        };
        let receipt = self
            .send(self.deployer, self.deployment.contracts.audit_manager, draw)
            .await?;
        Ok(event::<AuditManager::BatchDrawn>(&receipt)?.caseId)
    }

    /// Records the seed of a round that is a block soon or lately mined.
    pub async fn record_seed(&self, round: u64) -> Anyhow {
        let head = self.head().await?.0;
        if head <= round {
            self.mine(round + 1 - head).await?;
        }
        let block = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Number(round))
            .await?;
        let header = block.ok_or_else(|| anyhow::anyhow!("no block {round}"))?.header;
        assert_eq!(header.inner.hash_slow(), header.hash, "the header is whole");
        let record = BlockRandomness::recordCall {
            round,
            header: alloy::rlp::encode(&header.inner).into(),
        };
        self.send(self.deployer, self.deployment.contracts.block_randomness, record)
            .await
            .map(drop)
    }

    /// Pays until a batch was drawn and released: a few are audited instead, whatever the price of being unlucky.
    pub async fn pay_until_released(&self, payer: usize, operator: usize, fee: u128) -> Anyhow {
        for _ in 0..50 {
            let settled = self.pay(payer, operator, fee).await?;
            let delay = self.deployment.parameters.randomness.delay_blocks;
            self.record_seed(settled.batch.settledBlock + delay).await?;
            if self.draw_batch(&settled).await?.is_zero() {
                return Ok(());
            }
        }
        anyhow::bail!("fifty batches in a row were audited")
    }

    /// Has the price observed until risk is admitted by it.
    pub async fn observe_price(&self) -> Anyhow {
        let oracle = self.deployment.contracts.price_oracle;
        if oracle.is_zero() {
            return Ok(());
        }
        let contract = PriceOracle::new(oracle, &self.provider);
        for _ in 0..OBSERVATIONS {
            if contract.collateralPrice().call().await?.fresh {
                break;
            }
            self.next_block_at(self.head().await?.1 + OBSERVATION_SECONDS).await?;
            self.send(self.deployer, oracle, PriceOracle::updateCall {}).await?;
        }
        Ok(())
    }

    /// The feed answers anew, and that is observed.
    pub async fn price_becomes(&self, answer: u64) -> Anyhow {
        let guardian = self.deployment.parameters.access.guardian;
        let contracts = self.deployment.contracts;
        let answer = TestFeed::setAnswerCall {
            answer: answer.try_into()?,
        };
        self.send(guardian, contracts.price_feed, answer).await?;
        self.next_block_at(self.head().await?.1 + OBSERVATION_SECONDS).await?;
        self.send(self.deployer, contracts.price_oracle, PriceOracle::updateCall {})
            .await
            .map(drop)
    }

    pub async fn timestamp(&self, number: u64) -> Anyhow<u64> {
        let block = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Number(number))
            .await?;
        Ok(block
            .ok_or_else(|| anyhow::anyhow!("no block {number}"))?
            .header
            .timestamp)
    }

    /// A little of everything that happens between periods, in `rounds`.
    pub async fn traffic(&self, rounds: usize, seed: usize) -> Anyhow {
        let vault = self.deployment.contracts.stake_vault;
        for round in seed..seed + rounds {
            let operator = self.operators[round % OPERATORS].address;
            self.pay(round % PAYERS, round % OPERATORS, 1_000 + 37 * round as u128)
                .await?;
            let assets = U256::from(10_u128.pow(18) + round as u128);
            let delegator = self.payers[round % PAYERS].address();
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
            let shares = U256::from(10_u128.pow(20));
            self.send(operator, vault, StakeVault::thawCall { operator, shares })
                .await?;
        }
        Ok(())
    }
}
