//! Events of `OperatorRegistry`.

use alloy::primitives::U256;
use plumbline_protocol::Contract;
use plumbline_protocol::OperatorRegistry::CommissionAnnounced;
use plumbline_protocol::OperatorRegistry::OperatorRegistryEvents as Events;

use super::authority_updated;
use crate::accounts::Status;
use crate::book::{Book, Page};
use crate::rows::fact;
use crate::sql::Uint;

pub(super) fn fact(event: &Events, page: &mut Page<'_>) {
    let Page { rows, at, .. } = page;
    match event {
        Events::OperatorRegistered(e) => {
            fact! { rows, at, operator_registered { operator: e.operator, operator_index: e.index } }
        }
        Events::KeyRotated(e) => {
            fact! { rows, at, key_rotated { operator: e.operator, previous_key: e.previousKey, key: e.key } }
        }
        Events::SettlerChanged(e) => {
            fact! { rows, at, settler_changed { operator: e.operator, settler_key: e.settlerKey } }
        }
        Events::PayoutChanged(e) => fact! { rows, at, payout_changed { operator: e.operator, payout: e.payout } },
        Events::EndpointChanged(e) => {
            fact! { rows, at, endpoint_changed { operator: e.operator, domain: e.domain, endpoint: e.endpoint } }
        }
        Events::CommissionAnnounced(e) => {
            fact! { rows, at, commission_announced {
                operator: e.operator, commission_bps: e.commissionBps, effective_at: e.effectiveAt,
            } }
        }
        Events::ModelServed(e) => {
            fact! { rows, at, model_served {
                operator: e.operator, model_id: e.modelId, version: e.version, royalty_bps: e.royaltyBps,
                price_per_unit: e.pricePerUnit,
            } }
        }
        Events::ModelUnserved(e) => fact! { rows, at, model_unserved { operator: e.operator, model_id: e.modelId } },
        Events::OperatorJailed(e) => fact! { rows, at, operator_jailed { operator: e.operator, until: e.until } },
        Events::OperatorUnjailed(e) => fact! { rows, at, operator_unjailed { operator: e.operator } },
        Events::OperatorExited(e) => fact! { rows, at, operator_exited { operator: e.operator } },
        Events::OperatorTombstoned(e) => fact! { rows, at, operator_tombstoned { operator: e.operator } },
        Events::OperatorRegistryConfigured(e) => {
            fact! { rows, at, operator_registry_configured {
                model_registry: e.modelRegistry, stake_vault: e.stakeVault, commission_delay: e.commissionDelay,
            } }
        }
        Events::AuthorityUpdated(e) => authority_updated(page, Contract::OperatorRegistry, e.authority),
        // The signing domain is fixed; the event exists only because the interface has it.
        Events::EIP712DomainChanged(_) => {}
    }
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    let timestamp = i64::try_from(book.at.timestamp)?;
    match event {
        Events::OperatorRegistered(e) => {
            let profile = book.profile(e.operator).await?;
            profile.operator_index = i64::from(e.index);
            profile.registered_at = timestamp;
            let network = book.network().await?;
            network.operators += 1;
            *network.with_status(Status::default()) += 1;
        }
        Events::KeyRotated(e) => book.profile(e.operator).await?.signing_key = e.key,
        Events::SettlerChanged(e) => book.profile(e.operator).await?.settler_key = e.settlerKey,
        Events::PayoutChanged(e) => book.profile(e.operator).await?.payout = e.payout,
        Events::EndpointChanged(e) => {
            let profile = book.profile(e.operator).await?;
            profile.domain = e.domain;
            // As the row has it, so that the state read back is the state that was written.
            profile.endpoint = e.endpoint.replace('\0', "\u{fffd}");
        }
        Events::CommissionAnnounced(e) => announce_commission(e, book).await?,
        Events::ModelServed(e) => {
            let offering = book.offering(e.operator, e.modelId).await?;
            if !offering.active {
                offering.since = timestamp;
            }
            offering.active = true;
            offering.version = i64::from(e.version);
            offering.royalty_bps = i32::from(e.royaltyBps);
            offering.price_per_unit = Uint(U256::from(e.pricePerUnit));
        }
        Events::ModelUnserved(e) => book.offering(e.operator, e.modelId).await?.active = false,
        Events::OperatorJailed(e) => {
            book.profile(e.operator).await?.jailed_until = Uint(U256::from(e.until));
            book.set_status(e.operator, Status::Jailed).await?;
        }
        Events::OperatorUnjailed(e) => book.set_status(e.operator, Status::Active).await?,
        Events::OperatorTombstoned(e) => book.set_status(e.operator, Status::Tombstoned).await?,
        Events::OperatorExited(e) => book.set_status(e.operator, Status::Exiting).await?,
        Events::OperatorRegistryConfigured(_) | Events::AuthorityUpdated(_) | Events::EIP712DomainChanged(_) => {}
    }
    Ok(())
}

/// An announcement replaces one that is still pending; one that already binds becomes the commission until the next.
async fn announce_commission(event: &CommissionAnnounced, book: &mut Book<'_>) -> anyhow::Result<()> {
    let now = U256::from(book.at.timestamp);
    let profile = book.profile(event.operator).await?;
    let announced = i32::from(event.commissionBps);
    if profile.announced_at.0 <= now {
        profile.commission_bps = profile.announced_bps;
    }
    profile.announced_bps = announced;
    profile.announced_at = Uint(U256::from(event.effectiveAt));
    if profile.announced_at.0 <= now {
        profile.commission_bps = announced;
    }
    Ok(())
}
