//! The indexers under measurement: how each is started, and where its rows are.

use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::primitives::hex;
use alloy::sol_types::SolEvent;
use anyhow::{Context, ensure};
use plumbline_devnet::Postgres;
use sqlx::PgConnection;

use crate::database;
use crate::recording::{Heartbeat, HeartbeatReceived, REGISTRY, Recording};

/// One indexer, in one condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Plumbline,
    Subsquid,
    /// Ponder with nothing in its cache of the chain.
    PonderCold,
    /// Ponder with the whole chain in its cache, so that it asks for nothing.
    PonderWarm,
}

impl Subject {
    /// In the order of a round: Ponder's cold run fills the cache of its warm one.
    pub(crate) const ALL: [Self; 4] = [Self::Plumbline, Self::Subsquid, Self::PonderCold, Self::PonderWarm];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plumbline => "plumbline",
            Self::Subsquid => "subsquid",
            Self::PonderCold => "ponder_cold",
            Self::PonderWarm => "ponder_warm",
        }
    }

    fn database(self) -> &'static str {
        match self {
            Self::Plumbline => "bench_plumbline",
            Self::Subsquid => "bench_subsquid",
            Self::PonderCold | Self::PonderWarm => "bench_ponder",
        }
    }

    /// Where its rows are.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Plumbline => "heartbeat_received",
            Self::Subsquid => "heartbeat",
            Self::PonderCold | Self::PonderWarm => "bench.heartbeat",
        }
    }

    /// Finds the row of one heartbeat by the primary key.
    pub(crate) fn row_query(self, beat: &Heartbeat, recording: &Recording) -> String {
        let (table, block, log) = (self.table(), beat.block_number, beat.log_index);
        match self {
            Self::Subsquid => {
                // The processor's ids: block, log and the start of the block's hash.
                let hash = recording.hash(block).map(hex::encode).unwrap_or_default();
                format!("select 1 from {table} where id = '{block:010}-{}-{log:06}'", &hash[..5])
            }
            Self::Plumbline | Self::PonderCold | Self::PonderWarm => {
                format!("select 1 from {table} where block_number = {block} and log_index = {log}")
            }
        }
    }

    /// All rows in the form that [`crate::content`] compares.
    pub(crate) fn content_query(self) -> String {
        let hash = |column: &str| match self {
            Self::Plumbline => format!("encode({column}, 'hex')"),
            Self::Subsquid | Self::PonderCold | Self::PonderWarm => format!("substr({column}, 3)"),
        };
        format!(
            "select block_number, log_index, {}, {}, {} from {} order by block_number, log_index",
            hash("tx_hash"),
            hash("tee_id"),
            if self == Self::Plumbline {
                "signed_at"
            } else {
                "timestamp"
            },
            self.table()
        )
    }
}

/// What subjects are started with.
pub(crate) struct Ground<'a> {
    pub(crate) root: PathBuf,
    pub(crate) postgres: &'a Postgres,
    pub(crate) recording: &'a Recording,
    pub(crate) rpc_url: &'a str,
    /// Ours, built for release.
    pub(crate) plumbline: PathBuf,
    pub(crate) deployment: PathBuf,
}

impl Ground<'_> {
    /// A connection to a subject's database.
    pub(crate) async fn connect(&self, subject: Subject) -> anyhow::Result<PgConnection> {
        database::connect(self.postgres, subject.database()).await
    }

    /// Address of a subject's database, over TCP for every one, because not all clients take sockets.
    pub(crate) fn url(&self, subject: Subject) -> anyhow::Result<String> {
        self.postgres
            .tcp_url(subject.database())
            .context("the database server listens on TCP")
    }

    /// Makes the subject's database as it has to be at its start, and checkpoints, so that no subject pays for another.
    pub(crate) async fn prepare(&self, subject: Subject) -> anyhow::Result<PgConnection> {
        let mut db = if subject == Subject::PonderWarm {
            self.connect(subject).await?
        } else {
            database::anew(self.postgres, subject.database()).await?
        };
        match subject {
            Subject::Plumbline | Subject::PonderCold => {}
            Subject::PonderWarm => {
                let drop = "drop schema if exists bench cascade";
                sqlx::raw_sql(drop)
                    .execute(&mut db)
                    .await
                    .context("drop Ponder's tables")?;
            }
            Subject::Subsquid => {
                let schema = include_str!("../subsquid/schema.sql");
                sqlx::raw_sql(schema)
                    .execute(&mut db)
                    .await
                    .context("make Subsquid's table")?;
            }
        }
        sqlx::raw_sql("checkpoint")
            .execute(&mut db)
            .await
            .context("checkpoint")?;
        Ok(db)
    }

    /// The command that indexes the recording.
    pub(crate) fn command(&self, subject: Subject) -> anyhow::Result<Command> {
        let url = self.url(subject)?;
        let mut command = match subject {
            Subject::Plumbline => {
                let mut command = Command::new(&self.plumbline);
                command.arg("index").arg("--deployment").arg(&self.deployment);
                command.args(["--rpc-url", self.rpc_url, "--database-url", &url]);
                command
            }
            Subject::Subsquid => {
                let directory = installed(&self.root, "subsquid")?;
                let mut command = Command::new("node");
                command.arg("main.js").current_dir(directory);
                command.env("DB_URL", &url).env("PROMETHEUS_PORT", "0");
                command.env("TOPIC", HeartbeatReceived::SIGNATURE_HASH.to_string());
                command
            }
            Subject::PonderCold | Subject::PonderWarm => {
                let directory = installed(&self.root, "ponder")?;
                let mut command = Command::new("node");
                command.args([
                    "node_modules/ponder/dist/esm/bin/ponder.js",
                    "start",
                    "--schema",
                    "bench",
                    "--port",
                    "0",
                ]);
                command
                    .current_dir(directory)
                    .env("DATABASE_URL", &url)
                    .env("PONDER_TELEMETRY_DISABLED", "1");
                command
            }
        };
        command
            .env("RPC_URL", self.rpc_url)
            .env("REGISTRY", REGISTRY.to_string());
        command.env("END_BLOCK", self.recording.last_busy_block().to_string());
        Ok(command)
    }
}

/// The directory of a peer that was installed from npm.
fn installed(root: &Path, peer: &str) -> anyhow::Result<PathBuf> {
    let directory = root.join("bench").join(peer);
    ensure!(
        directory.join("node_modules").is_dir(),
        "{peer} is not installed; run `npm ci` in {}, as `make bench-indexer` does",
        directory.display()
    );
    Ok(directory)
}
