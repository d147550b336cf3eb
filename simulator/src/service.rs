//! Serving: an operator answers a request and signs a receipt; the payer signs what it owes by then.

use alloy::primitives::{Address, B256, Signature, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolStruct, SolValue};
use anyhow::{Context, Result};
use plumbline_protocol::InferenceSettlement;
use plumbline_protocol::typed_data::{Receipt, Voucher};

use crate::books::{Books, SignedVoucher};
use crate::demand::{Request, texts};
use crate::evidence::{Evidence, MAX_RECEIPTS_OF_BATCH, SignedReceipt};
use crate::misdeeds::Misdeeds;
use crate::network::Network;
use crate::operators::Operator;
use crate::outbox::Call;
use crate::payers::Payer;
use crate::publishers::Model;

/// Vouchers that one settlement takes, as in the contract.
const MAX_VOUCHERS: usize = 256;

/// What a payer got.
pub(crate) struct Served {
    pub(crate) payer: usize,
    pub(crate) operator: usize,
    pub(crate) address: Address,
    pub(crate) model: usize,
    pub(crate) receipt: SignedReceipt,
    /// The output is not what the model gives back.
    pub(crate) is_wrong: bool,
    /// A second receipt for the same request, with another output.
    pub(crate) other: Option<SignedReceipt>,
}

/// What it takes to serve.
pub(crate) struct Counter<'a> {
    pub(crate) network: &'a Network,
    pub(crate) seed: u64,
    pub(crate) misdeeds: &'a Misdeeds,
    pub(crate) models: &'a [Model],
    pub(crate) operators: &'a mut [Operator],
    pub(crate) payers: &'a [Payer],
    pub(crate) books: &'a mut Books,
}

impl Counter<'_> {
    /// Serves a request of a slot; none when the operator turns it away.
    pub(crate) fn serve(&mut self, request: &Request, slot: u64, served_at: u64) -> Result<Option<Served>> {
        let operator = &mut self.operators[request.operator];
        let Some(offering) = operator.offering(request.model) else {
            return Ok(None);
        };
        let Some(fee) = offering.pricePerUnit.checked_mul(u128::from(request.units)) else {
            return Ok(None);
        };
        let version = offering.version;
        if !self.books.accepts(request.operator, request.payer, fee) {
            return Ok(None);
        }
        let period = self.network.schedule.period_at(served_at);
        let (input, output) = texts(self.seed, slot, request);
        let made_up = format!("{output} Or so.");
        let is_wrong = self.misdeeds.lies(request, slot, period);
        let payer = &self.payers[request.payer];
        let model_id = self.models[request.model].id;
        let receipt = Receipt {
            requestId: keccak256((payer.address(), slot, request.serial, input.as_str()).abi_encode()),
            modelId: model_id,
            version,
            inputHash: keccak256(input),
            outputHash: keccak256(if is_wrong { &made_up } else { &output }),
            payer: payer.address(),
            servedAt: served_at,
            latencyMs: request.latency_ms,
            fee,
        };
        let other = self.misdeeds.forges(request, period).then(|| Receipt {
            outputHash: keccak256(&made_up),
            ..receipt.clone()
        });
        let sign_receipt = |receipt: Receipt| -> Result<SignedReceipt> {
            let signature = sign(self.network, operator.key_at(served_at), &receipt)?;
            Ok(SignedReceipt { receipt, signature })
        };
        let other = other.map(sign_receipt).transpose()?;
        let receipt = sign_receipt(receipt)?;
        operator.receipts.push_back(receipt.clone());
        let address = operator.address();
        self.charge(request, address, fee)?;
        Ok(Some(Served {
            payer: request.payer,
            operator: request.operator,
            address,
            model: request.model,
            receipt,
            is_wrong,
            other,
        }))
    }

    /// The payer signs what it owes by now.
    fn charge(&mut self, request: &Request, operator: Address, fee: u128) -> Result<()> {
        let payer = &self.payers[request.payer];
        let lane = (request.operator, request.payer, request.model);
        let (cumulative_fee, cumulative_units) = self.books.owe(lane, fee, request.units);
        let voucher = Voucher {
            payer: payer.address(),
            operator,
            modelId: self.models[request.model].id,
            cumulativeFee: cumulative_fee,
            cumulativeUnits: cumulative_units,
        };
        let signature = sign(self.network, payer.voucher_key(), &voucher)?;
        self.books.keep_voucher(lane, SignedVoucher { voucher, signature });
        Ok(())
    }
}

pub(crate) fn sign(network: &Network, key: &PrivateKeySigner, message: &impl SolStruct) -> Result<Vec<u8>> {
    let digest: B256 = message.eip712_signing_hash(&network.settlement_domain);
    let signature: Signature = key.sign_hash_sync(&digest).context("sign what was served")?;
    Ok(signature.as_bytes().to_vec())
}

/// The settlement of what an operator served since its last one; none when there is nothing to settle.
pub(crate) async fn settlement(
    network: &Network,
    evidence: &mut Evidence,
    books: &Books,
    index: usize,
    operator: &Operator,
) -> Result<Option<Call>> {
    let mut due = books.due_vouchers(index);
    due.truncate(MAX_VOUCHERS);
    if due.is_empty() || operator.receipts.is_empty() {
        return Ok(None);
    }
    // Without headroom nothing would be paid: before the price is known, or while too much is open. It waits.
    let coverage = InferenceSettlement::coverageCall {
        operator: operator.address(),
    };
    let coverage = network.read(network.addresses.inference_settlement, coverage).await?;
    if coverage.headroom.is_zero() {
        return Ok(None);
    }
    let receipts: Vec<SignedReceipt> = operator.receipts.iter().take(MAX_RECEIPTS_OF_BATCH).cloned().collect();
    let commitment = evidence.commit(operator.address(), &receipts, &due).await?;
    let (vouchers, signatures) = due
        .into_iter()
        .map(|signed| (signed.voucher, signed.signature.into()))
        .unzip();
    let settle = InferenceSettlement::settleCall {
        vouchers,
        signatures,
        receiptsRoot: commitment.root,
        receiptCount: commitment.count,
        declaredRisk: 0,
        evidenceURI: commitment.uri,
    };
    let contract = network.addresses.inference_settlement;
    let mut call = Call::new(operator.settling_account(), contract, "settle", &settle);
    call.batch = Some((index, receipts.len()));
    Ok(Some(call))
}
