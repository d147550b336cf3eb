//! Rows that wait to be written, per table, already in COPY's binary format.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use anyhow::{Context, ensure};
use sqlx::PgConnection;

use crate::error::Halt;
use crate::sql::{Field, put_field};

/// Signature, flags and an empty extension: how every binary COPY begins.
pub(crate) const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const COPY_TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The connection keeps a buffer as long as the longest message.
const COPY_CHUNK_BYTES: usize = 256 * 1024;

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
    /// What is written already, from the front.
    written: Mark,
    /// Where the rows of each block begin.
    blocks: Vec<(u64, Mark)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    bytes: usize,
    rows: u64,
}

/// Rows of all tables, written in alphabetical order but for the two tables that others refer to, which come first.
#[derive(Default)]
pub(crate) struct Rows {
    tables: BTreeMap<&'static str, Table>,
    block_number: u64,
}

impl Rows {
    /// The rows that follow belong to this block, which is above those before.
    pub(crate) fn begin_block(&mut self, number: u64) {
        self.block_number = number;
    }

    /// Adds a row. All rows of a table have the same columns.
    pub(crate) fn push(&mut self, table: &'static str, columns: &'static [&'static str], fields: &[&dyn Field]) {
        let block_number = self.block_number;
        let entry = self.tables.entry(table).or_insert_with(|| Table::new(columns));
        debug_assert_eq!(entry.columns, columns, "{table}");
        debug_assert_eq!(fields.len(), columns.len(), "{table}");
        if entry.blocks.last().is_none_or(|(number, _)| *number != block_number) {
            entry.blocks.push((block_number, entry.end()));
        }
        entry.data.extend_from_slice(&(fields.len() as i16).to_be_bytes());
        for field in fields {
            put_field(*field, &mut entry.data);
        }
        entry.rows += 1;
    }

    /// Adds the rows of later blocks.
    pub(crate) fn append(&mut self, later: Self) {
        self.block_number = later.block_number;
        if self.tables.is_empty() {
            self.tables = later.tables;
            return;
        }
        for (name, more) in later.tables {
            self.tables
                .entry(name)
                .or_insert_with(|| Table::new(more.columns))
                .append(&more);
        }
    }

    /// Bytes that wait to be written.
    pub(crate) fn bytes(&self) -> usize {
        let waiting = |table: &Table| table.data.len() - table.written.bytes;
        self.tables.values().map(waiting).sum()
    }

    /// Rows of a table that wait to be written, of blocks up to one.
    pub(crate) fn waiting(&self, table: &str, last_block: u64) -> &[u8] {
        self.tables.get(table).map_or(&[], |table| {
            &table.data[table.written.bytes..table.until(last_block).bytes]
        })
    }

    /// Takes all rows of a table out: its columns, and the rows as the server would send them.
    pub(crate) fn take(&mut self, table: &str) -> Option<(&'static [&'static str], Vec<u8>)> {
        self.tables.remove(table).map(|table| (table.columns, table.data))
    }

    /// Writes all rows within the caller's transaction; none are left.
    pub(crate) async fn write(&mut self, db: &mut PgConnection) -> anyhow::Result<()> {
        self.write_until(db, u64::MAX).await?;
        self.tables.clear();
        Ok(())
    }

    /// Writes the rows of blocks up to one; those of later blocks go on waiting.
    pub(crate) async fn write_until(&mut self, db: &mut PgConnection, last_block: u64) -> anyhow::Result<()> {
        const FIRST: [&str; 2] = ["block", "network_period"];
        for first in FIRST {
            if let Some(table) = self.tables.get_mut(first) {
                table.write_until(db, first, last_block).await?;
            }
        }
        for (name, table) in &mut self.tables {
            if !FIRST.contains(name) {
                table.write_until(db, name, last_block).await?;
            }
        }
        Ok(())
    }
}

impl Table {
    fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            data: Vec::new(),
            rows: 0,
            written: Mark::default(),
            blocks: Vec::new(),
        }
    }

    fn append(&mut self, later: &Self) {
        let end = self.end();
        let moved = later.blocks.iter().map(|(number, mark)| {
            let mark = Mark {
                bytes: end.bytes + mark.bytes,
                rows: end.rows + mark.rows,
            };
            (*number, mark)
        });
        self.blocks.extend(moved);
        self.data.extend_from_slice(&later.data);
        self.rows += later.rows;
    }

    fn end(&self) -> Mark {
        Mark {
            bytes: self.data.len(),
            rows: self.rows,
        }
    }

    /// Where the rows of blocks after one begin.
    fn until(&self, last_block: u64) -> Mark {
        let later = self.blocks.partition_point(|(number, _)| *number <= last_block);
        self.blocks.get(later).map_or_else(|| self.end(), |(_, mark)| *mark)
    }

    async fn write_until(&mut self, db: &mut PgConnection, name: &'static str, last_block: u64) -> anyhow::Result<()> {
        let end = self.until(last_block);
        let rows = end.rows - self.written.rows;
        if rows != 0 {
            let data = &self.data[self.written.bytes..end.bytes];
            let written = copy(db, name, self.columns, data)
                .await
                .with_context(|| format!("write rows of {name}"))?;
            ensure!(written == rows, "{name} took {written} rows of {rows}");
            crate::metrics::rows_written(name, written);
            self.written = end;
        }
        Ok(())
    }
}

async fn copy(db: &mut PgConnection, name: &str, columns: &[&str], data: &[u8]) -> Result<u64, sqlx::Error> {
    let statement = format!("copy \"{name}\" (\"{}\") from stdin binary", columns.join("\", \""));
    let mut sink = db.copy_in_raw(&statement).await?;
    sink.send(COPY_HEADER).await?;
    for chunk in data.chunks(COPY_CHUNK_BYTES) {
        sink.send(chunk).await?;
    }
    sink.send(COPY_TRAILER.as_slice()).await?;
    sink.finish().await
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
