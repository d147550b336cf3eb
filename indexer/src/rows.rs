//! Rows that wait to be written, per table, already in COPY's binary format.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use anyhow::{Context, ensure};
use sqlx::PgConnection;

use crate::error::Halt;
use crate::sql::{Field, put_field};

/// Signature, flags and an empty extension: how every binary COPY begins.
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Where a log stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) block_number: i64,
    /// Unix seconds of the block.
    pub(crate) timestamp: u64,
    pub(crate) log_index: i32,
    pub(crate) tx_hash: B256,
}

impl At {
    /// An error that names this log.
    pub(crate) fn inconsistent(&self, what: impl Into<String>) -> anyhow::Error {
        let (block_number, log_index, what) = (self.block_number, self.log_index, what.into());
        Halt::Inconsistent {
            block_number,
            log_index,
            what,
        }
        .into()
    }
}

struct Table {
    columns: &'static [&'static str],
    data: Vec<u8>,
    rows: u64,
}

/// Rows of all tables, written in alphabetical order but for the two tables that others refer to, which come first.
#[derive(Default)]
pub(crate) struct Rows {
    tables: BTreeMap<&'static str, Table>,
}

impl Rows {
    /// Adds a row. All rows of a table have the same columns.
    pub(crate) fn push(&mut self, table: &'static str, columns: &'static [&'static str], fields: &[&dyn Field]) {
        let entry = self.tables.entry(table).or_insert_with(|| Table {
            columns,
            data: COPY_HEADER.to_vec(),
            rows: 0,
        });
        debug_assert_eq!(entry.columns, columns, "{table}");
        debug_assert_eq!(fields.len(), columns.len(), "{table}");
        entry.data.extend_from_slice(&(fields.len() as i16).to_be_bytes());
        for field in fields {
            put_field(*field, &mut entry.data);
        }
        entry.rows += 1;
    }

    /// Writes all rows within the caller's transaction; none are left.
    pub(crate) async fn write(&mut self, db: &mut PgConnection) -> anyhow::Result<()> {
        for first in ["block", "network_period"] {
            if let Some(table) = self.tables.remove(first) {
                copy(db, first, table).await?;
            }
        }
        while let Some((name, table)) = self.tables.pop_first() {
            copy(db, name, table).await?;
        }
        Ok(())
    }
}

async fn copy(db: &mut PgConnection, name: &'static str, mut table: Table) -> anyhow::Result<()> {
    let columns = table
        .columns
        .iter()
        .map(|column| format!("\"{column}\""))
        .collect::<Vec<_>>()
        .join(", ");
    table.data.extend_from_slice(&COPY_TRAILER);
    let write = async {
        let mut sink = db
            .copy_in_raw(&format!("copy \"{name}\" ({columns}) from stdin binary"))
            .await?;
        sink.send(table.data).await?;
        sink.finish().await
    };
    let written = write.await.with_context(|| format!("write rows of {name}"))?;
    ensure!(written == table.rows, "{name} took {written} rows of {}", table.rows);
    crate::metrics::rows_written(name, written);
    Ok(())
}

/// Adds the row of a fact: where the log stands, then its arguments by column.
macro_rules! fact {
    ($rows:expr, $at:expr, $table:ident { $($column:ident $(: $value:expr)?),* $(,)? }) => {
        $rows.push(
            stringify!($table),
            &["block_number", "log_index", "tx_hash", $(stringify!($column)),*],
            &[&$at.block_number, &$at.log_index, &$at.tx_hash, $(&$crate::rows::field!($column $(, $value)?)),*],
        )
    };
}

/// Adds a row by column.
macro_rules! row {
    ($rows:expr, $table:ident { $($column:ident $(: $value:expr)?),* $(,)? }) => {
        $rows.push(
            stringify!($table),
            &[$(stringify!($column)),*],
            &[$(&$crate::rows::field!($column $(, $value)?)),*],
        )
    };
}

/// The value of a column; the variable of the same name where none is given.
macro_rules! field {
    ($column:ident) => {
        $column
    };
    ($column:ident, $value:expr) => {
        $value
    };
}

pub(crate) use {fact, field, row};
