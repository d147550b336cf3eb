//! Canaries: now and then the account that may plant wrong outputs challenges one as if it were real, and tells so once
//! the judges have spoken.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolStruct, SolValue};
use anyhow::{Context, Result};
use plumbline_protocol::ChallengeManager;
use plumbline_protocol::typed_data::Receipt;

use crate::docket::{Case, Docket};
use crate::evidence::SignedReceipt;
use crate::misdeeds::can_be_judged;
use crate::network::{Moment, Network};
use crate::operators::Operator;
use crate::outbox::{Call, Outbox};
use crate::population::Population;
use crate::purse::Purse;
use crate::service::{Served, sign};
use crate::terms::{Stage, challenged};

/// In one period of so many an operator lends its name to a canary.
const CANARY_PERIODS: u64 = 9;
const CANARY_PHASE: u64 = 1;

/// What was not challenged yet is lost when the simulation stops; what was, is found on the docket.
pub(crate) struct Canaries {
    planter: Option<PrivateKeySigner>,
    bait: Option<SignedReceipt>,
    baited_in: Option<u64>,
}

impl Canaries {
    /// There are none unless the account that may plant them is one of ours.
    pub(crate) fn new(canary: Address, accounts: &[PrivateKeySigner], outbox: &mut Outbox) -> Self {
        let planter = accounts.iter().find(|signer| signer.address() == canary).cloned();
        planter.iter().for_each(|signer| outbox.add_account(signer));
        Self {
            planter,
            bait: None,
            baited_in: None,
        }
    }

    pub(crate) fn planter(&self) -> Option<Address> {
        self.planter.as_ref().map(PrivateKeySigner::address)
    }

    /// An operator that serves signs a wrong output for the planter, once in a period in which there is a canary.
    pub(crate) fn bait(
        &mut self,
        network: &Network,
        operator: &Operator,
        served: &Served,
        population: &Population,
        period: u64,
    ) -> Result<()> {
        let Some(planter) = self.planter() else { return Ok(()) };
        let right = &served.receipt.receipt;
        if period % CANARY_PERIODS != CANARY_PHASE
            || self.baited_in == Some(period)
            || served.is_wrong
            || !can_be_judged(population, served.operator, served.model)
        {
            return Ok(());
        }
        // A request of its own: two outputs for one request would be an equivocation.
        let receipt = Receipt {
            requestId: keccak256(("canary", right.requestId).abi_encode()),
            outputHash: keccak256(("canary", right.outputHash).abi_encode()),
            payer: planter,
            ..right.clone()
        };
        let signature = sign(network, operator.key_at(right.servedAt), &receipt)?;
        self.bait = Some(SignedReceipt { receipt, signature });
        self.baited_in = Some(period);
        Ok(())
    }

    /// Plants, challenges, and tells, each in its time.
    pub(crate) async fn plan(
        &mut self,
        network: &Network,
        docket: &Docket,
        outbox: &Outbox,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let Some(planter) = self.planter().filter(|account| !outbox.is_busy(*account)) else {
            return Ok(());
        };
        for (id, case) in &docket.cases {
            calls.extend(self.reveal(network, *id, case, moment)?);
        }
        let window = u64::from(network.audit_parameters.dispute_seconds);
        let is_late = |bait: &SignedReceipt| moment.head.timestamp >= bait.receipt.servedAt + window;
        self.bait
            .take_if(|bait| is_late(bait) || docket.has_challenge(&bait.receipt));
        let Some(bait) = &self.bait else { return Ok(()) };
        let court = network.courts.challenges;
        let commitment = self.commitment(&bait.receipt)?;
        let planted = ChallengeManager::canaryOfCall { commitment };
        if network.read(court, planted).await?.planter.is_zero() {
            let plant = ChallengeManager::plantCanaryCall { commitment };
            calls.push(Call::new(planter, court, "plant a canary", &plant));
            return Ok(());
        }
        let bond = network.audit_parameters.bond;
        let purse = Purse::read(network, planter, network.fee_token, court).await?;
        if purse.prepare(network, planter, network.fee_token, Some(court), bond, calls) {
            let challenge = ChallengeManager::challengeReceiptCall {
                receipt: challenged(&bait.receipt),
                signature: bait.signature.clone().into(),
            };
            calls.push(Call::new(planter, court, "challenge a canary", &challenge));
        }
        Ok(())
    }

    /// Tells what a case was about, before its operator is punished for it.
    fn reveal(&self, network: &Network, id: U256, case: &Case, moment: Moment) -> Result<Option<Call>> {
        let (Some(planter), Some(receipt)) = (self.planter(), &case.receipt) else {
            return Ok(None);
        };
        let is_ours = case.challenger == Some(planter) && receipt.payer == planter;
        if !is_ours || case.stage != Stage::Decided || moment.head.timestamp >= case.deadline {
            return Ok(None);
        }
        let reveal = ChallengeManager::revealCanaryCall {
            caseId: id,
            salt: self.salt(receipt)?,
        };
        let court = network.courts.challenges;
        Ok(Some(Call::new(planter, court, "reveal a canary", &reveal)))
    }

    fn commitment(&self, receipt: &Receipt) -> Result<B256> {
        let salt = self.salt(receipt)?;
        Ok(keccak256((receipt.eip712_hash_struct(), salt).abi_encode()))
    }

    /// Nobody else can guess it, and it can be had again after a restart.
    fn salt(&self, receipt: &Receipt) -> Result<B256> {
        let planter = self.planter.as_ref().context("nobody plants canaries")?;
        let purpose = keccak256(("canary", receipt.eip712_hash_struct()).abi_encode());
        let signature = planter.sign_hash_sync(&purpose).context("make a secret")?;
        Ok(keccak256(signature.as_bytes()))
    }
}
