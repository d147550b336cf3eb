//! Announcements of new blocks over a WebSocket: they only make the next look come sooner.

use std::sync::Arc;
use std::time::Duration;

use alloy::providers::Provider;
use futures::StreamExt;
use plumbline_protocol::rpc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Pause before a broken connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);

/// Notifies of every announced block until cancelled.
pub(crate) async fn listen(url: String, news: Arc<Notify>, cancel: CancellationToken) {
    let endpoint = rpc::redact(&url);
    let announcements = async {
        loop {
            match subscribe(&url, &news).await {
                Ok(()) => tracing::info!(endpoint, "announcements of new blocks ended; polling goes on"),
                Err(_) => tracing::info!(endpoint, "no announcements of new blocks; polling goes on"),
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    };
    cancel.run_until_cancelled(announcements).await;
}

async fn subscribe(url: &str, news: &Notify) -> anyhow::Result<()> {
    let provider = rpc::connect(url).await?;
    let mut blocks = provider.subscribe_blocks().await?.into_stream();
    while blocks.next().await.is_some() {
        news.notify_one();
    }
    Ok(())
}
