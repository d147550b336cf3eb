//! Logs and headers in bulk: several requests in one, and answers that are read in place.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;

use alloy::primitives::B256;
use alloy::providers::Provider;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::chain::{Chain, Header};
use crate::error::{Moved, RpcFailure, RpcFailureKind};
use crate::wire::{self, Answer, ErrorObject, Payload, WireLog, WireTransaction};
use crate::{metrics, refusal};

/// An answer longer than this is refused: less must be asked for at a time.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Most providers take batches of a hundred.
const CALLS_PER_REQUEST: usize = 100;
const CONCURRENT_REQUESTS: usize = 4;

const LOGS: &str = "eth_getLogs";
const BLOCK: &str = "eth_getBlockByNumber";
const TRANSACTION: &str = "eth_getTransactionByHash";

struct Call {
    method: &'static str,
    params: Value,
}

/// What an endpoint sent; [`Sent::answers`] borrows from it.
pub(crate) struct Sent(Vec<Vec<u8>>);

impl Sent {
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

impl Chain {
    /// Our logs of a range of final blocks and the header of its last; [`Chain::read_range`] reads the answer.
    pub(crate) async fn ask_range(&self, range: &RangeInclusive<u64>) -> Result<Sent, RpcFailure> {
        let filter = self.filter(json!({ "fromBlock": hex(*range.start()), "toBlock": hex(*range.end()) }));
        self.ask(&[logs_call(filter), block_call(*range.end())]).await
    }

    pub(crate) fn read_range<'a>(
        &self,
        sent: &'a Sent,
        range: &RangeInclusive<u64>,
    ) -> anyhow::Result<(Vec<WireLog<'a>>, Header)> {
        let mut answers = self.answers(LOGS, sent, 2)?;
        let Some(last) = self.header_in(answers.remove(&1))? else {
            // Its logs may be missing as well.
            let problem = format!("no block {} yet, which is final: the endpoint is behind", range.end());
            return Err(self.invalid(BLOCK, &problem).into());
        };
        if last.number != *range.end() {
            let problem = format!("block {} for {}", last.number, range.end());
            return Err(self.invalid(BLOCK, &problem).into());
        }
        let logs = self.logs_in(answers.remove(&0))?;
        let mut of_last = logs.iter().filter(|log| log.block_number == last.number);
        if of_last.any(|log| log.block_hash != last.hash) {
            return Err(Moved(format!("block {} has logs of another", last.number)).into());
        }
        Ok((logs, last))
    }

    /// Our logs of one block, by its hash; [`Chain::read_block`] reads the answer.
    pub(crate) async fn ask_block(&self, block: Header) -> anyhow::Result<Sent> {
        let filter = self.filter(json!({ "blockHash": block.hash }));
        let sent = self.ask(&[logs_call(filter)]).await?;
        match self.read_block(&sent) {
            // Clients name an orphaned hash in different words; whether it is orphaned the next look tells.
            Err(error) if error.kind == RpcFailureKind::Rejected => {
                let canonical = self.header(block.number).await?;
                if canonical.is_some_and(|header| header.hash == block.hash) {
                    return Err(error.into());
                }
                Err(Moved(format!("block {} ({}) is orphaned", block.number, block.hash)).into())
            }
            Ok(_) | Err(_) => Ok(sent),
        }
    }

    pub(crate) fn read_block<'a>(&self, sent: &'a Sent) -> Result<Vec<WireLog<'a>>, RpcFailure> {
        let mut answers = self.answers(LOGS, sent, 1)?;
        self.logs_in(answers.remove(&0))
    }

    /// Headers of blocks that were there a moment ago, by number.
    pub(crate) async fn headers(&self, numbers: Vec<u64>) -> anyhow::Result<BTreeMap<u64, Header>> {
        let headers = self.found_headers(numbers.clone()).await?;
        match numbers.into_iter().find(|number| !headers.contains_key(number)) {
            Some(number) => Err(Moved(format!("block {number} is gone")).into()),
            None => Ok(headers),
        }
    }

    /// Headers of those blocks that are there.
    pub(crate) async fn found_headers(&self, numbers: Vec<u64>) -> anyhow::Result<BTreeMap<u64, Header>> {
        let parts: Vec<Vec<u64>> = numbers.chunks(CALLS_PER_REQUEST).map(<[u64]>::to_vec).collect();
        let headers: Vec<Vec<Header>> = futures::stream::iter(parts)
            .map(|part| self.some_headers(part))
            .buffered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        Ok(headers
            .into_iter()
            .flatten()
            .map(|header| (header.number, header))
            .collect())
    }

    async fn some_headers(&self, numbers: Vec<u64>) -> anyhow::Result<Vec<Header>> {
        let calls: Vec<Call> = numbers.iter().map(|number| block_call(*number)).collect();
        let sent = self.ask(&calls).await?;
        let mut answers = self.answers(BLOCK, &sent, numbers.len())?;
        let mut headers = Vec::with_capacity(numbers.len());
        for (id, number) in (0..).zip(numbers) {
            let Some(header) = self.header_in(answers.remove(&id))? else {
                continue;
            };
            if header.number != number {
                return Err(self
                    .invalid(BLOCK, &format!("block {} for {number}", header.number))
                    .into());
            }
            headers.push(header);
        }
        Ok(headers)
    }

    /// Transactions by their hashes, in that order; none for one that the endpoint does not know.
    pub(crate) async fn transactions(&self, hashes: Vec<B256>) -> Result<Vec<Option<WireTransaction>>, RpcFailure> {
        let parts: Vec<Vec<B256>> = hashes.chunks(CALLS_PER_REQUEST).map(<[B256]>::to_vec).collect();
        let transactions: Vec<Vec<_>> = futures::stream::iter(parts)
            .map(|part| self.some_transactions(part))
            .buffered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        Ok(transactions.into_iter().flatten().collect())
    }

    async fn some_transactions(&self, hashes: Vec<B256>) -> Result<Vec<Option<WireTransaction>>, RpcFailure> {
        let calls: Vec<Call> = hashes.iter().map(|hash| transaction_call(*hash)).collect();
        let sent = self.ask(&calls).await?;
        let answers = self.answers(TRANSACTION, &sent, hashes.len())?;
        // By the number of their call, and so in order.
        Ok(answers.into_values().map(|answer| answer.result).collect())
    }

    fn filter(&self, mut filter: Value) -> Value {
        filter["address"] = json!(self.wanted.addresses);
        if !self.wanted.topics.is_empty() {
            filter["topics"] = json!([self.wanted.topics]);
        }
        filter
    }

    /// The answers by the number of their call, all of them there.
    fn answers<'a, P: Deserialize<'a> + Default>(
        &self,
        method: &'static str,
        sent: &'a Sent,
        calls: usize,
    ) -> Result<BTreeMap<u64, Answer<'a, P>>, RpcFailure> {
        let mut answers = BTreeMap::new();
        for (index, body) in (0..).zip(&sent.0) {
            let parsed = wire::parse(body).map_err(|error| self.invalid(method, &format!("no JSON-RPC: {error}")))?;
            for answer in parsed {
                // An endpoint that refuses a batch as a whole names no call.
                let id = answer.id.unwrap_or(index);
                answers.insert(id, answer);
            }
        }
        if let Some(refused) = answers.values().find_map(|answer| answer.error.as_ref()) {
            return Err(self.refused(method, refused));
        }
        if answers.keys().copied().eq(0..calls as u64) {
            return Ok(answers);
        }
        Err(self.invalid(method, &format!("{} answers to {calls} requests", answers.len())))
    }

    fn refused(&self, method: &'static str, error: &ErrorObject<'_>) -> RpcFailure {
        let data = error.data.map(RawValue::get);
        let kind = refusal::kind_of(200, error.code, &error.message, data, None);
        self.failure(method, kind, format!("{} (code {})", error.message, error.code))
    }

    fn logs_in<'a>(&self, answer: Option<Answer<'a>>) -> Result<Vec<WireLog<'a>>, RpcFailure> {
        match answer.map(|answer| answer.result) {
            Some(Payload::Logs(logs)) => Ok(logs),
            Some(Payload::Header(_) | Payload::Null) | None => Err(self.invalid(LOGS, "no list of logs")),
        }
    }

    fn header_in(&self, answer: Option<Answer<'_>>) -> Result<Option<Header>, RpcFailure> {
        match answer.map(|answer| answer.result) {
            Some(Payload::Header(header)) => Ok(Some(header)),
            Some(Payload::Null) => Ok(None),
            Some(Payload::Logs(_)) | None => Err(self.invalid(BLOCK, "no block")),
        }
    }

    /// Sends calls together, or one by one where the endpoint does not take batches.
    async fn ask(&self, calls: &[Call]) -> Result<Sent, RpcFailure> {
        let Some(client) = &self.http else {
            return self.ask_socket(calls).await;
        };
        if calls.len() == 1 || self.takes_batches.load(Ordering::Relaxed) {
            let sent = Sent(vec![self.patiently(|| self.post(client, calls, 0)).await?]);
            if calls.len() == 1 || sent.0[0].trim_ascii_start().starts_with(b"[") {
                return Ok(sent);
            }
            match self.answers::<IgnoredAny>(LOGS, &sent, calls.len()) {
                Err(error) if error.kind != RpcFailureKind::Rejected => return Err(error),
                Ok(_) | Err(_) => self.takes_batches.store(false, Ordering::Relaxed),
            }
        }
        let mut bodies = Vec::with_capacity(calls.len());
        for (index, call) in calls.iter().enumerate() {
            let alone = std::slice::from_ref(call);
            bodies.push(self.patiently(|| self.post(client, alone, index)).await?);
        }
        Ok(Sent(bodies))
    }

    async fn post(&self, client: &reqwest::Client, calls: &[Call], first_id: usize) -> Result<Vec<u8>, RpcFailure> {
        let method = calls.first().map_or(LOGS, |call| call.method);
        let mut requests: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                metrics::rpc_requested(call.method);
                json!({ "jsonrpc": "2.0", "id": first_id + index, "method": call.method, "params": call.params })
            })
            .collect();
        let request = if requests.len() == 1 {
            requests.remove(0)
        } else {
            Value::Array(requests)
        };
        let broken = |error: reqwest::Error| {
            let kind = if error.is_timeout() {
                RpcFailureKind::Timeout
            } else {
                RpcFailureKind::Transport
            };
            self.failure(method, kind, self.without_secrets(&error.without_url()))
        };
        let mut response = client.post(&self.url).json(&request).send().await.map_err(broken)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(MAX_ANSWER_BYTES as u64) as usize);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                let message = format!("the answer is longer than {MAX_ANSWER_BYTES} bytes");
                return Err(self.failure(method, RpcFailureKind::TooMuch { blocks: None }, message));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refused_by_status(method, status.as_u16(), &body, retry_after.as_deref()))
    }

    fn refused_by_status(&self, method: &'static str, status: u16, body: &[u8], wait: Option<&str>) -> RpcFailure {
        let answers = wire::parse::<IgnoredAny>(body).unwrap_or_default();
        let error = answers.iter().find_map(|answer| answer.error.as_ref());
        let text = String::from_utf8_lossy(body);
        let (code, message) = error.map_or((0, text.trim()), |error| (error.code, error.message.as_str()));
        let data = error.and_then(|error| error.data).map(RawValue::get);
        let mut kind = refusal::kind_of(status, code, message, data, wait);
        // Without an error of JSON-RPC, something on the way has answered.
        if error.is_none() && matches!(kind, RpcFailureKind::Rejected) {
            kind = RpcFailureKind::Transport;
        }
        self.failure(method, kind, format!("HTTP {status}: {message}"))
    }

    async fn ask_socket(&self, calls: &[Call]) -> Result<Sent, RpcFailure> {
        let mut bodies = Vec::with_capacity(calls.len());
        for (id, call) in calls.iter().enumerate() {
            let invalid = |error: serde_json::Error| self.invalid(call.method, &error.to_string());
            let params = serde_json::value::to_raw_value(&call.params).map_err(invalid)?;
            let request = self.provider().raw_request_dyn(call.method.into(), &params);
            let result = self.request(call.method, request).await?;
            bodies.push(format!(r#"{{"id":{id},"result":{}}}"#, result.get()).into_bytes());
        }
        Ok(Sent(bodies))
    }
}

fn logs_call(filter: Value) -> Call {
    Call {
        method: LOGS,
        params: json!([filter]),
    }
}

fn block_call(number: u64) -> Call {
    Call {
        method: BLOCK,
        params: json!([hex(number), false]),
    }
}

fn transaction_call(hash: B256) -> Call {
    Call {
        method: TRANSACTION,
        params: json!([hash]),
    }
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// Logs as a set that two endpoints can be compared by.
pub(crate) fn fingerprint(logs: &[WireLog<'_>], last: B256) -> B256 {
    let mut hasher = alloy::primitives::Keccak256::new();
    hasher.update(last);
    for log in logs {
        hasher.update(log.block_number.to_be_bytes());
        hasher.update(log.log_index.to_be_bytes());
        hasher.update(log.block_hash);
        hasher.update(log.transaction_hash);
        hasher.update(log.address);
        for topic in log.topics.as_slice() {
            hasher.update(topic);
        }
        hasher.update((log.data.len() as u64).to_be_bytes());
        hasher.update(log.data.as_bytes());
    }
    hasher.finalize()
}
