//! The chain behind one RPC endpoint: headers and logs, every answer checked against the request.

use std::future::{Future, IntoFuture};
use std::ops::RangeInclusive;
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Block, Filter, Log};
use alloy::transports::{RpcError, TransportErrorKind, TransportResult};
use anyhow::Context;
use plumbline_protocol::rpc;

use crate::error::{Halt, Moved, RpcFailure, RpcFailureKind};
use crate::metrics;

/// An endpoint that has not answered by then is treated as down.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What identifies a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    /// Unix seconds.
    pub(crate) timestamp: u64,
}

/// A block and the one it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) header: Header,
    pub(crate) parent_hash: B256,
}

impl From<Block> for Linked {
    fn from(block: Block) -> Self {
        Self {
            header: Header {
                number: block.header.number,
                hash: block.header.hash,
                timestamp: block.header.timestamp,
            },
            parent_hash: block.header.parent_hash,
        }
    }
}

/// One endpoint; whatever belongs together (a range and its headers) is read from it alone.
#[derive(Clone)]
pub(crate) struct Chain {
    provider: DynProvider,
    url: String,
    endpoint: String,
    /// Contracts whose logs are read.
    addresses: Vec<Address>,
    finality_depth: u64,
}

impl Chain {
    /// An `http` URL is not contacted yet; a `ws` one is.
    pub(crate) async fn connect(url: &str, addresses: Vec<Address>, finality_depth: u64) -> anyhow::Result<Self> {
        let endpoint = rpc::redact(url);
        let scheme = url.split("://").next().unwrap_or_default();
        if !["http", "https", "ws", "wss"].contains(&scheme) {
            let problem = format!("RPC URL {endpoint} has no scheme that works: use http, https, ws or wss");
            return Err(Halt::Configuration(problem).into());
        }
        let provider = rpc::connect(url).await.map_err(|error| RpcFailure {
            method: "connect",
            endpoint: endpoint.clone(),
            kind: RpcFailureKind::Transport,
            message: error.to_string(),
        })?;
        Ok(Self {
            provider,
            url: url.to_owned(),
            endpoint,
            addresses,
            finality_depth,
        })
    }

    /// The same endpoint by a new connection: a WebSocket that broke for long does not come back by itself.
    pub(crate) async fn reconnect(&self) -> anyhow::Result<Self> {
        Self::connect(&self.url, self.addresses.clone(), self.finality_depth).await
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn provider(&self) -> &DynProvider {
        &self.provider
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, RpcFailure> {
        self.request("eth_chainId", self.provider.get_chain_id()).await
    }

    /// The newest block.
    pub(crate) async fn head(&self) -> Result<Linked, RpcFailure> {
        let method = "eth_getBlockByNumber";
        let block = self
            .request(method, self.provider.get_block_by_number(BlockNumberOrTag::Latest))
            .await?;
        block
            .map(Linked::from)
            .ok_or_else(|| self.invalid(method, "no latest block"))
    }

    /// Number of the newest final block; below `head` by the configured depth where the chain does not know the tag.
    pub(crate) async fn finalized(&self, head: u64) -> Result<u64, RpcFailure> {
        let request = self.provider.get_block_by_number(BlockNumberOrTag::Finalized);
        let fallback = head.saturating_sub(self.finality_depth);
        match self.request("eth_getBlockByNumber", request).await {
            Ok(Some(block)) => Ok(block.header.number.min(head)),
            Ok(None) => Ok(fallback),
            Err(error) if error.kind == RpcFailureKind::Rejected => Ok(fallback),
            Err(error) => Err(error),
        }
    }

    /// The canonical block at a height; none above the head.
    pub(crate) async fn header(&self, number: u64) -> Result<Option<Header>, RpcFailure> {
        Ok(self.linked(number).await?.map(|block| block.header))
    }

    /// The same with its parent.
    pub(crate) async fn linked(&self, number: u64) -> Result<Option<Linked>, RpcFailure> {
        let method = "eth_getBlockByNumber";
        let block = self
            .request(method, self.provider.get_block_by_number(number.into()))
            .await?;
        match block.map(Linked::from) {
            Some(block) if block.header.number != number => {
                Err(self.invalid(method, &format!("block {} for {number}", block.header.number)))
            }
            block => Ok(block),
        }
    }

    /// The canonical block at a height that was there a moment ago.
    pub(crate) async fn existing_header(&self, number: u64) -> anyhow::Result<Header> {
        Ok(self
            .header(number)
            .await?
            .ok_or_else(|| Moved(format!("block {number} is gone")))?)
    }

    /// Whether there is code at an address.
    pub(crate) async fn has_code(&self, address: Address) -> Result<bool, RpcFailure> {
        let code = self.request("eth_getCode", self.provider.get_code_at(address)).await?;
        Ok(!code.is_empty())
    }

    /// Our logs of a range of final blocks, in order.
    pub(crate) async fn logs_in(&self, range: RangeInclusive<u64>) -> Result<Vec<Log>, RpcFailure> {
        let addresses = self.addresses.clone();
        let filter = Filter::new()
            .address(addresses)
            .from_block(*range.start())
            .to_block(*range.end());
        let mut logs = self.request("eth_getLogs", self.provider.get_logs(&filter)).await?;
        self.check(&mut logs, |number, _| range.contains(&number))?;
        Ok(logs)
    }

    /// Our logs of one block, by its hash, in order.
    pub(crate) async fn logs_of(&self, block: Header) -> anyhow::Result<Vec<Log>> {
        let filter = Filter::new().address(self.addresses.clone()).at_block_hash(block.hash);
        let answer = self.request("eth_getLogs", self.provider.get_logs(&filter)).await;
        let mut logs = match answer {
            Ok(logs) => logs,
            // Clients name an orphaned hash in different words; whether it is orphaned the next look tells.
            Err(error) if error.kind == RpcFailureKind::Rejected => {
                let canonical = self.header(block.number).await?;
                if canonical.is_some_and(|header| header.hash == block.hash) {
                    return Err(error.into());
                }
                return Err(Moved(format!("block {} ({}) is orphaned", block.number, block.hash)).into());
            }
            Err(error) => return Err(error.into()),
        };
        self.check(&mut logs, |number, hash| number == block.number && hash == block.hash)
            .with_context(|| format!("read logs of block {}", block.number))?;
        Ok(logs)
    }

    /// Sorts logs by position, after checking that each is whole, ours, and of a block that was asked for.
    fn check(&self, logs: &mut [Log], asked: impl Fn(u64, B256) -> bool) -> Result<(), RpcFailure> {
        for log in logs.iter() {
            let (Some(number), Some(hash)) = (log.block_number, log.block_hash) else {
                return Err(self.invalid("eth_getLogs", "a log without its block"));
            };
            let whole = log.log_index.is_some() && log.transaction_hash.is_some() && !log.removed;
            if !whole || !self.addresses.contains(&log.address()) || !asked(number, hash) {
                let index = log.log_index.unwrap_or_default();
                let message =
                    format!("log {index} of block {number} ({hash}), which was not asked for or is incomplete");
                return Err(self.invalid("eth_getLogs", &message));
            }
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        let repeated = logs
            .windows(2)
            .any(|pair| (pair[0].block_number, pair[0].log_index) == (pair[1].block_number, pair[1].log_index));
        if repeated {
            Err(self.invalid("eth_getLogs", "the same log twice"))
        } else {
            Ok(())
        }
    }

    /// Waits for the answer to one request, within bounds and counted.
    pub(crate) async fn request<T, R>(&self, method: &'static str, request: R) -> Result<T, RpcFailure>
    where
        R: IntoFuture<Output = TransportResult<T>>,
        R::IntoFuture: Future<Output = TransportResult<T>> + Send,
    {
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, request.into_future()).await;
        metrics::rpc_requested(method);
        let (kind, message) = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (kind_of(&error), self.without_secrets(&error)),
            Err(_) => (
                RpcFailureKind::Timeout,
                format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()),
            ),
        };
        metrics::rpc_failed(method, kind);
        Err(self.failure(method, kind, message))
    }

    pub(crate) fn invalid(&self, method: &'static str, message: &str) -> RpcFailure {
        metrics::rpc_failed(method, RpcFailureKind::Invalid);
        self.failure(method, RpcFailureKind::Invalid, message.to_owned())
    }

    fn failure(&self, method: &'static str, kind: RpcFailureKind, message: String) -> RpcFailure {
        RpcFailure {
            method,
            endpoint: self.endpoint.clone(),
            kind,
            message,
        }
    }

    /// Text of an error, without the URL that HTTP clients like to repeat.
    fn without_secrets(&self, error: &RpcError<TransportErrorKind>) -> String {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        text.replace(self.url.trim_end_matches('/'), &self.endpoint)
    }
}

fn kind_of(error: &RpcError<TransportErrorKind>) -> RpcFailureKind {
    match error {
        RpcError::ErrorResp(_) => RpcFailureKind::Rejected,
        RpcError::Transport(_) | RpcError::LocalUsageError(_) => RpcFailureKind::Transport,
        RpcError::NullResp | RpcError::UnsupportedFeature(_) | RpcError::SerError(_) | RpcError::DeserError { .. } => {
            RpcFailureKind::Invalid
        }
    }
}
