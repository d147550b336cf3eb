//! Sending one step: journal first, then the node; wait, and raise the fees when it takes too long.

use alloy::eips::eip2718::Encodable2718;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::U256;
use alloy::rpc::types::TransactionRequest;
use alloy::rpc::types::state::StateOverride;
use alloy::signers::local::PrivateKeySigner;
use tokio::time::Instant;

use crate::account::Account;
use crate::error::Error;
use crate::journal::{Attempt, Fees, Record};
use crate::node::{self, EstimateFailure};
use crate::plan::Step;
use crate::session::{Session, Stop};
use crate::verify;

/// Times that a step is sent, each with higher fees, before the run gives up.
const SEND_ATTEMPTS: u32 = 5;
/// Polls for a receipt once the nonce is used: behind one URL there may be nodes that lag.
const SETTLE_POLLS: u32 = 12;
/// Gas limit over the estimate, percent: state may change between estimate and execution.
const GAS_PERCENT: u64 = 125;

impl Session {
    /// Brings the step on chain, unless it is there.
    pub(crate) async fn execute(&mut self, index: usize, account: &Account) -> Result<(), Error> {
        for attempt in 0..SEND_ATTEMPTS {
            let record = &self.journal.steps[index];
            if self.is_mined(record).await? {
                return self.finish_step(index).await;
            }
            let waits_already = attempt == 0 && self.is_pending(record).await?;
            match account {
                _ if waits_already => {
                    tracing::info!(step = %record.step, nonce = record.nonce, "already sent, waiting")
                }
                Account::Key(signer) => self.send(index, signer).await?,
                Account::Watched(address) => {
                    return Err(Error::AwaitingTransaction {
                        step: record.step,
                        nonce: record.nonce,
                        address: *address,
                    });
                }
            }
            self.stop_if(index, Stop::Sent)?;
            if self.wait(index).await? {
                return self.finish_step(index).await;
            }
        }
        let Record { step, nonce, .. } = self.journal.steps[index];
        Err(Error::NotMined {
            step,
            nonce,
            attempts: SEND_ATTEMPTS,
        })
    }

    async fn finish_step(&self, index: usize) -> Result<(), Error> {
        let record = &self.journal.steps[index];
        self.settled(record).await?;
        tracing::info!(step = %record.step, contract = %record.step.address(&self.journal.addresses), "on chain");
        self.stop_if(index, Stop::Mined)
    }

    async fn is_mined(&self, record: &Record) -> Result<bool, Error> {
        Ok(self.node.nonce(self.journal.deployer).await? > record.nonce)
    }

    async fn is_pending(&self, record: &Record) -> Result<bool, Error> {
        for attempt in &record.attempts {
            if self.node.knows(attempt.hash).await? {
                return Ok(true);
            }
        }
        // Signed elsewhere: the hash is not known here, but the node counts it.
        Ok(record.attempts.is_empty() && self.node.pending_nonce(self.journal.deployer).await? > record.nonce)
    }

    /// Signs, writes the hash into the journal, and only then sends.
    async fn send(&mut self, index: usize, signer: &PrivateKeySigner) -> Result<(), Error> {
        let record = &self.journal.steps[index];
        let step = record.step;
        let blueprint = self.journal.blueprint();
        let estimate = self.node.estimate(&blueprint, step, StateOverride::default()).await;
        let gas = estimate.map_err(|failure| match failure {
            EstimateFailure::Revert(reason) => Error::WouldRevert { step, reason },
            EstimateFailure::Rpc(cause) => Error::Rpc {
                action: "estimate gas",
                cause: cause.into(),
            },
        })?;
        let fees = self.node.fees(Some(record)).await?;
        let request = with_fees(node::request(&blueprint, step), gas * GAS_PERCENT / 100, fees)
            .with_chain_id(self.journal.chain_id)
            .with_nonce(record.nonce);
        let balance = self.node.balance(self.journal.deployer).await?;
        let needed = U256::from(gas * GAS_PERCENT / 100) * U256::from(fees.max_fee_per_gas);
        if balance < needed {
            return Err(Error::InsufficientBalance {
                address: self.journal.deployer,
                balance,
                needed,
                step,
            });
        }
        let signed = request
            .build(&EthereumWallet::from(signer.clone()))
            .await
            .map_err(|error| Error::Key(format!("cannot sign {step}: {error}")))?;
        self.journal.steps[index].attempts.push(Attempt {
            hash: *signed.tx_hash(),
            fees,
        });
        self.folder.write_journal(&self.journal)?;
        self.stop_if(index, Stop::Journaled)?;
        tracing::info!(%step, nonce = self.journal.steps[index].nonce, hash = %signed.tx_hash(), "sending");
        let sent = self.node.broadcast(&signed.encoded_2718()).await;
        sent.map_err(|cause| Error::Rpc {
            action: "send a transaction",
            cause,
        })
    }

    /// True once the nonce is used, false when that takes too long.
    async fn wait(&self, index: usize) -> Result<bool, Error> {
        let record = &self.journal.steps[index];
        let deadline = Instant::now() + self.options.receipt_timeout;
        while !self.is_mined(record).await? {
            if Instant::now() > deadline {
                tracing::warn!(step = %record.step, "not mined in time");
                return Ok(false);
            }
            tokio::time::sleep(self.options.poll_interval).await;
        }
        Ok(true)
    }

    /// The step's nonce is used: whether by the step is what this finds out.
    pub(crate) async fn settled(&self, record: &Record) -> Result<(), Error> {
        for _ in 0..SETTLE_POLLS {
            for attempt in &record.attempts {
                match self.node.receipt(attempt.hash).await? {
                    Some(receipt) if receipt.status() => return Ok(()),
                    Some(_) => {
                        return Err(Error::Reverted {
                            step: record.step,
                            hash: attempt.hash,
                        });
                    }
                    None => {}
                }
            }
            if self.is_done(record.step).await? {
                return Ok(());
            }
            tokio::time::sleep(self.options.poll_interval).await;
        }
        Err(Error::NonceTaken {
            step: record.step,
            nonce: record.nonce,
            address: self.journal.deployer,
        })
    }

    async fn is_done(&self, step: Step) -> Result<bool, Error> {
        let manager = self.node.code(step.address(&self.journal.addresses)).await?;
        if step != Step::Roles || manager.is_empty() {
            return Ok(!manager.is_empty());
        }
        Ok(verify::role_fault(&self.node, &self.journal.blueprint())
            .await?
            .is_none())
    }

    fn stop_if(&self, index: usize, stop: Stop) -> Result<(), Error> {
        let step = self.journal.steps[index].step;
        if self.options.stop_at == Some((step, stop)) {
            Err(Error::Stopped(step))
        } else {
            Ok(())
        }
    }
}

/// Puts gas limit and fees into a request, which decides between EIP-1559 and legacy.
pub(crate) fn with_fees(request: TransactionRequest, gas_limit: u64, fees: Fees) -> TransactionRequest {
    let request = request.with_gas_limit(gas_limit);
    match fees.max_priority_fee_per_gas {
        Some(tip) => request
            .with_max_fee_per_gas(fees.max_fee_per_gas)
            .with_max_priority_fee_per_gas(tip),
        None => request.with_gas_price(fees.max_fee_per_gas),
    }
}
