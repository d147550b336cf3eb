//! Follows the chain for ever: looks, waits for news, and does what mends a failure.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database;
use crate::endpoints::Endpoints;
use crate::error::{Remedy, RpcFailure};
use crate::health::{Shared, Stalled};
use crate::hint::News;
use crate::session::{Look, Session};
use crate::source::Source;
use crate::{hint, metrics};

/// Looks at a chain that changes under them, before waiting.
const MAX_LOOKS_AGAIN: u32 = 10;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Follows until cancelled; returns an error only for what waiting does not mend.
pub(crate) async fn follow<S: Source>(
    config: &Config,
    source: S,
    status: &Shared,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let news = Arc::new(News::default());
    let endpoints = Arc::new(Endpoints::new(config, Arc::new(source))?);
    let announcements = async {
        match &config.ws_url {
            Some(url) => hint::listen(url, &news).await,
            None => std::future::pending().await,
        }
    };
    let aside = async { tokio::join!(announcements, endpoints.watch()) };
    let followed = cancel.run_until_cancelled(async {
        tokio::select! {
            followed = follow_forever(config, &endpoints, status, &news) => followed,
            _ = aside => Ok(()),
        }
    });
    followed.await.unwrap_or(Ok(()))?;
    tracing::info!("stopped; the next start goes on from the last committed block");
    Ok(())
}

/// What is dropped at any await here rolls back: a range is committed whole or not at all.
async fn follow_forever<S: Source>(
    config: &Config,
    endpoints: &Arc<Endpoints<S>>,
    status: &Shared,
    news: &News,
) -> anyhow::Result<()> {
    let database = database::options(&config.database_url)?;
    let mut session: Option<Session<S>> = None;
    let mut wait = FIRST_WAIT;
    let mut looks_again = 0;
    loop {
        let looked = match &mut session {
            None => Box::pin(Session::open(config, &database, endpoints, status))
                .await
                .map(|opened| {
                    session = Some(opened);
                    Look::More
                }),
            Some(session) => tokio::select! {
                looked = Box::pin(session.look()) => looked,
                stalled = status.stalled() => Err(stalled.into()),
            },
        };
        match looked {
            Ok(look) => {
                (wait, looks_again) = (FIRST_WAIT, 0);
                if look == Look::Settled {
                    news.wait(config).await;
                }
            }
            Err(error) if Remedy::of(&error) == Remedy::Stop => return Err(error),
            Err(error) if Remedy::of(&error) == Remedy::LookAgain && looks_again < MAX_LOOKS_AGAIN => {
                looks_again += 1;
                tracing::debug!(error = format!("{error:#}"), "looking again");
            }
            Err(error) => {
                metrics::retried();
                let changed = blame(&error, endpoints, &mut session);
                let pause = if changed { Duration::ZERO } else { wait };
                let retry_in_ms = pause.as_millis() as u64;
                tracing::warn!(
                    error = format!("{error:#}"),
                    retry_in_ms,
                    "step failed; nothing was lost, trying again"
                );
                tokio::time::sleep(pause).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                looks_again = 0;
            }
        }
    }
}

/// Gives up what failed: the endpoint, or the connection to the database. True when another endpoint takes over.
fn blame<S: Source>(error: &anyhow::Error, endpoints: &Endpoints<S>, session: &mut Option<Session<S>>) -> bool {
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<RpcFailure>());
    match (failure, &session) {
        (Some(failure), Some(at)) => {
            let changed = endpoints.has_another(at.chain());
            endpoints.failed(at.chain(), failure);
            changed
        }
        (None, _) if error.chain().any(|cause| cause.is::<Stalled>()) => {
            endpoints.forget();
            *session = None;
            false
        }
        (Some(_) | None, _) => {
            *session = None;
            false
        }
    }
}
