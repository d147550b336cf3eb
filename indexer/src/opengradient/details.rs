//! What no event tells of an enclave: endpoint and payment address, from the calldata that registered it.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use futures::TryStreamExt;
use plumbline_protocol::opengradient::{Registry, enclave_id};

use super::Event;
use crate::chain::Chain;
use crate::error::{Moved, RpcFailureKind};
use crate::rows::At;
use crate::wire::WireTransaction;

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

/// A registration without its details.
struct Registration<'a> {
    at: At,
    tee_id: B256,
    details: &'a mut Details,
}

/// Finds the details of every registration among the events.
pub(super) async fn complete(chain: &Chain, registry: Address, events: Vec<&mut (At, Event)>) -> anyhow::Result<()> {
    let registrations: Vec<_> = events.into_iter().filter_map(registration).collect();
    let hashes = registrations.iter().map(|registration| registration.at.tx_hash);
    let transactions = chain.transactions(hashes.collect()).await?;
    let mut unexplained = Vec::new();
    for (registration, transaction) in registrations.into_iter().zip(transactions) {
        match from_calldata(registry, &registration, transaction)? {
            Some(found) => *registration.details = found,
            None => unexplained.push(registration),
        }
    }
    futures::stream::iter(unexplained.into_iter().map(Ok))
        .try_for_each_concurrent(CONCURRENT_REQUESTS, |Registration { at, tee_id, details }| async move {
            *details = from_state(chain, registry, at, tee_id).await?;
            Ok(())
        })
        .await
}

fn registration((at, event): &mut (At, Event)) -> Option<Registration<'_>> {
    match event {
        Event::Registered { tee_id, details, .. } => Some(Registration {
            at: *at,
            tee_id: *tee_id,
            details,
        }),
        Event::Enabled(_) | Event::Disabled(_) | Event::Revoked { .. } => None,
    }
}

fn from_calldata(
    registry: Address,
    Registration { at, tee_id, .. }: &Registration<'_>,
    transaction: Option<WireTransaction>,
) -> Result<Option<Details>, Moved> {
    let transaction = transaction
        .filter(|transaction| transaction.block_number == u64::try_from(at.block_number).ok())
        .ok_or_else(|| {
            let (hash, number) = (at.tx_hash, at.block_number);
            Moved(format!("transaction {hash} is not in block {number} any more"))
        })?;
    if transaction.to != Some(registry) {
        return Ok(None);
    }
    let Ok(call) = Registry::registerTEEWithAttestationCall::abi_decode(&transaction.input) else {
        return Ok(None);
    };
    // Calldata speaks of the enclave whose key it shows.
    Ok(
        (enclave_id(&call.signingPublicKey) == *tee_id).then(|| Details::Calldata {
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
