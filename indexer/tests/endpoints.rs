//! Several endpoints, and endpoints with habits of their own: the rows equal a fresh index all the same.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use common::{Anyhow, Database, Indexer, Proxy, World, until};
use plumbline_devnet::ChainOptions;
use plumbline_indexer::{Config, Halt};
use serde_json::{Value, json};

/// Finality two blocks below the head: nearly all of the chain is read by ranges.
async fn world() -> Anyhow<World> {
    let world = World::with(ChainOptions {
        slots_in_an_epoch: 1,
        ..ChainOptions::default()
    })
    .await?;
    world.traffic(2, 0).await?;
    Ok(world)
}

async fn indexed_through(world: &World, urls: Vec<String>) -> Anyhow {
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: urls,
        ..world.config(&database.url)
    });
    world.assert_exact(&database).await?;
    indexer.stop().await
}

fn is_call(request: &Value, method: &str) -> bool {
    request["method"] == method
}

/// Blocks that a request for logs asks for; none when it names a block by hash.
fn asked_blocks(request: &Value) -> Option<u64> {
    let filter = &request["params"][0];
    let number = |name: &str| u64::from_str_radix(filter[name].as_str()?.strip_prefix("0x")?, 16).ok();
    Some(number("toBlock")? - number("fromBlock")? + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_is_left_for_one_that_works() -> Anyhow {
    let world = world().await?;
    let first = Proxy::plain(world.chain.http_url()).await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec!["http://127.0.0.1:9".into(), first.url.clone(), world.chain.http_url()],
        ..world.config(&database.url)
    });
    world.indexed(&database).await?;
    assert_ne!(first.requests(), 0, "the first that works is followed");
    drop(first);
    world.traffic(1, 2).await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_left_behind_is_not_followed() -> Anyhow {
    let world = world().await?;
    let (stale, _, _) = world.head().await?;
    let frozen = move |request: &Value, answer: &mut Value| {
        let newest = request["params"][0] == "latest" || request["params"][0] == "finalized";
        let above = answer["result"]["number"]
            .as_str()
            .and_then(|hex| u64::from_str_radix(&hex[2..], 16).ok());
        if is_call(request, "eth_getBlockByNumber") && !newest && above.is_some_and(|number| number > stale) {
            answer["result"] = Value::Null;
        }
    };
    let upstream = world.chain.http_url();
    let block = world
        .rpc("eth_getBlockByNumber", json!([format!("{stale:#x}"), false]))
        .await?;
    let proxy = Proxy::start(
        upstream.clone(),
        |_| None,
        move |request, answer| {
            frozen(request, answer);
            if is_call(request, "eth_getBlockByNumber") && request["params"][0] == "latest" {
                answer["result"] = block.clone();
            }
        },
    )
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![proxy.url.clone(), upstream],
        ..world.config(&database.url)
    });
    world.traffic(3, 1).await?;
    world.mine(4).await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_split_as_each_provider_wants_it() -> Anyhow {
    let world = world().await?;
    let refusals: [(i64, &str); 4] = [
        (-32005, "query returned more than 10000 results"),
        (
            -32602,
            "Log response size exceeded. this block range should work: [0x0, 0x6]",
        ),
        (-32614, "eth_getLogs is limited to a 7 range"),
        (-32005, "limit exceeded"),
    ];
    for (code, message) in refusals {
        let proxy = Proxy::start(
            world.chain.http_url(),
            |_| None,
            move |request, answer| {
                if is_call(request, "eth_getLogs") && asked_blocks(request).is_some_and(|blocks| blocks > 7) {
                    *answer =
                        json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": code, "message": message } });
                }
            },
        )
        .await?;
        indexed_through(&world, vec![proxy.url.clone()]).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_batches_or_times_in_logs_serves_as_well() -> Anyhow {
    let world = world().await?;
    let refuse = |request: &Value| {
        request.is_array().then(|| {
            (
                200,
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}"#.to_owned(),
            )
        })
    };
    let proxy = Proxy::start(world.chain.http_url(), refuse, |request, answer| {
        if let (true, Some(logs)) = (is_call(request, "eth_getLogs"), answer["result"].as_array_mut()) {
            for log in logs {
                log.as_object_mut().map(|log| log.remove("blockTimestamp"));
            }
        }
    })
    .await?;
    indexed_through(&world, vec![proxy.url.clone()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_busy_is_asked_again() -> Anyhow {
    let world = world().await?;
    let asked = AtomicU64::new(0);
    let refuse = move |_: &Value| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        (turn % 5 == 4).then(|| {
            (
                429,
                r#"{"error":{"code":429,"message":"Too many requests"}}"#.to_owned(),
            )
        })
    };
    let proxy = Proxy::start(world.chain.http_url(), refuse, |_, _| ()).await?;
    indexed_through(&world, vec![proxy.url.clone()]).await
}

/// A refusal that is no answer to what was asked, or the absence of what is there.
fn hiccup(request: &Value, turn: u64) -> Value {
    if turn.is_multiple_of(2) && is_call(request, "eth_getBlockByNumber") {
        return json!({ "jsonrpc": "2.0", "id": request["id"], "result": null });
    }
    json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": -32603, "message": "Internal error" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_refuses_now_and_then_is_asked_again() -> Anyhow {
    let world = World::with(ChainOptions {
        slots_in_an_epoch: 20,
        ..ChainOptions::default()
    })
    .await?;
    let asked = AtomicU64::new(0);
    // Finality, the tokens' own words and the first block: what was taken from an answer to them once would stay.
    let proxy = Proxy::start(
        world.chain.http_url(),
        |_| None,
        move |request, answer| {
            let of = &request["params"][0];
            if is_call(request, "eth_call") || of == "finalized" || of == "0x0" {
                let turn = asked.fetch_add(1, Ordering::Relaxed);
                if turn % 4 < 3 {
                    *answer = hiccup(request, turn);
                }
            }
        },
    )
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![proxy.url.clone()],
        finality_depth: 3,
        ..world.config(&database.url)
    });
    world.indexed(&database).await?;
    world.traffic(1, 0).await?;
    world.assert_exact(&database).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_the_first_block_begins_what_one_with_it_goes_on_with() -> Anyhow {
    let world = world().await?;
    let proxy = Proxy::start(
        world.chain.http_url(),
        |_| None,
        |request, answer| {
            if request["params"][0] == "0x0" {
                answer["result"] = Value::Null;
            }
        },
    )
    .await?;
    let database = Database::new().await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![proxy.url.clone()],
        ..world.config(&database.url)
    });
    world.indexed(&database).await?;
    indexer.stop().await?;
    let indexer = Indexer::start(world.config(&database.url));
    world.traffic(1, 2).await?;
    world.assert_exact_but(&database, &["deployment"]).await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_endpoints_that_agree_are_a_quorum_and_one_that_leaves_logs_out_stops_everything() -> Anyhow {
    let world = world().await?;
    let honest = Proxy::plain(world.chain.http_url()).await?;
    let database = Database::new().await?;
    let config = Config {
        rpc_urls: vec![world.chain.http_url(), honest.url.clone()],
        quorum: true,
        ..world.config(&database.url)
    };
    let indexer = Indexer::start(config.clone());
    world.assert_exact(&database).await?;
    indexer.stop().await?;

    let forgetful = Proxy::start(
        world.chain.http_url(),
        |_| None,
        |request, answer| {
            if let (true, Some(logs)) = (is_call(request, "eth_getLogs"), answer["result"].as_array_mut()) {
                logs.pop();
            }
        },
    )
    .await?;
    let before = common::contents(&database).await?;
    world.traffic(1, 3).await?;
    let indexer = Indexer::start(Config {
        rpc_urls: vec![world.chain.http_url(), forgetful.url.clone()],
        ..config
    });
    let error = indexer.failure().await?;
    assert!(
        matches!(error.downcast_ref(), Some(Halt::Disagreement { .. })),
        "{error:#}"
    );
    assert!(error.to_string().contains(&forgetful.url), "{error:#}");
    assert_eq!(
        common::contents(&database)
            .await?
            .iter()
            .find(|(table, _)| table == "fees_settled"),
        before.iter().find(|(table, _)| table == "fees_settled"),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_empty_blocks_takes_a_handful_of_requests() -> Anyhow {
    let world = world().await?;
    world.mine(2_000).await?;
    let proxy = Proxy::plain(world.chain.http_url()).await?;
    let database = Database::new().await?;
    let mut config = world.config(&database.url);
    (config.rpc_urls, config.poll_interval_ms) = (vec![proxy.url.clone()], 60_000);
    let indexer = Indexer::start(config);
    let head = world.head().await?;
    until("the head", async || {
        Ok(database.settled_at(head.0, head.2).await?.then_some(()))
    })
    .await?;
    indexer.stop().await?;
    assert!(proxy.requests() < 120, "{} requests", proxy.requests());
    Ok(())
}
