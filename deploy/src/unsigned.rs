//! Transactions for a hardware wallet or an offline signer, and the way back.

use std::path::Path;

use alloy::consensus::{SignableTransaction, Transaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::estimate;
use crate::journal::{Attempt, Fees, file_error, to_json, write_whole};
use crate::node;
use crate::plan::Step;
use crate::session::Session;

/// Gas limit over the estimate, percent: these are estimated before any of them is on chain.
const GAS_PERCENT: u64 = 150;
/// Largest file of signed transactions that is read, in bytes.
const MAX_SIGNED_BYTES: u64 = 16 << 20;

/// What `--unsigned` writes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsignedFile {
    pub note: String,
    pub chain_id: u64,
    pub from: Address,
    /// In order; each nonce once.
    pub transactions: Vec<UnsignedTransaction>,
}

/// An EIP-1559 transaction, to be signed as it is: the addresses of the contracts follow from the nonces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsignedTransaction {
    pub step: Step,
    /// The contract that it creates or calls.
    pub contract: Address,
    pub chain_id: u64,
    pub nonce: u64,
    /// None: creates a contract.
    pub to: Option<Address>,
    /// Wei.
    pub value: String,
    pub gas_limit: u64,
    /// Wei.
    pub max_fee_per_gas: String,
    /// Wei.
    pub max_priority_fee_per_gas: String,
    pub input: Bytes,
    /// What to sign: `0x02 || rlp(fields)`.
    pub unsigned_rlp: Bytes,
    /// Its Keccak-256, which some devices show.
    pub signing_hash: B256,
}

impl Session {
    pub(crate) async fn write_unsigned(&self, file: &Path) -> Result<usize, Error> {
        let blueprint = self.journal.blueprint();
        let open = self.open_records().await?;
        let estimates = estimate::steps(&self.node, &blueprint, open).await?;
        let fees = self.node.fees(None).await?;
        let tip = fees.max_priority_fee_per_gas.ok_or_else(|| Error::Signed {
            position: 0,
            problem: "this chain has no EIP-1559 transactions; deploy with a key instead".into(),
        })?;
        let transactions = open
            .iter()
            .zip(estimates)
            .map(|(record, estimate)| {
                let request = node::request(&blueprint, record.step);
                let transaction = TxEip1559 {
                    chain_id: self.journal.chain_id,
                    nonce: record.nonce,
                    gas_limit: estimate.gas * GAS_PERCENT / 100,
                    max_fee_per_gas: fees.max_fee_per_gas,
                    max_priority_fee_per_gas: tip,
                    to: request.to.unwrap_or_default(),
                    value: U256::ZERO,
                    access_list: Default::default(),
                    input: blueprint.input(record.step),
                };
                describe(record.step, estimate.contract, transaction)
            })
            .collect::<Vec<_>>();
        let count = transactions.len();
        let content = UnsignedFile {
            note:
                "Sign unsigned_rlp of each with the key of `from` and broadcast in order of nonces; send nothing else \
                   from it meanwhile. Then run `plumbline deploy --from` again."
                    .into(),
            chain_id: self.journal.chain_id,
            from: self.journal.deployer,
            transactions,
        };
        write_whole(file, &to_json(&content))?;
        Ok(count)
    }

    /// Checks every signed transaction against the plan before it sends the first.
    pub(crate) async fn broadcast_signed(&mut self, file: &Path) -> Result<(), Error> {
        let length = std::fs::metadata(file)
            .map_err(|cause| file_error("read", file, cause))?
            .len();
        if length > MAX_SIGNED_BYTES {
            let problem = format!("{} has {length} bytes, more than {MAX_SIGNED_BYTES}", file.display());
            return Err(Error::Signed { position: 0, problem });
        }
        let text = std::fs::read_to_string(file).map_err(|cause| file_error("read", file, cause))?;
        let mut checked = Vec::new();
        for (raw, position) in raw_transactions(&text).zip(1..) {
            let (index, attempt, bytes) = self
                .check_signed(raw)
                .map_err(|problem| Error::Signed { position, problem })?;
            checked.push((self.journal.steps[index].nonce, index, attempt, bytes));
        }
        if checked.is_empty() {
            let problem = format!("{} holds none; expected one 0x… in each line", file.display());
            return Err(Error::Signed { position: 1, problem });
        }
        checked.sort_by_key(|(nonce, ..)| *nonce);
        for (_, index, attempt, _) in &checked {
            let attempts = &mut self.journal.steps[*index].attempts;
            if !attempts.contains(attempt) {
                attempts.push(attempt.clone());
            }
        }
        self.folder.write_journal(&self.journal)?;
        for (nonce, _, attempt, bytes) in &checked {
            tracing::info!(nonce, hash = %attempt.hash, "sending");
            let sent = self.node.broadcast(bytes).await;
            sent.map_err(|cause| Error::Rpc {
                action: "send a transaction",
                cause,
            })?;
        }
        Ok(())
    }

    fn check_signed(&self, raw: &str) -> Result<(usize, Attempt, Bytes), String> {
        let bytes: Bytes = raw.parse().map_err(|_| "not hexadecimal".to_owned())?;
        let envelope = TxEnvelope::decode_2718_exact(&bytes).map_err(|error| format!("not a transaction: {error}"))?;
        let signer = envelope
            .signature()
            .recover_address_from_prehash(&envelope.signature_hash())
            .map_err(|error| format!("bad signature: {error}"))?;
        if signer != self.journal.deployer {
            return Err(format!("signed by {signer}, not by {}", self.journal.deployer));
        }
        let nonce = envelope.nonce();
        let index = self.journal.steps.iter().position(|record| record.nonce == nonce);
        let index = index.ok_or_else(|| format!("nonce {nonce} is none of this deployment's"))?;
        let step = self.journal.steps[index].step;
        let expected = node::request(&self.journal.blueprint(), step);
        let is_as_planned = envelope.chain_id() == Some(self.journal.chain_id)
            && envelope.kind() == expected.to.unwrap_or_default()
            && envelope.value().is_zero()
            && *envelope.input() == self.journal.blueprint().input(step);
        if !is_as_planned {
            return Err(format!(
                "nonce {nonce} should be `{step}`, but recipient, value, input or chain id differ"
            ));
        }
        let fees = Fees {
            max_fee_per_gas: envelope.max_fee_per_gas(),
            max_priority_fee_per_gas: envelope.max_priority_fee_per_gas(),
        };
        Ok((
            index,
            Attempt {
                hash: *envelope.tx_hash(),
                fees,
            },
            bytes,
        ))
    }
}

fn describe(step: Step, contract: Address, transaction: TxEip1559) -> UnsignedTransaction {
    UnsignedTransaction {
        step,
        contract,
        chain_id: transaction.chain_id,
        nonce: transaction.nonce,
        to: transaction.to.to().copied(),
        value: transaction.value.to_string(),
        gas_limit: transaction.gas_limit,
        max_fee_per_gas: transaction.max_fee_per_gas.to_string(),
        max_priority_fee_per_gas: transaction.max_priority_fee_per_gas.to_string(),
        unsigned_rlp: transaction.encoded_for_signing().into(),
        signing_hash: transaction.signature_hash(),
        input: transaction.input,
    }
}

/// One transaction in each line, or a JSON list of strings.
fn raw_transactions(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',' | '"'))
        .filter(|word| !word.is_empty())
}
