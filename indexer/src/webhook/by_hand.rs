//! What a person does with messages that were given up: look at them and have them sent again.

use anyhow::Context;
use sqlx::ConnectOptions as _;

use crate::database;

/// Most messages listed at once, the oldest.
const LISTED: i64 = 1_000;

/// A message that was given up.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Dead {
    /// Id of the alert.
    pub alert: String,
    /// Whether it raises or retracts the alert.
    pub event: String,
    /// Scheme and host of the webhook.
    pub host: String,
    /// Beginning of the hash of the webhook's URL.
    pub webhook: String,
    pub attempts: i32,
    /// Why the last attempt failed.
    pub last_error: String,
    /// Unix seconds.
    pub ended_at: i64,
}

/// Messages that were given up, oldest first.
pub async fn dead(database_url: &str) -> anyhow::Result<Vec<Dead>> {
    let mut db = database::options(database_url)?
        .connect()
        .await
        .context("connect to the database")?;
    sqlx::query_as!(
        Dead,
        r#"select m.alert, m.event as "event!", w.host, m.webhook, m.attempts, coalesce(m.last_error, '') as "last_error!",
                  extract(epoch from m.ended_at)::bigint as "ended_at!"
           from webhook_message m join webhook w using (webhook)
           where m.state = 'dead' order by m.place limit $1"#,
        LISTED
    )
    .fetch_all(&mut db)
    .await
    .context("list messages that were given up")
}

/// Has the messages of an alert sent again that were given up, or those of all alerts; returns how many they are.
pub async fn retry(database_url: &str, alert: Option<&str>) -> anyhow::Result<u64> {
    let mut db = database::options(database_url)?
        .connect()
        .await
        .context("connect to the database")?;
    let changed = sqlx::query!(
        "update webhook_message set state = 'pending', ended_at = null, attempts = 0, next_attempt_at = now()
         where state = 'dead' and ($1::text is null or alert = $1)",
        alert
    )
    .execute(&mut db)
    .await
    .context("queue messages again")?;
    Ok(changed.rows_affected())
}
