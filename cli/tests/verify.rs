//! `plumbline verify` as a process: what it prints, and what its exit code says.

#[path = "../../indexer/tests/common/mod.rs"]
mod common;

use std::process::{Command, Output};

use common::{Anyhow, Database, Indexer, World};

fn verify(world: &World, database: &Database, arguments: &[&str]) -> Anyhow<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .arg("verify")
        .args(arguments)
        .env("DATABASE_URL", &database.url)
        .env("PLUMBLINE_RPC_URL", world.chain.http_url())
        .env("PLUMBLINE_DEPLOYMENT", world.deployment_file())
        .env("PLUMBLINE_VERIFY_UNFINALIZED", "true")
        .output()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_tells_a_difference_from_a_failure() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(1, 0).await?;
    world.indexed(&database).await?;
    indexer.stop().await?;

    let right = verify(&world, &database, &[])?;
    let text = String::from_utf8(right.stdout)?;
    assert_eq!(right.status.code(), Some(0), "{text}");
    assert!(text.contains("values agree"), "{text}");

    sqlx::query("update operator_account set stake_active = stake_active + 1")
        .execute(&database.pool)
        .await?;
    let wrong = verify(&world, &database, &[])?;
    let text = String::from_utf8(wrong.stdout)?;
    assert_eq!(wrong.status.code(), Some(3), "{text}");
    for part in ["TABLE", "operator_account", "stake_active", "1000000000000000000001"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let json = verify(&world, &database, &["--json"])?;
    assert_eq!(json.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(report["differences"][0]["table"], "operator_account");

    // A row of which the contracts know nothing, in their own words.
    sqlx::query("update operator_profile set operator = set_byte(operator, 0, 0)")
        .execute(&database.pool)
        .await?;
    let unknown = verify(&world, &database, &[])?;
    let text = String::from_utf8(unknown.stdout)?;
    assert_eq!(unknown.status.code(), Some(3), "{text}");
    assert!(
        text.contains("OperatorRegistry_NotRegistered { account: 0x00"),
        "{text}"
    );

    let failed = verify(&world, &database, &["--block", "1000000"])?;
    let text = String::from_utf8(failed.stderr)?;
    assert_eq!(failed.status.code(), Some(1), "{text}");
    assert!(text.contains("not indexed yet"), "{text}");
    Ok(())
}
