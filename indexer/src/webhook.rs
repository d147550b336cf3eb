//! Posts alerts to webhooks: each at least once, in order, from rows in the database, beside the follower and never in its way.

mod by_hand;
mod options;
mod queue;
mod send;

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use rand::RngExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database;
use crate::metrics::{self, Delivery};
use options::Target;

pub use by_hand::{Dead, dead, retry};
pub use options::{Kind, Webhooks};

/// How often a sender looks for new alerts and messages that are due.
const PAUSE: Duration = Duration::from_millis(500);
/// A pause between attempts does not grow beyond this, whatever the receiver asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// After an error of the database, before it is tried again.
const DATABASE_PAUSE: Duration = Duration::from_secs(2);

/// Starts a sender for each webhook; they end with the token, or when the set is dropped. What is wrong with the options is
/// an error at once.
pub(crate) fn start(config: &Config, cancel: &CancellationToken) -> anyhow::Result<JoinSet<()>> {
    let mut senders = JoinSet::new();
    if config.rewind_to.is_some() {
        return Ok(senders);
    }
    for target in config.webhooks.targets()? {
        let http = send::client()?;
        let database = database::options(&config.database_url)?.application_name("plumbline webhook");
        let cancel = cancel.clone();
        senders.spawn(async move {
            cancel.run_until_cancelled(forever(&target, &http, &database)).await;
        });
    }
    Ok(senders)
}

/// Whatever the database does, alerts wait in it: a sender says so and comes back.
async fn forever(target: &Target, http: &reqwest::Client, database: &PgConnectOptions) {
    loop {
        let Err(error) = deliver(target, http, database).await;
        tracing::warn!(
            webhook = target.host,
            error = format!("{error:#}"),
            "alerts wait; nothing was lost, trying again"
        );
        tokio::time::sleep(DATABASE_PAUSE).await;
    }
}

async fn deliver(target: &Target, http: &reqwest::Client, database: &PgConnectOptions) -> anyhow::Result<Infallible> {
    let mut db = database.connect().await.context("connect to the database")?;
    // A standby waits here for as long as the first sender lives.
    while !(queue::exists(&mut db).await? && queue::lock(&mut db, target).await?) {
        tokio::time::sleep(PAUSE).await;
    }
    tracing::info!(webhook = target.host, id = target.id, "sending alerts");
    let mut seen = None;
    loop {
        seen = queue::refresh(&mut db, target, seen).await?;
        // A reorg may come while a receiver is slow, so the queue is looked at anew before every message.
        if !attempt(&mut db, target, http).await? {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Attempts the first message of the queue if it is due; false when there was nothing to do.
async fn attempt(db: &mut PgConnection, target: &Target, http: &reqwest::Client) -> anyhow::Result<bool> {
    let message = queue::claim(db, target).await?;
    let backlog = queue::backlog(db, target).await?;
    metrics::webhook_backlog(&target.host, backlog.pending, backlog.dead, backlog.oldest_seconds);
    let Some(message) = message else { return Ok(false) };
    match send::post(http, target, &message).await? {
        Ok(()) => {
            queue::delivered(db, target, &message).await?;
            metrics::webhook_attempted(&target.host, Delivery::Delivered);
        }
        Err(failure) => {
            let pause = (message.attempt < target.attempts).then(|| pause(target, &message, &failure));
            queue::failed(db, target, &message, &failure.reason, pause).await?;
            let delivery = if pause.is_some() {
                Delivery::Failed
            } else {
                Delivery::Dead
            };
            metrics::webhook_attempted(&target.host, delivery);
            tracing::warn!(
                webhook = target.host,
                message = message.id(),
                attempt = message.attempt,
                reason = failure.reason,
                retry_in_ms = pause.map(|pause| pause.as_millis() as u64),
                "an alert was not taken{}",
                if pause.is_some() {
                    ""
                } else {
                    "; it is set aside, see `plumbline alerts`"
                }
            );
        }
    }
    Ok(true)
}

/// Doubles with each attempt, by chance shortened to as little as half: receivers that fail together are not asked together.
fn pause(target: &Target, message: &queue::Message, failure: &send::Failure) -> Duration {
    let doublings = message.attempt.saturating_sub(1).min(20);
    let doubled = target.first_pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let jittered = doubled.mul_f64(rand::rng().random_range(0.5..=1.0));
    jittered.max(failure.retry_after.unwrap_or_default().min(LONGEST_PAUSE))
}
