//! What no event tells of an enclave: endpoint and payment address, from the calldata that registered it.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U64};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use futures::{StreamExt, TryStreamExt};
use plumbline_protocol::opengradient::{Registry, enclave_id};
use serde::Deserialize;

use super::Event;
use crate::chain::Chain;
use crate::error::{Moved, RpcFailureKind};
use crate::rows::At;

/// Requests that are under way at the same time.
const CONCURRENT_REQUESTS: usize = 8;

/// Where it was found, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Details {
    Calldata {
        payment_address: Address,
        endpoint: String,
    },
    State {
        payment_address: Address,
        endpoint: String,
        pcr_hash: B256,
    },
    /// Or not looked for yet.
    Unknown,
}

impl Details {
    pub(super) fn found_in(&self) -> &'static str {
        match self {
            Self::Calldata { .. } => "calldata",
            Self::State { .. } => "state",
            Self::Unknown => "unknown",
        }
    }

    /// Payment address and endpoint.
    pub(super) fn contact(&self) -> Option<(Address, &str)> {
        match self {
            Self::Calldata {
                payment_address,
                endpoint,
            }
            | Self::State {
                payment_address,
                endpoint,
                ..
            } => Some((*payment_address, endpoint)),
            Self::Unknown => None,
        }
    }

    pub(super) fn pcr_hash(&self) -> Option<B256> {
        match self {
            Self::State { pcr_hash, .. } => Some(*pcr_hash),
            Self::Calldata { .. } | Self::Unknown => None,
        }
    }
}

/// Finds the details of every registration among the events.
pub(super) async fn complete(chain: &Chain, registry: Address, events: &mut [(At, Event)]) -> anyhow::Result<()> {
    let registrations: Vec<(usize, At, B256)> = (0..)
        .zip(events.iter())
        .filter_map(|(place, (at, event))| match event {
            Event::Registered { tee_id, .. } => Some((place, *at, *tee_id)),
            Event::Enabled(_) | Event::Disabled(_) | Event::Revoked { .. } => None,
        })
        .collect();
    let found: Vec<(usize, Details)> = futures::stream::iter(registrations)
        .map(|(place, at, tee_id)| async move { anyhow::Ok((place, find(chain, registry, at, tee_id).await?)) })
        .buffered(CONCURRENT_REQUESTS)
        .try_collect()
        .await?;
    for (place, found) in found {
        if let Event::Registered { details, .. } = &mut events[place].1 {
            *details = found;
        }
    }
    Ok(())
}

async fn find(chain: &Chain, registry: Address, at: At, tee_id: B256) -> anyhow::Result<Details> {
    match from_calldata(chain, registry, at, tee_id).await? {
        Some(found) => Ok(found),
        None => from_state(chain, registry, at, tee_id).await,
    }
}

/// The little that is needed of a transaction, so that kinds that only this chain has are read, too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    block_number: Option<U64>,
    to: Option<Address>,
    input: Bytes,
}

async fn from_calldata(chain: &Chain, registry: Address, at: At, tee_id: B256) -> anyhow::Result<Option<Details>> {
    let method = "eth_getTransactionByHash";
    let request = chain.provider().raw_request(method.into(), (at.tx_hash,));
    let answer: Option<Transaction> = chain.request(method, request).await?;
    let transaction = answer
        .filter(|transaction| transaction.block_number == Some(U64::from(at.block_number)))
        .ok_or_else(|| {
            Moved(format!(
                "transaction {} is not in block {} any more",
                at.tx_hash, at.block_number
            ))
        })?;
    if transaction.to != Some(registry) {
        return Ok(None);
    }
    let Ok(call) = Registry::registerTEEWithAttestationCall::abi_decode(&transaction.input) else {
        return Ok(None);
    };
    // Calldata speaks of the enclave whose key it shows.
    Ok(
        (enclave_id(&call.signingPublicKey) == tee_id).then(|| Details::Calldata {
            payment_address: call.paymentAddress,
            endpoint: storable(&call.endpoint),
        }),
    )
}

/// What the registry says is set once and for all, so a node without the state of that time may show that of today.
async fn from_state(chain: &Chain, registry: Address, at: At, tee_id: B256) -> anyhow::Result<Details> {
    let then = BlockId::number(u64::try_from(at.block_number)?);
    for block in [then, BlockId::latest()] {
        let call = Registry::getTEECall { teeId: tee_id };
        let request = TransactionRequest::default()
            .to(registry)
            .input(call.abi_encode().into());
        let answer = match chain
            .request("eth_call", chain.provider().call(request).block(block))
            .await
        {
            Ok(answer) => answer,
            Err(error) if error.kind == RpcFailureKind::Rejected => continue,
            Err(error) => return Err(error.into()),
        };
        if let Ok(enclave) = Registry::getTEECall::abi_decode_returns(&answer) {
            return Ok(Details::State {
                payment_address: enclave.paymentAddress,
                endpoint: storable(&enclave.endpoint),
                pcr_hash: enclave.pcrHash,
            });
        }
    }
    Ok(Details::Unknown)
}

/// As the row has it, so that the state read back is the state that was written.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
