//! Alerts: what somebody may want to be woken for, and what became of the messages that tell of them.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Problems, Result};
use crate::extract::{Fields, Limit, Parameters};
use crate::stream::Place;
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, History, Paging, View};

/// What becomes of messages changes without a new block.
const NO_STORE: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// `slash`: an operator was punished. `drift`: a detector of an operator crossed its threshold. `incident`: an operator went
/// down or came up again. `network`: a detector of the network crossed its threshold, or much of it failed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum AlertKind {
    Slash,
    Drift,
    Incident,
    Network,
}

impl AlertKind {
    fn name(self) -> &'static str {
        match self {
            Self::Slash => "slash",
            Self::Drift => "drift",
            Self::Incident => "incident",
            Self::Network => "network",
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct List {
    /// Only alerts of this kind.
    #[param(inline)]
    kind: Option<AlertKind>,
}

impl Parameters for List {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            kind: fields.take("kind")?,
        })
    }
}

/// Something happened that somebody may want to know at once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alert {
    /// Names what, where and on which fork; the same for ever.
    #[schema(example = "slash:1234:7:9f3c2a1b5d6e7f80")]
    id: String,
    kind: AlertKind,
    /// Null when it is the network.
    pub(super) operator: Option<Address>,
    /// Null for a punishment of no period.
    period: Option<i64>,
    /// What the kind tells: the fault and what it took; the channel, its statistic and threshold; begin or end of an outage.
    #[schema(value_type = Object)]
    detail: Value,
    block_number: i64,
    pub(super) block_hash: Hash,
    block_time: Timestamp,
    /// Null for what a closed period tells, as the next.
    pub(super) log_index: Option<i32>,
    tx_hash: Option<Hash>,
}

/// Alerts, newest first.
///
/// History: `finalized` defaults to true.
#[utoipa::path(
    get, path = "/v1/alerts", operation_id = "list_alerts", tag = "operators",
    params(List, Paging, History),
    responses((status = 200, body = Envelope<Vec<Alert>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Alert>>> {
    let (block, id) = view.key::<(i64, Option<String>)>()?.unwrap_or((view.at.block(), None));
    let kind = view.parameters.kind.map(AlertKind::name);
    // Each source tells by its index which blocks before the cursor's can be on the page; the alerts of these blocks and of the
    // cursor's are read, block by block (`offset 0` has the planner do so), and no others.
    let mut alerts = sqlx::query_as!(
        Alert,
        r#"select a.id as "id!", a.kind as "kind!: AlertKind", a.operator as "operator: Address", a.period,
                  a.detail as "detail!", a.block_number as "block_number!", a.block_hash as "block_hash!: Hash",
                  a.block_time as "block_time!: Timestamp", a.log_index, a.tx_hash as "tx_hash: Hash"
           from (select period from network_period where closed_by_block < $1
                 order by closed_by_block desc, period desc limit 1) last
           right join lateral (select $1::bigint as number) cursor on true
           cross join lateral (
               select number from (
                   select cursor.number
                   union
                   (select block_number from downtime_punished
                    where block_number < $1 and coalesce($3, 'slash') = 'slash'
                    order by block_number desc, log_index desc limit $4)
                   union
                   (select block_number from fault_punished
                    where block_number < $1 and coalesce($3, 'slash') = 'slash'
                    order by block_number desc, log_index desc limit $4)
                   union
                   select (select closed_by_block from network_period p where p.period = t.period) from (
                       (select period from drift_alarm
                        where period <= last.period and coalesce($3, 'drift') = 'drift'
                        order by period desc, slot desc limit $4)
                       union
                       (select period from incident
                        where period <= last.period and coalesce($3, 'incident') = 'incident'
                        order by period desc, slot desc limit $4)
                       union
                       (select ended_period from incident_end
                        where ended_period <= last.period and coalesce($3, 'incident') = 'incident'
                        order by ended_period desc limit $4)
                       union
                       (select period from network_alarm
                        where period <= last.period and coalesce($3, 'network') = 'network'
                        order by period desc, ordinal desc limit $4)
                   ) t
               ) candidate
               order by number desc limit $4 + 1
           ) page
           cross join lateral (select * from alert where block_number = page.number offset 0) a
           where ($3::text is null or a.kind = $3) and (a.block_number < $1 or $2::text is null or a.id < $2)
           order by a.block_number desc, a.id desc limit $4"#,
        block,
        id,
        kind,
        view.limit.probe(),
    )
    .fetch_all(&mut *view.db)
    .await?;
    let next = view.cut(&mut alerts, |alert| (alert.block_number, Some(alert.id.clone())))?;
    Ok(view.answer(alerts).next(next))
}

/// Up to which block the alerts behind a place can be read at once: some hundred punishments and some periods.
pub(super) async fn readable_until(db: &mut PgConnection, after: Place, last: i64) -> Result<i64> {
    const MAX_PUNISHMENTS: i64 = 500;
    const MAX_PERIODS: i64 = 20;
    let block = sqlx::query_scalar!(
        r#"select least($4,
               (select block_number from downtime_punished where (block_number, log_index) > ($1, $2)
                order by block_number, log_index offset $5 limit 1),
               (select block_number from fault_punished where (block_number, log_index) > ($1, $2)
                order by block_number, log_index offset $5 limit 1),
               (select closed_by_block from network_period where closed_by_block >= $3
                order by closed_by_block offset $6 limit 1)) as "block!""#,
        after.block,
        after.log,
        after.following_block(),
        last,
        MAX_PUNISHMENTS,
        MAX_PERIODS,
    )
    .fetch_one(db)
    .await?;
    Ok(block)
}

/// The alerts behind a place and up to a block.
pub(super) async fn behind(db: &mut PgConnection, after: Place, last: i64) -> Result<Vec<Alert>> {
    let mut alerts = sqlx::query_as!(
        Alert,
        r#"select id as "id!", kind as "kind!: AlertKind", operator as "operator: Address", period, detail as "detail!",
                  block_number as "block_number!", block_hash as "block_hash!: Hash",
                  block_time as "block_time!: Timestamp", log_index, tx_hash as "tx_hash: Hash"
           from alert where block_number >= $1 and block_number <= $2 order by block_number, id"#,
        after.following_block(),
        last,
    )
    .fetch_all(db)
    .await?;
    alerts.retain(|alert| alert.place() > after);
    Ok(alerts)
}

impl Alert {
    /// Where the stream tells it: what a closed period tells, at the end of the block that closed it.
    pub(super) fn place(&self) -> Place {
        let of_log = self.log_index.map(|log| Place::new(self.block_number, log));
        of_log.unwrap_or(Place::end_of(self.block_number))
    }
}

/// `pending`: it waits or is tried again. `delivered`: it was acknowledged. `dead`: it was given up after many attempts.
/// `withdrawn`: a reorg took its alert back before it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum MessageState {
    Pending,
    Delivered,
    Dead,
    Withdrawn,
}

impl MessageState {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A message to a webhook. Where the webhook is, and what it answered, is told by `plumbline alerts` alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    /// Id of the alert.
    alert: String,
    /// Number of the message among those about the alert to the webhook; even ones raise it, odd ones retract it.
    sequence: i32,
    event: String,
    /// Beginning of the SHA-256 of the webhook's URL.
    webhook: String,
    state: MessageState,
    /// Since it was queued or last retried by hand.
    attempts: i32,
    queued_at: Timestamp,
    /// When it was delivered, given up or withdrawn.
    ended_at: Option<Timestamp>,
    /// Place in the order of sending, for `before`.
    place: i64,
}

/// Messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    data: Vec<Message>,
    /// `before` of the next page; null on the last.
    next_before: Option<i64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters in the document; `messages` reads them")]
pub(super) struct Which {
    /// Only messages in this state.
    #[param(inline)]
    state: Option<MessageState>,
    /// Only messages queued before this place.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
}

/// A place in the order of sending.
struct Before(i64);

impl<'de> Deserialize<'de> for Before {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let place = String::deserialize(deserializer)?.parse().ok();
        let place = place.filter(|place| *place > 0);
        place
            .map(Self)
            .ok_or_else(|| de::Error::custom("a place is a whole number above 0, as `next_before` gives it"))
    }
}

/// What became of the messages to webhooks, newest first.
#[utoipa::path(
    get, path = "/v1/alerts/messages", operation_id = "list_alert_messages", tag = "server",
    params(Which),
    responses((status = 200, body = Messages), Problems)
)]
pub(super) async fn messages(State(pool): State<PgPool>, OriginalUri(uri): OriginalUri) -> Result<impl IntoResponse> {
    let mut fields = Fields::of(&uri)?;
    let state = fields.take::<MessageState>("state")?.map(MessageState::name);
    let before = fields.take::<Before>("before")?.map_or(i64::MAX, |before| before.0);
    let limit = fields.take::<Limit>("limit")?.unwrap_or_default();
    fields.finish()?;
    let mut data = sqlx::query_as!(
        Message,
        r#"select m.alert as "alert!", m.sequence as "sequence!", m.event as "event!", m.webhook as "webhook!",
                  m.state as "state!: MessageState", m.attempts as "attempts!",
                  extract(epoch from m.queued_at)::bigint as "queued_at!: Timestamp",
                  extract(epoch from m.ended_at)::bigint as "ended_at: Timestamp", m.place as "place!"
           from (values ('pending'), ('delivered'), ('dead'), ('withdrawn')) s(state)
           cross join lateral (
               select * from webhook_message
               where state = s.state and place < $2 order by place desc limit $3
           ) m
           where $1::text is null or s.state = $1
           order by m.place desc limit $3"#,
        state,
        before,
        limit.probe(),
    )
    .fetch_all(&pool)
    .await?;
    let more = data.len() > limit.rows();
    data.truncate(limit.rows());
    let next_before = data.last().filter(|_| more).map(|message| message.place);
    Ok((NO_STORE, Json(Messages { data, next_before })))
}
