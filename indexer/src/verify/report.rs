//! What was compared, and what differed.

use std::collections::BTreeMap;
use std::fmt::Display;

use alloy::primitives::B256;
use serde::Serialize;

/// Differences of one table that are listed; all of them are counted.
const MAX_LISTED: u64 = 100;

/// The outcome of a verification.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub block: u64,
    pub hash: B256,
    /// The chain calls this block final.
    pub finalized: bool,
    /// The contracts are of another source, which only the facts can be compared with.
    pub facts_only: bool,
    /// Keys compared of each table at most; none when all were.
    pub sample: Option<usize>,
    /// Decides which keys a sample has.
    pub seed: u64,
    /// By table, in alphabetical order.
    pub compared: BTreeMap<String, Compared>,
    /// At most a hundred of each table.
    pub differences: Vec<Difference>,
    /// Tokens that contracts hold beyond what the rows account for: they were sent by plain transfers.
    pub unaccounted: Vec<Unaccounted>,
}

impl Report {
    /// Values that differ, in all tables.
    pub fn difference_count(&self) -> u64 {
        self.compared.values().map(|compared| compared.differences).sum()
    }
}

/// How much of a table was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    pub keys: u64,
    pub values: u64,
    pub differences: u64,
}

/// A value that is not the same in the rows and on the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub table: String,
    pub key: String,
    pub column: String,
    pub rows: String,
    pub chain: String,
}

/// Tokens that no row accounts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unaccounted {
    pub contract: String,
    pub token: String,
    pub amount: String,
}

/// Values of one key by column, as the rows and as the chain have them.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<(&'static str, String, String)>);

impl Values {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, column: &'static str, rows: impl Display, chain: impl Display) -> Self {
        self.0.push((column, rows.to_string(), chain.to_string()));
        self
    }
}

/// Counts comparisons and keeps what differs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) compared: BTreeMap<String, Compared>,
    pub(super) differences: Vec<Difference>,
    pub(super) unaccounted: Vec<Unaccounted>,
}

impl Tally {
    pub(super) fn record(&mut self, table: &'static str, key: impl Display, Values(values): Values) {
        self.keys(table, 1, values.len() as u64);
        for (column, rows, chain) in values {
            if rows != chain {
                self.differ(table, &key, column, rows, chain);
            }
        }
    }

    /// Counts keys that were compared, whatever came of it.
    pub(super) fn keys(&mut self, table: &str, keys: u64, values: u64) {
        let compared = self.compared.entry(table.to_owned()).or_default();
        compared.keys += keys;
        compared.values += values;
    }

    /// The same keys may have been compared before.
    pub(super) fn keys_at_least(&mut self, table: &str, keys: u64) {
        let compared = self.compared.entry(table.to_owned()).or_default();
        compared.keys = compared.keys.max(keys);
    }

    pub(super) fn differ(
        &mut self,
        table: &str,
        key: impl Display,
        column: &str,
        rows: impl Into<String>,
        chain: impl Into<String>,
    ) {
        let compared = self.compared.entry(table.to_owned()).or_default();
        compared.differences += 1;
        if compared.differences <= MAX_LISTED {
            self.differences.push(Difference {
                table: table.to_owned(),
                key: key.to_string(),
                column: column.to_owned(),
                rows: rows.into(),
                chain: chain.into(),
            });
        }
    }
}
