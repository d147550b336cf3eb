//! `plumbline verify`: rows that are right are found right, and whatever is changed in them is found and named.

mod common;

use std::collections::BTreeMap;

use common::{Anyhow, Database, Indexer, World};
use plumbline_devnet::{ChainOptions, Postgres};
use plumbline_indexer::{VerifyConfig, VerifyReport, verify};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Tables of which there is nothing to compare: what the process is told, what it saw last, and what it tells others.
const NOT_VERIFIED: [&str; 5] = ["chain_head", "deployment", "token", "webhook", "webhook_message"];
/// Tables that are derived from closed periods alone, all of which are verified.
const OF_PERIODS: [&str; 17] = [
    "common_mode_slot",
    "core_member",
    "correlated_pair",
    "drift_alarm",
    "incident",
    "incident_end",
    "model_verification",
    "network_alarm",
    "network_core",
    "network_dependency",
    "network_drift",
    "network_incentive",
    "network_reliability",
    "network_verification",
    "operator_drift",
    "operator_reliability",
    "operator_service",
];

/// Nothing else depends on which wallet a movement came from or went to.
const NOT_CONTRADICTED: [Place; 2] = [("flow", "from_account"), ("flow", "to_account")];

/// A table and one of its columns.
type Place = (&'static str, &'static str);
/// Columns of which something else tells, and what.
const NAMED_OTHERWISE: [(Place, Place); 3] = [
    (("channel_account", "exit_running"), ("channel_account", "exit_at")),
    (("flow", "token"), ("flow_total", "amount")),
    (("pause_clock", "before"), ("pause_clock", "paused seconds")),
];

fn is_verified(table: &str) -> bool {
    !NOT_VERIFIED.contains(&table) && !OF_PERIODS.contains(&table) && table != "operator_latency"
}

fn config(world: &World, url: &str) -> VerifyConfig {
    VerifyConfig {
        unfinalized: true,
        ..VerifyConfig::new(url, world.chain.http_url(), world.deployment_file())
    }
}

async fn verified(world: &World, url: &str) -> Anyhow<VerifyReport> {
    verify(&config(world, url), &|_| {}).await
}

/// A copy of a database that nobody is connected to.
async fn copy(database: &Database, name: &str) -> Anyhow<String> {
    database.pool.close().await;
    let original = name_of(&database.url);
    let url = Postgres::shared()?.url("postgres");
    let mut db = PgConnection::connect(&url).await?;
    for sql in [
        format!("drop database if exists {name}"),
        format!("create database {name} template {original}"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await?;
    }
    db.close().await?;
    Ok(Postgres::shared()?.url(name))
}

fn name_of(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_chain_with_every_kind_of_event_have_no_difference() -> Anyhow {
    let (world, database) = World::lived().await?;
    let report = verified(&world, &database.url).await?;
    assert_eq!(report.differences, []);
    assert_eq!(report.unaccounted, []);
    for table in database.tables().await? {
        let compared = report.compared.get(&table).copied().unwrap_or_default();
        if is_verified(&table) && database.count(&table).await? != 0 {
            assert_ne!(compared.values, 0, "{table}");
        }
    }

    // At an older block too, and for a sample.
    let middle = database.number("select max(number) / 2 from block").await?;
    for (block, sample) in [(Some(u64::try_from(middle)?), None), (None, Some(2))] {
        let config = VerifyConfig {
            block,
            sample,
            ..config(&world, &database.url)
        };
        let report = verify(&config, &|_| {}).await?;
        assert_eq!(report.differences, [], "block {block:?}, sample {sample:?}");
    }
    Ok(())
}

/// A column of a table, the name of its type, and whether it is of the key.
type Column = (String, String, String, bool);

async fn columns(db: &mut PgConnection) -> Anyhow<BTreeMap<String, Vec<Column>>> {
    let columns: Vec<Column> = sqlx::query_as(
        "select c.relname::text, a.attname::text, base.typname::text, coalesce(a.attnum = any(i.indkey), false)
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         join pg_type t on t.oid = a.atttypid
         join pg_type base on base.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
         left join pg_index i on i.indrelid = c.oid and i.indisprimary
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname <> 'block_number'
         order by c.relname, a.attnum",
    )
    .fetch_all(db)
    .await?;
    let mut of_table: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for column in columns {
        if is_verified(&column.0) && !column.0.starts_with('_') {
            of_table.entry(column.0.clone()).or_default().push(column);
        }
    }
    Ok(of_table)
}

/// Changes the newest row that there is in one column by so much; false where the schema does not let it.
async fn tamper(db: &mut PgConnection, (table, column, kind, _): &Column, by: usize, newest: &str) -> Anyhow<bool> {
    let value = match kind.as_str() {
        "int2" | "int4" | "int8" | "numeric" => format!("coalesce({column}, 0) + {by}"),
        "float8" => format!("coalesce({column}, 0) / 2 + 0.125"),
        "bool" => format!("not {column}"),
        "text" => format!("{column} || 'x'"),
        "bytea" => format!("set_byte({column}, length({column}) - 1, get_byte({column}, length({column}) - 1) # {by})"),
        "varbit" => format!("set_bit({column}, 0, 1 - get_bit({column}, 0))"),
        _ => format!("{column}[2:]"),
    };
    let some = match kind.as_str() {
        "varbit" | "bytea" => format!("where length({column}) > 0"),
        _ => String::new(),
    };
    let sql = format!(
        "update \"{table}\" set \"{column}\" = {value}
         where ctid = (select ctid from \"{table}\" {some} order by {newest} limit 1)"
    );
    match sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await {
        Ok(done) => Ok(done.rows_affected() == 1),
        // A check or a key forbids it.
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("23")) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Changes a column of these numbers in every table, those of one number in one copy, and gives those that were not named.
async fn not_named(rounds: std::ops::Range<usize>) -> Anyhow<Vec<String>> {
    let (world, database) = World::lived().await?;
    let last = rounds.end;
    let mut missed = Vec::new();
    for round in rounds {
        let url = copy(&database, &format!("tampered_until_{last}")).await?;
        let mut db = PgConnection::connect(&url).await?;
        let mut changed = Vec::new();
        for (number, columns) in columns(&mut db).await?.into_values().enumerate() {
            let Some(column) = columns.get(round) else { continue };
            let newest = match &column.0 {
                table if database_has_blocks(&mut db, table).await? => "block_number desc",
                _ => "ctid",
            };
            // Each by another amount, or two changes would make up for each other.
            if tamper(&mut db, column, number + 1, newest).await? {
                changed.push(column.clone());
            }
        }
        db.close().await?;
        let report = verified(&world, &url).await?;
        for (table, column, _, of_key) in changed {
            let (in_table, told) = NAMED_OTHERWISE
                .into_iter()
                .find_map(|(changed, told)| (changed == (table.as_str(), column.as_str())).then_some(told))
                .unwrap_or((&table, &column));
            let named = report.differences.iter().any(|difference| {
                let whole = of_key || difference.column == "row";
                difference.table == in_table && (whole || difference.column.contains(told))
            });
            if !named && !NOT_CONTRADICTED.contains(&(&table, &column)) {
                missed.push(format!("{table}.{column}: {:?}", report.differences));
            }
        }
    }
    Ok(missed)
}

async fn database_has_blocks(db: &mut PgConnection, table: &str) -> Anyhow<bool> {
    let sql = "select exists (select from pg_attribute where attrelid = $1::regclass and attname = 'block_number')";
    Ok(sqlx::query_scalar(sql).bind(table).fetch_one(db).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_changed_in_each_table_is_found_and_the_column_named() -> Anyhow {
    assert_eq!(not_named(2..4).await?, [""; 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "changes every column of every table: minutes; run it when the schema or the comparison changes"]
async fn a_cell_changed_in_any_column_is_found_and_the_column_named() -> Anyhow {
    assert_eq!(not_named(0..42).await?, [""; 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_missing_are_found() -> Anyhow {
    let (world, database) = World::lived().await?;
    for (table, place) in [
        ("deposited", "(block_number, log_index)"),
        ("channel_account", "(block_number, payer, operator)"),
        ("flow", "(block_number, log_index, part)"),
        ("case_account", "(block_number, case_id)"),
    ] {
        let url = copy(&database, "missing").await?;
        let mut db = PgConnection::connect(&url).await?;
        let sql = format!(
            "delete from {table} where {place} = (select {} from {table} order by block_number limit 1)",
            place.trim_matches(['(', ')'])
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await?;
        db.close().await?;
        let report = verified(&world, &url).await?;
        let named = report.differences.iter().any(|difference| difference.table == table);
        // A running state that has a newer row is right at this block.
        let superseded = table.ends_with("_account") && report.differences.is_empty();
        assert!(named || superseded, "{table}: {:?}", report.differences);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_sent_by_a_plain_transfer_are_told_apart_from_what_is_missing() -> Anyhow {
    let world = World::new().await?;
    let contracts = world.deployment.contracts;
    let gift = plumbline_protocol::TestToken::transferCall {
        to: contracts.stake_vault,
        value: alloy::primitives::U256::from(5),
    };
    world
        .send(world.payers[0].address(), contracts.stake_token, gift)
        .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    let report = verified(&world, &database.url).await?;
    assert_eq!(report.differences, []);
    assert_eq!(report.unaccounted.len(), 1);
    assert_eq!(report.unaccounted[0].amount, "5");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_verified_says_why() -> Anyhow {
    let data = tempfile::tempdir()?;
    let mut world = World::with(ChainOptions {
        data_dir: Some(data.path().to_owned()),
        ..ChainOptions::default()
    })
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;
    let tip = world.head().await?.0;

    let fails = async |block: Option<u64>, url: &str| -> Anyhow<String> {
        let config = VerifyConfig {
            block,
            ..config(&world, url)
        };
        match verify(&config, &|_| {}).await {
            Ok(report) => anyhow::bail!("verified {report:?}"),
            Err(error) => Ok(format!("{error:#}")),
        }
    };
    let error = fails(Some(tip + 1), &database.url).await?;
    assert!(error.contains("not indexed yet"), "{error}");
    let error = fails(None, &Database::new().await?.url).await?;
    assert!(error.contains("plumbline index"), "{error}");

    // The chain has another block there than the rows.
    world.reorg(1).await?;
    let error = fails(None, &database.url).await?;
    assert!(error.contains("let the indexer reach the head"), "{error}");

    // A chain that was started again keeps blocks, and the state of the newest only.
    let older = tip - 3;
    world.chain.stop()?;
    world.chain.restart()?;
    world.rpc("anvil_mine", json!(["0x1"])).await?;
    let config = VerifyConfig {
        block: Some(older),
        ..config(&world, &database.url)
    };
    let error = verify(&config, &|_| {}).await.expect_err("no state");
    assert!(format!("{error:#}").contains("archive endpoint"), "{error:#}");
    Ok(())
}
