//! The database server of a benchmark, and its databases.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use plumbline_devnet::{Postgres, PostgresOptions, Tcp};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// One server for all, durable as a user's is; its data goes with it, unless it is kept for the next run.
pub(crate) struct Database {
    directory: PathBuf,
    server: Option<Postgres>,
    keep: bool,
}

impl Database {
    pub(crate) fn start(root: &Path, keep: bool) -> anyhow::Result<Self> {
        let directory = plumbline_devnet::default_data_dir(root)?.join("bench");
        // A run that was killed left its own.
        if directory.exists() && !keep {
            fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
        }
        let server = Postgres::start(&PostgresOptions {
            data_dir: Some(directory.clone()),
            tcp: Tcp::Free,
            // A checkpoint in the middle would fall on one or the other by chance.
            settings: [
                ("shared_buffers", "512MB"),
                ("max_wal_size", "8GB"),
                ("checkpoint_timeout", "1h"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        })?;
        Ok(Self {
            directory,
            server: Some(server),
            keep,
        })
    }

    pub(crate) fn server(&self) -> anyhow::Result<&Postgres> {
        self.server.as_ref().context("PostgreSQL runs")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server = None;
        if self.keep {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("{} stays: {error}", self.directory.display());
        }
    }
}

/// A connection to a database that is there, or is made.
pub(crate) async fn connect(postgres: &Postgres, name: &str) -> anyhow::Result<PgConnection> {
    let url = postgres.database(name).await?;
    PgConnection::connect(&url).await.context("connect to PostgreSQL")
}

/// A connection to a database that is made anew.
pub(crate) async fn anew(postgres: &Postgres, name: &str) -> anyhow::Result<PgConnection> {
    let drop = format!("drop database if exists {name} with (force)");
    sqlx::raw_sql(AssertSqlSafe(drop))
        .execute(&mut connect(postgres, "postgres").await?)
        .await
        .context("drop a database")?;
    connect(postgres, name).await
}
