//! How often a client may ask: an allowance that refills steadily, one for each address, in a table of bounded size.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use crate::error::Error;

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Time in which a whole allowance comes back.
const WINDOW: Duration = Duration::from_secs(60);
/// Clients whose allowance is not whole; whoever comes when so many are known shares one allowance with the like.
const MAX_CLIENTS: usize = 65_536;
/// Between two searches for clients that can be forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// What watches over the server asks often and costs little.
const EXEMPT: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Requests that were refused.
const REFUSED: &str = "plumbline_http_rate_limited_total";

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The allowances of all clients.
#[derive(Clone)]
pub(crate) struct Limiter(Arc<Inner>);

struct Inner {
    /// Requests in a window.
    quota: u32,
    policy: HeaderValue,
    /// Whose word on the client's address counts.
    proxies: Vec<IpNet>,
    table: Mutex<Table>,
}

struct Table {
    /// When the allowance of a client is whole again.
    whole_at: HashMap<IpAddr, Instant>,
    swept_at: Instant,
}

/// What is left to a client.
struct Verdict {
    allowed: bool,
    remaining: u32,
    /// Until the allowance is whole; for a refused request, until the next is allowed.
    wait: Duration,
}

impl Limiter {
    /// An allowance of `quota` requests a minute.
    pub(crate) fn new(quota: u32, proxies: Vec<IpNet>) -> anyhow::Result<Self> {
        metrics::describe_counter!(
            REFUSED,
            "Requests refused because the client had used up its allowance."
        );
        Ok(Self(Arc::new(Inner {
            quota,
            policy: HeaderValue::from_str(&format!("\"client\";q={quota};w={}", WINDOW.as_secs()))?,
            proxies,
            table: Mutex::new(Table {
                whole_at: HashMap::new(),
                swept_at: Instant::now(),
            }),
        })))
    }

    fn take(&self, client: IpAddr, now: Instant) -> Verdict {
        let step = WINDOW / self.0.quota;
        let mut table = self.0.table.lock().unwrap_or_else(PoisonError::into_inner);
        let client = table.place(client, now);
        let whole_at = table.whole_at.get(&client).map_or(now, |at| (*at).max(now)) + step;
        let used = whole_at - now;
        if used > WINDOW {
            return Verdict {
                allowed: false,
                remaining: 0,
                wait: used - WINDOW,
            };
        }
        table.whole_at.insert(client, whole_at);
        Verdict {
            allowed: true,
            remaining: ((WINDOW - used).as_nanos() / step.as_nanos()) as u32,
            wait: used,
        }
    }

    /// Trusted proxies append the address that they saw: the last one that is not theirs is the client's.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.0.proxies.iter().any(|net| net.contains(address));
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).iter().collect::<Vec<_>>();
        let mut hops = values
            .into_iter()
            .rev()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.rsplit(','));
        while trusted(&client) {
            match hops.next().and_then(address) {
                Some(hop) => client = hop,
                None => break,
            }
        }
        client
    }
}

impl Table {
    /// Where a client is kept: a network of its own for IPv6, and a common place when the table is full.
    fn place(&mut self, client: IpAddr, now: Instant) -> IpAddr {
        let client = match client {
            IpAddr::V4(_) => client,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        };
        if self.whole_at.len() < MAX_CLIENTS || self.whole_at.contains_key(&client) {
            return client;
        }
        if now.duration_since(self.swept_at) >= SWEEP_INTERVAL {
            self.swept_at = now;
            self.whole_at.retain(|_, whole_at| *whole_at > now);
        }
        if self.whole_at.len() < MAX_CLIENTS {
            client
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        }
    }
}

/// An address with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    address
        .or_else(|| hop.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

/// Refuses whoever asks too often, and tells everybody what is left.
pub(crate) async fn limit(State(limiter): State<Option<Limiter>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let (Some(limiter), Some(Peer(peer))) = (limiter, peer) else {
        return next.run(request).await;
    };
    if EXEMPT.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let client = limiter.client(peer.ip(), request.headers());
    let verdict = limiter.take(client, Instant::now());
    // Whole seconds, rounded up: whoever waits that long is not refused again.
    let seconds = verdict.wait.as_secs() + u64::from(verdict.wait.subsec_nanos() > 0);
    let mut response = if verdict.allowed {
        next.run(request).await
    } else {
        metrics::counter!(REFUSED).increment(1);
        Error::TooManyRequests {
            quota: limiter.0.quota,
            seconds,
        }
        .into_response()
    };
    let left = format!("\"client\";r={};t={seconds}", verdict.remaining);
    let headers = response.headers_mut();
    headers.insert(RATE_LIMIT_POLICY, limiter.0.policy.clone());
    if let Ok(left) = HeaderValue::from_str(&left) {
        headers.insert(RATE_LIMIT, left);
    }
    response
}
