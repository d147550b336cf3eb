//! The server: readiness, a lost database, roles, headers, start and stop.

use std::time::Duration;

use anyhow::Result;
use plumbline_api::{Config, Server};
use plumbline_devnet::{Postgres, PostgresOptions};
use reqwest::Method;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::harness::{Api, config};

const PATIENCE: Duration = Duration::from_secs(30);

async fn start_error(config: &plumbline_api::Config) -> String {
    match Server::start(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn readiness_tells_what_is_missing() -> Result<()> {
    let api = Api::empty().await?;
    assert_eq!(api.get("/healthz").await?.ok()["status"], "ok");
    let reason = async || -> Result<String> {
        let problem = api.get("/readyz").await?.problem(503, "not-ready");
        Ok(problem["reasons"][0].as_str().unwrap().to_owned())
    };
    assert!(reason().await?.contains("no block is indexed"));
    api.blocks(1, 9, 0, 1).await?;
    let ready = api.get("/readyz").await?.ok();
    assert_eq!(
        (ready["block_number"].as_i64(), ready["lag_blocks"].as_i64()),
        (Some(9), Some(0))
    );
    api.sql("update chain_head set number = 9 + 101").await?;
    assert!(reason().await?.contains("101 blocks behind"));
    api.sql("update chain_head set number = 9, observed_at = now() - interval '5 minutes'")
        .await?;
    assert!(reason().await?.contains("has not looked at the chain"));
    api.sql(
        "update chain_head set observed_at = now(); insert into _sqlx_migrations
             select 9999, description, now(), true, checksum, 0 from _sqlx_migrations limit 1",
    )
    .await?;
    assert!(reason().await?.contains("newer"));
    Ok(())
}

#[tokio::test]
async fn answers_carry_the_lag_of_the_indexer() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    api.sql("update chain_head set number = 12").await?;
    assert_eq!(api.get("/v1/operators").await?.ok()["as_of"]["indexer_lag_blocks"], 3);
    Ok(())
}

#[tokio::test]
async fn the_servers_connections_cannot_write() -> Result<()> {
    let api = Api::empty().await?;
    // What the server's sessions are, as the database sees them.
    api.get("/readyz").await?;
    let pool = plumbline_api::connect(&config(&api.database_url)?)?;
    let refused = sqlx::query("insert into token values (decode(repeat('00', 20), 'hex'), 'X', 1)")
        .execute(&pool)
        .await;
    let code = |error: &sqlx::Error| {
        error
            .as_database_error()
            .and_then(|e| e.code().map(|code| code.into_owned()))
    };
    assert_eq!(
        code(&refused.unwrap_err()).as_deref(),
        Some("25006"),
        "a read-only transaction"
    );
    // Even a session that forgets that it is read-only has no right to write.
    let mut connection = pool.acquire().await?;
    sqlx::query("set default_transaction_read_only = off")
        .execute(&mut *connection)
        .await?;
    let refused = sqlx::query("delete from block").execute(&mut *connection).await;
    assert_eq!(code(&refused.unwrap_err()).as_deref(), Some("42501"), "no privilege");
    let timeout: String = sqlx::query_scalar("show statement_timeout")
        .fetch_one(&mut *connection)
        .await?;
    assert_eq!(timeout, "5s");
    Ok(())
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    let mut config = config(&api.database_url)?;
    config.statement_timeout = Duration::from_millis(100);
    api.sql("drop function addr; drop function word").await?;
    let hasty = Api::over(api.db.clone(), &config).await?;
    // A lock that a migration might hold.
    let mut blocker = api.db.begin().await?;
    sqlx::raw_sql("lock table chain_head in access exclusive mode")
        .execute(&mut *blocker)
        .await?;
    let answer = hasty.get("/v1/operators").await?;
    answer.problem(503, "timeout");
    assert_eq!(answer.header("retry-after"), "2");
    blocker.rollback().await?;
    assert_eq!(hasty.get("/v1/operators").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_database_that_goes_away_is_reported_and_found_again() -> Result<()> {
    let mut postgres = Postgres::start(&PostgresOptions::default())?;
    let url = postgres.fresh_database().await?;
    let db = PgPool::connect(&url).await?;
    plumbline_indexer::MIGRATOR.run(&db).await?;
    let config = Config {
        kept_answer_bytes: 1 << 20,
        ..config(&url)?
    };
    let api = Api::over(db, &config).await?;
    api.blocks(1, 9, 0, 1).await?;
    api.get("/v1/operators").await?.ok();

    postgres.stop()?;
    // Also when many ask, who wait for each other.
    let asked = (0..12).map(|_| api.get("/v1/operators"));
    for answer in futures::future::try_join_all(asked).await? {
        answer.problem(503, "database-unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    let ready = api.get("/readyz").await?.problem(503, "not-ready");
    assert!(ready["reasons"][0].as_str().unwrap().contains("database"));
    assert_eq!(api.get("/healthz").await?.status, 200, "alive all the same");

    postgres.restart()?;
    let recovered = tokio::time::timeout(PATIENCE, async {
        while api.get("/v1/operators").await?.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    });
    recovered.await??;
    Ok(())
}

#[tokio::test]
async fn a_server_without_its_database_says_what_to_do() -> Result<()> {
    let mut config = config("postgres://nobody@127.0.0.1:1/none")?;
    config.startup_timeout = Duration::ZERO;
    let error = start_error(&config).await;
    assert!(
        error.contains("127.0.0.1:1") && error.contains("start PostgreSQL"),
        "{error}"
    );
    config.database_url = "postgres://user:secret-word@127.0.0.1:1/none".to_owned();
    assert!(!start_error(&config).await.contains("secret-word"));
    config.database_url = "not a url".to_owned();
    assert!(
        start_error(&config)
            .await
            .contains("postgres://user:password@host/name")
    );
    config.database_url = Postgres::shared()?.url("never_made");
    assert!(start_error(&config).await.contains("createdb"));
    Ok(())
}

#[tokio::test]
async fn a_schema_that_is_missing_older_newer_or_different_names_the_indexer() -> Result<()> {
    let url = Postgres::shared()?.fresh_database().await?;
    let mut config = config(&url)?;
    config.startup_timeout = Duration::ZERO;
    let missing = start_error(&config).await;
    assert!(
        missing.contains("no schema") && missing.contains("plumbline index"),
        "{missing}"
    );
    let db = PgPool::connect(&url).await?;
    plumbline_indexer::MIGRATOR.run(&db).await?;
    Server::start(&config).await?;
    sqlx::raw_sql("create table saved as table _sqlx_migrations")
        .execute(&db)
        .await?;
    let cases = [
        (
            "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
            "this server needs",
        ),
        (
            "insert into _sqlx_migrations select 9999, 'later', now(), true, '', 0",
            "newer",
        ),
        (
            "update _sqlx_migrations set checksum = 'other' where version = 3",
            "migration 3",
        ),
    ];
    for (change, reason) in cases {
        sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&db).await?;
        let error = start_error(&config).await;
        assert!(error.contains(reason) && error.contains("plumbline index"), "{error}");
        let restore = "truncate _sqlx_migrations; insert into _sqlx_migrations table saved";
        sqlx::raw_sql(restore).execute(&db).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_waits_for_the_indexer_to_make_the_schema() -> Result<()> {
    let url = Postgres::shared()?.fresh_database().await?;
    let config = config(&url)?;
    let server = tokio::spawn(async move { Server::start(&config).await.map(|server| server.address()) });
    let db = PgPool::connect(&url).await?;
    plumbline_indexer::MIGRATOR.run(&db).await?;
    tokio::time::timeout(PATIENCE, server).await???;
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_told_at_once() -> Result<()> {
    let api = Api::empty().await?;
    let mut config = config(&api.database_url)?;
    config.listen = api.url.trim_start_matches("http://").parse()?;
    assert!(start_error(&config).await.contains("--listen"));
    Ok(())
}

#[tokio::test]
async fn a_weak_cursor_key_is_refused() -> Result<()> {
    let api = Api::empty().await?;
    let mut config = config(&api.database_url)?;
    config.cursor_key = Some(vec![1; 31]);
    assert!(start_error(&config).await.contains("at least 32"));
    Ok(())
}

#[tokio::test]
async fn a_stopped_server_ends_and_refuses_connections() -> Result<()> {
    let api = Api::empty().await?;
    let server = Server::start(&config(&api.database_url)?).await?;
    let address = server.address();
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    assert_eq!(reqwest::get(format!("http://{address}/healthz")).await?.status(), 200);
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await??;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Ok(())
}

#[tokio::test]
async fn readers_from_any_origin_may_read_and_only_read() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    let answer = api
        .request(Method::GET, "/v1/operators", &[("origin", "https://elsewhere.example")])
        .await?;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-expose-headers").contains("link"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    let preflight = [
        ("origin", "https://elsewhere.example"),
        ("access-control-request-method", "DELETE"),
    ];
    let preflight = api.request(Method::OPTIONS, "/v1/operators", &preflight).await?;
    assert_eq!(preflight.header("access-control-allow-methods"), "GET,HEAD");
    let head = api.request(Method::HEAD, "/v1/operators", &[]).await?;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.header("etag"), answer.header("etag"));
    Ok(())
}

#[tokio::test]
async fn a_trace_is_carried_on_when_it_is_well_formed() -> Result<()> {
    let api = Api::empty().await?;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = api.request(Method::GET, "/healthz", &[("traceparent", trace)]).await?;
    assert_eq!(answer.header("traceparent"), trace);
    for malformed in [
        "00-xyz",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "junk",
    ] {
        let answer = api
            .request(Method::GET, "/healthz", &[("traceparent", malformed)])
            .await?;
        assert_eq!(answer.header("traceparent"), "");
    }
    Ok(())
}

#[tokio::test]
async fn requests_are_measured_by_route_and_status() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    api.get("/v1/operators?limit=3").await?.ok();
    api.get("/v1/operators/0x12").await?;
    api.get("/some/path/made-up-by-somebody").await?;
    let metrics = api.get("/metrics").await?;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let count = |labels: &str| {
        metrics
            .text
            .contains(&format!("plumbline_http_request_duration_seconds_count{{{labels}}}"))
    };
    assert!(
        count("method=\"GET\",route=\"/v1/operators\",status=\"200\""),
        "{}",
        metrics.text
    );
    assert!(count("method=\"GET\",route=\"/v1/operators/{id}\",status=\"422\""));
    assert!(count("method=\"GET\",route=\"unmatched\",status=\"404\""));
    assert!(
        !metrics.text.contains("made-up"),
        "paths that somebody made up are no series"
    );
    Ok(())
}

#[tokio::test]
async fn a_stopped_server_lets_an_open_request_finish_and_ends_idle_connections() -> Result<()> {
    let api = Api::empty().await?;
    api.blocks(1, 9, 0, 1).await?;
    let server = Server::start(&config(&api.database_url)?).await?;
    let url = format!("http://{}", server.address());
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    // An idle connection that is kept alive, and a request that waits for a lock.
    let idle = reqwest::Client::new();
    assert_eq!(idle.get(format!("{url}/healthz")).send().await?.status(), 200);
    let mut blocker = api.db.begin().await?;
    sqlx::raw_sql("lock table chain_head in access exclusive mode")
        .execute(&mut *blocker)
        .await?;
    let open = tokio::spawn(reqwest::get(format!("{url}/v1/operators")));
    let waiting = "select exists (select from pg_locks where not granted and relation = 'chain_head'::regclass)";
    let waits = async {
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *blocker).await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, waits).await??;
    stop.cancel();
    blocker.rollback().await?;
    assert_eq!(open.await??.status(), 200);
    tokio::time::timeout(PATIENCE, running).await??;
    Ok(())
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() -> Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let api = Api::empty().await?;
    let mut stream = tokio::net::TcpStream::connect(api.url.trim_start_matches("http://")).await?;
    let head = format!(
        "GET /healthz HTTP/1.1\r\nhost: here\r\nx-long: {}\r\n",
        "x".repeat(80_000)
    );
    // The server may hang up before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await?;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(api.get("/healthz").await?.status, 200);
    Ok(())
}
