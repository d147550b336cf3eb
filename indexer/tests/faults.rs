//! What breaks around the indexer, and what it must refuse: nothing is lost, nothing is skipped, and the error says why.

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::{B256, Bytes, U256};
use alloy::sol_types::SolEvent;
use common::{Anyhow, Database, Indexer, World, free_address, get, until};
use plumbline_devnet::{ChainOptions, Postgres, PostgresOptions};
use plumbline_indexer::{Config, Halt};
use plumbline_protocol::{ModelRegistry, StakeVault};
use serde_json::json;

/// Long enough for several failed steps.
const OUTAGE: Duration = Duration::from_secs(1);

/// A free port that the system gives to nobody by itself: another test's chain must not take it during the outage.
fn reserved_port() -> Anyhow<u16> {
    let free = (21_000..29_000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| anyhow::anyhow!("no free port below the ephemeral ones"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_goes_away_and_comes_back_costs_nothing() -> Anyhow {
    let data = tempfile::tempdir()?;
    let options = ChainOptions {
        data_dir: Some(data.path().to_owned()),
        port: Some(reserved_port()?),
        ..ChainOptions::default()
    };
    let mut world = World::with(options).await?;
    let database = Database::new().await?;
    // Down at the start, too.
    world.chain.stop()?;
    let indexer = Indexer::start(world.config(&database.url));
    for round in 0..2 {
        tokio::time::sleep(OUTAGE).await;
        assert!(indexer.is_running());
        world.chain.restart()?;
        world.rpc("anvil_autoImpersonateAccount", json!([true])).await?;
        // A chain that was started again has forgotten that its blocks are ahead of the clock on the wall.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        world.next_block_at(wall.max(world.head().await?.1) + 10).await?;
        world.mine(1).await?;
        world.traffic(2, 2 * round).await?;
        world.indexed(&database).await?;
        world.traffic(1, 2 * round).await?;
        world.chain.stop()?;
    }
    world.chain.restart()?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_and_comes_back_costs_nothing() -> Anyhow {
    let mut postgres = Postgres::start(&PostgresOptions::default())?;
    let world = World::new().await?;
    let database = Database::at(postgres.fresh_database().await?)?;
    // Down at the start, too.
    postgres.stop()?;
    let indexer = Indexer::start(world.config(&database.url));
    for round in 0..3 {
        world.traffic(1, round).await?;
        assert!(indexer.is_running());
        postgres.restart()?;
        // Gone again at whatever point of its work the indexer is.
        world.traffic(1, round + 3).await?;
        if round == 1 {
            postgres.kill()?
        } else {
            postgres.stop()?
        }
        tokio::time::sleep(OUTAGE).await;
    }
    postgres.restart()?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

/// Code that emits one log with this topic and this many bytes of zeros.
fn emitter(topic: B256, bytes: u8) -> Bytes {
    let mut code = vec![0x7f];
    code.extend_from_slice(topic.as_slice());
    code.extend_from_slice(&[0x60, bytes, 0x60, 0, 0xa1, 0]);
    code.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_does_not_decode_stops_everything_and_is_never_skipped() -> Anyhow {
    let unknown = B256::repeat_byte(0xab);
    for (topic, reason) in [
        (unknown, "no event"),
        (ModelRegistry::ModelRetired::SIGNATURE_HASH, "topic"),
    ] {
        let world = World::new().await?;
        let database = Database::new().await?;
        let indexer = Indexer::start(world.config(&database.url));
        world.traffic(1, 0).await?;
        world.indexed(&database).await?;
        let (last_good, ..) = world.head().await?;

        let registry = world.deployment.contracts.model_registry;
        world
            .rpc("anvil_setCode", json!([registry, emitter(topic, 32)]))
            .await?;
        let receipt = world.send_bytes(world.deployer, registry, Bytes::new(), "emit").await?;
        let error = indexer.failure().await?;
        assert!(
            matches!(error.downcast_ref(), Some(Halt::Undecodable { .. })),
            "{error:#}"
        );
        let text = format!("{error:#}");
        let block = receipt.block_number.map(|number| format!("block {number}"));
        for part in [
            block.unwrap_or_default(),
            receipt.transaction_hash.to_string(),
            registry.to_string(),
            topic.to_string(),
        ] {
            assert!(text.contains(&part), "{part} is not in: {text}");
        }
        assert!(text.contains(reason) && text.contains("install the version"), "{text}");

        // Nothing of the block was written, and a restart does not step over it.
        assert_eq!(
            database.number("select max(number) from block").await?,
            i64::try_from(last_good)?
        );
        let error = Indexer::start(world.config(&database.url)).failure().await?;
        assert!(
            matches!(error.downcast_ref(), Some(Halt::Undecodable { .. })),
            "{error:#}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_contradict_each_other_stop_everything() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;

    // A withdrawal of stake that never thawed: the vault cannot emit it, so some event before it was lost.
    let event = StakeVault::Withdrawn {
        operator: world.operators[0].address,
        delegator: world.deployer,
        ticketId: U256::from(99),
        assets: U256::from(1),
    };
    let log = event.encode_log_data();
    let mut code = vec![0x7f];
    code.extend_from_slice(&log.data);
    code.extend_from_slice(&[0x60, 0, 0x52]);
    for topic in log.topics().iter().rev() {
        code.push(0x7f);
        code.extend_from_slice(topic.as_slice());
    }
    code.extend_from_slice(&[0x60, 32, 0x60, 0, 0xa4, 0]);
    let vault = world.deployment.contracts.stake_vault;
    world.rpc("anvil_setCode", json!([vault, Bytes::from(code)])).await?;
    world.send_bytes(world.deployer, vault, Bytes::new(), "emit").await?;
    let error = indexer.failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::Inconsistent { .. })),
        "{error:#}"
    );
    assert!(error.to_string().contains("StakeThawing"), "{error:#}");
    assert_eq!(database.count("withdrawn").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_indexer_stands_by_and_takes_over_when_the_first_ends() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let first = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    let address = free_address()?;
    let second = Indexer::start(Config {
        listen: Some(address),
        ..world.config(&database.url)
    });
    until("the second to stand by", async || {
        Ok(get(address, "/readyz")
            .await
            .filter(|(code, body)| *code == 503 && body.contains("standing by")))
    })
    .await?;
    world.traffic(1, 0).await?;
    world.assert_exact(&database).await?;
    first.stop().await?;
    world.traffic(1, 1).await?;
    world.assert_exact(&database).await?;
    until("readiness", async || {
        Ok(get(address, "/readyz").await.filter(|(code, _)| *code == 200))
    })
    .await?;
    second.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_somebody_else_changed_stop_the_writer() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    sqlx::query("delete from block where number = (select max(number) from block)")
        .execute(&database.pool)
        .await?;
    world.mine(1).await?;
    let error = indexer.failure().await?;
    assert!(matches!(error.downcast_ref(), Some(Halt::SecondWriter(_))), "{error:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_chain_is_refused() -> Anyhow {
    let (first, second) = (World::new().await?, World::new().await?);
    let database = Database::new().await?;
    let indexer = Indexer::start(first.config(&database.url));
    first.indexed(&database).await?;
    indexer.stop().await?;
    let before = common::contents(&database).await?;

    // The same chain id and the same addresses, for both are made alike; only the genesis tells them apart.
    assert_eq!(first.deployment.contracts, second.deployment.contracts);
    let error = Indexer::start(second.config(&database.url)).failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::OtherDeployment { .. })),
        "{error:#}"
    );
    assert!(error.to_string().contains("genesis"), "{error:#}");

    // The deployments file of the one with the endpoint of the other, and nothing in the database to tell.
    let crossed = Config {
        rpc_urls: vec![second.chain.http_url()],
        ..first.config(&Database::new().await?.url)
    };
    let error = Indexer::start(crossed).failure().await?;
    assert!(matches!(error.downcast_ref(), Some(Halt::OtherChain(_))), "{error:#}");
    assert_eq!(common::contents(&database).await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_with_another_id_is_refused() -> Anyhow {
    let world = World::new().await?;
    let other = World::with(ChainOptions {
        chain_id: 31_338,
        ..ChainOptions::default()
    })
    .await?;
    let database = Database::new().await?;
    let crossed = Config {
        rpc_urls: vec![other.chain.http_url()],
        ..world.config(&database.url)
    };
    let error = Indexer::start(crossed).failure().await?;
    let text = format!("{error:#}");
    assert!(
        text.contains("31337") && text.contains("31338") && text.contains("--deployment"),
        "{text}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_was_reset_in_the_midst_is_refused() -> Anyhow {
    let mut world = World::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.indexed(&database).await?;
    // Without a data directory it begins anew.
    world.chain.restart()?;
    let error = indexer.failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::OtherDeployment { .. })),
        "{error:#}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_configuration_fail_at_once() -> Anyhow {
    let world = World::new().await?;
    let database = Database::new().await?;
    let config = world.config(&database.url);
    let missing = Config {
        deployment: "/nowhere/31337.json".into(),
        ..config.clone()
    };
    let no_scheme = Config {
        rpc_urls: vec!["localhost:8545".into()],
        ..config.clone()
    };
    let no_database = Config {
        database_url: "mysql://localhost/plumbline".into(),
        ..config.clone()
    };
    let name = database
        .url
        .split('?')
        .next()
        .and_then(|path| path.rsplit('/').next())
        .unwrap_or_default();
    let absent = Config {
        database_url: database.url.replace(name, "absent"),
        ..config.clone()
    };
    for (config, expected) in [
        (missing, "plumbline deploy"),
        (no_scheme, "use http, https, ws or wss"),
        (no_database, "postgres://"),
        (absent, "does not exist"),
    ] {
        let error = Indexer::start(config).failure().await?;
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_in_urls_reach_no_error() -> Anyhow {
    let mut world = World::new().await?;
    let database = Database::new().await?;
    let secret = "c0ffee-key";
    let rpc_url = format!("{}/?key={secret}", world.chain.http_url());
    // The wrong file makes the error name the endpoint.
    let other = World::with(ChainOptions {
        chain_id: 31_338,
        ..ChainOptions::default()
    })
    .await?;
    let crossed = Config {
        rpc_urls: vec![rpc_url.clone()],
        ..other.config(&database.url)
    };
    let error = Indexer::start(crossed).failure().await?;
    let text = format!("{error:#} {error:?}");
    assert!(text.contains("127.0.0.1") && !text.contains(secret), "{text}");

    // What fails on the way is logged, and HTTP clients like to repeat the URL.
    world.chain.stop()?;
    let logged = common::logged_by(
        Indexer::start(Config {
            rpc_urls: vec![rpc_url],
            ..world.config(&database.url)
        }),
        &world.chain.http_url(),
    )
    .await?;
    assert!(!logged.contains(secret), "{logged}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_below_what_is_final_is_waited_for_until_it_contradicts() -> Anyhow {
    let world = World::with(ChainOptions {
        slots_in_an_epoch: 1,
        ..ChainOptions::default()
    })
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(1, 0).await?;
    world.mine(8).await?;
    world.indexed(&database).await?;
    let before = common::contents(&database).await?;
    world.rpc("anvil_rollback", json!([6])).await?;
    tokio::time::sleep(OUTAGE).await;
    assert!(indexer.is_running());
    assert_eq!(common::contents(&database).await?, before);
    // What it has instead of the blocks that were final are others.
    world.mine(9).await?;
    let error = indexer.failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::DeepReorg { .. })),
        "{error:#}"
    );
    Ok(())
}
