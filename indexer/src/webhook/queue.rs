//! The queue of messages to one webhook: rows, so that neither a crash nor a reorg loses one.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::options::Target;

/// What a round of queueing depends on: when it is as before, there is nothing to queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    tip: i64,
    tip_hash: [u8; 32],
    finalized: i64,
}

/// A message whose turn it is.
pub(super) struct Message {
    pub(super) alert: String,
    pub(super) sequence: i32,
    pub(super) event: String,
    pub(super) body: Value,
    /// This one included.
    pub(super) attempt: u32,
}

/// How many messages wait or were given up, and for how long the oldest waits.
pub(super) struct Backlog {
    pub(super) pending: i64,
    pub(super) dead: i64,
    pub(super) oldest_seconds: f64,
}

/// Whether the indexer has made the tables yet.
pub(super) async fn exists(db: &mut PgConnection) -> anyhow::Result<bool> {
    sqlx::query_scalar!(
        r#"select to_regclass('webhook_message') is not null and to_regclass('alert') is not null as "exists!""#
    )
    .fetch_one(db)
    .await
    .context("look for the tables of alerts")
}

/// Takes the part of a webhook's only sender, for as long as the connection lasts.
pub(super) async fn lock(db: &mut PgConnection, target: &Target) -> anyhow::Result<bool> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_lock(hashtextextended('plumbline webhook ' || $1, 0)) as "locked!""#,
        target.id
    )
    .fetch_one(db)
    .await
    .context("become the webhook's sender")
}

/// What the indexer has written up to now; nothing before its first block.
pub(super) async fn sight(db: &mut PgConnection) -> anyhow::Result<Option<Sight>> {
    let row = sqlx::query!(
        r#"select b.number as tip, b.hash::bytea as "hash!", h.finalized_number as finalized
           from chain_head h cross join lateral (select number, hash from block order by number desc limit 1) b"#
    )
    .fetch_optional(db)
    .await
    .context("read the newest stored block")?;
    row.map(|row| {
        Ok(Sight {
            tip: row.tip,
            tip_hash: row
                .hash
                .as_slice()
                .try_into()
                .context("read the hash of the newest block")?,
            finalized: row.finalized,
        })
    })
    .transpose()
}

/// Queues what is new and retracts what a reorg took back, as of one moment; returns what it saw.
pub(super) async fn refresh(
    db: &mut PgConnection,
    target: &Target,
    before: Option<Sight>,
) -> anyhow::Result<Option<Sight>> {
    let mut transaction = db
        .begin_with("begin isolation level repeatable read")
        .await
        .context("begin a transaction")?;
    let seen = sight(&mut transaction).await?;
    if seen == before {
        return Ok(seen);
    }
    let Some(now) = seen else { return Ok(None) };
    let queued_to = queued_to(&mut transaction, target, now).await?;
    retract(&mut transaction, target, queued_to, now).await?;
    let settled = now.finalized.min(now.tip);
    raise(
        &mut transaction,
        target,
        queued_to,
        if target.unfinalized { now.tip } else { settled },
    )
    .await?;
    sqlx::query!(
        "update webhook set queued_to = greatest(queued_to, $2) where webhook = $1",
        target.id,
        settled
    )
    .execute(&mut *transaction)
    .await
    .context("note how far alerts are queued")?;
    transaction.commit().await.context("commit queued alerts")?;
    Ok(seen)
}

/// Alerts up to this block are queued for good. A new webhook begins with what is not final yet: history wakes nobody.
async fn queued_to(db: &mut PgConnection, target: &Target, now: Sight) -> anyhow::Result<i64> {
    sqlx::query_scalar!(
        "insert into webhook (webhook, host, queued_to) values ($1, $2, $3)
         on conflict (webhook) do update set host = excluded.host
         returning queued_to",
        target.id,
        target.host,
        now.finalized
    )
    .fetch_one(db)
    .await
    .context("read how far alerts are queued")
}

/// Messages whose block another one has replaced: what nobody can have seen is dropped, the rest is retracted.
async fn retract(db: &mut PgConnection, target: &Target, queued_to: i64, now: Sight) -> anyhow::Result<()> {
    let changed = sqlx::query!(
        "with lost as (
             select m.alert, m.sequence, m.first_attempt_at
             from webhook_message m
             where m.webhook = $1 and m.block_number > $2 and m.block_number <= $3 and m.event = 'raised'
               and not exists (select from webhook_message n
                               where n.webhook = m.webhook and n.alert = m.alert and n.sequence > m.sequence)
               and not exists (select from block b where b.number = m.block_number and b.hash = m.block_hash)
         ), dropped as (
             delete from webhook_message m using lost l
             where m.webhook = $1 and m.alert = l.alert and m.sequence = l.sequence and l.first_attempt_at is null
         ), withdrawn as (
             update webhook_message m set state = 'withdrawn', ended_at = now()
             from lost l
             where m.webhook = $1 and m.alert = l.alert and m.sequence = l.sequence and l.first_attempt_at is not null
               and m.state in ('pending', 'dead')
         )
         insert into webhook_message (webhook, alert, sequence, block_number, block_hash, body)
         select m.webhook, m.alert, m.sequence + 1, m.block_number, m.block_hash, m.body
         from webhook_message m join lost l on m.webhook = $1 and m.alert = l.alert and m.sequence = l.sequence
         where l.first_attempt_at is not null
         order by m.place desc",
        target.id,
        queued_to,
        now.tip
    )
    .execute(db)
    .await
    .context("retract alerts that a reorg took back")?;
    if changed.rows_affected() != 0 {
        tracing::info!(
            webhook = target.host,
            alerts = changed.rows_affected(),
            "a reorg took alerts back"
        );
    }
    Ok(())
}

/// Queues the alerts of blocks above one and up to another that are not raised already.
async fn raise(db: &mut PgConnection, target: &Target, above: i64, up_to: i64) -> anyhow::Result<()> {
    sqlx::query!(
        r#"insert into webhook_message (webhook, alert, sequence, block_number, block_hash, body)
           select $1, a.id, coalesce(newest.sequence + 1, 0), a.block_number, a.block_hash,
                  jsonb_build_object(
                      'id', a.id, 'kind', a.kind, 'chain_id', d.chain_id,
                      'operator', '0x' || encode(a.operator, 'hex'), 'period', a.period,
                      'block_number', a.block_number, 'block_hash', '0x' || encode(a.block_hash, 'hex'),
                      'block_time', to_char(to_timestamp(a.block_time) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                      'log_index', a.log_index, 'tx_hash', '0x' || encode(a.tx_hash, 'hex'), 'detail', a.detail)
           from alert a
           cross join deployment d
           left join lateral (
               select sequence, event from webhook_message m
               where m.webhook = $1 and m.alert = a.id order by sequence desc limit 1
           ) newest on true
           where a.block_number > $2 and a.block_number <= $3 and a.kind = any($4)
             and newest.event is distinct from 'raised'
           order by a.block_number, a.log_index nulls last, a.id"#,
        target.id,
        above,
        up_to,
        &target.kinds,
    )
    .execute(db)
    .await
    .context("queue alerts")?;
    Ok(())
}

/// The first message, once it is due. The attempt is counted before it is made, so that no crash makes it look unseen.
pub(super) async fn claim(db: &mut PgConnection, target: &Target) -> anyhow::Result<Option<Message>> {
    let row = sqlx::query!(
        r#"update webhook_message m
           set attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, now())
           from (select alert, sequence, next_attempt_at from webhook_message
                 where webhook = $1 and state = 'pending' order by place limit 1) first
           where m.webhook = $1 and m.alert = first.alert and m.sequence = first.sequence and first.next_attempt_at <= now()
           returning m.alert, m.sequence, m.event as "event!", m.body, m.attempts"#,
        target.id
    )
    .fetch_optional(db)
    .await
    .context("take the next message of a webhook")?;
    row.map(|row| {
        Ok(Message {
            alert: row.alert,
            sequence: row.sequence,
            event: row.event,
            body: row.body,
            attempt: u32::try_from(row.attempts)?,
        })
    })
    .transpose()
}

/// The receiver has acknowledged a message.
pub(super) async fn delivered(db: &mut PgConnection, target: &Target, message: &Message) -> anyhow::Result<()> {
    sqlx::query!(
        "update webhook_message set state = 'delivered', ended_at = now(), last_error = null
         where webhook = $1 and alert = $2 and sequence = $3 and state = 'pending'",
        target.id,
        message.alert,
        message.sequence
    )
    .execute(db)
    .await
    .context("note a delivered message")?;
    Ok(())
}

/// An attempt failed: it is made again after a pause, or with no pause given never.
pub(super) async fn failed(
    db: &mut PgConnection,
    target: &Target,
    message: &Message,
    error: &str,
    pause: Option<Duration>,
) -> anyhow::Result<()> {
    sqlx::query!(
        "update webhook_message
         set state = case when $5::float8 is null then 'dead' else 'pending' end,
             ended_at = case when $5 is null then now() end,
             next_attempt_at = now() + coalesce($5, 0) * interval '1 second',
             last_error = $4
         where webhook = $1 and alert = $2 and sequence = $3 and state = 'pending'",
        target.id,
        message.alert,
        message.sequence,
        error,
        pause.map(|pause| pause.as_secs_f64())
    )
    .execute(db)
    .await
    .context("note a failed attempt")?;
    Ok(())
}

/// What waits for a webhook and what was given up.
pub(super) async fn backlog(db: &mut PgConnection, target: &Target) -> anyhow::Result<Backlog> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) filter (where state = 'pending') as "pending!", count(*) filter (where state = 'dead') as "dead!",
                  coalesce(extract(epoch from now() - min(queued_at) filter (where state = 'pending')), 0)::float8
                    as "oldest_seconds!"
           from webhook_message where webhook = $1 and state in ('pending', 'dead')"#,
        target.id
    )
    .fetch_one(db)
    .await
    .context("count the messages of a webhook")
}
