//! Asks the API beside the screen, so that keys are answered however slow it is.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::app::{Events, News, Place, Wanted};
use super::client::Client;
use super::snapshot::Snapshot;

/// Rows that are passed by while scrolling are not asked for.
const SETTLE: Duration = Duration::from_millis(120);

/// Polls until nobody listens any more.
pub(super) async fn poll(
    mut client: Client,
    interval: Duration,
    mut wanted: watch::Receiver<Wanted>,
    news: mpsc::Sender<News>,
) {
    loop {
        let next = Instant::now() + interval;
        match client.snapshot().await {
            Ok(mut snapshot) => {
                // At once without what is asked for row by row.
                let sent = news.send(News::Snapshot(Box::new(snapshot.clone()))).await;
                if sent.is_err() || !until(next, &mut client, &mut snapshot, &mut wanted, &news).await {
                    return;
                }
            }
            Err(error) => {
                if news.send(News::Failed(format!("{error:#}"))).await.is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = news.closed() => return,
        }
    }
}

/// Answers what is wanted until the next refresh; false when nobody listens any more.
async fn until(
    next: Instant,
    client: &mut Client,
    snapshot: &mut Snapshot,
    wanted: &mut watch::Receiver<Wanted>,
    news: &mpsc::Sender<News>,
) -> bool {
    loop {
        let now = wanted.borrow_and_update().clone();
        for told in answer(client, snapshot, &now).await {
            if news.send(told).await.is_err() {
                return false;
            }
        }
        tokio::select! {
            () = tokio::time::sleep_until(next) => return true,
            changed = wanted.changed() => if changed.is_err() { return false },
        }
        tokio::time::sleep(SETTLE).await;
    }
}

async fn answer(client: &mut Client, snapshot: &mut Snapshot, wanted: &Wanted) -> Vec<News> {
    let mut told = Vec::new();
    match events(client, &wanted.place).await {
        Ok(Some(events)) => told.push(News::Events(wanted.place.clone(), Box::new(events))),
        Ok(None) => {}
        Err(error) => return vec![News::Failed(format!("{error:#}"))],
    }
    told.push(match client.details(snapshot, &wanted.operators).await {
        Ok(()) => News::Details(Box::new(snapshot.clone())),
        Err(error) => News::Failed(format!("{error:#}")),
    });
    told
}

async fn events(client: &Client, place: &Place) -> anyhow::Result<Option<Events>> {
    let mut events = Events::default();
    match place {
        Place::Operators => return Ok(None),
        Place::Operator(id) => {
            let path = |list: &str| format!("/v1/operators/{id}/{list}");
            events.incidents = client.events(&path("incidents")).await?;
            events.slashes = client.events(&path("slashes")).await?;
            events.flows = client.events(&path("flows")).await?;
        }
        Place::Slashes => events.slashes = client.events("/v1/slashes").await?,
        Place::Flows => events.flows = client.events("/v1/flows").await?,
        Place::Alerts => events.alerts = client.events("/v1/alerts").await?,
    }
    Ok(Some(events))
}
