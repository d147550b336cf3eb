//! Announcements of new blocks over a WebSocket: they only make the next look come sooner.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alloy::providers::Provider;
use futures::StreamExt;
use plumbline_protocol::rpc;
use tokio::sync::Notify;

use crate::config::Config;

/// Pause before a broken connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);
/// Polling is so many times faster while a socket that was asked for is silent.
const HASTE: u32 = 4;

/// Whether there may be a new block.
#[derive(Default)]
pub(crate) struct News {
    announced: Notify,
    subscribed: AtomicBool,
}

impl News {
    /// Until a block is announced or it is time to look all the same.
    pub(crate) async fn wait(&self, config: &Config) {
        let pause = Duration::from_millis(config.poll_interval_ms);
        let silent = config.ws_url.is_some() && !self.subscribed.load(Ordering::Relaxed);
        let pause = if silent { pause / HASTE } else { pause };
        // Running into the pause's end is the normal case: nothing was announced.
        drop(tokio::time::timeout(pause, self.announced.notified()).await);
    }
}

/// Passes on every announced block, until it is dropped.
pub(crate) async fn listen(url: &str, news: &News) {
    let endpoint = rpc::redact(url);
    loop {
        let ended = subscribe(url, news).await;
        news.subscribed.store(false, Ordering::Relaxed);
        match ended {
            Ok(()) => tracing::info!(endpoint, "announcements of new blocks ended; polling goes on"),
            Err(_) => tracing::info!(endpoint, "no announcements of new blocks; polling goes on"),
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn subscribe(url: &str, news: &News) -> anyhow::Result<()> {
    let provider = rpc::connect(url).await?;
    let mut blocks = provider.subscribe_blocks().await?.into_stream();
    news.subscribed.store(true, Ordering::Relaxed);
    while blocks.next().await.is_some() {
        news.announced.notify_one();
    }
    Ok(())
}
