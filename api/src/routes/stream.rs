//! The stream: what happens, as it happens, in server-sent events.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::IntoParams;

use super::events::{EventKind, Head, Reorg, StreamMessage};
use crate::error::{Error, Problems, Result};
use crate::extract::{Fields, Flag};
use crate::stream::{Event, EventId, Hub, News, Place, Reader};
use crate::value::Address;

pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a reader that lost its connection should wait.
const RETRY: Duration = Duration::from_secs(2);
/// Proxies that hold answers back until they are whole would hold back all of it.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Follow {
    /// Only these kinds of events, separated by commas.
    #[param(value_type = Option<Vec<EventKind>>, inline, explode = false)]
    types: Option<Kinds>,
    /// Only events of this operator.
    #[param(value_type = Option<String>)]
    operator: Option<Address>,
    /// Only events of finalized blocks: later, and never taken back.
    #[param(value_type = Option<bool>, default = false)]
    finalized: Option<Flag>,
    /// Id of the last event that was read. The header `Last-Event-ID` goes before it.
    #[param(value_type = Option<String>, pattern = "^[0-9]+:[0-9]+(:[0-9a-f]{8})?$")]
    after: Option<EventId>,
}

/// Kinds of events, separated by commas.
struct Kinds(Vec<EventKind>);

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let kind = |name: &str| {
            let found = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
            found.ok_or_else(|| {
                let names = EventKind::ALL.map(EventKind::name).join(", ");
                de::Error::custom(format!("`{name}` is no kind of event; there are {names}"))
            })
        };
        text.split(',').map(kind).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Follow {
    fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self> {
        let mut fields = Fields::of(uri)?;
        let mut follow = Self {
            types: fields.take("types")?,
            operator: fields.take("operator")?,
            finalized: fields.take("finalized")?,
            after: fields.take("after")?,
        };
        fields.finish()?;
        if let Some(id) = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) {
            let id = id.to_str().map_err(|_| "it is not ASCII".to_owned());
            let id = id
                .and_then(EventId::from_str)
                .map_err(|reason| Error::InvalidParameter {
                    name: "Last-Event-ID",
                    reason: format!("`Last-Event-ID`: {reason}"),
                });
            follow.after = Some(id?);
        }
        Ok(follow)
    }

    fn wants(&self, event: &Event) -> bool {
        let kind = self.types.as_ref().is_none_or(|kinds| kinds.0.contains(&event.kind));
        kind && self.operator.is_none_or(|operator| event.operator == Some(operator))
    }
}

/// What happens, as it happens.
///
/// Server-sent events: `event` is the type of the message in `data`, `id` is `block:log_index:mark`, where the mark is the
/// end of the block's hash. A reader that comes back with `Last-Event-ID` is told everything behind it, whatever time
/// has passed; where several messages belong to one log, the last of them carries the id. `head` tells up to which block
/// everything was told. `reorg` tells that blocks above one were replaced: forget what was told of them, what follows is
/// told anew. Without an id the stream begins with what is new. A comment every 15 seconds shows that it lives.
#[utoipa::path(
    get, path = "/v1/stream", operation_id = "follow_stream", tag = "stream",
    params(Follow, ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was read")),
    responses(
        (status = 200, body = StreamMessage, content_type = "text/event-stream", description = "One message after the other, without end"),
        Problems
    )
)]
pub(super) async fn follow(State(hub): State<Hub>, uri: Uri, headers: HeaderMap) -> Result<Response> {
    let follow = Follow::read(&uri, &headers)?;
    let finalized = follow.finalized.is_some_and(|flag| flag.0);
    let reader = hub.subscribe(follow.after, finalized).await?;
    let sent = stream::unfold((reader, follow), |(mut reader, follow)| async move {
        let batch = next(&mut reader, &follow).await?;
        Some((stream::iter(batch), (reader, follow)))
    });
    let first = stream::iter([Sent::default().retry(RETRY)]);
    let sent = first.chain(sent.flatten()).map(Ok::<_, Infallible>);
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let answer = Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive"));
    Ok(([no_store, UNBUFFERED], answer).into_response())
}

/// The next messages; nothing at the stream's end. Whoever finds it ended comes back with the id it has.
async fn next(reader: &mut Reader, follow: &Follow) -> Option<Vec<Sent>> {
    loop {
        let news = match reader.next().await {
            Ok(news) => news?,
            Err(error) => {
                tracing::debug!(%error, "a stream is ended");
                return None;
            }
        };
        match news {
            News::Events(events) => {
                let wanted: Vec<_> = events.into_iter().filter(|event| follow.wants(event)).collect();
                if !wanted.is_empty() {
                    return Some(write(&wanted));
                }
            }
            News::Head(tip, finalized_number) => {
                let message = StreamMessage::Head(Head {
                    block_number: tip.number,
                    block_hash: tip.hash,
                    block_time: tip.time,
                    finalized_number,
                });
                let id = EventId::new(Place::end_of(tip.number), &tip.hash);
                return Some(vec![sent("head", &message)?.id(id.to_string())]);
            }
            News::Reorg(block_number) => {
                return Some(vec![sent("reorg", &StreamMessage::Reorg(Reorg { block_number }))?]);
            }
        }
    }
}

/// Only the last message of a log carries its id: whoever comes back after another one is told the whole log again.
fn write(events: &[std::sync::Arc<Event>]) -> Vec<Sent> {
    let messages = events.iter().enumerate().map(|(at, event)| {
        let sent = Sent::default().event(event.kind.name()).data(&event.json);
        match events.get(at + 1) {
            Some(next) if next.place == event.place => sent,
            Some(_) | None => sent.id(EventId::new(event.place, &event.hash).to_string()),
        }
    });
    messages.collect()
}

fn sent(name: &str, message: &impl Serialize) -> Option<Sent> {
    let json = serde_json::to_string(message)
        .map_err(|error| Error::internal(&error))
        .ok()?;
    Some(Sent::default().event(name).data(json))
}
