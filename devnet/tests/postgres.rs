//! A real server: started, stopped, crashed and taken up again.

use std::path::Path;

use anyhow::{Context, Result};
use plumbline_devnet::{Postgres, PostgresOptions, Tcp};
use sqlx::{Connection, PgConnection};

async fn ask<T>(url: &str, question: &'static str) -> Result<T>
where
    T: Send + Unpin + sqlx::Type<sqlx::Postgres> + for<'r> sqlx::Decode<'r, sqlx::Postgres>,
{
    let mut connection = PgConnection::connect(url).await.context("connect")?;
    let answer = sqlx::query_scalar(question).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(answer)
}

async fn run(url: &str, statement: &'static str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await.context("connect")?;
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

fn persistent(data: &Path) -> PostgresOptions {
    PostgresOptions {
        data_dir: Some(data.to_owned()),
        ..Default::default()
    }
}

/// Below /tmp, because that is where PostgreSQL's account may go when the tests run as root.
fn data_dir() -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), mode)?;
    Ok(directory)
}

#[tokio::test]
async fn a_temporary_server_answers_and_leaves_no_directory() -> Result<()> {
    let postgres = Postgres::start(&PostgresOptions::default())?;
    let url = postgres.url("postgres");
    let directory: String = ask(&url, "show data_directory").await?;
    let version: String = ask(&url, "show server_version_num").await?;
    assert!(version.starts_with("18"), "{version}");
    assert_eq!(ask::<String>(&url, "show fsync").await?, "off");

    let run_dir = Path::new(&directory).parent().context("a parent")?.to_owned();
    assert!(run_dir.exists());
    drop(postgres);
    assert!(!run_dir.exists(), "{} is left", run_dir.display());
    Ok(())
}

#[tokio::test]
async fn data_given_a_directory_is_durable_and_survives_a_stop() -> Result<()> {
    let data = data_dir()?;
    let postgres = Postgres::start(&persistent(data.path()))?;
    let url = postgres.database("kept").await?;
    assert_eq!(ask::<String>(&url, "show fsync").await?, "on");
    run(&url, "create table t as select 7 as n").await?;
    drop(postgres);

    let postgres = Postgres::start(&persistent(data.path()))?;
    let url = postgres.database("kept").await?;
    assert_eq!(ask::<i32>(&url, "select n from t").await?, 7);
    Ok(())
}

#[tokio::test]
async fn a_crashed_server_restarts_at_the_same_address_with_what_was_committed() -> Result<()> {
    let data = data_dir()?;
    let mut postgres = Postgres::start(&persistent(data.path()))?;
    let url = postgres.database("kept").await?;
    run(&url, "create table t as select 7 as n").await?;
    // Connected and busy when the crash comes: such processes outlive their server for a moment.
    let mut busy = PgConnection::connect(&url).await?;
    sqlx::raw_sql("insert into t select generate_series(1, 200000)")
        .execute(&mut busy)
        .await?;
    for _ in 0..3 {
        postgres.kill()?;
        assert!(PgConnection::connect(&url).await.is_err());
        postgres.restart()?;
        assert_eq!(ask::<i64>(&url, "select count(*) from t").await?, 200_001);
    }
    assert!(sqlx::raw_sql("select 1").execute(&mut busy).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_stale_process_id_that_now_belongs_to_another_process_does_not_keep_a_server_from_starting() -> Result<()> {
    let data = data_dir()?;
    let mut postgres = Postgres::start(&persistent(data.path()))?;
    postgres.kill()?;
    drop(postgres);
    let status = data.path().join("cluster/postmaster.pid");
    let text = std::fs::read_to_string(&status)?;
    let (_, rest) = text.split_once('\n').context("lines")?;
    // Process 1 is always there.
    std::fs::write(&status, format!("1\n{rest}"))?;

    let postgres = Postgres::start(&persistent(data.path()))?;
    assert_eq!(ask::<i32>(&postgres.url("postgres"), "select 1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_at_once() -> Result<()> {
    let data = data_dir()?;
    let postgres = Postgres::start(&persistent(data.path()))?;
    let error = Postgres::start(&persistent(data.path()))
        .err()
        .context("a second owner")?;
    assert!(error.to_string().contains("is in use by process"), "{error:#}");
    assert_eq!(ask::<i32>(&postgres.url("postgres"), "select 1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn tcp_needs_the_password() -> Result<()> {
    let mut postgres = Postgres::start(&PostgresOptions {
        tcp: Tcp::Free,
        ..Default::default()
    })?;
    let url = postgres.tcp_url("postgres").context("an address")?;
    assert_eq!(ask::<i32>(&url, "select 1").await?, 1);
    postgres.restart()?;
    assert_eq!(ask::<i32>(&url, "select 1").await?, 1);

    let (user, address) = url.split_once('@').context("a user")?;
    let (prefix, _) = user.rsplit_once(':').context("a password")?;
    assert!(
        ask::<i32>(&format!("{prefix}:wrong@{address}"), "select 1")
            .await
            .is_err()
    );
    Ok(())
}

#[test]
fn a_taken_port_is_named() -> Result<()> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let error = Postgres::start(&PostgresOptions {
        tcp: Tcp::Port(port),
        ..Default::default()
    })
    .err();
    let error = error.context("a start on a taken port")?;
    assert_eq!(
        error.to_string(),
        format!("port {port} is taken; choose another for PostgreSQL")
    );
    Ok(())
}

#[test]
fn what_the_server_says_about_a_wrong_setting_is_in_the_error() -> Result<()> {
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let error = Postgres::start(&PostgresOptions {
        settings,
        ..Default::default()
    })
    .err()
    .context("a start")?;
    assert!(
        format!("{error:#}").contains("unrecognized configuration parameter \"no_such_setting\""),
        "{error:#}"
    );
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_thread_that_started_it_does_not_end_a_server() -> Result<()> {
    let postgres = std::thread::spawn(|| Postgres::start(&PostgresOptions::default())).join();
    let postgres = postgres.map_err(|_| anyhow::anyhow!("the thread panicked"))??;
    assert_eq!(ask::<i32>(&postgres.url("postgres"), "select 1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn fresh_databases_of_the_shared_server_are_empty_and_apart() -> Result<()> {
    let (first, second) = (Postgres::shared()?, Postgres::shared()?);
    assert_eq!(first.pid(), second.pid());
    let (one, other) = tokio::try_join!(first.fresh_database(), second.fresh_database())?;
    run(&one, "create table t (n int)").await?;
    let tables = "select count(*) from information_schema.tables where table_name = 't'";
    assert_eq!(ask::<i64>(&one, tables).await?, 1);
    assert_eq!(ask::<i64>(&other, tables).await?, 0);
    Ok(())
}
