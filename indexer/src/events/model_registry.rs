//! Events of `ModelRegistry`.

use alloy::primitives::Address;
use plumbline_protocol::ModelRegistry::ModelRegistryEvents as Events;

use super::name_of;
use crate::book::{Book, Page};
use crate::rows::fact;

/// `IModelRegistry.Mode` by its number.
const MODES: [&str; 4] = ["reexecution", "tolerance", "attested", "proof"];

pub(super) fn fact(event: &Events, page: &mut Page<'_>) -> anyhow::Result<()> {
    let Page { rows, at, .. } = page;
    match event {
        Events::ModelRegistered(e) => {
            fact! { rows, at, model_registered {
                publisher: e.publisher, model_id: e.modelId, parent: e.parent, salt: e.salt,
            } }
        }
        Events::VersionPublished(e) => {
            let mode = name_of(&MODES, e.mode).ok_or_else(|| at.inconsistent(format!("{} is no mode", e.mode)))?;
            fact! { rows, at, version_published {
                model_id: e.modelId, version: e.version, weights_digest: e.weightsDigest, mode,
                royalty_bps: e.royaltyBps, uri: e.uri,
            } }
        }
        Events::ModelRetired(e) => fact! { rows, at, model_retired { model_id: e.modelId } },
        Events::PublisherTransferStarted(e) => {
            fact! { rows, at, publisher_transfer_started {
                publisher: e.publisher, pending_publisher: e.pendingPublisher, model_id: e.modelId,
            } }
        }
        Events::PublisherTransferred(e) => {
            fact! { rows, at, publisher_transferred {
                previous_publisher: e.previousPublisher, publisher: e.publisher, model_id: e.modelId,
            } }
        }
    }
    Ok(())
}

pub(super) async fn apply(event: &Events, book: &mut Book<'_>) -> anyhow::Result<()> {
    match event {
        Events::ModelRegistered(e) => {
            book.model(e.modelId).await?.publisher = e.publisher;
            book.network().await?.models += 1;
        }
        Events::VersionPublished(e) => book.model(e.modelId).await?.versions = i64::from(e.version),
        Events::ModelRetired(e) => {
            book.model(e.modelId).await?.retired = true;
            book.network().await?.models_retired += 1;
        }
        Events::PublisherTransferStarted(e) => book.model(e.modelId).await?.pending_publisher = e.pendingPublisher,
        Events::PublisherTransferred(e) => {
            let model = book.model(e.modelId).await?;
            model.publisher = e.publisher;
            model.pending_publisher = Address::ZERO;
        }
    }
    Ok(())
}
