//! Catching up, following and starting again: the rows agree with the contracts and with a fresh index.

mod common;

use common::{Anyhow, Database, Indexer, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_log_has_its_row_and_every_event_was_seen() -> Anyhow {
    let world = World::new().await?;
    world.lifecycle().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    indexer.stop().await?;

    let mut rows = 0;
    for table in database.fact_tables().await? {
        let count = database.count(&table).await?;
        assert_ne!(count, 0, "no log of {table}");
        rows += count;
    }
    assert_eq!(rows, world.log_count().await?);
    Ok(())
}
