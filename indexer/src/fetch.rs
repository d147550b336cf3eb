//! Reads blocks with their logs: final ones by ranges, the others one by one and linked by hash.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use alloy::primitives::B256;
use futures::{StreamExt, TryStreamExt};

use crate::ask::{Sent, fingerprint};
use crate::batch::Batch;
use crate::chain::{Chain, Header, Linked};
use crate::endpoints::Endpoints;
use crate::error::{Halt, Moved, RpcFailure, RpcFailureKind};
use crate::log::Log;
use crate::plan::Outcome;
use crate::rows::At;
use crate::source::Source;
use crate::wire::WireLog;

/// Requests that are under way at the same time.
const CONCURRENT_REQUESTS: usize = 8;
/// Failures of one range before all of history is begun again.
const MAX_ATTEMPTS: u32 = 8;
/// A wait that no endpoint named.
const BUSY_WAIT: Duration = Duration::from_millis(500);
const METHOD: &str = "eth_getLogs";

/// Final blocks that carry logs and the last of the range, decoded; split where an endpoint refuses the whole.
///
/// A first look comes back with the first part that was answered, because more is known then.
pub(crate) async fn history<S: Source>(
    endpoints: &Endpoints<S>,
    range: RangeInclusive<u64>,
    first_look: bool,
) -> anyhow::Result<(Batch<S::Event>, Outcome)> {
    let (first, last) = (*range.start(), *range.end());
    let mut batch = Batch::new();
    let mut outcome = Outcome {
        blocks: last - first + 1,
        ..Outcome::default()
    };
    let (mut next, mut most, mut attempts) = (first, outcome.blocks, 0);
    while next <= last {
        let part = next..=last.min(next.saturating_add(most - 1));
        let blocks = part.end() - next + 1;
        let chain = endpoints.spread()?;
        match read(endpoints, &chain, &part, &mut batch).await {
            Ok((logs, bytes)) => {
                outcome.logs += logs;
                outcome.bytes = outcome.bytes.max(bytes);
                next = part.end() + 1;
                attempts = 0;
                if first_look {
                    break;
                }
            }
            Err(error) => {
                attempts += 1;
                let Some(failure) = error.downcast_ref::<RpcFailure>() else {
                    return Err(error);
                };
                let fewer = fewer_blocks(failure.kind, blocks);
                if let Some(fewer) = fewer {
                    tracing::debug!(%failure, blocks, fewer, "range refused, asking for less");
                    most = fewer;
                    outcome.accepted = Some(fewer);
                } else if attempts > MAX_ATTEMPTS {
                    return Err(error);
                } else if endpoints.has_another(&chain) {
                    endpoints.failed(&chain, failure);
                    continue;
                }
                if let Some(wait) = wait(failure.kind, fewer.is_some()) {
                    tokio::time::sleep(wait * attempts).await;
                }
            }
        }
    }
    outcome.unread = last + 1 - next;
    outcome.blocks -= outcome.unread;
    Ok((batch, outcome))
}

/// How many blocks to ask for after a refusal that less of them may mend.
fn fewer_blocks(kind: RpcFailureKind, asked: u64) -> Option<u64> {
    let half = (asked / 2).max(1);
    match kind {
        _ if asked == 1 => None,
        RpcFailureKind::TooMuch { blocks } => Some(blocks.filter(|blocks| (1..asked).contains(blocks)).unwrap_or(half)),
        // Too slow, or refused in words that are not known: less of it is the answer to all of them.
        RpcFailureKind::Timeout | RpcFailureKind::Limited | RpcFailureKind::Rejected => Some(half),
        RpcFailureKind::Busy { .. } | RpcFailureKind::Transport | RpcFailureKind::Invalid => None,
    }
}

/// How long to wait before asking again; not at all for less, unless the endpoint may have meant the rate.
fn wait(kind: RpcFailureKind, for_less: bool) -> Option<Duration> {
    match kind {
        RpcFailureKind::Busy { wait } => Some(wait.unwrap_or(BUSY_WAIT)),
        RpcFailureKind::Limited => Some(BUSY_WAIT),
        RpcFailureKind::TooMuch { .. }
        | RpcFailureKind::Timeout
        | RpcFailureKind::Rejected
        | RpcFailureKind::Transport
        | RpcFailureKind::Invalid => (!for_less).then_some(BUSY_WAIT),
    }
}

/// Adds a range to a batch, all of it from one endpoint; gives the number of logs and of bytes.
async fn read<S: Source>(
    endpoints: &Endpoints<S>,
    chain: &Chain,
    range: &RangeInclusive<u64>,
    batch: &mut Batch<S::Event>,
) -> anyhow::Result<(u64, usize)> {
    let sent = chain.ask_range(range).await?;
    if let Some(second) = endpoints.witness(chain)? {
        compare(chain, &second, range, &sent).await?;
    }
    let (logs, last) = chain.read_range(&sent, range)?;
    let logs = in_order(chain, logs, |log| range.contains(&log.block_number))?;
    let mut headers = headers_of(chain, &logs).await?;
    headers.insert(last.number, last);
    let counts = (logs.len() as u64, sent.bytes());
    // Nothing of it remains when it fails.
    let mut part = Batch::new();
    add(endpoints.source(), chain, &mut part, &headers, &logs)?;
    drop(logs);
    complete(endpoints.source(), chain, &mut part).await?;
    batch.append(part);
    Ok(counts)
}

/// Asks another endpoint for the same range: it must tell the same.
async fn compare(first: &Chain, second: &Chain, range: &RangeInclusive<u64>, sent: &Sent) -> anyhow::Result<()> {
    let other = second.ask_range(range).await?;
    let (ours, last) = first.read_range(sent, range)?;
    let (theirs, other_last) = second.read_range(&other, range)?;
    let what = if last.hash != other_last.hash {
        "their last block differs"
    } else if fingerprint(&ours, last.hash) != fingerprint(&theirs, last.hash) {
        "they have other logs in the same blocks"
    } else {
        return Ok(());
    };
    Err(Halt::Disagreement {
        first: first.endpoint().to_owned(),
        second: second.endpoint().to_owned(),
        from: *range.start(),
        to: *range.end(),
        what,
    }
    .into())
}

/// The logs by position, after checking that each is ours and of a block that was asked for, and none is there twice.
fn in_order<'a>(
    chain: &Chain,
    mut logs: Vec<WireLog<'a>>,
    asked: impl Fn(&WireLog<'_>) -> bool,
) -> Result<Vec<WireLog<'a>>, RpcFailure> {
    if let Some(log) = logs.iter().find(|log| log.removed || !chain.wants(log) || !asked(log)) {
        let message = format!(
            "log {} of block {} ({}), which was not asked for or is taken back",
            log.log_index, log.block_number, log.block_hash
        );
        return Err(chain.invalid(METHOD, &message));
    }
    let position = |log: &WireLog<'_>| (log.block_number, log.log_index);
    if !logs.is_sorted_by_key(position) {
        logs.sort_by_key(position);
    }
    for pair in logs.windows(2) {
        if position(&pair[0]) == position(&pair[1]) {
            return Err(chain.invalid(METHOD, "the same log twice"));
        }
        if pair[0].block_number == pair[1].block_number && pair[0].block_hash != pair[1].block_hash {
            return Err(chain.invalid(METHOD, &format!("two blocks {}", pair[0].block_number)));
        }
    }
    Ok(logs)
}

/// Headers of the blocks that logs are in: from the logs themselves where they tell the time.
async fn headers_of(chain: &Chain, logs: &[WireLog<'_>]) -> anyhow::Result<BTreeMap<u64, Header>> {
    let mut headers = BTreeMap::new();
    let mut timeless = Vec::new();
    for log in logs
        .chunk_by(|a, b| a.block_number == b.block_number)
        .map(|of_block| &of_block[0])
    {
        match log.block_timestamp {
            Some(timestamp) => {
                let (number, hash) = (log.block_number, log.block_hash);
                headers.insert(
                    number,
                    Header {
                        number,
                        hash,
                        timestamp,
                    },
                );
            }
            None => timeless.push(log.block_number),
        }
    }
    if !timeless.is_empty() {
        headers.extend(chain.headers(timeless).await?);
    }
    Ok(headers)
}

/// Decodes logs that are in order into a batch, block by block.
fn add<S: Source>(
    source: &S,
    chain: &Chain,
    batch: &mut Batch<S::Event>,
    headers: &BTreeMap<u64, Header>,
    logs: &[WireLog<'_>],
) -> anyhow::Result<()> {
    let mut data = Vec::new();
    let mut of_blocks = logs.chunk_by(|a, b| a.block_number == b.block_number).peekable();
    for header in headers.values() {
        batch.begin_block(*header);
        let Some(of_block) = of_blocks.next_if(|logs| logs[0].block_number == header.number) else {
            continue;
        };
        for log in of_block {
            if log.block_hash != header.hash {
                return Err(Moved(format!("block {} has logs of another", header.number)).into());
            }
            log.decode_data(&mut data)
                .map_err(|error| chain.invalid(METHOD, &format!("data of a log: {error}")))?;
            let at = At {
                block_number: i64::try_from(header.number)?,
                timestamp: header.timestamp,
                log_index: i32::try_from(log.log_index)?,
                tx_hash: log.transaction_hash,
            };
            let log = Log {
                at,
                address: log.address,
                topics: log.topics.as_slice(),
                data: &data,
            };
            batch.add(source, &log)?;
        }
    }
    Ok(())
}

async fn complete<S: Source>(source: &S, chain: &Chain, batch: &mut Batch<S::Event>) -> anyhow::Result<()> {
    let events = batch.blocks.values_mut().flat_map(|block| &mut block.events);
    source.complete(chain, events.collect()).await
}

/// Every block of the range, each linked to the one before it and the first to `parent`; `head` is known already.
pub(crate) async fn window<S: Source>(
    endpoints: &Endpoints<S>,
    chain: &Chain,
    range: RangeInclusive<u64>,
    parent: Option<B256>,
    head: Linked,
) -> anyhow::Result<Batch<S::Event>> {
    let blocks: Vec<Linked> = futures::stream::iter(range)
        .map(|number| async move {
            if number == head.header.number {
                return Ok(head);
            }
            chain.existing(number).await
        })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await?;
    let mut expected = parent;
    for block in &blocks {
        if expected.is_some_and(|hash| hash != block.parent_hash) {
            return Err(Moved(format!("block {} has another parent", block.header.number)).into());
        }
        expected = Some(block.header.hash);
    }
    let answers: Vec<(Header, Sent)> = futures::stream::iter(blocks)
        .map(|Linked { header, .. }| async move {
            let sent = chain.ask_block(header).await?;
            if let Some(second) = endpoints.witness(chain)? {
                compare_block(chain, &second, header, &sent).await?;
            }
            Ok::<_, anyhow::Error>((header, sent))
        })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await?;
    let mut batch = Batch::new();
    for (header, sent) in &answers {
        let asked = |log: &WireLog<'_>| log.block_number == header.number && log.block_hash == header.hash;
        let logs = in_order(chain, chain.read_block(sent)?, asked)?;
        let headers = BTreeMap::from([(header.number, *header)]);
        add(endpoints.source(), chain, &mut batch, &headers, &logs)?;
    }
    complete(endpoints.source(), chain, &mut batch).await?;
    Ok(batch)
}

async fn compare_block(first: &Chain, second: &Chain, header: Header, sent: &Sent) -> anyhow::Result<()> {
    let other = second.ask_block(header).await?;
    let (ours, theirs) = (first.read_block(sent)?, second.read_block(&other)?);
    if fingerprint(&ours, header.hash) == fingerprint(&theirs, header.hash) {
        return Ok(());
    }
    Err(Halt::Disagreement {
        first: first.endpoint().to_owned(),
        second: second.endpoint().to_owned(),
        from: header.number,
        to: header.number,
        what: "they have other logs in the same block",
    }
    .into())
}
