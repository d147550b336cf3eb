//! Derives every row of closed periods again from the facts, or finds out whether that would change any.

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::database;
use crate::error::Halt;
use crate::fold::{self, METHOD_VERSION};
use crate::health::Shared;
use crate::plumbline;
use crate::rows::Rows;
use crate::schedule::Closing;

/// What a refold did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refolded {
    pub periods: u64,
    /// Tables whose rows changed, by name.
    pub changed: Vec<String>,
}

/// Every table of derived rows, by name; each hangs off `network_period`.
async fn tables(db: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select c.relname::text as "name!" from pg_class c
           where c.oid = 'network_period'::regclass
              or exists (select from pg_constraint f where f.contype = 'f' and f.conrelid = c.oid
                         and f.confrelid = 'network_period'::regclass and f.confdeltype = 'c')
           order by c.relname"#
    )
    .fetch_all(db)
    .await
    .context("list the tables of derived rows")
}

/// A digest of each table's rows, whatever their order on disk.
async fn digests(db: &mut PgConnection) -> anyhow::Result<BTreeMap<String, String>> {
    let mut digests = BTreeMap::new();
    for table in tables(db).await? {
        // The name comes from the catalogue.
        let sql = format!(
            "select count(*)::text || ' ' || coalesce(encode(sha256(string_agg(digest, ''::bytea order by digest)), 'hex'), '')
             from (select sha256(convert_to(line::text, 'UTF8')) as digest from \"{table}\" line) digests"
        );
        let digest: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *db)
            .await
            .with_context(|| format!("digest the rows of {table}"))?;
        digests.insert(table, digest);
    }
    Ok(digests)
}

/// `plumbline refold`: derives all rows anew and keeps them; with `check` it only tells which tables would change.
///
/// Needs the facts alone, no chain. Nobody else may write meanwhile: it holds the writer's lock.
pub async fn refold(database_url: &str, check: bool) -> anyhow::Result<Refolded> {
    let mut db = database::open(&database::options(database_url)?, &Shared::default()).await?;
    let source = sqlx::query_scalar!("select source from deployment")
        .fetch_optional(&mut db)
        .await
        .context("read the deployment")?;
    match source.as_deref() {
        Some("plumbline") => again(&mut db, check).await,
        Some(other) => Err(Halt::Configuration(format!(
            "rows of the source {other} cannot be derived again in place; index into an empty database instead"
        ))
        .into()),
        None => Err(Halt::Configuration("the database is empty; `plumbline index` fills it".into()).into()),
    }
}

/// Derives the rows of an older version's definitions again, if there are any.
pub(crate) async fn if_outdated(db: &mut PgConnection) -> anyhow::Result<()> {
    let outdated = sqlx::query_scalar!(
        r#"select coalesce((select r.method_version is distinct from $1
                            from network_period p left join network_reliability r using (period)
                            order by p.period desc limit 1), false) as "outdated!""#,
        METHOD_VERSION,
    )
    .fetch_one(&mut *db)
    .await
    .context("read the version of the derived rows")?;
    if outdated {
        tracing::info!("figures are defined anew; deriving the rows of all closed periods again");
        let refolded = again(db, false).await?;
        tracing::info!(periods = refolded.periods, "derived again");
    }
    Ok(())
}

async fn again(db: &mut PgConnection, check: bool) -> anyhow::Result<Refolded> {
    let mut transaction = db.begin().await.context("begin a transaction")?;
    let before = digests(&mut transaction).await?;
    let periods = derive_all(&mut transaction).await?;
    let after = digests(&mut transaction).await?;
    if check {
        transaction.rollback().await.context("leave the rows as they were")?;
    } else {
        transaction.commit().await.context("commit the derived rows")?;
    }
    let changed = after
        .into_iter()
        .filter(|(table, digest)| before.get(table) != Some(digest));
    Ok(Refolded {
        periods,
        changed: changed.map(|(table, _)| table).collect(),
    })
}

async fn derive_all(db: &mut PgConnection) -> anyhow::Result<u64> {
    let closings = sqlx::query!("select period, closed_by_block from network_period order by period")
        .fetch_all(&mut *db)
        .await
        .context("read the closed periods")?;
    let Some(schedule) = plumbline::schedule(db).await? else {
        return Ok(0);
    };
    sqlx::query!("delete from network_period")
        .execute(&mut *db)
        .await
        .context("drop the derived rows")?;
    let mut rows = Rows::default();
    for closing in &closings {
        let closing = Closing {
            period: u64::try_from(closing.period)?,
            block: u64::try_from(closing.closed_by_block)?,
        };
        fold::fold(db, &mut rows, &schedule, closing)
            .await
            .with_context(|| format!("derive the rows of period {}", closing.period))?;
        rows.write(db).await?;
    }
    Ok(closings.len() as u64)
}
