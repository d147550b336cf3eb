//! The chain behind one RPC endpoint: headers and logs, every answer checked against the request.

use std::future::{Future, IntoFuture};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::Block;
use alloy::transports::{RpcError, TransportErrorKind, TransportResult};
use plumbline_protocol::rpc;

use crate::config::Config;
use crate::error::{Halt, Moved, RpcFailure, RpcFailureKind};
use crate::source::Source;
use crate::wire::WireLog;
use crate::{metrics, refusal};

/// An endpoint that has not answered by then is treated as down.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Text of an error that is kept; some endpoints answer with whole pages.
const MAX_ERROR_CHARS: usize = 300;
/// A request is repeated so often while the endpoint is busy.
const BUSY_ATTEMPTS: u32 = 5;
const FIRST_BUSY_WAIT: Duration = Duration::from_millis(100);
/// A request whose connection broke is repeated so often: the next may reach another node.
const BROKEN_ATTEMPTS: u32 = 2;
const BROKEN_PAUSE: Duration = Duration::from_millis(50);
/// One node of many may have a bad moment; what is refused so often is meant so.
const REFUSALS: u32 = 5;
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);
/// Whoever asks for more patience than this is given up for a while.
const LONGEST_BUSY_WAIT: Duration = Duration::from_secs(2);

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

/// Which logs are read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) addresses: Vec<Address>,
    /// First topics; all when there are none.
    pub(crate) topics: Vec<B256>,
}

impl Wanted {
    pub(crate) fn of<S: Source>(source: &S) -> Self {
        Self {
            addresses: source.contracts().into_iter().map(|(_, address)| address).collect(),
            topics: source.topics(),
        }
    }
}

/// One endpoint; whatever belongs together (a range and its headers) is read from it alone.
#[derive(Clone)]
pub(crate) struct Chain {
    provider: DynProvider,
    /// For answers that are read in place; a WebSocket has none.
    pub(super) http: Option<reqwest::Client>,
    pub(super) url: String,
    endpoint: String,
    pub(super) wanted: Wanted,
    /// Several requests in one; until the endpoint refuses it.
    pub(super) takes_batches: Arc<AtomicBool>,
    /// Whether the chain knows the tag `finalized`, once that has shown.
    names_final: Arc<OnceLock<bool>>,
    finality_depth: u64,
}

impl Chain {
    /// An `http` URL is not contacted yet; a `ws` one is.
    pub(crate) async fn connect(url: &str, wanted: Wanted, config: &Config) -> anyhow::Result<Self> {
        let endpoint = rpc::redact(url);
        let failure = |message: String| RpcFailure {
            method: "connect",
            endpoint: endpoint.clone(),
            kind: RpcFailureKind::Transport,
            message,
        };
        let http = match url.split("://").next().unwrap_or_default() {
            "http" | "https" => {
                rpc::install_tls();
                let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
                Some(client.map_err(|error| failure(error.without_url().to_string()))?)
            }
            "ws" | "wss" => None,
            _ => {
                let problem = format!("RPC URL {endpoint} has no scheme that works: use http, https, ws or wss");
                return Err(Halt::Configuration(problem).into());
            }
        };
        let provider = rpc::connect(url).await.map_err(|error| failure(error.to_string()))?;
        Ok(Self {
            provider,
            http,
            url: url.to_owned(),
            endpoint,
            wanted,
            takes_batches: Arc::new(AtomicBool::new(true)),
            names_final: Arc::default(),
            finality_depth: config.finality_depth,
        })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether a log is one of those that are read.
    pub(crate) fn wants(&self, log: &WireLog<'_>) -> bool {
        let Wanted { addresses, topics } = &self.wanted;
        let first_topic = log.topics.as_slice().first();
        addresses.contains(&log.address)
            && (topics.is_empty() || first_topic.is_some_and(|topic| topics.contains(topic)))
    }

    pub(crate) fn provider(&self) -> &DynProvider {
        &self.provider
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, RpcFailure> {
        self.patiently(|| self.request("eth_chainId", self.provider.get_chain_id()))
            .await
    }

    /// The newest block.
    pub(crate) async fn head(&self) -> Result<Linked, RpcFailure> {
        let method = "eth_getBlockByNumber";
        let latest = || self.provider.get_block_by_number(BlockNumberOrTag::Latest);
        let block = self.patiently(|| self.request(method, latest())).await?;
        block
            .map(Linked::from)
            .ok_or_else(|| self.invalid(method, "no latest block"))
    }

    /// Number of the newest final block; nothing where the chain does not know the tag.
    pub(crate) async fn finalized_tag(&self) -> Result<Option<u64>, RpcFailure> {
        let method = "eth_getBlockByNumber";
        let finalized = async || {
            let block = self.provider.get_block_by_number(BlockNumberOrTag::Finalized);
            let none = || self.failure(method, RpcFailureKind::Rejected, "no final block".into());
            self.request(method, block).await?.ok_or_else(none)
        };
        let named = if self.names_final.get() == Some(&false) {
            self.patiently(finalized).await
        } else {
            self.insistently(finalized).await
        };
        match named {
            Ok(block) => {
                self.names_final.get_or_init(|| true);
                Ok(Some(block.header.number))
            }
            // Another depth would call blocks final that are not, and what is called so stays so.
            Err(error) if error.kind != RpcFailureKind::Rejected || *self.names_final.get_or_init(|| false) => {
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }

    /// Number of the newest final block, given the answer to the tag; else the configured depth below the head.
    pub(crate) fn finalized(&self, head: u64, tag: Option<u64>) -> u64 {
        tag.map_or(head.saturating_sub(self.finality_depth), |number| number.min(head))
    }

    /// The canonical block at a height; none above the head.
    pub(crate) async fn header(&self, number: u64) -> Result<Option<Header>, RpcFailure> {
        Ok(self.linked(number).await?.map(|block| block.header))
    }

    /// The same with its parent.
    pub(crate) async fn linked(&self, number: u64) -> Result<Option<Linked>, RpcFailure> {
        let method = "eth_getBlockByNumber";
        let at_height = || self.provider.get_block_by_number(number.into());
        let block = self.patiently(|| self.request(method, at_height())).await?;
        match block.map(Linked::from) {
            Some(block) if block.header.number != number => {
                Err(self.invalid(method, &format!("block {} for {number}", block.header.number)))
            }
            block => Ok(block),
        }
    }

    /// The canonical block at a height that was there a moment ago.
    pub(crate) async fn existing_header(&self, number: u64) -> anyhow::Result<Header> {
        Ok(self.existing(number).await?.header)
    }

    /// The same with its parent.
    pub(crate) async fn existing(&self, number: u64) -> anyhow::Result<Linked> {
        Ok(self
            .linked(number)
            .await?
            .ok_or_else(|| Moved(format!("block {number} is gone")))?)
    }

    /// Whether there is code at an address.
    pub(crate) async fn has_code(&self, address: Address) -> Result<bool, RpcFailure> {
        let code = || self.provider.get_code_at(address);
        let code = self.patiently(|| self.request("eth_getCode", code())).await?;
        Ok(!code.is_empty())
    }

    /// Asks again while the endpoint is busy or its connections break, within bounds.
    pub(crate) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, RpcFailure>
    where
        F: Future<Output = Result<T, RpcFailure>>,
    {
        let (mut wait, mut broken) = (FIRST_BUSY_WAIT, 0);
        for _ in 1..BUSY_ATTEMPTS {
            match ask().await {
                Err(RpcFailure {
                    kind: RpcFailureKind::Busy { wait: asked },
                    ..
                }) if asked.is_none_or(|asked| asked <= LONGEST_BUSY_WAIT) => {
                    tokio::time::sleep(asked.unwrap_or(wait)).await;
                    wait = (wait * 2).min(LONGEST_BUSY_WAIT);
                }
                Err(error) if error.kind == RpcFailureKind::Transport && broken < BROKEN_ATTEMPTS => {
                    broken += 1;
                    tokio::time::sleep(BROKEN_PAUSE).await;
                }
                answer => return answer,
            }
        }
        ask().await
    }

    /// Asks again when refused, within bounds.
    pub(crate) async fn insistently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, RpcFailure>
    where
        F: Future<Output = Result<T, RpcFailure>>,
    {
        for _ in 1..REFUSALS {
            match self.patiently(&ask).await {
                Err(error) if error.kind == RpcFailureKind::Rejected => tokio::time::sleep(REFUSAL_PAUSE).await,
                answer => return answer,
            }
        }
        self.patiently(&ask).await
    }

    /// Waits for the answer to one request, within bounds and counted.
    pub(crate) async fn request<T, R>(&self, method: &'static str, request: R) -> Result<T, RpcFailure>
    where
        R: IntoFuture<Output = TransportResult<T>>,
        R::IntoFuture: Future<Output = TransportResult<T>> + Send,
    {
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, request.into_future()).await;
        metrics::rpc_requested(method);
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.failure(method, kind_of(&error), self.without_secrets(&error))),
            Err(_) => Err(self.timed_out(method)),
        }
    }

    pub(crate) fn timed_out(&self, method: &'static str) -> RpcFailure {
        let message = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
        self.failure(method, RpcFailureKind::Timeout, message)
    }

    pub(crate) fn invalid(&self, method: &'static str, message: &str) -> RpcFailure {
        self.failure(method, RpcFailureKind::Invalid, message.to_owned())
    }

    /// A request that failed, counted.
    pub(crate) fn failure(&self, method: &'static str, kind: RpcFailureKind, message: String) -> RpcFailure {
        metrics::rpc_failed(method, kind);
        let message = match message.char_indices().nth(MAX_ERROR_CHARS) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message,
        };
        RpcFailure {
            method,
            endpoint: self.endpoint.clone(),
            kind,
            message,
        }
    }

    /// Text of an error and its causes, without the URL that HTTP clients like to repeat.
    pub(crate) fn without_secrets(&self, error: &(dyn std::error::Error + 'static)) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
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

pub(crate) fn kind_of(error: &RpcError<TransportErrorKind>) -> RpcFailureKind {
    match error {
        RpcError::ErrorResp(error) => {
            let data = error.data.as_ref().map(|data| data.get());
            refusal::kind_of(200, error.code, &error.message, data, None)
        }
        RpcError::Transport(TransportErrorKind::HttpError(error)) => {
            let kind = refusal::kind_of(error.status, 0, &error.body, None, None);
            // Whatever it is that has no words we know, it is no answer to the request.
            if matches!(kind, RpcFailureKind::Rejected) {
                RpcFailureKind::Transport
            } else {
                kind
            }
        }
        RpcError::Transport(_) | RpcError::LocalUsageError(_) => RpcFailureKind::Transport,
        RpcError::NullResp | RpcError::UnsupportedFeature(_) | RpcError::SerError(_) | RpcError::DeserError { .. } => {
            RpcFailureKind::Invalid
        }
    }
}
