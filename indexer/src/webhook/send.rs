//! One attempt: a signed request, and what its answer means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::Address;
use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::Mac as _;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use serde_json::Value;

use super::options::Target;
use super::queue::Message;

/// A receiver acknowledges first and works afterwards; one that takes longer is treated as down.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why an attempt failed, in words that hold no part of the URL but its host.
pub(super) struct Failure {
    pub(super) reason: String,
    /// Pause that the receiver asked for.
    pub(super) retry_after: Option<Duration>,
}

pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    plumbline_protocol::rpc::install_tls();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        // What is signed for one place is not handed on to another.
        .redirect(Policy::none())
        .user_agent(concat!("plumbline/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("make an HTTP client")
}

impl Message {
    /// The same in every attempt: by it a receiver knows a message that it has had.
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.alert, self.sequence)
    }

    fn body(&self) -> anyhow::Result<Vec<u8>> {
        let mut body = self.body.clone();
        body["event"] = Value::from(self.event.as_str());
        if let Some(operator) = body["operator"].as_str() {
            let address: Address = operator.parse().context("read the operator of an alert")?;
            body["operator"] = Value::from(address.to_checksum(None));
        }
        serde_json::to_vec(&body).context("write an alert as JSON")
    }
}

/// Posts a message; every answer but a 2xx is a failure.
pub(super) async fn post(
    http: &reqwest::Client,
    target: &Target,
    message: &Message,
) -> anyhow::Result<Result<(), Failure>> {
    let (id, body) = (message.id(), message.body()?);
    let timestamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("read the clock")?
        .as_secs()
        .to_string();
    let mut mac = target.key.clone();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", &body] {
        mac.update(part);
    }
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    let answer = http
        .post(target.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", signature)
        .header("idempotency-key", &id)
        .body(body)
        .send()
        .await;
    Ok(match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(Failure {
            reason: format!("it answered {}", answer.status()),
            retry_after: answer
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map(Duration::from_secs),
        }),
        Err(error) => Err(Failure {
            reason: reason(&error.without_url()),
            retry_after: None,
        }),
    })
}

fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    // The innermost cause says most.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    format!("{what}: {cause}")
}
