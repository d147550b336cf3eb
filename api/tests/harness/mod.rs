//! A server over a database of its own, and rows as the indexer would have written them.

mod document;

use std::time::Duration;

use alloy::primitives::Address;
use anyhow::{Context, Result};
use plumbline_api::{Config, Server, install_metrics};
use plumbline_devnet::Postgres;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use document::differences;

/// 2026-01-01T00:00:00Z; block `n` is `10 n` seconds later.
pub(crate) const START: i64 = 1_767_225_600;
pub(crate) const BLOCK_SECONDS: i64 = 10;
/// The schedule of the world: periods of a minute.
pub(crate) const SLOTS: i64 = 12;
pub(crate) const PERIOD_SECONDS: i64 = 60;

/// What the fixtures are written with; nothing here is known to the API.
const FUNCTIONS: &str = "
    create function addr(n bigint) returns bytea language sql immutable return decode(lpad(lpad(to_hex(n), 8, '0'), 40, 'abcdef'), 'hex');
    create function word(n bigint) returns bytea language sql immutable return decode(lpad(to_hex(n), 64, '0'), 'hex');
";

pub(crate) struct Api {
    pub(crate) url: String,
    /// Writes, as the indexer would.
    pub(crate) db: PgPool,
    pub(crate) database_url: String,
    http: reqwest::Client,
    _stop: DropGuard,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a good answer.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/json");
        self.json()
    }

    /// The body of a problem of this kind.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{}", self.text);
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }
}

/// A configuration for a database; the port is whatever is free.
pub(crate) fn config(database_url: &str) -> Result<Config> {
    let listen = "127.0.0.1:0".parse()?;
    Ok(Config {
        max_connections: 4,
        rate_limit: None,
        // Tests change rows without a new block.
        kept_answer_bytes: 0,
        ..Config::new(database_url.to_owned(), listen, install_metrics()?)
    })
}

impl Api {
    /// A server over an empty, migrated database.
    pub(crate) async fn empty() -> Result<Self> {
        let database_url = Postgres::shared()?.fresh_database().await?;
        let db = PgPool::connect(&database_url).await?;
        plumbline_indexer::MIGRATOR.run(&db).await?;
        Self::over(db, &config(&database_url)?).await
    }

    pub(crate) async fn over(db: PgPool, config: &Config) -> Result<Self> {
        let server = Server::start(config).await?;
        let url = format!("http://{}", server.address());
        let stop = CancellationToken::new();
        tokio::spawn(server.run(stop.clone()));
        // The client's TLS wants a provider, even where nothing is encrypted; a second installation is refused.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        sqlx::raw_sql(FUNCTIONS).execute(&db).await?;
        Ok(Self {
            url,
            db,
            database_url: config.database_url.clone(),
            http,
            _stop: stop.drop_guard(),
        })
    }

    pub(crate) async fn sql(&self, sql: impl Into<String>) -> Result<()> {
        let sql = sql.into();
        sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(&self.db)
            .await
            .with_context(|| format!("run {sql}"))?;
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.request(Method::GET, path, &[]).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer {
            status,
            headers,
            text: response.text().await?,
        })
    }

    /// Every page of a list, one after the other, as the `data` of each.
    pub(crate) async fn pages(&self, path: &str) -> Result<Vec<Value>> {
        const MOST: usize = 500;
        let mut pages = Vec::new();
        let mut next = path.to_owned();
        while pages.len() < MOST {
            let page = self.get(&next).await?.ok();
            pages.push(page["data"].clone());
            let Some(cursor) = page["next_cursor"].as_str() else {
                return Ok(pages);
            };
            next = format!("{path}{}cursor={cursor}", if path.contains('?') { '&' } else { '?' });
        }
        anyhow::bail!("{path} has more than {MOST} pages")
    }

    /// Blocks from `first` to `last`; `fork` tells apart blocks of the same number. The chain ends with the last, and is
    /// final `finality` blocks before.
    pub(crate) async fn blocks(&self, first: i64, last: i64, fork: i64, finality: i64) -> Result<()> {
        self.sql(format!(
            "insert into block select n, word({fork} * 1000000 + n),
                                      {START} + {BLOCK_SECONDS} * n, false
             from generate_series({first}, {last}) n;
             insert into chain_head (number, finalized_number, observed_at)
             values ({last}, greatest({last} - {finality}, 0), now())
             on conflict (singleton) do update set number = excluded.number,
                 finalized_number = excluded.finalized_number, observed_at = now()"
        ))
        .await
    }

    /// Blocks 1 to `last`, final all but one, with the contracts deployed in block 1.
    pub(crate) async fn deployed(&self, last: i64) -> Result<()> {
        self.blocks(1, last, 0, 1).await?;
        self.sql(format!(
            "insert into deployment (chain_id, genesis_hash, start_block, model_registry, operator_registry, stake_vault,
                                     inference_settlement, uptime_ledger, slasher, price_oracle, reward_reserve,
                                     block_randomness, verifier_registry, judge_committee, stress_gauge, case_docket,
                                     audit_manager, challenge_manager)
             values (31337, word(0), 1, addr(901), addr(902), addr(903), addr(904), addr(905), addr(906), addr(907), addr(908),
                     addr(909), addr(910), addr(911), addr(912), addr(913), addr(914), addr(915));
             insert into token values (addr(801), 'STK', 18), (addr(802), 'FEE', 6);
             insert into operator_registry_configured values (1, 1, word(1), addr(901), addr(903), 86400);
             insert into stake_vault_configured values
                 (1, 2, word(1), addr(801), addr(802), addr(701), 100, 1, 1987200, 604800, 604800, 604800, 172800);
             insert into uptime_ledger_configured values (1, 3, word(1), addr(902), {START}, {slot}, {SLOTS}, 20);
             insert into inference_settlement_configured values
                 (1, 4, word(1), addr(802), addr(902), addr(901), addr(903), addr(702), 500, 604800, 86400);
             insert into slasher_configured values (1, 5, word(1), addr(905), addr(902), addr(903), addr(904), 604800, 259200, 0);
             insert into downtime_penalty_changed values
                 (1, 6, word(1), 0, 0, 0, 0, 0, 0, 1000, 100, 500, 3, 30, 3600)",
            slot = PERIOD_SECONDS / SLOTS,
        ))
        .await
    }

    /// Operators `1..=count`, registered in block 2; operator `n` has staked `n` whole tokens, half of it its own.
    pub(crate) async fn operators(&self, count: i64) -> Result<()> {
        self.sql(format!(
            "insert into operator_registered select 2, n, word(2), addr(n), n - 1 from generate_series(1, {count}) n;
             insert into operator_profile
             select 2, addr(n), n - 1, {START} + 20, 'active', 0, addr(1000 + n), decode(repeat('00', 20), 'hex'),
                    addr(n), convert_to(rpad('aws/eu-west-' || n % 3, 32, chr(1)), 'UTF8'), 'https://op' || n || '.example',
                    1000, 1000, 0
             from generate_series(1, {count}) n;
             update operator_profile set domain = decode(replace(encode(domain, 'hex'), '01', '00'), 'hex');
             insert into key_rotated
             select 2, 10000 + n, word(2), addr(n), decode(repeat('00', 20), 'hex'), addr(1000 + n)
             from generate_series(1, {count}) n;
             insert into operator_account
             select 2, addr(n), n * 1e18, n * 5e17, 0, n * 1e24, n * 5e23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0, 0, 0
             from generate_series(1, {count}) n"
        ))
        .await
    }

    /// Closes a period in a block: what was seen of each operator, slot by slot.
    pub(crate) async fn period(&self, period: i64, block: i64, seen: &[Seen<'_>]) -> Result<()> {
        self.sql(format!(
            "insert into network_period
             select {period}, {block}, {START} + {PERIOD_SECONDS} * {period}, {START} + {PERIOD_SECONDS} * ({period} + 1),
                    {SLOTS}, true, 7, 0, 0, 0, 0, 0, null, null, 0, 0, 0, coalesce(max(expected_total), 0),
                    coalesce(max(observed_total), 0), coalesce(max(hit_total), 0), coalesce(max(units_total), 0),
                    coalesce(max(fees_total), 0)
             from network_period where period < {period}"
        ))
        .await?;
        for Seen {
            operator,
            observed,
            up,
            units,
        } in seen
        {
            self.sql(format!(
                "with slots as (
                     select bit_count(b'{observed}') as observed, bit_count(b'{up}') as hit,
                            bit_length(b'{observed}') as expected
                 ), before as (
                     select * from operator_period where operator = addr({operator}) and period < {period}
                     order by period desc limit 1
                 ), made as (
                     insert into operator_period
                     select {period}, addr({operator}), s.expected, s.observed, s.hit, s.observed - s.hit,
                            s.expected - s.observed, b'{observed}', b'{up}', null, null, null, {units}, {units} * 10, 1, 1, 0,
                            coalesce(b.expected_total, 0) + s.expected, coalesce(b.observed_total, 0) + s.observed,
                            coalesce(b.hit_total, 0) + s.hit, coalesce(b.units_total, 0) + {units},
                            coalesce(b.fees_total, 0) + {units} * 10
                     from slots s left join before b on true
                 )
                 update network_period p set operators = operators + 1, expected = p.expected + s.expected,
                     observed = p.observed + s.observed, hit = p.hit + s.hit, missed = p.missed + s.observed - s.hit,
                     units = p.units + {units}, fees = p.fees + {units} * 10,
                     expected_total = p.expected_total + s.expected, observed_total = p.observed_total + s.observed,
                     hit_total = p.hit_total + s.hit, units_total = p.units_total + {units},
                     fees_total = p.fees_total + {units} * 10
                 from slots s where p.period = {period}"
            ))
            .await?;
        }
        Ok(())
    }
}

/// What a committee saw of an operator in a period, and what the operator settled in it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) operator: i64,
    /// One digit for each slot.
    pub(crate) observed: &'a str,
    pub(crate) up: &'a str,
    pub(crate) units: i64,
}

pub(crate) const fn seen<'a>(operator: i64, observed: &'a str, up: &'a str, units: i64) -> Seen<'a> {
    Seen {
        operator,
        observed,
        up,
        units,
    }
}

/// The address that fixtures call `addr(n)`, with its checksum.
pub(crate) fn addr(n: i64) -> String {
    let digits = format!("{n:08x}");
    let filled: String = "abcdef"
        .chars()
        .cycle()
        .take(40 - digits.len())
        .chain(digits.chars())
        .collect();
    filled.parse::<Address>().unwrap().to_checksum(None)
}

/// The hash that fixtures call `word(n)`.
pub(crate) fn word(n: i64) -> String {
    format!("0x{n:064x}")
}
