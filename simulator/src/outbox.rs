//! Transactions: sent in waves, never waited for, followed until they are mined or lost.
//!
//! Nothing about an account is remembered between waves but that it has transactions under way: nonces are read from the
//! chain, so that a reorg or a restart leaves nothing stale behind.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alloy::eips::{BlockId, Encodable2718};
use alloy::network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use plumbline_protocol::revert_reason;

use crate::network::{CONCURRENCY, Head, Network};

/// Transactions sent at once, and of one account: nodes keep only so many of a sender.
const MAX_WAVE: usize = 256;
const MAX_OF_ACCOUNT: usize = 48;
/// A transaction that is not mined by then is sent anew, for a higher fee.
const LOST_AFTER: Duration = Duration::from_secs(90);
/// What is not sent for want of rate is planned again; seconds of rate that can be saved up.
const BURST_SECONDS: f64 = 2.0;
/// Estimates are of the present state; it may cost more in the next.
const GAS_MARGIN_PERCENT: u64 = 130;
/// A call that failed is not tried again before.
const MUTED_SECONDS: u64 = 30;
const MAX_BUMPS: u32 = 8;

/// A call that an account wants to make. Calls of one wave must not depend on each other.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    /// What it does, for logs.
    pub(crate) label: &'static str,
    /// For a settlement: the operator, and how many of its receipts are committed.
    pub(crate) batch: Option<(usize, usize)>,
    /// Gas that it gets at least: what it does may depend on what comes before it in its block.
    pub(crate) least_gas: u64,
}

impl Call {
    pub(crate) fn new<C: SolCall>(from: Address, to: Address, label: &'static str, call: &C) -> Self {
        Self {
            from,
            to,
            value: U256::ZERO,
            input: call.abi_encode().into(),
            label,
            batch: None,
            least_gas: 0,
        }
    }

    /// A call of a contract that takes no function.
    pub(crate) fn raw(from: Address, to: Address, label: &'static str, input: Bytes) -> Self {
        Self {
            input,
            label,
            ..Self::coins(from, to, U256::ZERO)
        }
    }

    pub(crate) fn coins(from: Address, to: Address, value: U256) -> Self {
        Self {
            from,
            to,
            value,
            input: Bytes::new(),
            label: "send coins",
            batch: None,
            least_gas: 0,
        }
    }

    fn request(&self) -> TransactionRequest {
        let request = TransactionRequest::default()
            .with_from(self.from)
            .with_to(self.to)
            .with_value(self.value);
        if self.input.is_empty() {
            request
        } else {
            request.with_input(self.input.clone())
        }
    }

    fn fingerprint(&self) -> B256 {
        keccak256([self.from.as_slice(), self.to.as_slice(), &self.input].concat())
    }
}

struct Pending {
    hash: B256,
    call: Call,
    sent: Instant,
}

/// Counts of what became of transactions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) mined: u64,
    pub(crate) failed: u64,
    pub(crate) lost: u64,
    pub(crate) gas: u64,
}

#[derive(Default)]
pub(crate) struct Outbox {
    wallets: BTreeMap<Address, EthereumWallet>,
    pending: Vec<Pending>,
    /// Calls that failed, and the chain time from which they are tried again.
    muted: BTreeMap<B256, u64>,
    /// How often an account's transactions got lost in a row.
    bumps: BTreeMap<Address, u32>,
    rate: Option<Rate>,
    looked_at: Option<B256>,
    pub(crate) counts: Counts,
    pub(crate) last_failure: Option<String>,
}

struct Rate {
    per_second: f64,
    saved: f64,
    since: Instant,
}

#[derive(Clone, Copy)]
enum Fees {
    Legacy(u128),
    Dynamic { max: u128, priority: u128 },
}

impl Outbox {
    pub(crate) fn add_account(&mut self, signer: &PrivateKeySigner) {
        self.wallets
            .insert(signer.address(), EthereumWallet::from(signer.clone()));
    }

    pub(crate) fn limit_rate(&mut self, per_second: Option<u32>) {
        self.rate = per_second.map(|rate| Rate {
            per_second: f64::from(rate),
            saved: f64::from(rate) * BURST_SECONDS,
            since: Instant::now(),
        });
    }

    pub(crate) fn is_busy(&self, account: Address) -> bool {
        self.pending.iter().any(|pending| pending.call.from == account)
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Receipts of what was mined since the last look, with the calls that they are of.
    pub(crate) async fn collect(&mut self, network: &Network, head: Head) -> Result<Vec<(Call, TransactionReceipt)>> {
        if self.looked_at == Some(head.hash) || self.pending.is_empty() {
            self.drop_lost();
            return Ok(Vec::new());
        }
        let hashes: Vec<B256> = self.pending.iter().map(|pending| pending.hash).collect();
        let receipts: Vec<Option<TransactionReceipt>> = stream::iter(hashes)
            .map(|hash| network.rpc("read a receipt", network.provider.get_transaction_receipt(hash)))
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        self.looked_at = Some(head.hash);
        let mut mined = Vec::new();
        let mut still = Vec::new();
        for (pending, receipt) in std::mem::take(&mut self.pending).into_iter().zip(receipts) {
            match receipt {
                None => still.push(pending),
                Some(receipt) => {
                    self.bumps.remove(&pending.call.from);
                    self.counts.gas += receipt.gas_used;
                    if receipt.status() {
                        self.counts.mined += 1;
                        mined.push((pending.call, receipt));
                    } else {
                        let reason = format!("reverted in block {}", receipt.block_number.unwrap_or_default());
                        self.fail(&pending.call, head.timestamp, &reason);
                    }
                }
            }
        }
        self.pending = still;
        self.drop_lost();
        Ok(mined)
    }

    /// After a reorg: what the endpoint no longer knows is not going to be mined.
    pub(crate) async fn drop_unknown(&mut self, network: &Network) -> Result<()> {
        let hashes: Vec<B256> = self.pending.iter().map(|pending| pending.hash).collect();
        let known: Vec<bool> = stream::iter(hashes)
            .map(|hash| async move {
                let transaction = network.provider.get_transaction_by_hash(hash);
                anyhow::Ok(network.rpc("read a transaction", transaction).await?.is_some())
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        let mut known = known.into_iter();
        self.pending.retain(|_| known.next().unwrap_or(true));
        self.looked_at = None;
        Ok(())
    }

    fn drop_lost(&mut self) {
        let (still, lost) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|pending| pending.sent.elapsed() < LOST_AFTER);
        self.pending = still;
        let lost: Vec<Pending> = lost;
        for pending in lost {
            self.counts.lost += 1;
            *self.bumps.entry(pending.call.from).or_default() += 1;
            tracing::warn!(
                tx = %pending.hash,
                account = %pending.call.from,
                what = pending.call.label,
                "not mined within {} s: it will be replaced for a higher fee",
                LOST_AFTER.as_secs()
            );
        }
    }

    fn fail(&mut self, call: &Call, now: u64, reason: &str) {
        self.counts.failed += 1;
        self.muted.retain(|_, until| *until > now);
        self.muted.insert(call.fingerprint(), now + MUTED_SECONDS);
        tracing::warn!(account = %call.from, what = call.label, reason, "a transaction failed");
        self.last_failure = Some(format!("{} by {}: {reason}", call.label, call.from));
    }

    /// Lets calls that failed be tried again at once.
    pub(crate) fn unmute(&mut self) {
        self.muted.clear();
    }

    /// Sends what can be sent now, urgent calls first: not of accounts with transactions under way, not beyond the
    /// rate, not what just failed. Urgent calls that are left are forgotten, because they are planned again from the
    /// state of the chain; chores that are left stay where they are.
    pub(crate) async fn send(
        &mut self,
        network: &Network,
        urgent: Vec<Call>,
        chores: &mut Vec<Call>,
        head: Head,
    ) -> Result<usize> {
        let wave = self.choose(urgent, chores, head.timestamp);
        if wave.is_empty() {
            return Ok(0);
        }
        let fees = fees(network, head).await?;
        let estimated = self.estimate(network, wave, head.timestamp).await?;
        let mut by_account: BTreeMap<Address, Vec<(Call, u64)>> = BTreeMap::new();
        for (call, gas) in estimated {
            by_account.entry(call.from).or_default().push((call, gas));
        }
        let senders: Vec<Sender> = by_account
            .into_iter()
            .filter_map(|(account, calls)| {
                let wallet = self.wallets.get(&account)?.clone();
                let bumps = self.bumps.get(&account).copied().unwrap_or_default().min(MAX_BUMPS);
                Some(Sender {
                    account,
                    wallet,
                    bumps,
                    calls,
                })
            })
            .collect();
        let results: Vec<(Vec<Pending>, Option<Unsent>)> = stream::iter(senders)
            .map(|sender| sender.send(network, fees))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let mut sent = 0;
        let mut failure = None;
        for (pending, unsent) in results {
            sent += pending.len();
            self.pending.extend(pending);
            match unsent {
                // One account's trouble: the others go on.
                Some(Unsent::Refused(call, reason)) => self.fail(&call, head.timestamp, &reason),
                Some(Unsent::Unanswered(error)) => failure = Some(error),
                None => {}
            }
        }
        self.counts.sent += sent as u64;
        // A new transaction may be in a block that was already looked at when blocks are made on demand.
        self.looked_at = None;
        failure.map_or(Ok(sent), Err)
    }

    fn choose(&mut self, urgent: Vec<Call>, chores: &mut Vec<Call>, now: u64) -> Vec<Call> {
        let mut budget = self.rate.as_mut().map_or(MAX_WAVE, Rate::available).min(MAX_WAVE);
        let mut of_account: BTreeMap<Address, usize> = BTreeMap::new();
        let mut wave = Vec::new();
        let mut left = Vec::new();
        let all = urgent
            .into_iter()
            .map(|call| (call, false))
            .chain(chores.drain(..).map(|call| (call, true)));
        for (call, is_chore) in all {
            if self.muted.get(&call.fingerprint()).is_some_and(|until| *until > now) {
                continue;
            }
            let count = of_account.entry(call.from).or_default();
            if budget > 0 && *count < MAX_OF_ACCOUNT && !self.is_busy(call.from) {
                *count += 1;
                budget -= 1;
                wave.push(call);
            } else if is_chore {
                left.push(call);
            }
        }
        *chores = left;
        if let Some(rate) = &mut self.rate {
            rate.saved -= wave.len() as f64;
        }
        wave
    }

    /// Gas of each call that would succeed on the latest block.
    async fn estimate(&mut self, network: &Network, wave: Vec<Call>, now: u64) -> Result<Vec<(Call, u64)>> {
        let estimates: Vec<(Call, Result<Result<u64, String>>)> = stream::iter(wave)
            .map(|call| async move {
                let estimate = estimate(network, &call).await;
                (call, estimate)
            })
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let mut good = Vec::new();
        for (call, estimate) in estimates {
            match estimate? {
                Ok(gas) => {
                    let gas = (gas.saturating_mul(GAS_MARGIN_PERCENT) / 100).max(call.least_gas);
                    good.push((call, gas));
                }
                Err(reason) => self.fail(&call, now, &reason),
            }
        }
        Ok(good)
    }
}

impl Rate {
    fn available(&mut self) -> usize {
        let elapsed = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.saved = (self.saved + elapsed * self.per_second).min(self.per_second * BURST_SECONDS);
        self.saved.max(0.0) as usize
    }
}

struct Sender {
    account: Address,
    wallet: EthereumWallet,
    bumps: u32,
    calls: Vec<(Call, u64)>,
}

/// Why an account's transactions were not all sent.
enum Unsent {
    /// The endpoint does not take this one.
    Refused(Box<Call>, String),
    /// The endpoint fails.
    Unanswered(anyhow::Error),
}

impl Sender {
    /// Sends with consecutive nonces; what was sent before a failure is under way all the same.
    async fn send(self, network: &Network, fees: Fees) -> (Vec<Pending>, Option<Unsent>) {
        let mut pending = Vec::with_capacity(self.calls.len());
        // After a loss the nonce of the lost one is taken again, to replace it if it still waits somewhere.
        let block = if self.bumps == 0 {
            BlockId::pending()
        } else {
            BlockId::latest()
        };
        let count = network.provider.get_transaction_count(self.account).block_id(block);
        let mut nonce = match network.rpc("read a nonce", count).await {
            Ok(nonce) => nonce,
            Err(error) => return (pending, Some(Unsent::Unanswered(error))),
        };
        for (call, gas) in self.calls {
            let request = call
                .request()
                .with_nonce(nonce)
                .with_gas_limit(gas)
                .with_chain_id(network.chain_id);
            match send_one(network, &self.wallet, fees.bumped(self.bumps).apply(request)).await {
                Ok(Ok(hash)) => pending.push(Pending {
                    hash,
                    call,
                    sent: Instant::now(),
                }),
                Ok(Err(reason)) => return (pending, Some(Unsent::Refused(Box::new(call), reason))),
                Err(error) => return (pending, Some(Unsent::Unanswered(error))),
            }
            nonce += 1;
        }
        (pending, None)
    }
}

/// The transaction's hash, or why the endpoint does not take it; an error when it says neither.
async fn send_one(
    network: &Network,
    wallet: &EthereumWallet,
    request: TransactionRequest,
) -> Result<Result<B256, String>> {
    let signed = request.build(wallet).await.context("sign a transaction")?;
    let raw = signed.encoded_2718();
    match network
        .attempt("send a transaction", network.provider.send_raw_transaction(&raw))
        .await?
    {
        Ok(sent) => Ok(Ok(*sent.tx_hash())),
        Err(error) => match error.as_error_resp() {
            Some(response) => Ok(Err(response.message.to_string())),
            None => Err(network.describe("send a transaction", &error)),
        },
    }
}

/// Gas, or why the call would fail; an error when the endpoint gives neither.
async fn estimate(network: &Network, call: &Call) -> Result<Result<u64, String>> {
    let request = network.provider.estimate_gas(call.request()).block(BlockId::latest());
    match network.attempt("estimate gas", request).await? {
        Ok(gas) => Ok(Ok(gas)),
        Err(error) => match error.as_error_resp() {
            Some(response) => Ok(Err(
                revert_reason(&error).unwrap_or_else(|| response.message.to_string())
            )),
            None => Err(network.describe("estimate gas", &error)),
        },
    }
}

async fn fees(network: &Network, head: Head) -> Result<Fees> {
    if head.has_base_fee {
        let fees = network
            .rpc("estimate fees", network.provider.estimate_eip1559_fees())
            .await?;
        Ok(Fees::Dynamic {
            max: fees.max_fee_per_gas,
            priority: fees.max_priority_fee_per_gas,
        })
    } else {
        Ok(Fees::Legacy(
            network
                .rpc("read the gas price", network.provider.get_gas_price())
                .await?,
        ))
    }
}

impl Fees {
    /// A quarter more for each loss: nodes replace only for at least a tenth more.
    fn bumped(self, times: u32) -> Self {
        let raise = |fee: u128| (0..times).fold(fee, |fee, _| fee + fee / 4 + 1);
        match self {
            Self::Legacy(price) => Self::Legacy(raise(price)),
            Self::Dynamic { max, priority } => Self::Dynamic {
                max: raise(max),
                priority: raise(priority),
            },
        }
    }

    fn apply(self, request: TransactionRequest) -> TransactionRequest {
        match self {
            Self::Legacy(price) => request.with_gas_price(price),
            Self::Dynamic { max, priority } => request
                .with_max_fee_per_gas(max)
                .with_max_priority_fee_per_gas(priority),
        }
    }
}
