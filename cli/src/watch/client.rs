//! The few questions that are asked of the API, and their answers in the terms of the table.

use std::collections::HashMap;
use std::time::Duration;

use alloy::primitives::U256;
use anyhow::{Context, anyhow, bail};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::snapshot::{
    Amount, Concentration, Network, Operator, Period, STRIP_PERIODS, Snapshot, TREND_PERIODS, Uptime, trend_points,
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Strips of operators that are asked for at the same time.
const CONCURRENCY: usize = 8;
/// The longest page of the API: operators beyond it are counted, not shown.
const OPERATORS_MAX: usize = 200;

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    window: &'static str,
    /// Closed periods do not change, so a strip is asked for once per period.
    strips: HashMap<String, Strip>,
}

struct Strip {
    as_of: Option<u64>,
    periods: Vec<Period>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
    as_of: AsOf,
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
    domain: String,
    stake: Stake,
    uptime: Slots,
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
            strips: HashMap::new(),
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
        })
    }

    /// The network, and its operators with most stake first, at most `rows` of them.
    pub(super) async fn snapshot(&mut self, rows: usize) -> anyhow::Result<Snapshot> {
        let network = self.network().await?;
        let limit = rows.clamp(1, OPERATORS_MAX);
        let path = format!("/v1/operators?sort=stake&limit={limit}&window={}", self.window);
        let page: Envelope<Vec<OperatorRow>> = self.get(&path).await?;
        let as_of = page.as_of.period;
        let known = &self.strips;
        let missing = page
            .data
            .iter()
            .filter(|row| known.get(&row.id).is_none_or(|strip| strip.as_of != as_of));
        let requests: Vec<_> = missing.map(|row| self.strip(row.id.clone())).collect();
        let fresh: Vec<(String, Strip)> = stream::iter(requests)
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        self.strips.extend(fresh);
        let operators: Vec<Operator> = page.data.into_iter().map(|row| self.operator(row)).collect();
        Ok(Snapshot {
            network,
            strip_periods: STRIP_PERIODS,
            trend_periods: TREND_PERIODS,
            operators,
        })
    }

    fn operator(&self, row: OperatorRow) -> Operator {
        let periods = self
            .strips
            .get(&row.id)
            .map(|strip| strip.periods.clone())
            .unwrap_or_default();
        Operator {
            trend_points: trend_points(&periods),
            periods,
            domain: row.domain,
            status: row.status,
            uptime: row.uptime.into(),
            slashes: row.total.faults,
            slashed_stake: row.total.slashed_stake.into(),
            slashed_earnings: row.total.slashed_earnings.into(),
            stake: Amount {
                units: row.stake.active,
                decimals: row.stake.token.decimals,
                symbol: row.stake.token.symbol,
            },
            operator: row.id,
        }
    }

    async fn strip(&self, operator: String) -> anyhow::Result<(String, Strip)> {
        let path = format!(
            "/v1/operators/{operator}/uptime?bucket=period&window={}&limit={STRIP_PERIODS}&finalized=false",
            self.window
        );
        let answer: Envelope<Series> = self.get(&path).await?;
        // Newest first, as answered; the strip reads from left to right.
        let periods = answer.data.series.into_iter().rev().map(|bucket| Period {
            period: bucket.period,
            observed: bucket.slots.observed,
            hit: bucket.slots.hit,
            uptime: bucket.slots.uptime.value,
        });
        let strip = Strip {
            as_of: answer.as_of.period,
            periods: periods.collect(),
        };
        Ok((operator, strip))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let base = &self.base;
        let response = self
            .http
            .get(format!("{base}{path}"))
            .send()
            .await
            .map_err(|error| self.failure(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.failure(&error))?;
        if !status.is_success() {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
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
        serde_json::from_slice(&body).with_context(|| {
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

fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    U256::from_str_radix(&text, 10).map_err(serde::de::Error::custom)
}
