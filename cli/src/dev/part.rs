//! A part of the system that runs in this process, from its start to its end in good order.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Parts bound their own endings below this; what takes longer hangs.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Part {
    pub(super) fn start<F>(name: &'static str, run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self {
            name,
            task: tokio::spawn(run(stop.clone())),
            stop,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until the part ends without having been asked to, and says why.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Ok(())) => anyhow!("the {} ended by itself", self.name),
            Ok(Err(error)) => error.context(format!("the {} stopped", self.name)),
            Err(panic) => anyhow!(panic).context(format!("the {} broke down", self.name)),
        }
    }

    /// Asks the part to end and waits for it.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if self.task.is_finished() {
            return Ok(());
        }
        self.stop.cancel();
        match tokio::time::timeout(STOP_TIMEOUT, &mut self.task).await {
            Ok(ended) => ended
                .with_context(|| format!("the {} broke down", self.name))?
                .with_context(|| format!("stop the {}", self.name)),
            Err(_) => {
                self.task.abort();
                Err(anyhow!(
                    "the {} did not stop within {STOP_TIMEOUT:?} and was cut off",
                    self.name
                ))
            }
        }
    }
}
