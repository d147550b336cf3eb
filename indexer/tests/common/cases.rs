//! Audits and challenges, once with each end.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolStruct, SolValue};
use plumbline_protocol::bindings::{audit_manager, challenge_manager};
use plumbline_protocol::receipts::leaf_hash;
use plumbline_protocol::typed_data::{Receipt, settlement_domain};
use plumbline_protocol::{
    AuditManager, CaseDocket, ChallengeManager, JudgeCommittee, ModelRegistry, OperatorRegistry, StressGauge,
    VerifierRegistry,
};

use super::payments::{Delivery, Settled};
use super::{Anyhow, World, event, sign};

const SALT: B256 = B256::repeat_byte(0x5a);

macro_rules! receipt_as {
    ($module:ident, $receipt:expr) => {{
        let r = $receipt;
        $module::IReceipts::Receipt {
            requestId: r.requestId,
            modelId: r.modelId,
            version: r.version,
            inputHash: r.inputHash,
            outputHash: r.outputHash,
            payer: r.payer,
            servedAt: r.servedAt,
            latencyMs: r.latencyMs,
            fee: r.fee,
        }
    }};
}

/// A receipt and its operator's signature.
struct Signed {
    receipt: Receipt,
    signature: Bytes,
}

impl World {
    /// Every way that a case can go.
    pub(super) async fn cases(&self) -> Anyhow {
        let proved = self.proved_model().await?;
        self.audits().await?;
        self.challenge_lost().await?;
        self.canary().await?;
        self.challenge_won_without_judges(proved).await?;
        let step = self.deployment.parameters.stress.step_seconds;
        self.pass(step).await?;
        self.send(
            self.deployer,
            self.deployment.contracts.stress_gauge,
            StressGauge::updateMultiplierCall {},
        )
        .await
        .map(drop)
    }

    /// Two audits whose seeds are lost twice: one leaf is shown after an outage, the other never.
    async fn audits(&self) -> Anyhow {
        let shown = self.receipt_of(2, self.model_id, 1, 3_000).await?;
        let (passing, withheld) = (
            self.deliver(2, 1, &shown, 9_000).await?,
            self.deliver(3, 0, &self.receipt_of(3, self.model_id, 2, 3_000).await?, 0)
                .await?,
        );
        self.lose_seed().await?;
        let (passing_case, withheld_case) = (self.draw_batch(&passing).await?, self.draw_batch(&withheld).await?);
        self.lose_seed().await?;
        for case_id in [passing_case, withheld_case] {
            self.seed_audit(case_id).await?;
            self.record_seed(self.audit(case_id).await?.round).await?;
        }
        self.seed_audit(withheld_case).await?;

        // Three of eight are down in the period in which the leaf is asked for.
        let period = self.next_period().await?;
        let members = self.draw(period).await?;
        self.next_block_at(self.period_start(period + 1) - 10).await?;
        self.seed_audit(passing_case).await?;
        self.end_period(period, members, &[0, 6, 7]).await?;
        let extend = AuditManager::extendCall {
            caseId: passing_case,
            period,
        };
        self.send(self.deployer, self.deployment.contracts.audit_manager, extend)
            .await?;
        self.answer(passing_case, &passing, &shown).await?;
        let judges = self.draw_judges(passing_case).await?;
        let silent = judges.len() - 1;
        self.judge(passing_case, &judges[..silent], &shown).await?;
        self.pass(u64::from(self.deployment.parameters.audits.reveal_seconds))
            .await?;
        self.conclude(passing_case).await?;
        self.punish_judge(passing_case, silent).await?;
        let execute = AuditManager::executeAuditCall {
            caseId: passing_case,
            batch: passing.batch.clone(),
        };
        self.send(self.deployer, self.deployment.contracts.audit_manager, execute)
            .await?;
        self.withhold(withheld_case, &withheld).await
    }

    /// A challenge of a receipt that is right: judges and operator share the bond.
    async fn challenge_lost(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let right = self.receipt_of(4, self.model_id, 3, 2_000).await?;
        let challenger = self.payers[1].address();
        let case_id = self.challenge(challenger, &right).await?;
        self.lose_seed().await?;
        let reseed = JudgeCommittee::drawCall { caseId: case_id };
        self.send(self.deployer, contracts.judge_committee, reseed).await?;
        let judges = self.draw_judges(case_id).await?;
        self.judge(case_id, &judges, &right).await?;
        self.conclude(case_id).await?;
        self.execute_challenge(case_id).await?;
        let account = self.operators[4].address;
        let collect = ChallengeManager::collectCall { account };
        self.send(self.deployer, contracts.challenge_manager, collect)
            .await
            .map(drop)
    }

    /// A wrong output that was planted, and judges who called it right.
    async fn canary(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let planter = self.deployer;
        self.fund(planter).await?;
        let wrong = self.receipt_of(5, self.model_id, 4, 2_000).await?;
        let commitment = keccak256((wrong.receipt.eip712_hash_struct(), SALT).abi_encode());
        let plant = ChallengeManager::plantCanaryCall { commitment };
        self.send(planter, contracts.challenge_manager, plant).await?;
        // Planted before it is challenged, by the clock of blocks.
        self.pass(1).await?;
        let case_id = self.challenge(planter, &wrong).await?;
        let judges = self.draw_judges(case_id).await?;
        self.judge(case_id, &judges, &wrong).await?;
        self.conclude(case_id).await?;
        let reveal = ChallengeManager::revealCanaryCall {
            caseId: case_id,
            salt: SALT,
        };
        self.send(planter, contracts.challenge_manager, reveal).await?;
        self.punish_judge(case_id, 0).await
    }

    /// A receipt of a model whose verifier nobody convinces: the payer is refunded out of earnings that are not drawn yet.
    async fn challenge_won_without_judges(&self, model_id: B256) -> Anyhow {
        let (payer, operator) = (&self.payers[0], self.operators[6].address);
        self.deposit(payer.address(), operator, 20_000).await?;
        let unproved = self.receipt_of(6, model_id, 5, 5_000).await?;
        self.settle_batch(Delivery {
            payer,
            operator,
            model_id,
            fee: 20_000,
            signer: payer,
            receipts_root: leaf_hash(&unproved.receipt),
            receipt_count: 1,
            declared_risk: 0,
        })
        .await?;
        let unproved = self.receipt_of(6, model_id, 5, 5_000).await?;
        let case_id = self.challenge(self.payers[1].address(), &unproved).await?;
        self.pass(u64::from(self.deployment.parameters.audits.proof_seconds))
            .await?;
        self.conclude(case_id).await?;
        self.execute_challenge(case_id).await
    }

    /// Two answers to one request: the operator never serves again.
    pub(super) async fn equivocation(&self, operator: usize) -> Anyhow {
        let one = self.receipt_of(operator, self.model_id, 6, 1_000).await?;
        let receipt = Receipt {
            outputHash: B256::repeat_byte(0xee),
            ..one.receipt.clone()
        };
        let other = self.signed(operator, receipt)?;
        let prove = ChallengeManager::challengeEquivocationCall {
            receiptA: receipt_as!(challenge_manager, &one.receipt),
            signatureA: one.signature,
            receiptB: receipt_as!(challenge_manager, &other.receipt),
            signatureB: other.signature,
        };
        self.send(
            self.payers[0].address(),
            self.deployment.contracts.challenge_manager,
            prove,
        )
        .await
        .map(drop)
    }

    /// A model whose receipts are proved, with a verifier that nothing convinces, served by one operator.
    async fn proved_model(&self) -> Anyhow<B256> {
        let contracts = self.deployment.contracts;
        let register = ModelRegistry::registerModelCall {
            weightsDigest: B256::repeat_byte(0x99),
            parent: B256::ZERO,
            mode: 3,
            royaltyBps: 100,
            uri: "https://models.example/proved".into(),
            salt: B256::repeat_byte(3),
        };
        let receipt = self.send(self.publisher, contracts.model_registry, register).await?;
        let model_id = event::<ModelRegistry::ModelRegistered>(&receipt)?.modelId;
        let bind = VerifierRegistry::bindVerifierCall {
            modelId: model_id,
            version: 1,
            verifier: contracts.stake_token,
        };
        self.send(self.publisher, contracts.verifier_registry, bind).await?;
        let serve = OperatorRegistry::serveCall {
            modelId: model_id,
            version: 1,
            pricePerUnit: 10,
        };
        self.send(self.operators[6].address, contracts.operator_registry, serve)
            .await?;
        Ok(model_id)
    }

    async fn receipt_of(&self, operator: usize, model_id: B256, request: u8, fee: u128) -> Anyhow<Signed> {
        let receipt = Receipt {
            requestId: B256::repeat_byte(request),
            modelId: model_id,
            version: 1,
            inputHash: B256::repeat_byte(0x1a),
            outputHash: B256::repeat_byte(0x0a),
            payer: self.payers[0].address(),
            servedAt: self.head().await?.1,
            latencyMs: 250,
            fee,
        };
        self.signed(operator, receipt)
    }

    fn signed(&self, operator: usize, receipt: Receipt) -> Anyhow<Signed> {
        let contracts = self.deployment.contracts;
        let domain = settlement_domain(self.deployment.chain_id, contracts.inference_settlement);
        let signature = sign(&self.operators[operator].signing_key, &receipt, &domain)?;
        Ok(Signed { receipt, signature })
    }

    /// Settles a batch of one receipt.
    async fn deliver(&self, operator: usize, payer: usize, signed: &Signed, declared_risk: u128) -> Anyhow<Settled> {
        let payer: &PrivateKeySigner = &self.payers[payer];
        let operator = self.operators[operator].address;
        self.deposit(payer.address(), operator, signed.receipt.fee).await?;
        self.settle_batch(Delivery {
            payer,
            operator,
            model_id: signed.receipt.modelId,
            fee: signed.receipt.fee,
            signer: payer,
            receipts_root: leaf_hash(&signed.receipt),
            receipt_count: 1,
            declared_risk,
        })
        .await
    }

    /// Lets so many blocks pass that no seed asked for before can be recorded any more.
    async fn lose_seed(&self) -> Anyhow {
        let randomness = &self.deployment.parameters.randomness;
        self.mine(randomness.delay_blocks + randomness.window_blocks + 1).await
    }

    async fn audit(&self, case_id: U256) -> Anyhow<audit_manager::IAuditManager::Audit> {
        let manager = self.deployment.contracts.audit_manager;
        Ok(AuditManager::new(manager, &self.provider).audit(case_id).call().await?)
    }

    async fn seed_audit(&self, case_id: U256) -> Anyhow {
        let seed = AuditManager::seedAuditCall { caseId: case_id };
        self.send(self.deployer, self.deployment.contracts.audit_manager, seed)
            .await
            .map(drop)
    }

    async fn answer(&self, case_id: U256, settled: &Settled, signed: &Signed) -> Anyhow {
        let answer = AuditManager::answerCall {
            caseId: case_id,
            batch: settled.batch.clone(),
            receipt: receipt_as!(audit_manager, &signed.receipt),
            signature: signed.signature.clone(),
            proof: Vec::new(),
        };
        self.send(
            self.payers[0].address(),
            self.deployment.contracts.audit_manager,
            answer,
        )
        .await
        .map(drop)
    }

    async fn withhold(&self, case_id: U256, settled: &Settled) -> Anyhow {
        let audits = &self.deployment.parameters.audits;
        self.pass(u64::from(audits.answer_seconds + audits.grace_seconds))
            .await?;
        let withhold = AuditManager::withholdCall {
            caseId: case_id,
            batch: settled.batch.clone(),
        };
        self.send(
            self.payers[0].address(),
            self.deployment.contracts.audit_manager,
            withhold,
        )
        .await
        .map(drop)
    }

    async fn challenge(&self, challenger: Address, signed: &Signed) -> Anyhow<U256> {
        let challenge = ChallengeManager::challengeReceiptCall {
            receipt: receipt_as!(challenge_manager, &signed.receipt),
            signature: signed.signature.clone(),
        };
        let receipt = self
            .send(challenger, self.deployment.contracts.challenge_manager, challenge)
            .await?;
        Ok(event::<ChallengeManager::ChallengeOpened>(&receipt)?.caseId)
    }

    async fn execute_challenge(&self, case_id: U256) -> Anyhow {
        self.pass(u64::from(self.deployment.parameters.audits.canary_seconds))
            .await?;
        let execute = ChallengeManager::executeChallengeCall { caseId: case_id };
        self.send(self.deployer, self.deployment.contracts.challenge_manager, execute)
            .await
            .map(drop)
    }

    async fn conclude(&self, case_id: U256) -> Anyhow {
        let conclude = CaseDocket::concludeCall { caseId: case_id };
        self.send(self.deployer, self.deployment.contracts.case_docket, conclude)
            .await
            .map(drop)
    }

    async fn punish_judge(&self, case_id: U256, seat: usize) -> Anyhow {
        let punish = CaseDocket::punishJudgeCall {
            caseId: case_id,
            seat: seat as u8,
        };
        self.send(self.deployer, self.deployment.contracts.case_docket, punish)
            .await
            .map(drop)
    }

    /// Records the seed that a committee waits for, and draws it.
    async fn draw_judges(&self, case_id: U256) -> Anyhow<Vec<Address>> {
        let committee = self.deployment.contracts.judge_committee;
        let contract = JudgeCommittee::new(committee, &self.provider);
        self.record_seed(contract.committeeOf(case_id).call().await?.round)
            .await?;
        let draw = JudgeCommittee::drawCall { caseId: case_id };
        let receipt = self.send(self.deployer, committee, draw).await?;
        Ok(event::<JudgeCommittee::JudgesDrawn>(&receipt)?.members)
    }

    /// The first judges of a committee find the receipt right; revealing waits for those who do not commit.
    async fn judge(&self, case_id: U256, judges: &[Address], signed: &Signed) -> Anyhow {
        let committee = self.deployment.contracts.judge_committee;
        let output = signed.receipt.outputHash;
        for (seat, member) in judges.iter().enumerate() {
            let commit = JudgeCommittee::commitCall {
                caseId: case_id,
                seat: seat as u8,
                commitment: keccak256((case_id, *member, output, SALT).abi_encode()),
            };
            self.send(*member, committee, commit).await?;
        }
        let contract = JudgeCommittee::new(committee, &self.provider);
        let drawn = contract.committeeOf(case_id).call().await?;
        if drawn.commits < drawn.seats {
            self.next_block_at(drawn.commitUntil).await?;
        }
        for seat in 0..judges.len() {
            let reveal = JudgeCommittee::revealCall {
                caseId: case_id,
                seat: seat as u8,
                outputHash: output,
                salt: SALT,
            };
            self.send(self.deployer, committee, reveal).await?;
        }
        Ok(())
    }
}
