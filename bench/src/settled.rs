//! A database of a network that has settled for a while, filled at once.

use anyhow::Context;
use sqlx::{AssertSqlSafe, PgConnection};

pub const OPERATORS: u64 = 1_000;
const BLOCKS_PER_PERIOD: u64 = 120;
/// Blocks behind the one that ends the last period, one of which closes it.
const BLOCKS_AFTER: u64 = 40;
/// With 720 periods 9.9 million settlements, and three more events in each block.
const SETTLEMENTS_PER_BLOCK: u64 = 115;

/// Blocks of so many periods.
fn blocks(periods: u64) -> u64 {
    BLOCKS_PER_PERIOD * periods + BLOCKS_AFTER
}

/// Whether a database was filled with so many periods by an earlier run.
pub async fn is_filled(db: &mut PgConnection, periods: u64) -> anyhow::Result<bool> {
    let exists: bool = sqlx::query_scalar("select to_regclass('incident_end') is not null")
        .fetch_one(&mut *db)
        .await
        .context("look for the tables")?;
    if !exists {
        return Ok(false);
    }
    let settled: Option<i64> = sqlx::query_scalar("select max(block_number) from fees_settled")
        .fetch_one(&mut *db)
        .await
        .context("look for settlements")?;
    Ok(settled == Some(i64::try_from(blocks(periods))?))
}

/// Sets the chain's end to a block behind those of the periods.
pub async fn extend(db: &mut PgConnection, periods: u64, by: u64) -> anyhow::Result<()> {
    let (last, head) = (blocks(periods), blocks(periods) + by);
    let script = format!(
        "begin;
         delete from block where number > {head};
         insert into block select b, word(b), at(b), false from generate_series({last} + 1, {head}) b on conflict do nothing;
         update chain_head set number = {head}, finalized_number = {head} - 1, observed_at = now();
         commit"
    );
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(db)
        .await
        .context("extend the chain")?;
    Ok(())
}

/// Makes the tables in an empty database and fills them.
pub async fn fill(db: &mut PgConnection, periods: u64) -> anyhow::Result<()> {
    sqlx::migrate!("../migrations")
        .run(&mut *db)
        .await
        .context("make the tables")?;
    let values = [
        ("{operators}", OPERATORS),
        ("{periods}", periods),
        ("{blocks}", blocks(periods)),
        ("{logs}", SETTLEMENTS_PER_BLOCK),
    ];
    let script = include_str!("../api/fill.sql").to_owned();
    let script = values
        .iter()
        .fold(script, |text, (name, value)| text.replace(name, &value.to_string()));
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut *db)
        .await
        .context("fill the tables")?;
    sqlx::raw_sql("vacuum analyze")
        .execute(&mut *db)
        .await
        .context("analyze the tables")?;
    Ok(())
}

/// Events in the database: every table of them, and no other, names the transaction.
pub async fn count(db: &mut PgConnection) -> anyhow::Result<i64> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.columns where table_schema = 'public' and column_name = 'tx_hash'",
    )
    .fetch_all(&mut *db)
    .await
    .context("list the tables of events")?;
    let mut events = 0;
    for table in tables {
        let query = format!("select count(*) from \"{table}\"");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&mut *db)
            .await
            .with_context(|| format!("count the rows of {table}"))?;
        events += count;
    }
    Ok(events)
}

/// The address that the filled database knows by a number.
pub fn address(number: u64) -> String {
    let digits = format!("{number:08x}");
    let filled: String = "abcdef".chars().cycle().take(40 - digits.len()).collect();
    format!("0x{filled}{digits}")
}
