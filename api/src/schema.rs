//! The schema that this server was built for, compared with the database's: the API reads and never migrates.

use std::sync::LazyLock;

use sqlx::PgConnection;
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The newest migration that this server knows.
pub(crate) static VERSION: LazyLock<i64> = LazyLock::new(|| {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
});

#[derive(Debug, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("the database holds no schema of Plumbline; `plumbline index` makes it")]
    Missing,
    #[error(
        "the database's schema is at version {found}, this server needs {wanted}; start this version's `plumbline index`, which migrates it"
    )]
    Older { found: i64, wanted: i64 },
    #[error(
        "the database's schema is at version {found}, newer than the {wanted} this server knows; update `plumbline` to the version whose `plumbline index` migrated it"
    )]
    Newer { found: i64, wanted: i64 },
    #[error(
        "migration {version} in the database is another one than this server's; point it at a database that this version's `plumbline index` made"
    )]
    Different { version: i64 },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whether the database holds exactly the migrations that this server was built with.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), Mismatch> {
    let exists = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "exists!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Err(Mismatch::Missing);
    }
    let applied = sqlx::query!("select version, checksum from _sqlx_migrations where success order by version")
        .fetch_all(&mut *connection)
        .await?;
    let found = applied.last().map_or(0, |migration| migration.version);
    for wanted in MIGRATIONS.iter() {
        match applied.iter().find(|migration| migration.version == wanted.version) {
            None => {
                return Err(Mismatch::Older {
                    found,
                    wanted: *VERSION,
                });
            }
            Some(migration) if migration.checksum != *wanted.checksum => {
                return Err(Mismatch::Different {
                    version: wanted.version,
                });
            }
            Some(_) => {}
        }
    }
    if found > *VERSION {
        Err(Mismatch::Newer {
            found,
            wanted: *VERSION,
        })
    } else {
        Ok(())
    }
}

/// Makes a connection one that cannot write, twice over where the database has the role that migrations make.
pub(crate) async fn become_reader(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // From version 16 on a member may lack the right to take the role on.
    sqlx::query_scalar!(
        r#"select set_config('role', rolname, false) from pg_roles
           where rolname = 'plumbline_reader' and pg_has_role(
               oid, case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end)"#
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}
