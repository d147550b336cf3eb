//! A database of a real PostgreSQL, and everything that is in it.

use alloy::primitives::B256;
use plumbline_devnet::Postgres;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row};

use super::Anyhow;

/// Facts that no contract of ours emits.
const OF_ANOTHER_SOURCE: [&str; 12] = [
    "batch_settlement",
    "heartbeat_received",
    "individual_settlement",
    "other_log",
    "pcr_approved",
    "pcr_revoked",
    "tee_disabled",
    "tee_enabled",
    "tee_registered",
    "tee_role_granted",
    "tee_role_revoked",
    "tee_type_added",
];
/// Tables that tell of the process and not of the chain.
const NOT_COMPARED: [&str; 1] = ["_sqlx_migrations"];

pub struct Database {
    pub url: String,
    pub pool: PgPool,
}

impl Database {
    /// A new one, on the server that all tests share.
    pub async fn new() -> Anyhow<Self> {
        Self::at(Postgres::shared()?.fresh_database().await?)
    }

    pub fn at(url: String) -> Anyhow<Self> {
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy(&url)?;
        Ok(Self { url, pool })
    }

    /// Whether the indexer has written everything up to this head, finality included.
    pub async fn settled_at(&self, number: u64, hash: B256) -> Anyhow<bool> {
        let found = sqlx::query(
            "select exists (select from chain_head h, block b
                            where h.number = $1 and b.number = $1 and b.hash = $2
                              and b.number = (select max(number) from block))",
        )
        .bind(i64::try_from(number)?)
        .bind(hash.as_slice())
        .fetch_one(&self.pool)
        .await;
        match found {
            Ok(row) => Ok(row.get(0)),
            // No tables yet, or no server for the moment: both pass.
            Err(_) => Ok(false),
        }
    }

    /// Number of the newest stored block; less than any when there is none, or no table yet.
    pub async fn tip(&self) -> i64 {
        self.number("select coalesce(max(number), -1) from block")
            .await
            .unwrap_or(-1)
    }

    pub async fn count(&self, table: &str) -> Anyhow<i64> {
        self.number(&format!("select count(*) from \"{table}\"")).await
    }

    pub async fn number(&self, sql: &str) -> Anyhow<i64> {
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await?)
    }

    pub async fn text(&self, sql: &str) -> Anyhow<String> {
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await?)
    }

    /// Rows of a query, every column as text.
    pub async fn rows(&self, sql: &str) -> Anyhow<Vec<Vec<String>>> {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| (0..row.len()).map(|column| row.get(column)).collect())
            .collect())
    }

    pub async fn tables(&self) -> Anyhow<Vec<String>> {
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.tables
             where table_schema = 'public' and table_type = 'BASE TABLE' order by 1",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(tables
            .into_iter()
            .filter(|table| !NOT_COMPARED.contains(&table.as_str()))
            .collect())
    }

    /// Tables with one row per log of our contracts.
    pub async fn fact_tables(&self) -> Anyhow<Vec<String>> {
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.columns join information_schema.tables using (table_schema, table_name)
             where table_schema = 'public' and table_type = 'BASE TABLE' and column_name = 'tx_hash'
             and table_name <> 'finding' order by 1",
        )
        .fetch_all(&self.pool)
        .await?;
        let ours = |table: &String| !OF_ANOTHER_SOURCE.contains(&table.as_str());
        Ok(tables.into_iter().filter(ours).collect())
    }
}

/// All rows of all tables, in order; of `chain_head` without the time of the last look.
pub async fn contents(database: &Database) -> Anyhow<Vec<(String, String)>> {
    let mut contents = Vec::new();
    for table in database.tables().await? {
        let rows = format!(
            "select coalesce(string_agg(line, chr(10) order by line), '')
             from (select (to_jsonb(t) - 'observed_at')::text as line from \"{table}\" t) lines"
        );
        let rows = database.text(&rows).await?;
        contents.push((table, rows));
    }
    Ok(contents)
}
