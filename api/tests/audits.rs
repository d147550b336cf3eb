//! `/v1/audits`, `/v1/batches` and `/v1/network/verification`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, differences, word};

/// Batch 1 is spared; batch 2 audited in case 1 and found wrong; a receipt of operator 2 challenged in case 2 and being
/// judged; batch 3 audited in case 3, whose leaf is asked for; batch 4 not drawn. Block n is at second 10 n.
pub(crate) async fn tried() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(60).await?;
    api.operators(2).await?;
    api.sql(
        "create function opened(n int, kind text, case_id int, operator int, batch int, stage text, verdict text, deadline int, known bool)
         returns void language sql as $$
             insert into case_account values (n, case_id, kind, addr(operator), 1767225600 + 100, batch,
                 case kind when 'audit' then decode(repeat('00', 20), 'hex') else addr(501) end, stage, verdict, 0, deadline, 0,
                 decode(repeat('00', 20), 'hex'), case when known then addr(502) else decode(repeat('00', 20), 'hex') end,
                 case when known then word(7) else word(0) end, case when known then word(70 + case_id) else word(0) end, 900,
                 case when kind = 'challenge' then 60 else 0 end, stage = 'closed')
         $$;
         insert into batch_settled
         select 4 + n, 1, word(40 + n), addr(1), n, word(400 + n), 10 * n, 100 * n, 200 * n, 'ipfs://' || n from generate_series(1, 4) n;
         insert into fees_settled
         select 4 + n, 1 + v, word(40 + n), addr(1), addr(502), word(7), n, 5, 60 * n, 6 * n, 4 * n
         from generate_series(1, 4) n, generate_series(1, 2) v;
         insert into flow_total select 4 + n, addr(802), 'fee', 'escrow', 'earnings_undrawn', 50 * n * (n + 1), 2 * n
         from generate_series(1, 4) n;
         insert into batch_drawn values
             (10, 1, word(101), addr(1), 1, 0, 77, word(777), 10000000000000000),
             (10, 3, word(102), addr(1), 2, 1, 77, word(777), 20000000000000000),
             (14, 1, word(103), addr(1), 3, 3, 78, word(0), 1000000000000000000);
         insert into batch_released values (10, 2, word(101), addr(1), 1, 200, 100), (24, 9, word(111), addr(1), 2, 400, 150);
         insert into audit_opened values
             (10, 4, word(102), addr(1), 1, 2, 0, 900, 1),
             (14, 2, word(103), addr(1), 3, 3, 80, 900, 1);
         insert into challenge_opened values (12, 1, word(104), addr(2), 2, addr(501), 60, 900, 1);
         insert into leaf_requested values (10, 5, word(102), addr(1), 1, word(5), 1767225600 + 200);
         insert into leaf_answered values (16, 1, word(105), addr(1), 1, addr(503));
         insert into judgement_begun values
             (16, 2, word(105), addr(1), 1, word(71), 'proving', addr(601), 1767225600 + 400, addr(1001), word(31), word(7), 2,
              word(32), word(33), addr(502), 1767225600 + 30, 250, 60),
             (12, 2, word(104), addr(2), 2, word(72), 'judging', decode(repeat('00', 20), 'hex'), 0, addr(1002), word(34), word(7), 2,
              word(35), word(36), addr(502), 1767225600 + 31, 260, 60);
         insert into committee_requested values (12, 3, word(104), 2, 90, 9, convert_to(rpad('aws', 32, chr(1)), 'UTF8'), addr(2),
             addr(501), word(7), word(36), true, 100, 100);
         update committee_requested set domain = decode(replace(encode(domain, 'hex'), '01', '00'), 'hex');
         insert into judges_drawn values (15, 1, word(106), 2, word(88), array[addr(11), addr(12), addr(13)]::bytea[], '{11,12,13}',
             1767225600 + 250, 1767225600 + 350);
         insert into verdict_committed values (17, 1, word(107), addr(11), 2, 0, word(1)), (17, 2, word(108), addr(12), 2, 1, word(2));
         insert into verdict_revealed values (27, 1, word(109), addr(11), 2, 0, word(99));
         insert into case_decided values (20, 1, word(110), addr(1), 1, 'failed', 1767225600 + 200);
         insert into case_closed values (24, 1, word(111), addr(1), 1, 'failed', true);
         insert into multiplier_updated values
             (6, 1, word(1), 10000, 20000, 2500, 1, 2, 3, 4, 5, 6), (18, 1, word(1), 20000, 15000, 1250, 9, 8, 7, 6, 5, 4);
         insert into network_account select n, 2, 2, 0, 0, 0, 1, 0, case when n < 10 then 4 else 4 end,
             case when n < 10 then 0 when n < 24 then 1 else 2 end, 0, 0, 0, 0, 0, 0, 0, 0,
             case when n < 10 then 0 when n < 14 then 1 else 2 end, case when n < 12 then 0 else 1 end,
             case when n < 10 then 0 when n < 12 then 1 when n < 14 then 2 when n < 24 then 3 else 2 end,
             case when n < 24 then 0 else 1 end, 0, 1400, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
         from generate_series(8, 28) n;
         select opened(10, 'audit', 1, 1, 2, 'answering', 'none', 1767225600 + 200, false);
         select opened(16, 'audit', 1, 1, 2, 'proving', 'none', 1767225600 + 400, true);
         select opened(20, 'audit', 1, 1, 2, 'decided', 'failed', 1767225600 + 200, true);
         select opened(24, 'audit', 1, 1, 2, 'closed', 'failed', 1767225600 + 200, true);
         select opened(12, 'challenge', 2, 2, 0, 'judging', 'none', 0, true);
         select opened(14, 'audit', 3, 1, 3, 'seeding', 'none', 0, false);
         select opened(19, 'audit', 3, 1, 3, 'answering', 'none', 1767225600 + 500, false)",
    )
    .await?;
    Ok(api)
}

fn ids(answer: &Value) -> Vec<String> {
    let cases = answer["data"].as_array().unwrap().iter();
    cases.map(|case| case["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn cases_are_listed_newest_first_as_they_stand_now() -> Result<()> {
    let api = tried().await?;
    let answer = api.get("/v1/audits").await?.ok();
    assert_eq!(ids(&answer), ["3", "2", "1"]);
    let [asked, challenge, lost] = answer["data"].as_array().unwrap().as_slice() else {
        panic!("{answer}")
    };
    assert_eq!((&asked["kind"], &asked["batch"]), (&json!("audit"), &json!("3")));
    assert_eq!(
        (&asked["stage"], &asked["verdict"]),
        (&json!("answering"), &json!("none"))
    );
    assert_eq!(asked["deadline"], "2026-01-01T00:08:20Z");
    assert_eq!(asked["draw"]["seed"], Value::Null, "it was lost");
    assert_eq!(asked["draw"]["probability"]["value"], 1.0);
    for unknown in ["payer", "model", "offence", "challenger", "verifier", "committee"] {
        assert_eq!(asked[unknown], Value::Null, "{unknown}");
    }

    assert_eq!(challenge["challenger"], addr(501));
    assert_eq!(challenge["bond"]["amount"], "60");
    for absent in ["batch", "draw", "deadline"] {
        assert_eq!(challenge[absent], Value::Null, "{absent}");
    }
    let committee = &challenge["committee"];
    assert_eq!(committee["excluded_domain"], "aws");
    assert_eq!(committee["seed"], word(88));
    assert_eq!(committee["commit_until"], "2026-01-01T00:04:10Z");
    assert_eq!(committee["reveal_until"], "2026-01-01T00:05:50Z");
    let judges: Vec<_> = committee["judges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|judge| (&judge["operator"], &judge["committed"], &judge["output"]))
        .collect();
    assert_eq!(
        judges,
        [
            (&json!(addr(11)), &json!(true), &json!(word(99))),
            (&json!(addr(12)), &json!(true), &Value::Null),
            (&json!(addr(13)), &json!(false), &Value::Null),
        ]
    );

    assert_eq!((&lost["stage"], &lost["verdict"]), (&json!("closed"), &json!("failed")));
    assert_eq!(lost["punished"], true);
    assert_eq!(lost["deadline"], Value::Null, "there is none any more");
    assert_eq!(lost["draw"]["probability"]["numerator"], "20000000000000000");
    assert_eq!(lost["draw"]["probability"]["value"], 0.02);
    assert_eq!(lost["principal_cap"]["symbol"], "STK");
    Ok(())
}

#[tokio::test]
async fn a_case_is_shown_as_it_stood_at_the_finalized_block() -> Result<()> {
    let api = tried().await?;
    api.sql("update chain_head set finalized_number = 18").await?;
    let answer = api.get("/v1/audits").await?.ok();
    let stages: Vec<&Value> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| &case["stage"])
        .collect();
    assert_eq!(stages, ["seeding", "judging", "proving"]);
    assert_eq!(answer["data"][1]["committee"]["judges"][0]["output"], Value::Null);
    let detail = api.get("/v1/audits/1").await?.ok();
    let last = detail["data"]["events"].as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "JudgementBegun");
    let batch = api.get("/v1/batches/2").await?.ok();
    assert_eq!(
        (&batch["data"]["state"], &batch["data"]["release"]),
        (&json!("audited"), &Value::Null)
    );
    api.sql("update chain_head set finalized_number = 9").await?;
    api.get("/v1/audits/1").await?.problem(404, "not-found");
    Ok(())
}

#[tokio::test]
async fn cases_are_filtered_by_operator_kind_stage_and_verdict() -> Result<()> {
    let api = tried().await?;
    let by =
        async |query: String| -> Result<Vec<String>> { Ok(ids(&api.get(&format!("/v1/audits?{query}")).await?.ok())) };
    assert_eq!(by(format!("operator={}", addr(1))).await?, ["3", "1"]);
    assert_eq!(by(format!("operator={}", addr(2))).await?, ["2"]);
    assert_eq!(by("kind=challenge".into()).await?, ["2"]);
    assert_eq!(by("stage=closed".into()).await?, ["1"]);
    assert_eq!(
        by("stage=proving".into()).await?,
        [""; 0],
        "no case is at that stage now"
    );
    assert_eq!(by("verdict=none".into()).await?, ["3", "2"]);
    assert_eq!(
        by(format!("operator={}&verdict=failed&kind=audit", addr(1))).await?,
        ["1"]
    );
    let problem = api
        .get("/v1/audits?stage=lost")
        .await?
        .problem(422, "invalid-parameter");
    assert_eq!(problem["parameter"], "stage");
    Ok(())
}

#[tokio::test]
async fn pages_of_cases_hold_every_case_once() -> Result<()> {
    let api = tried().await?;
    let seen = async |path: String| -> Result<Vec<String>> {
        let pages = api.pages(&path).await?;
        Ok(pages
            .iter()
            .flat_map(|page| page.as_array().unwrap())
            .map(|case| case["id"].as_str().unwrap().to_owned())
            .collect())
    };
    assert_eq!(seen("/v1/audits?limit=1".into()).await?, ["3", "2", "1"]);
    assert_eq!(
        seen(format!("/v1/audits?operator={}&limit=1", addr(1))).await?,
        ["3", "1"]
    );
    Ok(())
}

#[tokio::test]
async fn a_filter_that_few_cases_pass_is_answered_in_short_pages_and_misses_none() -> Result<()> {
    let api = tried().await?;
    // Two that pass, at the far end and in the middle of the second page's cases.
    api.sql("select opened(30, 'audit', n, 1, 0, case when n in (4, 1500) then 'decided' else 'closed' end, 'passed', 0, true)
             from generate_series(4, 2600) n")
        .await?;
    let pages = api.pages("/v1/audits?stage=decided").await?;
    let pages: Vec<Vec<&str>> = pages
        .iter()
        .map(|page| {
            page.as_array()
                .unwrap()
                .iter()
                .map(|case| case["id"].as_str().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(pages, [vec![], vec!["1500"], vec!["4"]]);
    // The last case looked at is on the page when it passes.
    let pages = api.pages("/v1/audits?stage=closed&limit=200").await?;
    let closed: usize = pages.iter().map(|page| page.as_array().unwrap().len()).sum();
    assert_eq!(closed, 2597 - 2 + 1);
    Ok(())
}

#[tokio::test]
async fn a_case_tells_its_receipt_its_leaf_and_its_course() -> Result<()> {
    let api = tried().await?;
    let answer = api.get("/v1/audits/1").await?.ok();
    let case = &answer["data"];
    assert_eq!((&case["id"], &case["batch"]), (&json!("1"), &json!("2")));
    let receipt = &case["receipt"];
    assert_eq!(
        (&receipt["request"], &receipt["output"], &receipt["signer"]),
        (&json!(word(31)), &json!(word(33)), &json!(addr(1001)))
    );
    assert_eq!(receipt["fee"]["symbol"], "FEE");
    assert_eq!(case["leaf"], json!({ "path": word(5), "responder": addr(503) }));
    let events: Vec<_> = case["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["event"].as_str().unwrap(),
                event["block_number"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        events,
        [
            ("AuditOpened", 10),
            ("LeafRequested", 10),
            ("LeafAnswered", 16),
            ("JudgementBegun", 16),
            ("CaseDecided", 20),
            ("CaseClosed", 24),
        ]
    );
    let challenge = api.get("/v1/audits/2").await?.ok();
    let opened = &challenge["data"]["events"][0];
    assert_eq!(
        (&opened["event"], &opened["account"], &opened["amount"]["amount"]),
        (&json!("ChallengeOpened"), &json!(addr(501)), &json!("60"))
    );
    assert_eq!(challenge["data"]["leaf"], Value::Null);
    api.get("/v1/audits/4").await?.problem(404, "not-found");
    for malformed in ["0x1", "-1", "1e3", "1.0"] {
        let problem = api.get(&format!("/v1/audits/{malformed}")).await?;
        assert_eq!(problem.problem(422, "invalid-parameter")["parameter"], "id");
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_tells_what_was_committed_and_whether_it_was_audited() -> Result<()> {
    let api = tried().await?;
    let batch =
        async |n: i64| -> Result<Value> { Ok(api.get(&format!("/v1/batches/{n}")).await?.ok()["data"].clone()) };
    let spared = batch(1).await?;
    assert_eq!(spared["receipts_root"], word(401));
    assert_eq!(spared["receipt_count"], 10);
    assert_eq!(
        (&spared["vouchers"], &spared["units"], &spared["fees"]["amount"]),
        (&json!(2), &json!("10"), &json!("120"))
    );
    assert_eq!(
        (&spared["earned"]["amount"], &spared["risk"]["amount"]),
        (&json!("100"), &json!("200"))
    );
    assert_eq!(spared["state"], "released");
    assert_eq!(
        (
            &spared["draw"]["spared"],
            &spared["draw"]["case"],
            &spared["draw"]["verdict"]
        ),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(spared["draw"]["probability"]["value"], 0.01);
    let audited = batch(2).await?;
    assert_eq!(
        (&audited["draw"]["case"], &audited["draw"]["verdict"]),
        (&json!("1"), &json!("failed"))
    );
    assert_eq!(audited["release"]["locked"]["amount"], "150", "a fault took the rest");
    assert_eq!(batch(3).await?["state"], "audited");
    let open = batch(4).await?;
    assert_eq!(
        (&open["state"], &open["draw"], &open["release"]),
        (&json!("open"), &Value::Null, &Value::Null)
    );
    api.get("/v1/batches/5").await?.problem(404, "not-found");
    api.get("/v1/batches/x").await?.problem(422, "invalid-parameter");
    Ok(())
}

#[tokio::test]
async fn verification_counts_what_was_drawn_and_what_came_of_it() -> Result<()> {
    let api = tried().await?;
    let answer = api.get("/v1/network/verification").await?.ok();
    let data = &answer["data"];
    assert_eq!(data["batches"], json!({ "settled": 4, "drawn": 3, "released": 2 }));
    assert_eq!(
        data["audits"],
        json!({ "opened": 2, "passed": 0, "failed": 1, "withheld": 0, "inconclusive": 0 })
    );
    assert_eq!(
        data["challenges"],
        json!({ "opened": 1, "won": 0, "lost": 0, "inconclusive": 0, "voided": 0 })
    );
    // Batches 2 and 3 of four that earned 100, 200, 300 and 400.
    assert_eq!(
        data["audited_earnings"],
        json!({ "value": 0.5, "numerator": "500", "denominator": "1000" })
    );
    assert_eq!(data["cases_open"], 2);
    assert_eq!(data["open_risk"]["amount"], "1400");
    assert_eq!(data["complete"], true);
    assert_eq!(data["multiplier"]["current"]["value"], 1.5);
    assert_eq!(data["multiplier"]["utilisation_bps"], "9");
    assert_eq!(data["multiplier"]["measured_at"], "2026-01-01T00:03:00Z");

    // Blocks 11 to 23: the second audit and the challenge are opened, nothing is closed.
    let path = "/v1/network/verification?from=2026-01-01T00:01:50Z&to=2026-01-01T00:04:00Z";
    let window = &api.get(path).await?.ok()["data"];
    assert_eq!(window["batches"], json!({ "settled": 0, "drawn": 1, "released": 0 }));
    assert_eq!(
        (&window["audits"]["opened"], &window["audits"]["failed"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(window["challenges"]["opened"], 1);
    assert_eq!(
        window["audited_earnings"]["value"],
        Value::Null,
        "nothing was earned in it"
    );
    Ok(())
}

#[tokio::test]
async fn a_challenge_is_won_when_the_receipt_is_wrong() -> Result<()> {
    let api = tried().await?;
    api.sql(
        "insert into case_account select 28, n, 'challenge', addr(2), 0, 0, addr(501), 'closed', v, 0, 0, 0, addr(1), addr(1), word(7),
             word(n), 1, 0, v = 'failed'
         from unnest('{failed,passed,passed,inconclusive,voided}'::text[]) with ordinality as t(v, i), lateral (select 10 + i as n) k;
         insert into case_closed select block_number, 100 + case_id::int, word(1), operator, case_id, verdict, punished
         from case_account where case_id > 10",
    )
    .await?;
    let answer = api.get("/v1/network/verification").await?.ok();
    assert_eq!(
        answer["data"]["challenges"],
        json!({ "opened": 1, "won": 1, "lost": 2, "inconclusive": 1, "voided": 1 })
    );
    Ok(())
}

#[tokio::test]
async fn answers_about_cases_and_batches_are_as_documented() -> Result<()> {
    let api = tried().await?;
    let document = api.get("/openapi.json").await?.ok();
    let paths = [
        ("/v1/audits", &[""][..]),
        ("/v1/audits/{id}", &["1", "2", "3"]),
        ("/v1/batches/{id}", &["1", "2", "3", "4"]),
        ("/v1/network/verification", &[""]),
    ];
    for (path, ids) in paths {
        let place = format!("/paths/{}", path.replace('/', "~1"));
        let schema =
            &document.pointer(&place).unwrap()["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        for id in ids {
            let answer = api.get(&path.replace("{id}", id)).await?.ok();
            let mut found = Vec::new();
            differences(&document, schema, &answer, path, &mut found);
            assert!(found.is_empty(), "{id}: {found:#?}");
        }
    }
    Ok(())
}
