//! Alerts by webhook, to a receiver that fails, is slow and closes: at least once, in order, and taken back after a reorg.
#![allow(clippy::unwrap_used, reason = "a value that is not there fails the test")]

mod common;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use alloy::primitives::{Address, U256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use common::{Anyhow, Database, Indexer, World, until};
use hmac::{Hmac, KeyInit as _, Mac as _};
use plumbline_devnet::ChainOptions;
use plumbline_indexer::{AlertKind, Config, Webhooks};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "a secret of more than twenty-four bytes";

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Take,
    Fail,
    /// Reads it and closes the connection without a word.
    Close,
}

/// A request as it came in.
#[derive(Clone, Debug)]
struct Request {
    id: String,
    timestamp: String,
    signature: String,
    idempotency_key: String,
    body: String,
    taken: bool,
}

impl Request {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// As a receiver does that knows the secret.
    fn verify(&self, secret: &str) -> bool {
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        self.signature == format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A real HTTP server that does as it is told, then takes everything.
#[derive(Clone)]
struct Receiver {
    url: String,
    plan: Arc<Mutex<VecDeque<Answer>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    async fn start(plan: &[Answer]) -> Anyhow<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let receiver = Self {
            url: format!("http://{}/alerts?token=hidden", listener.local_addr()?),
            plan: Arc::new(Mutex::new(plan.iter().copied().collect())),
            requests: Arc::default(),
        };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // An error is a sender that was stopped in the middle.
                drop(serving.serve(stream).await);
            }
        });
        Ok(receiver)
    }

    async fn serve(&self, mut stream: TcpStream) -> Anyhow {
        let (head, body) = read(&mut stream).await?;
        let header = |name: &str| {
            let line = head
                .lines()
                .find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
            line.and_then(|line| line.split_once(':'))
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let answer = self.plan.lock().unwrap().pop_front().unwrap_or(Answer::Take);
        self.requests.lock().unwrap().push(Request {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            idempotency_key: header("idempotency-key"),
            body,
            taken: matches!(answer, Answer::Take),
        });
        let status = match answer {
            Answer::Take => "204 No Content",
            Answer::Fail => "503 Service Unavailable",
            Answer::Close => return Ok(()),
        };
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await?;
        Ok(())
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    async fn took(&self, count: usize) -> Anyhow<Vec<Request>> {
        until("messages to be taken", async || {
            let taken: Vec<Request> = self.requests().into_iter().filter(|request| request.taken).collect();
            Ok((taken.len() >= count).then_some(taken))
        })
        .await
    }
}

/// Head and body of a request.
async fn read(stream: &mut TcpStream) -> Anyhow<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        anyhow::ensure!(count != 0, "the request ended early");
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok((head.to_owned(), body.to_owned()));
        }
    }
}

struct Setup {
    world: World,
    database: Database,
    folder: tempfile::TempDir,
}

impl Setup {
    async fn new(options: ChainOptions) -> Anyhow<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n"))?;
        Ok(Self {
            world: World::with(options).await?,
            database: Database::new().await?,
            folder,
        })
    }

    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn config(&self, urls: &[&str], unfinalized: bool) -> Config {
        Config {
            webhooks: Webhooks {
                urls: urls.iter().map(|url| (*url).to_owned()).collect(),
                secret_files: vec![self.secret()],
                kinds: vec![AlertKind::Slash],
                unfinalized,
                attempts: 3,
                first_pause_ms: 1,
            },
            ..self.world.config(&self.database.url)
        }
    }

    /// A webhook begins where it is first seen, so what is to be told of comes afterwards.
    async fn known(&self, webhooks: i64) -> Anyhow {
        until("the webhooks to be known", async || {
            let known = self.database.number("select count(*) from webhook").await.unwrap_or(0);
            Ok((known == webhooks).then_some(()))
        })
        .await
    }

    /// A period in which these were down, and their punishment; then enough blocks for all of it to be final.
    async fn punish(&self, down: &[usize]) -> Anyhow {
        let outcome = self.world.run_period(down).await?;
        for operator in down {
            self.world.punish(*operator, &outcome).await?;
        }
        Ok(())
    }

    async fn finalize(&self) -> Anyhow {
        self.world.mine(4).await
    }

    async fn states(&self) -> Anyhow<Vec<Vec<String>>> {
        self.database
            .rows("select event, state from webhook_message order by place")
            .await
    }
}

/// Final two blocks below the head.
fn soon_final() -> ChainOptions {
    ChainOptions {
        slots_in_an_epoch: 1,
        ..ChainOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_slash_is_posted_signed_in_order_until_it_is_taken() -> Anyhow {
    let setup = Setup::new(soon_final()).await?;
    let receiver = Receiver::start(&[Answer::Fail, Answer::Close, Answer::Take]).await?;
    let indexer = Indexer::start(setup.config(&[&receiver.url], false));
    setup.known(1).await?;
    setup.punish(&[2, 3]).await?;
    setup.finalize().await?;
    let taken = receiver.took(2).await?;

    let all = receiver.requests();
    assert_eq!(all.len(), 4, "two attempts failed: {all:#?}");
    assert!(
        all[..3].iter().all(|request| request.id == all[0].id),
        "the next one waits: {all:#?}"
    );
    for (request, operator) in taken.iter().zip([2, 3]) {
        assert!(request.verify(SECRET) && !request.verify("another secret of so many bytes"));
        assert_eq!(request.idempotency_key, request.id);
        let body = request.json();
        assert_eq!((&body["event"], &body["kind"]), (&json!("raised"), &json!("slash")));
        assert_eq!(
            body["operator"],
            setup.world.operators[operator].address.to_checksum(None)
        );
        assert_eq!(body["detail"]["fault"], "downtime");
        assert_eq!(body["chain_id"], setup.world.deployment.chain_id);
        assert!(body["block_hash"].as_str().unwrap()[2..].starts_with(request.id.rsplit(':').nth(1).unwrap()));
    }
    until("the deliveries to be noted", async || {
        let states = setup.states().await?;
        Ok((states == [["raised", "delivered"], ["raised", "delivered"]]).then_some(()))
    })
    .await?;
    let kept = setup
        .database
        .text("select string_agg(to_jsonb(w)::text, ' ') from webhook w")
        .await?;
    assert!(!kept.contains("hidden"), "the URL's token is kept: {kept}");
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_before_it_notes_a_delivery_sends_it_again_under_the_same_id() -> Anyhow {
    let setup = Setup::new(soon_final()).await?;
    let receiver = Receiver::start(&[]).await?;
    let indexer = Indexer::start(setup.config(&[&receiver.url], false));
    setup.known(1).await?;
    setup.punish(&[1]).await?;
    setup.finalize().await?;
    let first = receiver.took(1).await?[0].clone();
    until("the delivery to be noted", async || {
        Ok((setup.states().await? == [["raised", "delivered"]]).then_some(()))
    })
    .await?;
    indexer.stop().await?;
    // As a crash between the answer and the note leaves it.
    sqlx::query("update webhook_message set state = 'pending', ended_at = null")
        .execute(&setup.database.pool)
        .await?;
    let indexer = Indexer::start(setup.config(&[&receiver.url], false));
    let again = receiver.took(2).await?[1].clone();
    assert_eq!((again.id, again.body), (first.id, first.body));
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_takes_is_set_aside_and_sent_again_by_hand() -> Anyhow {
    let setup = Setup::new(soon_final()).await?;
    let (down, up) = (Receiver::start(&[Answer::Fail; 3]).await?, Receiver::start(&[]).await?);
    let indexer = Indexer::start(setup.config(&[&down.url, &up.url], false));
    setup.known(2).await?;
    setup.punish(&[4]).await?;
    setup.finalize().await?;
    // One that is down does not keep the other waiting.
    up.took(1).await?;
    let dead = until("the message to be given up", async || {
        let dead = plumbline_indexer::dead_messages(&setup.database.url).await?;
        Ok((!dead.is_empty()).then_some(dead))
    })
    .await?;
    assert_eq!(down.requests().len(), 3);
    assert_eq!((dead[0].attempts, dead[0].event.as_str()), (3, "raised"));
    assert!(dead[0].last_error.contains("503"), "{}", dead[0].last_error);
    assert_eq!(
        plumbline_indexer::retry_messages(&setup.database.url, Some("slash:0")).await?,
        0
    );
    assert_eq!(
        plumbline_indexer::retry_messages(&setup.database.url, Some(&dead[0].alert)).await?,
        1
    );
    let taken = down.took(1).await?;
    assert_eq!(taken[0].id, format!("{}:0", dead[0].alert));
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_finality_is_retracted_by_a_reorg_and_may_come_again() -> Anyhow {
    let setup = Setup::new(ChainOptions::default()).await?;
    let (early, late) = (Receiver::start(&[]).await?, Receiver::start(&[]).await?);
    let indexer = Indexer::start(setup.config(&[&early.url], true));
    setup.known(1).await?;
    let world = &setup.world;
    let outcome = world.run_period(&[2]).await?;
    world.punish(2, &outcome).await?;
    let raised = early.took(1).await?[0].clone();
    assert_eq!(raised.json()["event"], "raised");

    world.reorg(1).await?;
    let retracted = early.took(2).await?[1].clone();
    assert_eq!(retracted.json()["event"], "retracted");
    assert_eq!(retracted.json()["id"], raised.json()["id"]);
    assert_ne!(
        retracted.id, raised.id,
        "a receiver must not take it for the first message"
    );
    assert!(retracted.verify(SECRET));

    // Punished again in another block: another alert.
    world.punish(2, &outcome).await?;
    let again = early.took(3).await?[2].clone();
    assert_eq!(again.json()["event"], "raised");
    assert_ne!(again.json()["id"], raised.json()["id"]);
    assert!(late.requests().is_empty());
    world
        .assert_exact_but(&setup.database, &["webhook", "webhook_message"])
        .await?;
    indexer.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_of_what_is_not_final_and_a_reorg_before_that_is_silent() -> Anyhow {
    let setup = Setup::new(ChainOptions::default()).await?;
    let receiver = Receiver::start(&[]).await?;
    let indexer = Indexer::start(setup.config(&[&receiver.url], false));
    setup.known(1).await?;
    let outcome = setup.world.run_period(&[2]).await?;
    setup.world.punish(2, &outcome).await?;
    setup.world.indexed(&setup.database).await?;
    setup.world.reorg(1).await?;
    setup.world.punish(2, &outcome).await?;
    setup.world.mine(80).await?;
    let taken = receiver.took(1).await?;
    setup.world.indexed(&setup.database).await?;
    assert_eq!(receiver.requests().len(), 1, "{:#?}", receiver.requests());
    let hash = setup
        .database
        .text("select '0x' || encode(hash, 'hex') from block join downtime_punished on number = block_number");
    assert_eq!(taken[0].json()["block_hash"], hash.await?);
    indexer.stop().await
}

#[tokio::test]
async fn webhooks_that_cannot_work_are_refused_before_anything_is_read() -> Anyhow {
    let folder = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> Anyhow<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let (good, short, broken) = (
        file("good", SECRET)?,
        file("short", "short")?,
        file("broken", "whsec_*")?,
    );
    let url = || "https://hooks.example/token".to_owned();
    for (urls, secret_files, expected) in [
        (vec![url()], vec![], "PLUMBLINE_WEBHOOK_SECRET"),
        (vec![url()], vec![short], "openssl rand"),
        (vec![url()], vec![broken], "base64"),
        (vec![url()], vec![folder.path().join("missing")], "cannot be read"),
        (vec![url(), url()], vec![good.clone()], "given twice"),
        (vec![url()], vec![good.clone(), good.clone()], "one file for all"),
        (vec!["ftp://hooks.example/token".to_owned()], vec![good], "https://"),
    ] {
        let webhooks = Webhooks {
            urls,
            secret_files,
            ..Webhooks::default()
        };
        let config = Config {
            webhooks,
            ..Config::new("postgres://localhost/nothing", "http://localhost:1", "missing.json")
        };
        let error = plumbline_indexer::run(config, None, Default::default())
            .await
            .expect_err("it is refused");
        let text = format!("{error:#}");
        assert!(
            text.contains(expected) && !text.contains("/token"),
            "{expected} is not in: {text}"
        );
    }
    Ok(())
}

/// The largest amounts and an operator without a name go through as they are.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_every_kind_are_in_the_view_with_ids_of_their_own() -> Anyhow {
    let database = Database::new().await?;
    plumbline_indexer::MIGRATOR.run(&database.pool).await?;
    let largest = U256::MAX;
    let operator = format!("decode('{}', 'hex')", "ab".repeat(Address::len_bytes()));
    let word = |digit: char| format!("decode('{}', 'hex')", digit.to_string().repeat(64));
    let hash = word('7');
    let rows = format!(
        "insert into block (number, hash, timestamp, empty) values (7, {hash}, 1000, false);
         insert into fault_punished values (7, 3, {hash}, {operator}, 'withheld', {hash}, {operator}, {operator},
                                            {largest}, {largest}, 0, false);
         insert into network_period values (5, 7, 0, 60, 12, true, 5, 1, 12, 12, 0, 12, 0, 1, 0, 0, 0, 12, 12, 0, 0, 0);
         insert into incident values ({operator}, 5, 2, 10, null, true);
         insert into incident_end values ({operator}, 5, 2, 5, 9, 45, 7, 0);
         insert into drift_alarm values (5, 4, {operator}, 'onset', 25, 9.5, 9.1, 0.01, 0.05, false);
         insert into network_alarm values (5, 0, 'common_mode', 'up', 25, 2, {word}, 0.5, 0.5, 0.3, false)",
        word = word('6'),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&database.pool).await?;
    let ids = database
        .rows("select id, kind, coalesce(detail ->> 'principal_taken', '') from alert order by id")
        .await?;
    let tail = "7".repeat(16);
    let who = "ab".repeat(20);
    let expected = [
        (format!("drift:7:5-4:onset:{who}:{tail}"), "drift", String::new()),
        (format!("incident:7:5-2:began:{who}:{tail}"), "incident", String::new()),
        (format!("incident:7:5-2:ended:{who}:{tail}"), "incident", String::new()),
        (format!("network:7:5-0:common_mode:{tail}"), "network", String::new()),
        (format!("slash:7:3:{tail}"), "slash", largest.to_string()),
    ];
    let expected: Vec<Vec<String>> = expected
        .into_iter()
        .map(|(id, kind, amount)| vec![id, kind.to_owned(), amount])
        .collect();
    assert_eq!(ids, expected);
    Ok(())
}
