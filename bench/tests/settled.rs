//! The database that the API is measured on fits the schema and adds up.

use plumbline_bench::settled::{OPERATORS, count, extend, fill, is_filled};
use plumbline_devnet::Postgres;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn accounts_of_the_filled_database_add_up_to_its_flows() -> anyhow::Result<()> {
    let mut db = PgConnection::connect(&Postgres::shared()?.fresh_database().await?).await?;
    assert!(!is_filled(&mut db, 2).await?);
    fill(&mut db, 2).await?;
    assert!(is_filled(&mut db, 2).await? && !is_filled(&mut db, 3).await?);
    let events = count(&mut db).await?;
    assert!(events > 25_000, "{events}");
    let operators: i64 = sqlx::query_scalar("select count(distinct operator) from operator_period")
        .fetch_one(&mut db)
        .await?;
    assert_eq!(operators, OPERATORS as i64);
    let (of_operators, of_network, flowed): (String, String, String) = sqlx::query_as(
        "select (select sum(earnings_undrawn)::text from (
                     select distinct on (operator) earnings_undrawn from operator_account order by operator, block_number desc) newest),
                (select earnings_undrawn::text from network_account order by block_number desc limit 1),
                (select sum(amount)::text from flow where to_class = 'earnings_undrawn')",
    )
    .fetch_one(&mut db)
    .await?;
    assert_eq!(of_operators, of_network);
    assert_eq!(of_network, flowed);
    // Keys between tables were not checked while filling.
    let dangling: i64 = sqlx::query_scalar(
        "select (select count(*) from fees_settled f where not exists (select from block where number = f.block_number))
              + (select count(*) from network_period p where not exists (select from block where number = p.closed_by_block))
              + (select count(*) from operator_reliability r where not exists (select from network_period where period = r.period))",
    )
    .fetch_one(&mut db)
    .await?;
    assert_eq!(dangling, 0);
    // Those that are made at the end, too.
    let indexes: i64 =
        sqlx::query_scalar("select count(*) from pg_indexes where tablename in ('flow', 'fees_settled')")
            .fetch_one(&mut db)
            .await?;
    assert_eq!(indexes, 7);
    Ok(())
}

#[tokio::test]
async fn the_chain_of_the_filled_database_grows_and_shrinks() -> anyhow::Result<()> {
    let mut db = PgConnection::connect(&Postgres::shared()?.fresh_database().await?).await?;
    fill(&mut db, 1).await?;
    let mut heads = Vec::new();
    for by in [0, 1, 3, 0] {
        extend(&mut db, 1, by).await?;
        let (blocks, head): (i64, i64) =
            sqlx::query_as("select (select max(number) from block), (select number from chain_head)")
                .fetch_one(&mut db)
                .await?;
        assert_eq!(blocks, head);
        heads.push(head);
    }
    assert_eq!(heads, [160, 161, 163, 160]);
    Ok(())
}
