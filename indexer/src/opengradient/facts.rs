//! From a log to its row, knowing nothing but the log.

use alloy::primitives::B256;
use alloy::sol_types::private::IntoLogData;
use alloy::sol_types::{SolEvent, SolEventInterface};
use plumbline_protocol::opengradient::Registry::RegistryEvents;
use plumbline_protocol::opengradient::Relay::RelayEvents;
use plumbline_protocol::opengradient::{Network, Registry, receipt_id};

use super::Event;
use super::details::Details;
use crate::log::Log;
use crate::rows::{Rows, fact};
use crate::text::with_valid_text;

/// Adds the row of a log, and gives what it changes of who is in service.
pub(super) fn decode(network: &Network, log: &Log<'_>, rows: &mut Rows) -> anyhow::Result<Option<Event>> {
    if log.address == network.registry {
        return decode_registry(log, rows);
    }
    match known::<RelayEvents>(RelayEvents::SELECTORS, log)? {
        Some(event) => relay(&event, log, rows),
        None => other(log, rows),
    }
    Ok(None)
}

fn decode_registry(log: &Log<'_>, rows: &mut Rows) -> anyhow::Result<Option<Event>> {
    // Nearly every log is one: it is read without taking it apart first.
    if log.topics.first() == Some(&Registry::HeartbeatReceived::SIGNATURE_HASH) {
        let (tee_id, signed_at) = heartbeat(log).ok_or_else(|| log.undecodable("it is no canonical heartbeat"))?;
        fact! { rows, log.at, heartbeat_received { tee_id, signed_at } }
        return Ok(None);
    }
    match known::<RegistryEvents>(RegistryEvents::SELECTORS, log)? {
        Some(event) => Ok(registry(event, log, rows)),
        None => {
            other(log, rows);
            Ok(None)
        }
    }
}

/// Enclave and signed time; a time that no clock shows was not signed by an enclave that the registry checked.
fn heartbeat(log: &Log<'_>) -> Option<(B256, i64)> {
    let [_, tee_id] = log.topics else { return None };
    let (zeros, time) = log.data.split_at_checked(24)?;
    let signed_at = i64::try_from(u64::from_be_bytes(time.try_into().ok()?)).ok()?;
    zeros.iter().all(|byte| *byte == 0).then_some((*tee_id, signed_at))
}

/// An event of the interface, bit for bit as Solidity would have emitted it; none for a log of another event.
fn known<E: SolEventInterface + IntoLogData>(selectors: &[[u8; 32]], log: &Log<'_>) -> anyhow::Result<Option<E>> {
    if !log.topics.first().is_some_and(|topic| selectors.contains(&topic.0)) {
        return Ok(None);
    }
    let data = log.to_data();
    let valid = with_valid_text(&data).unwrap_or(data);
    let event = E::decode_raw_log(valid.topics(), &valid.data).map_err(|error| log.undecodable(error.to_string()))?;
    if event.to_log_data() == valid {
        Ok(Some(event))
    } else {
        Err(log.undecodable("topics or data are not canonical").into())
    }
}

fn registry(event: RegistryEvents, log: &Log<'_>, rows: &mut Rows) -> Option<Event> {
    let at = log.at;
    match event {
        // Read before it came here.
        RegistryEvents::HeartbeatReceived(_) => {}
        RegistryEvents::TEETypeAdded(e) => fact! { rows, at, tee_type_added { type_id: e.typeId, name: e.name } },
        RegistryEvents::TEERegistered(e) => {
            let (tee_id, owner, tee_type) = (e.teeId, e.owner, e.teeType);
            fact! { rows, at, tee_registered { tee_id, owner, tee_type } }
            return Some(Event::Registered {
                tee_id,
                owner,
                tee_type,
                details: Details::Unknown,
            });
        }
        RegistryEvents::TEEEnabled(e) => {
            fact! { rows, at, tee_enabled { tee_id: e.teeId } }
            return Some(Event::Enabled(e.teeId));
        }
        RegistryEvents::TEEDisabled(e) => {
            fact! { rows, at, tee_disabled { tee_id: e.teeId } }
            return Some(Event::Disabled(e.teeId));
        }
        RegistryEvents::PCRApproved(e) => {
            fact! { rows, at, pcr_approved { pcr_hash: e.pcrHash, tee_type: e.teeType, version: e.version } }
        }
        RegistryEvents::PCRRevoked(e) => {
            let (pcr_hash, tee_type) = (e.pcrHash, e.teeType);
            fact! { rows, at, pcr_revoked { pcr_hash, tee_type } }
            return Some(Event::Revoked { pcr_hash, tee_type });
        }
        RegistryEvents::RoleGranted(e) => {
            fact! { rows, at, tee_role_granted { contract: log.address, role: e.role, account: e.account, sender: e.sender } }
        }
        RegistryEvents::RoleRevoked(e) => {
            fact! { rows, at, tee_role_revoked { contract: log.address, role: e.role, account: e.account, sender: e.sender } }
        }
    }
    None
}

fn relay(event: &RelayEvents, log: &Log<'_>, rows: &mut Rows) {
    let at = log.at;
    match event {
        RelayEvents::BatchSettlement(e) => {
            fact! { rows, at, batch_settlement {
                merkle_root: e.merkleRoot, batch_size: e.batchSize, blob_id: e.walrusBlobId.to_vec(),
            } }
        }
        RelayEvents::IndividualSettlement(e) => {
            fact! { rows, at, individual_settlement {
                tee_id: e.teeId, account: e.ethAddress, input_hash: e.inputHash, output_hash: e.outputHash,
                timestamp: e.timestamp, blob_id: e.walrusBlobId.to_vec(), signature: e.signature.to_vec(),
                receipt_id: receipt_id(e),
            } }
        }
        RelayEvents::RoleGranted(e) => {
            fact! { rows, at, tee_role_granted { contract: log.address, role: e.role, account: e.account, sender: e.sender } }
        }
        RelayEvents::RoleRevoked(e) => {
            fact! { rows, at, tee_role_revoked { contract: log.address, role: e.role, account: e.account, sender: e.sender } }
        }
    }
}

fn other(log: &Log<'_>, rows: &mut Rows) {
    let topics: Vec<u8> = log.topics.iter().flat_map(|topic| topic.0).collect();
    fact! { rows, log.at, other_log { contract: log.address, topics, data: log.data.to_vec() } }
}
