//! Requests to the node, each tried a few times before it counts as failed.

use std::future::IntoFuture;
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::state::{AccountOverride, StateOverride, StateOverridesBuilder};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::transports::{RpcError, TransportError, TransportResult};
use plumbline_protocol::{revert_reason, rpc};
use serde_json::Value;

use crate::error::{Error, RpcFailure};
use crate::journal::{Fees, Record};
use crate::plan::{Blueprint, Step};

/// Tries of one request before its failure is reported.
const REQUEST_ATTEMPTS: u32 = 4;
/// Pause after the first failed try; it doubles with each.
const REQUEST_PAUSE: Duration = Duration::from_millis(300);
/// Share of the present base fee and tip that a replacement must at least exceed the earlier fees by (nodes ask 10 %).
const REPLACEMENT_PERCENT: u128 = 125;

/// A node of the chain that is deployed to.
#[derive(Clone)]
pub(crate) struct Node {
    provider: DynProvider,
}

/// Why a gas estimate gave no number.
#[derive(Debug)]
pub(crate) enum EstimateFailure {
    Revert(String),
    Rpc(TransportError),
}

impl Node {
    pub(crate) async fn connect(rpc_url: &str) -> Result<Self, Error> {
        Ok(Self {
            provider: rpc::connect(rpc_url).await?,
        })
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, Error> {
        self.ask("read the chain id", || self.provider.get_chain_id()).await
    }

    pub(crate) async fn block_number(&self) -> Result<u64, Error> {
        self.ask("read the block number", || self.provider.get_block_number())
            .await
    }

    /// Hash of a block, none when the chain has no such block.
    pub(crate) async fn block_hash(&self, number: u64) -> Result<Option<B256>, Error> {
        let tag = BlockNumberOrTag::Number(number);
        let block = self
            .ask("read a block", || self.provider.get_block_by_number(tag))
            .await?;
        Ok(block.map(|block| block.header.hash))
    }

    /// Unix seconds of the newest block.
    pub(crate) async fn time(&self) -> Result<u64, Error> {
        let tag = BlockNumberOrTag::Latest;
        let block = self
            .ask("read the newest block", || self.provider.get_block_by_number(tag))
            .await?;
        Ok(block.map(|block| block.header.timestamp).unwrap_or_default())
    }

    pub(crate) async fn balance(&self, address: Address) -> Result<U256, Error> {
        self.ask("read the balance", || self.provider.get_balance(address))
            .await
    }

    /// Transactions of the account that are mined.
    pub(crate) async fn nonce(&self, address: Address) -> Result<u64, Error> {
        self.ask("read the nonce", || {
            self.provider.get_transaction_count(address).latest()
        })
        .await
    }

    /// Transactions of the account that are mined or wait in the node's pool.
    pub(crate) async fn pending_nonce(&self, address: Address) -> Result<u64, Error> {
        self.ask("read the pending nonce", || {
            self.provider.get_transaction_count(address).pending()
        })
        .await
    }

    pub(crate) async fn code(&self, address: Address) -> Result<Bytes, Error> {
        self.ask("read a contract's code", || self.provider.get_code_at(address))
            .await
    }

    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, Error> {
        self.ask("read a receipt", || self.provider.get_transaction_receipt(hash))
            .await
    }

    /// True when the node has the transaction in its pool or in a block.
    pub(crate) async fn knows(&self, hash: B256) -> Result<bool, Error> {
        let found: Option<Value> = self
            .ask("look for a transaction", || {
                self.provider.raw_request("eth_getTransactionByHash".into(), [hash])
            })
            .await?;
        Ok(found.is_some())
    }

    pub(crate) async fn call(&self, to: Address, input: Bytes) -> Result<Bytes, Error> {
        let request = TransactionRequest::default().with_to(to).with_input(input);
        self.ask("call a contract", || self.provider.call(request.clone()))
            .await
    }

    /// Code that the step's constructor leaves at the contract's address, immutables included.
    ///
    /// The creation code runs as if it were the code at that address, so the answer is the same before and after the
    /// deployment, and for any nonce.
    pub(crate) async fn runtime_code(&self, blueprint: &Blueprint<'_>, step: Step) -> Result<Bytes, Error> {
        const METHOD: &str = "eth_call";
        let address = step.address(blueprint.addresses);
        let code = AccountOverride::default().with_code(blueprint.input(step));
        let mut overrides = StateOverridesBuilder::default().append(address, code);
        // Contracts that the constructor calls may not exist yet.
        for called in step.calls(blueprint.parameters) {
            let runtime = Box::pin(self.runtime_code(blueprint, called)).await?;
            let contract = AccountOverride::default()
                .with_code(runtime)
                .with_state_diff(blueprint.storage(called));
            overrides = overrides.append(called.address(blueprint.addresses), contract);
        }
        let (request, overrides) = (creation_probe(blueprint.deployer, address), overrides.build());
        let answer = self
            .retry(|| self.provider.call(request.clone()).overrides(overrides.clone()))
            .await
            .map_err(|cause| overrides_error(cause, METHOD, step))?;
        if answer.is_empty() {
            Err(Error::NoOverrides { method: METHOD })
        } else {
            Ok(answer)
        }
    }

    /// Gas that the step's transaction needs, with overrides where it builds on contracts that do not exist yet.
    pub(crate) async fn estimate(
        &self,
        blueprint: &Blueprint<'_>,
        step: Step,
        overrides: StateOverride,
    ) -> Result<u64, EstimateFailure> {
        let request = request(blueprint, step);
        let estimate = if overrides.is_empty() {
            self.retry(|| self.provider.estimate_gas(request.clone())).await
        } else {
            self.retry(|| self.provider.estimate_gas(request.clone()).overrides(overrides.clone()))
                .await
        };
        estimate.map_err(|error| match revert_reason(&error) {
            Some(reason) => EstimateFailure::Revert(reason),
            None => EstimateFailure::Rpc(error),
        })
    }

    /// Fees for now, above those of earlier attempts so that the node takes a replacement.
    pub(crate) async fn fees(&self, record: Option<&Record>) -> Result<Fees, Error> {
        let tag = BlockNumberOrTag::Latest;
        let newest = self
            .ask("read the newest block", || self.provider.get_block_by_number(tag))
            .await?;
        let has_base_fee = newest.is_some_and(|block| block.header.base_fee_per_gas.is_some());
        let mut fees = if has_base_fee {
            let estimate = self
                .ask("estimate fees", || async {
                    self.provider.estimate_eip1559_fees().await
                })
                .await?;
            Fees {
                max_fee_per_gas: estimate.max_fee_per_gas,
                max_priority_fee_per_gas: Some(estimate.max_priority_fee_per_gas),
            }
        } else {
            let price = self.ask("read the gas price", || self.provider.get_gas_price()).await?;
            Fees {
                max_fee_per_gas: price,
                max_priority_fee_per_gas: None,
            }
        };
        for attempt in record.into_iter().flat_map(|record| &record.attempts) {
            fees.max_fee_per_gas = fees.max_fee_per_gas.max(raised(attempt.fees.max_fee_per_gas));
            if let (Some(tip), Some(earlier)) = (
                fees.max_priority_fee_per_gas.as_mut(),
                attempt.fees.max_priority_fee_per_gas,
            ) {
                *tip = (*tip).max(raised(earlier));
            }
        }
        Ok(fees)
    }

    /// What a unit of gas costs in the newest block, tip included.
    pub(crate) async fn gas_price(&self) -> Result<u128, Error> {
        self.ask("read the gas price", || self.provider.get_gas_price()).await
    }

    /// Hands a signed transaction to the node. That it is known or mined already is no failure.
    pub(crate) async fn broadcast(&self, raw: &[u8]) -> Result<(), RpcFailure> {
        let sent = self
            .retry(|| async { self.provider.send_raw_transaction(raw).await.map(drop) })
            .await;
        match sent {
            Err(error) if !is_known_already(&error) => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Hash of the account's transaction with this nonce, looked for in the blocks after `after`.
    pub(crate) async fn find_transaction(&self, from: Address, nonce: u64, after: u64) -> Result<Option<B256>, Error> {
        let (mut low, mut high) = (after, self.block_number().await?);
        while high > low + 1 {
            let middle = low + (high - low) / 2;
            let count = self
                .ask("read an earlier nonce (an archive endpoint may be needed)", || {
                    self.provider.get_transaction_count(from).number(middle)
                })
                .await?;
            if count > nonce { high = middle } else { low = middle }
        }
        // Untyped, because a chain may have transactions of kinds of its own in the block.
        let block: Value = self
            .ask("read a block's transactions", || {
                self.provider
                    .raw_request("eth_getBlockByNumber".into(), (BlockNumberOrTag::Number(high), true))
            })
            .await?;
        let ours = block["transactions"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|transaction| {
                parse::<Address>(&transaction["from"]) == Some(from)
                    && parse::<U256>(&transaction["nonce"]) == Some(U256::from(nonce))
            });
        Ok(ours.and_then(|transaction| parse(&transaction["hash"])))
    }

    async fn ask<T, C, F>(&self, action: &'static str, call: C) -> Result<T, Error>
    where
        C: Fn() -> F,
        F: IntoFuture<Output = TransportResult<T>>,
    {
        self.retry(call).await.map_err(|error| Error::Rpc {
            action,
            cause: error.into(),
        })
    }

    async fn retry<T, C, F>(&self, call: C) -> TransportResult<T>
    where
        C: Fn() -> F,
        F: IntoFuture<Output = TransportResult<T>>,
    {
        let mut pause = REQUEST_PAUSE;
        for _ in 1..REQUEST_ATTEMPTS {
            match call().await {
                Err(error) if is_transient(&error) => {
                    tracing::debug!(error = %RpcFailure(error), "request failed, trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        call().await
    }
}

/// The step's transaction without nonce, gas and fees.
pub(crate) fn request(blueprint: &Blueprint<'_>, step: Step) -> TransactionRequest {
    let kind = if step == Step::Roles {
        TxKind::Call(step.address(blueprint.addresses))
    } else {
        TxKind::Create
    };
    TransactionRequest::default()
        .with_from(blueprint.deployer)
        .with_kind(kind)
        .with_input(blueprint.input(step))
}

fn creation_probe(from: Address, to: Address) -> TransactionRequest {
    TransactionRequest::default().with_from(from).with_to(to)
}

fn overrides_error(cause: TransportError, method: &'static str, step: Step) -> Error {
    match revert_reason(&cause) {
        Some(reason) => Error::WouldRevert { step, reason },
        None if cause.is_error_resp() => Error::NoOverrides { method },
        None => Error::Rpc {
            action: "compute a contract's code",
            cause: cause.into(),
        },
    }
}

fn raised(fee: u128) -> u128 {
    (fee * REPLACEMENT_PERCENT).div_ceil(100)
}

fn is_transient(error: &TransportError) -> bool {
    match error {
        RpcError::Transport(_) | RpcError::NullResp => true,
        RpcError::ErrorResp(response) => response.is_retry_err(),
        RpcError::UnsupportedFeature(_)
        | RpcError::LocalUsageError(_)
        | RpcError::SerError(_)
        | RpcError::DeserError { .. } => false,
    }
}

fn is_known_already(error: &TransportError) -> bool {
    const ANSWERS: [&str; 5] = [
        "already known",
        "known transaction",
        "already imported",
        "nonce too low",
        "underpriced",
    ];
    error.as_error_resp().is_some_and(|response| {
        let message = response.message.to_lowercase();
        ANSWERS.iter().any(|answer| message.contains(answer))
    })
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}
