//! Calls of the contracts as of one block, which is named by its hash: a reorg in between is an error, not a mixture.

use std::time::Duration;

use alloy::eips::{BlockId, RpcBlockHash};
use alloy::primitives::Address;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use anyhow::{Context, bail};
use plumbline_protocol::deployment::Addresses;
use plumbline_protocol::revert_reason;

use crate::chain::{Chain, Header};
use crate::error::{Moved, RpcFailure, RpcFailureKind};

/// Times that one call is tried before the verification fails.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How endpoints say that they do not keep the state of a block, in small letters.
const NO_STATE: [&str; 9] = [
    "missing trie node",
    "state not available",
    "state is not available",
    "state unavailable",
    "historical state",
    "no state available",
    "archive",
    "pruned",
    "outofrange",
];

/// What a contract answers that does not know what it is asked for.
#[derive(Debug, thiserror::Error)]
#[error("{function} reverts: {reason}")]
pub(super) struct Reverted {
    function: &'static str,
    reason: String,
}

/// The contracts at one block.
pub(super) struct View {
    chain: Chain,
    pub(super) block: Header,
    pub(super) addresses: Addresses,
}

impl View {
    pub(super) fn new(chain: Chain, block: Header, addresses: Addresses) -> Self {
        Self {
            chain,
            block,
            addresses,
        }
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The answer of a view function; the error is `Reverted` when the contract itself declined.
    pub(super) async fn call<C: SolCall>(&self, to: Address, call: C) -> anyhow::Result<C::Return> {
        let request = TransactionRequest::default().to(to).input(call.abi_encode().into());
        let block = BlockId::Hash(RpcBlockHash::from_hash(self.block.hash, Some(true)));
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            // To the endpoint a revert is an error, to us it is an answer like another.
            let ask = async {
                match self.chain.provider().call(request.clone()).block(block).await {
                    Ok(answer) => Ok(Ok(answer)),
                    Err(error) => revert_reason(&error).map(Err).ok_or(error),
                }
            };
            match self.chain.request("eth_call", ask).await {
                Ok(Ok(answer)) if answer.is_empty() => bail!(
                    "{to} has no code at block {}: choose a block after the deployment (--block)",
                    self.block.number
                ),
                Ok(Ok(answer)) => {
                    return C::abi_decode_returns(&answer)
                        .with_context(|| format!("decode the answer of {to} to {}", C::SIGNATURE));
                }
                Ok(Err(reason)) => {
                    let function = C::SIGNATURE;
                    return Err(Reverted { function, reason }.into());
                }
                Err(error) => self.give_up(&error, attempt, C::SIGNATURE).await?,
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        bail!("{} of {to} was never answered", C::SIGNATURE)
    }

    /// Whether the block is still the chain's.
    pub(super) async fn confirm(&self) -> anyhow::Result<()> {
        let there = self.chain.header(self.block.number).await?;
        if there.is_some_and(|header| header.hash == self.block.hash) {
            return Ok(());
        }
        Err(Moved(format!(
            "block {} ({}) was replaced",
            self.block.number, self.block.hash
        ))
        .into())
    }

    /// An error for what another attempt will not mend.
    async fn give_up(&self, error: &RpcFailure, attempt: u32, function: &str) -> anyhow::Result<()> {
        let said = error.message.to_lowercase();
        // An endpoint that answered; in which words it refuses what it does not keep, none agree.
        if !matches!(error.kind, RpcFailureKind::Transport | RpcFailureKind::Timeout) {
            self.confirm().await?;
            if NO_STATE.iter().any(|words| said.contains(words)) {
                bail!(
                    "{} does not keep the state of block {}: use an archive endpoint, or a newer block (--block) ({error})",
                    self.chain.endpoint(),
                    self.block.number
                );
            }
        }
        if attempt >= ATTEMPTS {
            bail!("gave up on {function} after {ATTEMPTS} attempts: {error}");
        }
        Ok(())
    }
}
