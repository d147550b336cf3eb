//! The database that the API is measured on fits the schema and adds up.

use plumbline_bench::settled::{OPERATORS, fill};
use plumbline_devnet::Postgres;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn accounts_of_the_filled_database_add_up_to_its_flows() -> anyhow::Result<()> {
    let mut db = PgConnection::connect(&Postgres::shared()?.fresh_database().await?).await?;
    let events = fill(&mut db, 2).await?;
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
    Ok(())
}
