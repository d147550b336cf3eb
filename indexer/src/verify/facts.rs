//! Facts against the chain's logs, byte for byte as PostgreSQL would send them, and the blocks that they hang off.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::keccak256;
use anyhow::Context;

use super::logs::{Logged, Reader, headers};
use super::report::Values;
use super::{Check, hex};
use crate::chain::Header;
use crate::copied::{self, Fields};
use crate::log::Log;
use crate::rows::{At, Rows};
use crate::source::Source;

/// Tables with one row per log, and the types of their columns.
type Tables = BTreeMap<String, Vec<(String, String)>>;
/// Values of a row by column.
type Row = Vec<Option<Vec<u8>>>;

/// Compares everything from the deployment's first block on, or so many blocks as a sample has.
pub(super) async fn check<S: Source>(check: &mut Check<'_>, source: &S) -> anyhow::Result<()> {
    let first = source.first_block().number;
    let tables = tables(check).await?;
    let last = check.view.block.number;
    let view = check.view;
    let mut reader = Reader::new(view.chain(), check.config.max_range);
    for range in ranges(check, first, last).await? {
        let mut next = *range.start();
        while next <= *range.end() {
            let (end, blocks) = reader.read(next..=*range.end()).await?;
            compare_blocks(check, next, end, &blocks).await?;
            compare_facts(check, source, &tables, next, end, &blocks).await?;
            next = end + 1;
            check.report("logs", (end - first + 1) as usize, (last - first + 1) as usize);
        }
    }
    Ok(())
}

async fn ranges(check: &mut Check<'_>, first: u64, last: u64) -> anyhow::Result<Vec<std::ops::RangeInclusive<u64>>> {
    let Some(sample) = check.config.sample else {
        return Ok(vec![first..=last]);
    };
    // Half of the blocks have rows, which may be wrong; the rest are any, where rows may be missing.
    let stored = sqlx::query_scalar!(
        "select number from block where number <= $1 and not empty order by number",
        check.block
    )
    .fetch_all(&mut *check.db)
    .await?;
    let mut chosen: BTreeSet<u64> = check
        .sample(stored, |number| *number)
        .into_iter()
        .take(sample.div_ceil(2))
        .map(|number| number as u64)
        .collect();
    for draw in 0..sample / 2 {
        let digest = keccak256(format!("{} {draw}", check.config.seed));
        let random = u64::from_be_bytes(digest[..8].try_into()?);
        chosen.insert(first + random % (last - first + 1));
    }
    Ok(chosen.into_iter().map(|number| number..=number).collect())
}

async fn tables(check: &mut Check<'_>) -> anyhow::Result<Tables> {
    let columns = sqlx::query!(
        r#"select c.relname::text as "table_name!", a.attname::text as "column_name!", base.typname::text as "udt_name!"
           from pg_class c
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           join pg_type t on t.oid = a.atttypid
           join pg_type base on base.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
           where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and exists (
             select from pg_attribute o where o.attrelid = c.oid and o.attname = 'tx_hash' and not o.attisdropped)
           order by c.relname, a.attnum"#
    )
    .fetch_all(&mut *check.db)
    .await
    .context("read which tables hold facts")?;
    let mut tables = Tables::new();
    for column in columns {
        let entry = tables.entry(column.table_name).or_default();
        entry.push((column.column_name, column.udt_name));
    }
    Ok(tables)
}

/// Blocks with events are stored as the chain has them, and say whether anything hangs off them.
async fn compare_blocks(check: &mut Check<'_>, from: u64, to: u64, blocks: &[Logged]) -> anyhow::Result<()> {
    let rows = sqlx::query!(
        r#"select number, hash, timestamp, empty,
                  exists (select from network_period where closed_by_block = number) as "closes!"
           from block where number between $1 and $2"#,
        i64::try_from(from)?,
        i64::try_from(to)?,
    )
    .fetch_all(&mut *check.db)
    .await?;
    let mut fetched: BTreeMap<i64, (Header, bool)> = BTreeMap::new();
    for block in blocks {
        let logged = !block.logs.is_empty();
        fetched.insert(i64::try_from(block.header.number)?, (block.header, logged));
    }
    let without = rows.iter().filter(|row| !fetched.contains_key(&row.number));
    let numbers: Vec<u64> = without.map(|row| row.number as u64).collect();
    for header in headers(check.view.chain(), numbers.into_iter()).await? {
        fetched.insert(i64::try_from(header.number)?, (header, false));
    }
    for row in &rows {
        let (header, logged) = fetched
            .remove(&row.number)
            .with_context(|| format!("block {} was not read", row.number))?;
        let values = Values::new()
            .with("hash", hex(&row.hash), header.hash)
            .with("timestamp", row.timestamp, header.timestamp)
            .with("empty", row.empty, !logged && !row.closes);
        check.tally.record("block", row.number, values);
    }
    for (number, (header, logged)) in fetched {
        if logged {
            let values = Values::new().with("hash", "none", header.hash);
            check.tally.record("block", number, values);
        }
    }
    Ok(())
}

async fn compare_facts<S: Source>(
    check: &mut Check<'_>,
    source: &S,
    tables: &Tables,
    from: u64,
    to: u64,
    blocks: &[Logged],
) -> anyhow::Result<()> {
    let mut chain = decoded(source, blocks)?;
    for (table, columns) in tables {
        // There an operator is whoever has an enclave: no log tells of one.
        if table == "operator_registered" && source.name() == "opengradient" {
            continue;
        }
        let expected = match chain.take(table) {
            Some((names, data)) => rows_of(&data, names, columns)?,
            None => BTreeMap::new(),
        };
        let found = stored(check, table, columns, from, to).await?;
        compare_table(check, table, columns, found, &expected);
    }
    Ok(())
}

/// The facts as the indexer reads them.
fn decoded<S: Source>(source: &S, blocks: &[Logged]) -> anyhow::Result<Rows> {
    let mut rows = Rows::default();
    for Logged { header, logs } in blocks {
        rows.begin_block(header.number);
        for log in logs {
            let at = At {
                block_number: i64::try_from(header.number)?,
                timestamp: header.timestamp,
                log_index: i32::try_from(log.log_index.unwrap_or_default())?,
                tx_hash: log.transaction_hash.unwrap_or_default(),
            };
            let log = Log {
                at,
                address: log.address(),
                topics: log.topics(),
                data: &log.inner.data.data,
            };
            source.decode(&log, &mut rows)?;
        }
    }
    Ok(rows)
}

fn compare_table(
    check: &mut Check<'_>,
    table: &str,
    columns: &[(String, String)],
    mut found: BTreeMap<Key, Row>,
    expected: &BTreeMap<Key, Row>,
) {
    for (key, wanted) in expected {
        check.tally.keys(table, 1, columns.len() as u64);
        let Some(row) = found.remove(key) else {
            check.tally.differ(table, key, "row", "none", "a log");
            continue;
        };
        for (index, (column, kind)) in columns.iter().enumerate() {
            if row[index] != wanted[index] {
                let (rows, chain) = (show(kind, row[index].as_deref()), show(kind, wanted[index].as_deref()));
                check.tally.differ(table, key, column, rows, chain);
            }
        }
    }
    for key in found.keys() {
        check.tally.keys(table, 1, 0);
        check.tally.differ(table, key, "row", "a row", "no such log");
    }
}

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    block: i64,
    log: i32,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} log {}", self.block, self.log)
    }
}

/// Rows of a table in a range of blocks.
async fn stored(
    check: &mut Check<'_>,
    table: &str,
    columns: &[(String, String)],
    from: u64,
    to: u64,
) -> anyhow::Result<BTreeMap<Key, Row>> {
    let quoted: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let query = format!(
        "select {} from \"{table}\" where block_number between {from} and {to}",
        quoted.join(", ")
    );
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let order = Order::of(&names, columns)?;
    let mut rows = BTreeMap::new();
    copied::each(check.db, &query, |fields| order.take(fields, &mut rows))
        .await
        .with_context(|| format!("read the rows of {table}"))?;
    Ok(rows)
}

/// Rows of a table as COPY sends them; `names` says which columns they have.
fn rows_of(data: &[u8], names: &[&str], columns: &[(String, String)]) -> anyhow::Result<BTreeMap<Key, Row>> {
    let order = Order::of(names, columns)?;
    let mut rows = BTreeMap::new();
    copied::rows(data, |fields| order.take(fields, &mut rows))?;
    Ok(rows)
}

/// Where the columns that are wanted stand among those of a row, and which of them place it.
struct Order {
    columns: usize,
    positions: Vec<usize>,
    block: usize,
    log: usize,
}

impl Order {
    fn of(names: &[&str], wanted: &[(String, String)]) -> anyhow::Result<Self> {
        let positions = wanted
            .iter()
            .map(|(wanted, _)| names.iter().position(|name| name == wanted))
            .collect::<Option<_>>()
            .context("a table has a column that no log fills")?;
        let place = |name: &str| wanted.iter().position(|(wanted, _)| wanted == name);
        let (block, log) = place("block_number")
            .zip(place("log_index"))
            .context("facts without a place")?;
        Ok(Self {
            columns: names.len(),
            positions,
            block,
            log,
        })
    }

    /// Takes one row.
    fn take(&self, fields: &mut Fields<'_>, rows: &mut BTreeMap<Key, Row>) -> anyhow::Result<()> {
        let mut taken = Vec::with_capacity(self.columns);
        for _ in 0..self.columns {
            taken.push(fields.optional_bytes()?.map(<[u8]>::to_vec));
        }
        let row: Row = self.positions.iter().map(|position| taken[*position].clone()).collect();
        let key = Key {
            block: i64::from_be_bytes(row[self.block].as_deref().unwrap_or_default().try_into()?),
            log: i32::from_be_bytes(row[self.log].as_deref().unwrap_or_default().try_into()?),
        };
        rows.insert(key, row);
        Ok(())
    }
}

/// A value of a PostgreSQL type, for people to read.
fn show(kind: &str, value: Option<&[u8]>) -> String {
    let Some(value) = value else { return "null".into() };
    let read = |bytes: &[u8]| -> Option<String> {
        Some(match kind {
            "int2" => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
            "int4" => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
            "int8" => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
            "bool" => (bytes != [0]).to_string(),
            "text" => format!("{:?}", String::from_utf8_lossy(bytes)),
            "numeric" => crate::sql::decode_numeric(bytes).ok()?.to_string(),
            _ => return None,
        })
    };
    read(value).unwrap_or_else(|| hex(value))
}
