//! What a reader of the API sees, asked over HTTP like any reader does.

use std::time::{Duration, Instant};

use crate::watch::{Client, Network, group};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Between two looks for a newly closed period.
const PERIOD_POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The window of the uptime in a line.
const WINDOW: &str = "1d";

pub(super) struct Status {
    client: Client,
    begun: Instant,
    period: Option<u64>,
    /// Whether the last look failed, so that a broken API is told once and not every two seconds.
    failing: bool,
}

impl Status {
    pub(super) fn new(api_url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(api_url, WINDOW)?,
            begun: Instant::now(),
            period: None,
            failing: false,
        })
    }

    /// Waits until the API shows at least so many operators, and tells how many. Whoever waits for it looks after the
    /// parts that have to make it true.
    pub(super) async fn wait_for_operators(&mut self, least: u64) -> u64 {
        loop {
            match self.client.network().await {
                Ok(network) if network.operators >= least => {
                    self.period = network.period;
                    return network.operators;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("not ready: {error:#}"),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The line of the next period that closes.
    pub(super) async fn next_line(&mut self) -> String {
        loop {
            tokio::time::sleep(PERIOD_POLL_INTERVAL).await;
            match self.client.network().await {
                Ok(network) => {
                    self.failing = false;
                    let closed = network.period.filter(|_| network.period != self.period);
                    if let Some(period) = closed {
                        self.period = network.period;
                        return self.line(period, &network);
                    }
                }
                Err(error) if !self.failing => {
                    self.failing = true;
                    tracing::warn!("no status: {error:#}");
                }
                Err(_) => {}
            }
        }
    }

    fn line(&self, period: u64, network: &Network) -> String {
        let seconds = self.begun.elapsed().as_secs();
        let uptime = network
            .uptime
            .value
            .map_or_else(|| "–".to_owned(), |uptime| format!("{:.1} %", uptime * 100.0));
        let mut operators = format!("{} active", network.active);
        let out = [
            (network.jailed, "jailed"),
            (network.exiting, "exiting"),
            (network.tombstoned, "tombstoned"),
        ];
        for (count, status) in out {
            if count > 0 {
                operators.push_str(&format!(", {count} {status}"));
            }
        }
        format!(
            "{:>3}:{:02}  period {period}: {operators}; uptime {uptime}; {} settlements, {} slashes; lag {} blocks",
            seconds / 60,
            seconds % 60,
            group(&network.settlements.to_string()),
            network.slashes,
            network.lag_blocks,
        )
    }
}
