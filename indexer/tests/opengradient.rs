//! Another network's registry and relay: what their events, and their silence, say of operators.

#![allow(clippy::unwrap_used, reason = "a value that is not there fails the test")]

mod common;
#[path = "opengradient/network.rs"]
mod network;

use alloy::primitives::keccak256;
use common::{Anyhow, Database, Indexer, contents};
use network::{INTERVAL, Network, PERIOD, registry, relay};
use plumbline_indexer::{Halt, VerifyConfig, verify};

const HEARTBEATS_OF_ALL: &str = "select count(*) from heartbeat_received";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_an_owner_whose_enclaves_come_and_go() -> Anyhow {
    let network = Network::new().await?;
    let (first, second) = (network.owners[0], network.owners[1]);
    let old = network.register(first, "old", b"code", "https://old.example").await?;
    let new = network.register(first, "new", b"code", "https://new.example").await?;
    network
        .register(second, "other", b"code", "https://other.example")
        .await?;
    for tee_id in [old, new] {
        network
            .registry_call(first, registry::disableTEECall { teeId: tee_id })
            .await?;
    }
    let database = network.indexed().await?;
    let status = "select encode(p.operator, 'hex'), p.status, p.endpoint from operator_registered r
                  cross join lateral (select * from operator_profile where operator = r.operator
                                      order by block_number desc limit 1) p order by r.operator_index";
    assert_eq!(
        database.rows(status).await?,
        [
            [hex(first), "inactive".into(), "https://new.example".into()],
            [hex(second), "active".into(), "https://other.example".into()],
        ]
    );
    let counts = "select operators::text, operators_active::text, operators_inactive::text from network_account
                  order by block_number desc limit 1";
    assert_eq!(database.rows(counts).await?, [["2", "1", "1"]]);

    network
        .registry_call(first, registry::enableTEECall { teeId: new })
        .await?;
    network.catch_up(&database).await?;
    assert_eq!(database.rows(status).await?[0][1], "active");
    let enabled = "select count(*) from (select distinct on (tee_id) enabled from enclave
                   order by tee_id, block_number desc) e where enabled";
    assert_eq!(database.number(enabled).await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoint_and_payment_address_come_from_calldata_or_else_from_the_registry() -> Anyhow {
    let network = Network::new().await?;
    let owner = network.owners[0];
    network
        .register(owner, "direct", b"code", "https://direct.example")
        .await?;
    network.register_by_contract("inner", "https://inner.example").await?;
    let database = network.indexed().await?;
    let details =
        "select found_in, encode(payment_address, 'hex'), endpoint, coalesce(encode(pcr_hash, 'hex'), 'unknown')
                   from tee_details order by block_number";
    let code = hex(keccak256("document"));
    assert_eq!(
        database.rows(details).await?,
        [
            [
                "calldata".into(),
                hex(network.payment),
                "https://direct.example".into(),
                "unknown".into()
            ],
            [
                "state".into(),
                hex(network.payment),
                "https://inner.example".into(),
                code
            ],
        ]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_charged_with_the_enclaves_that_it_disabled_and_no_others() -> Anyhow {
    let network = Network::new().await?;
    let owner = network.owners[0];
    let by_hand = network.register(owner, "by hand", b"bad code", "a").await?;
    let revoked = [
        network.register(owner, "one", b"bad code", "b").await?,
        network.register(owner, "two", b"bad code", "c").await?,
    ];
    network.register(owner, "good", b"good code", "d").await?;
    network
        .registry_call(owner, registry::disableTEECall { teeId: by_hand })
        .await?;
    let call = registry::revokePCRCall {
        pcrHash: keccak256("bad code"),
        teeType: 1,
    };
    network.registry_call(network.admin, call).await?;
    let database = network.indexed().await?;

    let states = "select encode(tee_id, 'hex'), coalesce(encode(revoked_pcr, 'hex'), 'none') from (
                      select distinct on (tee_id) * from enclave order by tee_id, block_number desc) e
                  where not enabled order by registered_at, tee_id";
    let mut expected = vec![vec![hex(by_hand), "none".to_owned()]];
    expected.extend(revoked.map(|tee_id| vec![hex(tee_id), hex(keccak256("bad code"))]));
    assert_eq!(database.rows(states).await?, expected);
    assert_eq!(database.count("pcr_revoked").await?, 1);

    // Enabled again, it is in service by itself.
    network
        .registry_call(owner, registry::enableTEECall { teeId: revoked[0] })
        .await?;
    network.catch_up(&database).await?;
    let newest = "select enabled and revoked_pcr is null from enclave order by block_number desc limit 1";
    assert_eq!(database.text(&format!("select ({newest})::text")).await?, "true");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_miss_of_who_is_silent_and_a_replay_does_not_end_it() -> Anyhow {
    let network = Network::new().await?;
    let owners = [network.owners[0], network.owners[1], network.owners[2]];
    let mut enclaves = Vec::new();
    for owner in owners {
        enclaves.push(network.register(owner, "one", b"code", "").await?);
    }
    // Two hours: the first shows that the relay works, the second is looked at.
    let replayed = PERIOD + 30;
    for beat in 0..=8 {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&enclaves[..1], at - 20).await?;
        if at <= replayed {
            network.beat(&enclaves[1..], at - 10).await?;
        } else {
            // The second operator goes silent; somebody sends its old heartbeats again. The third is only silent.
            network.beat(&enclaves[1..2], replayed - 10).await?;
        }
    }
    let database = network.closed(1).await?;
    assert_eq!(
        database.rows(&slots(1)).await?,
        [
            [hex(owners[0]), "1111".into(), "1111".into()],
            [hex(owners[1]), "1111".into(), "1100".into()],
            [hex(owners[2]), "1111".into(), "1100".into()],
        ]
    );
    let replays = "select kind, encode(operator, 'hex'), encode(tee_id, 'hex'), (signed_at - (select genesis from
                   opengradient))::text from finding order by block_number";
    let replay = [
        "replayed_heartbeat".to_owned(),
        hex(owners[1]),
        hex(enclaves[1]),
        (replayed - 10).to_string(),
    ];
    assert_eq!(database.rows(replays).await?, vec![replay; 3]);
    let counted = "select counted::text, replayed::text, stale::text from enclave_period where period = 1
                   order by replayed desc, counted desc";
    assert_eq!(
        database.rows(counted).await?,
        [["1", "3", "0"], ["4", "0", "0"], ["1", "0", "0"]]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_in_which_the_relay_is_silent_are_held_against_nobody() -> Anyhow {
    let network = Network::new().await?;
    let enclaves = network.register_one_each().await?;
    for beat in (0..=16).filter(|beat| !(6..9).contains(beat)) {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&enclaves, at - 10).await?;
    }
    let database = network.closed(3).await?;
    let seen = "select observed_slots::text, up_slots::text from operator_period where operator = (
                    select operator from operator_registered where operator_index = 1) order by period";
    // The relay has to be at work for as long as a heartbeat is believed before its silence says anything.
    assert_eq!(
        database.rows(seen).await?,
        [["0011", "0011"], ["1000", "1000"], ["0001", "0001"], ["1111", "1111"]]
    );
    let missed = "select sum(missed)::bigint from operator_period";
    assert_eq!(database.number(missed).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_that_do_not_add_up_are_findings() -> Anyhow {
    let network = Network::new().await?;
    let (owner, other) = (network.owners[0], network.owners[1]);
    let alive = network.register(owner, "alive", b"code", "").await?;
    let silent = network.register(other, "silent", b"code", "").await?;
    let disabled = network.register(other, "disabled", b"code", "").await?;
    network
        .registry_call(other, registry::disableTEECall { teeId: disabled })
        .await?;
    for beat in 0..8 {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&[alive], at - 10).await?;
    }
    network.settle(alive, 1).await?;
    network.settle(alive, 2).await?;
    network.settle(alive, 1).await?;
    network.settle(silent, 3).await?;
    network.settle(disabled, 4).await?;
    network.settle(keccak256("nobody"), 5).await?;
    let batch = |size: u64| relay::settleBatchCall {
        merkleRoot: keccak256("root"),
        batchSize: alloy::primitives::U256::from(size),
        walrusBlobId: "blob".into(),
    };
    network.relay_call(batch(3)).await?;
    network.relay_call(batch(4)).await?;
    let database = network.closed(1).await?;

    let findings = "select kind, coalesce(encode(operator, 'hex'), 'nobody'), (earlier_block is not null)::text
                    from finding order by block_number";
    assert_eq!(
        database.rows(findings).await?,
        [
            ["repeated_receipt".into(), hex(owner), "true".into()],
            ["silent_enclave".into(), hex(other), "false".into()],
            ["disabled_enclave".into(), hex(other), "false".into()],
            ["unknown_enclave".into(), "nobody".into(), "false".into()],
            ["repeated_root".into(), "nobody".into(), "true".into()],
        ]
    );
    // A receipt is served once, however often it is settled; nobody knows whose an unknown enclave's is.
    let units = "select encode(p.operator, 'hex'), units::text from operator_period p
                 join operator_registered r on r.operator = p.operator where period = 1 order by operator_index";
    assert_eq!(
        database.rows(units).await?,
        [[hex(owner), "2".into()], [hex(other), "2".into()]]
    );
    let sums =
        "select units::text, receipts::text, batches::text from network_account order by block_number desc limit 1";
    assert_eq!(database.rows(sums).await?, [["4", "5", "2"]]);
    let shares = "select nakamoto_half::text from network_concentration where period = 1 and basis = 'units'";
    assert_eq!(database.rows(shares).await?[0][0], "2");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_verified_and_a_changed_one_is_named() -> Anyhow {
    let network = Network::new().await?;
    let alive = network.register(network.owners[0], "alive", b"code", "").await?;
    for beat in 0..8 {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&[alive], at - 10).await?;
    }
    network.settle(alive, 1).await?;
    let database = network.closed(1).await?;
    let indexed = network.config(&database.url);
    let config = VerifyConfig {
        unfinalized: true,
        ..VerifyConfig::new(&database.url, &indexed.rpc_urls[0], indexed.deployment)
    };
    let report = verify(&config, &|_| {}).await?;
    assert!(report.facts_only);
    assert_eq!(report.differences, []);
    for table in ["block", "tee_registered", "heartbeat_received", "individual_settlement"] {
        assert_ne!(report.compared[table].values, 0, "{table}");
    }

    sqlx::query(
        "update heartbeat_received set signed_at = signed_at + 1
         where block_number = (select max(block_number) from heartbeat_received)",
    )
    .execute(&database.pool)
    .await?;
    let report = verify(&config, &|_| {}).await?;
    let named: Vec<_> = report
        .differences
        .iter()
        .map(|difference| (difference.table.as_str(), difference.column.as_str()))
        .collect();
    assert_eq!(named, [("heartbeat_received", "signed_at")]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_events_that_nobody_told_of_are_kept_as_they_are() -> Anyhow {
    let network = Network::new().await?;
    let (admin, account) = (network.admin, network.owners[0]);
    let role = keccak256("TEE_OPERATOR");
    network
        .registry_call(admin, registry::grantRoleCall { role, account })
        .await?;
    network
        .registry_call(admin, registry::revokeRoleCall { role, account })
        .await?;
    network
        .registry_call(
            admin,
            registry::addTEETypeCall {
                typeId: 1,
                name: "inference".into(),
            },
        )
        .await?;
    let approval = registry::approvePCRCall {
        pcrHash: keccak256("code"),
        version: "v1".into(),
        teeType: 1,
    };
    network.registry_call(admin, approval).await?;
    let certificate = registry::setAWSRootCertificateCall {
        certificate: "root".into(),
    };
    network.registry_call(admin, certificate).await?;
    let database = network.indexed().await?;
    for table in [
        "tee_role_granted",
        "tee_role_revoked",
        "tee_type_added",
        "pcr_approved",
        "other_log",
    ] {
        assert_eq!(database.count(table).await?, 1, "{table}");
    }
    let topics = database.text("select encode(topics, 'hex') from other_log").await?;
    assert_eq!(
        topics,
        format!(
            "{}{}",
            hex(keccak256("AWSCertificateUpdated(bytes32)")),
            hex(keccak256("root"))
        )
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_reorgs_every_row_is_that_of_a_fresh_index() -> Anyhow {
    let network = Network::new().await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(network.config(&database.url));
    let enclaves = network.register_one_each().await?;
    for beat in 0..12 {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&enclaves, at - 10).await?;
        network.settle(enclaves[0], beat % 4).await?;
        if beat % 3 == 2 {
            network.settled(&database).await?;
            network.reorg(1 + 3 * (beat / 3)).await?;
        }
    }
    network.close(2).await?;
    network.settled(&database).await?;
    indexer.stop().await?;
    let fresh = network.indexed().await?;
    assert_eq!(contents(&database).await?, contents(&fresh).await?);
    assert_ne!(fresh.number(HEARTBEATS_OF_ALL).await?, 0);
    assert_ne!(fresh.count("relay_period").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_the_same_from_memory_and_from_the_database() -> Anyhow {
    let network = Network::new().await?;
    let enclaves = network.register_one_each().await?;
    let restarted = network.indexed().await?;
    for beat in 0..12 {
        let at = beat * INTERVAL + 30;
        network.at(at).await?;
        network.beat(&enclaves, at - 10).await?;
        network.settle(enclaves[0], beat % 4).await?;
        network.beat(&enclaves[..1], at - 10).await?;
        // It knows by itself of nothing before its start, which is in the middle of a period.
        network.catch_up(&restarted).await?;
    }
    network.close(2).await?;
    network.catch_up(&restarted).await?;
    let at_once = network.indexed().await?;
    assert_eq!(contents(&restarted).await?, contents(&at_once).await?);
    assert_ne!(at_once.count("finding").await?, 0);
    assert_ne!(at_once.count("relay_period").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_other_rules_is_refused() -> Anyhow {
    let network = Network::new().await?;
    let database = network.indexed().await?;
    network.change_file(|file| file["heartbeat"]["max_age_seconds"] = 2_400.into())?;
    let error = Indexer::start(network.config(&database.url)).failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::OtherDeployment { .. })),
        "{error:#}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployments_file_that_cannot_be_right_says_what_is_wrong_with_it() -> Anyhow {
    let network = Network::new().await?;
    let database = Database::new().await?;
    network.change_file(|file| file["heartbeat"]["max_age_seconds"] = 600.into())?;
    let error = Indexer::start(network.config(&database.url)).failure().await?;
    assert!(
        format!("{error:#}").contains("`heartbeat.max_age_seconds` must be more than"),
        "{error:#}"
    );
    network.change_file(|file| file["relais"] = "0x".into())?;
    let error = Indexer::start(network.config(&database.url)).failure().await?;
    assert!(format!("{error:#}").contains("relais"), "{error:#}");
    Ok(())
}

/// Who was observed and up in a period, slot by slot.
fn slots(period: u64) -> String {
    format!(
        "select encode(p.operator, 'hex'), observed_slots::text, up_slots::text from operator_period p
         join operator_registered r on r.operator = p.operator where period = {period} order by operator_index"
    )
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    alloy::hex::encode(bytes)
}
