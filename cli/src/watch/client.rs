//! The few questions that are asked of the API, and their answers in the terms of the table.

use std::collections::HashMap;
use std::time::Duration;

use alloy::primitives::U256;
use anyhow::{Context, anyhow, bail};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::snapshot::{
    Amount, Concentration, Dependency, Detector, Network, Operator, Period, Reliability, STRIP_PERIODS, Snapshot,
    TREND_PERIODS, Uptime, trend_points,
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Details of operators that are asked for at the same time.
const CONCURRENCY: usize = 8;
/// The longest page of the API.
const PAGE: usize = 200;
/// Pages that are read of operators: those beyond are counted, not shown.
const MOST_PAGES: usize = 10;
/// Rows of lists of events.
const EVENTS: usize = 100;
/// Waits that a server may ask for before a request is given up, and how long one may be.
const MOST_WAITS: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    window: &'static str,
    /// Closed periods do not change, so these are asked for once per period.
    details: HashMap<String, Details>,
}

/// What is asked for one operator by one.
struct Details {
    as_of: Option<u64>,
    periods: Vec<Period>,
    detectors: Vec<Detector>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    as_of: AsOf,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct AsOf {
    block_number: u64,
    block_hash: String,
    period: Option<u64>,
    indexer_lag_blocks: u64,
}

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    reasons: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Summary {
    operators: Counts,
    uptime: Slots,
    total: Option<NetworkTotal>,
    concentration: Vec<ConcentrationRow>,
}

#[derive(Deserialize)]
struct Counts {
    registered: u64,
    active: u64,
    jailed: u64,
    exiting: u64,
    tombstoned: u64,
}

#[derive(Default, Deserialize)]
struct NetworkTotal {
    batches: u64,
    faults: u64,
}

#[derive(Deserialize)]
struct ConcentrationRow {
    basis: String,
    effective_operators: Option<f64>,
    nakamoto: Nakamoto,
}

#[derive(Deserialize)]
struct Nakamoto {
    third: Option<u64>,
    half: Option<u64>,
    two_thirds: Option<u64>,
}

#[derive(Deserialize)]
struct OperatorRow {
    id: String,
    status: String,
    /// Null for an operator that declared none.
    domain: Option<String>,
    stake: Stake,
    uptime: Slots,
    #[serde(default)]
    reliability: Reliability,
    total: Totals,
}

#[derive(Deserialize)]
struct Stake {
    #[serde(deserialize_with = "decimal")]
    active: U256,
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    symbol: String,
    decimals: u8,
}

#[derive(Deserialize)]
struct Totals {
    faults: u64,
    slashed_stake: TokenAmount,
    slashed_earnings: TokenAmount,
}

#[derive(Deserialize)]
struct TokenAmount {
    #[serde(deserialize_with = "decimal")]
    amount: U256,
    symbol: String,
    decimals: u8,
}

#[derive(Deserialize)]
struct Slots {
    observed: u64,
    hit: u64,
    uptime: Ratio,
    interval: Option<Interval>,
}

#[derive(Deserialize)]
struct Ratio {
    value: Option<f64>,
}

#[derive(Deserialize)]
struct Interval {
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Drift {
    #[serde(default)]
    detectors: Vec<Detector>,
}

#[derive(Deserialize)]
struct Outage {
    operator: String,
    started_at: String,
}

#[derive(Deserialize)]
struct Series {
    series: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    period: u64,
    #[serde(flatten)]
    slots: Slots,
}

impl From<Slots> for Uptime {
    fn from(slots: Slots) -> Self {
        let (low, high) = slots.interval.map(|interval| (interval.low, interval.high)).unzip();
        Self {
            value: slots.uptime.value,
            low,
            high,
        }
    }
}

impl From<ConcentrationRow> for Concentration {
    fn from(row: ConcentrationRow) -> Self {
        Self {
            basis: row.basis,
            effective_operators: row.effective_operators,
            nakamoto_third: row.nakamoto.third,
            nakamoto_half: row.nakamoto.half,
            nakamoto_two_thirds: row.nakamoto.two_thirds,
        }
    }
}

impl From<TokenAmount> for Amount {
    fn from(amount: TokenAmount) -> Self {
        Self {
            units: amount.amount,
            decimals: amount.decimals,
            symbol: amount.symbol,
        }
    }
}

impl Client {
    pub(crate) fn new(base: &str, window: &'static str) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("--api-url (PLUMBLINE_API_URL) is {base:?}; an address looks like http://127.0.0.1:8080");
        }
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .context("make an HTTP client")?;
        Ok(Self {
            http,
            base,
            window,
            details: HashMap::new(),
        })
    }

    /// The network at a glance.
    pub(crate) async fn network(&self) -> anyhow::Result<Network> {
        let answer: Envelope<Summary> = self.get(&format!("/v1/network/summary?window={}", self.window)).await?;
        let (data, as_of) = (answer.data, answer.as_of);
        let total = data.total.unwrap_or_default();
        let mut concentration: Vec<_> = data.concentration.into_iter().map(Concentration::from).collect();
        // Stake first: who could stop the network; then who it depends on.
        concentration.sort_by_key(|row| row.basis != "stake");
        Ok(Network {
            block: as_of.block_number,
            block_hash: as_of.block_hash,
            lag_blocks: as_of.indexer_lag_blocks,
            period: as_of.period,
            window: self.window,
            operators: data.operators.registered,
            active: data.operators.active,
            jailed: data.operators.jailed,
            exiting: data.operators.exiting,
            tombstoned: data.operators.tombstoned,
            uptime: data.uptime.into(),
            settlements: total.batches,
            slashes: total.faults,
            concentration,
            dependency: None,
            drift: None,
        })
    }

    /// The network and its operators with most stake first, without what is asked for one by one.
    pub(super) async fn snapshot(&mut self) -> anyhow::Result<Snapshot> {
        let mut network = self.network().await?;
        let dependency = self
            .optional::<Vec<Dependency>>("/v1/network/dependency?limit=1&finalized=false")
            .await?;
        network.dependency = dependency.and_then(|rows| rows.into_iter().next());
        network.drift = self.optional("/v1/network/drift").await?;
        let path = format!("/v1/incidents?limit={PAGE}&finalized=false");
        let outages: Vec<Outage> = self.optional(&path).await?.unwrap_or_default();
        let mut newest = HashMap::new();
        for outage in outages {
            newest.entry(outage.operator).or_insert(outage.started_at);
        }
        let rows = self.operators().await?;
        let operators = rows.into_iter().map(|row| {
            let last_incident = newest.remove(&row.id);
            operator(row, last_incident)
        });
        let mut snapshot = Snapshot {
            network,
            strip_periods: STRIP_PERIODS,
            trend_periods: TREND_PERIODS,
            operators: operators.collect(),
        };
        self.fill(&mut snapshot);
        Ok(snapshot)
    }

    async fn operators(&self) -> anyhow::Result<Vec<OperatorRow>> {
        let first = format!("/v1/operators?sort=stake&limit={PAGE}&window={}", self.window);
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let path = match &cursor {
                Some(cursor) => format!("{first}&cursor={cursor}"),
                None => first.clone(),
            };
            let page: Envelope<Vec<OperatorRow>> = self.get(&path).await?;
            rows.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// Asks for the strips and detectors of these operators, where they are not known as of the last closed period.
    pub(super) async fn details(&mut self, snapshot: &mut Snapshot, of: &[String]) -> anyhow::Result<()> {
        let period = snapshot.network.period;
        let known = &self.details;
        let missing = of
            .iter()
            .filter(|id| known.get(*id).is_none_or(|details| details.as_of != period));
        let requests: Vec<_> = missing.map(|id| self.detail(id.clone())).collect();
        let fresh: Vec<(String, Details)> = stream::iter(requests)
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        self.details.extend(fresh);
        self.fill(snapshot);
        Ok(())
    }

    fn fill(&self, snapshot: &mut Snapshot) {
        for operator in &mut snapshot.operators {
            if let Some(details) = self.details.get(&operator.operator) {
                operator.periods = details.periods.clone();
                operator.trend_points = trend_points(&details.periods);
                operator.detectors = details.detectors.clone();
            }
        }
    }

    async fn detail(&self, operator: String) -> anyhow::Result<(String, Details)> {
        let path = format!(
            "/v1/operators/{operator}/uptime?bucket=period&window={}&limit={STRIP_PERIODS}&finalized=false",
            self.window
        );
        let answer: Envelope<Series> = self.get(&path).await?;
        let drift: Option<Drift> = self.optional(&format!("/v1/operators/{operator}/drift")).await?;
        // Newest first, as answered; the strip reads from left to right.
        let periods = answer.data.series.into_iter().rev().map(|bucket| Period {
            period: bucket.period,
            observed: bucket.slots.observed,
            hit: bucket.slots.hit,
            uptime: bucket.slots.uptime.value,
        });
        let details = Details {
            as_of: answer.as_of.period,
            periods: periods.collect(),
            detectors: drift.map(|drift| drift.detectors).unwrap_or_default(),
        };
        Ok((operator, details))
    }

    /// The newest events of a path, as the API writes them; nothing where it has no such path.
    pub(super) async fn events(&self, path: &str) -> anyhow::Result<Option<Vec<Value>>> {
        self.optional(&format!("{path}?limit={EVENTS}&finalized=false")).await
    }

    /// The data at a path that an older server does not have.
    async fn optional<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let (status, body) = self.request(path).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer: Envelope<T> = self.read(path, status, &body)?;
        Ok(Some(answer.data))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let (status, body) = self.request(path).await?;
        self.read(path, status, &body)
    }

    /// One request; one that comes too soon is made again when the server says.
    async fn request(&self, path: &str) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let mut waits = 0;
        loop {
            let sent = self.http.get(format!("{}{path}", self.base)).send().await;
            let response = sent.map_err(|error| self.failure(&error))?;
            let status = response.status();
            let asked = response.headers().get(RETRY_AFTER);
            let asked = asked
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            if status == StatusCode::TOO_MANY_REQUESTS && waits < MOST_WAITS {
                waits += 1;
                tokio::time::sleep(asked.unwrap_or(Duration::from_secs(1)).min(LONGEST_WAIT)).await;
                continue;
            }
            let body = response.bytes().await.map_err(|error| self.failure(&error))?;
            return Ok((status, body.to_vec()));
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str, status: StatusCode, body: &[u8]) -> anyhow::Result<T> {
        let base = &self.base;
        if !status.is_success() {
            let problem: Option<Problem> = serde_json::from_slice(body).ok();
            let said = problem.and_then(|problem| {
                problem
                    .reasons
                    .map(|reasons| reasons.join("; "))
                    .or(problem.detail)
                    .or(problem.title)
            });
            bail!(
                "the API at {base} answered {status}: {}",
                said.as_deref().unwrap_or("(no reason given)")
            );
        }
        serde_json::from_slice(body).with_context(|| {
            format!(
                "{base}{path} answered something else than the API of this version ({}) does; is it another program, or \
                 another version?",
                env!("CARGO_PKG_VERSION")
            )
        })
    }

    fn failure(&self, error: &reqwest::Error) -> anyhow::Error {
        let base = &self.base;
        if error.is_connect() {
            return anyhow!(
                "nothing answers at {base}: start it with `make dev` or `plumbline serve`, or name another address by \
                 --api-url (PLUMBLINE_API_URL)"
            );
        }
        if error.is_timeout() {
            return anyhow!(
                "the API at {base} did not answer within {} s; see its log",
                REQUEST_TIMEOUT.as_secs()
            );
        }
        // The innermost cause says most; the outer ones repeat the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        anyhow!("the connection to the API at {base} broke: {cause}")
    }
}

fn operator(row: OperatorRow, last_incident: Option<String>) -> Operator {
    Operator {
        operator: row.id,
        domain: row.domain.unwrap_or_default(),
        status: row.status,
        uptime: row.uptime.into(),
        reliability: row.reliability,
        detectors: Vec::new(),
        last_incident,
        periods: Vec::new(),
        trend_points: None,
        slashes: row.total.faults,
        slashed_stake: row.total.slashed_stake.into(),
        slashed_earnings: row.total.slashed_earnings.into(),
        stake: Amount {
            units: row.stake.active,
            decimals: row.stake.token.decimals,
            symbol: row.stake.token.symbol,
        },
    }
}

fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    U256::from_str_radix(&text, 10).map_err(serde::de::Error::custom)
}
