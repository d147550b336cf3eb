//! Incidents, detectors and alarms, and what the network's periods tell.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, addr, seen};

const ALL: &str = "111111111111";

/// Four closed periods; operator 1 was down twice and is down again, operator 2 once, in common mode.
pub(crate) async fn drifting() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(40).await?;
    api.operators(3).await?;
    for period in 0..4 {
        api.period(
            period,
            9 + 6 * period,
            &[seen(1, ALL, ALL, 5), seen(2, ALL, ALL, 1), seen(3, ALL, ALL, 0)],
        )
        .await?;
    }
    api.sql(
        "insert into incident values
             (addr(1), 0, 2, 1767225610, word(1), false), (addr(1), 1, 0, 1767225660, word(1), false),
             (addr(1), 3, 11, 1767225835, word(1), false), (addr(2), 1, 0, 1767225660, null, true);
         insert into incident_end values
             (addr(1), 0, 2, 0, 5, 1767225625, 3, 0), (addr(1), 1, 0, 2, 1, 1767225725, 9, 1), (addr(2), 1, 0, 1, 2, 1767225670, 2, 2);
         insert into operator_reliability
         select p, addr(n), 0, true, 1, p + 1, 10 * (p + 1), 0, 4.5, case when n = 1 and p = 3 then 3 end,
                case when n = 1 and p = 3 then 11 end, case when n = 1 and p = 3 then 1 else 0 end, 0, 1, 1, 1, 1, 90, 10,
                0.9, 0.5 + 0.1 * n, n <> 1
         from generate_series(0, 3) p, generate_series(1, 2) n;
         insert into operator_latency values (2, addr(1), '{0,90}'), (3, addr(1), '{0,180,0,0,20}');
         insert into operator_drift
         select p, addr(n), c, case when n = 1 and c = 'onset' and p = 3 then 'alarmed' when n = 3 then 'warming_up' else 'watching' end,
                0, 1.5, ln(3 * 518400), 0.01, 0.05, 300, 3, case when n = 1 and p = 3 then 3 end
         from generate_series(0, 3) p, generate_series(1, 3) n, unnest('{onset,duration}'::text[]) c;
         insert into drift_alarm values
             (2, 4, addr(2), 'duration', 1767225745, 15, 14.2, 0.5, 0.17, false),
             (3, 1, addr(1), 'duration', 1767225790, 15, 14.2, 0.5, 0.17, false),
             (3, 1, addr(1), 'onset', 1767225790, 16, 14.2, 0.01, 0.05, true);
         insert into network_reliability
         select p, 1, 1, p + 1, 1, 12, 2, 4.5, 0, 1, 1, 1, 1, 1, 1, 1, 2.5, 1, 1, 1, 1, case p when 2 then 1 when 3 then 3 else 0 end, 0.1 * (p + 1) from generate_series(0, 3) p;
         insert into network_dependency values
             (3, 0, 3, 2.5, 1.5, 0.69, 0.18, 0.51, 3, 2, 0.6, 2, 100, 2, '{0.5,0.1}', 0.9, word(1), 0.4);
         insert into network_dependency (period, first_period, operators, reliable_operators, left_shares) values (2, 0, 0, 0, '{}');
         insert into network_core values (2, 1, 0.8, null, null, null, null, null), (3, 2, 0.9, 1, 0, 0.5, 0.9, 1.5);
         insert into core_member values (2, addr(1), 1, 80, 0.8, 2), (3, addr(1), 1, 60, 0.6, 2), (3, addr(2), 2, 30, 0.3, 3);
         insert into network_incentive (period, reserve, wages, protocol_fees, received, released, runway_periods, fee_coverage,
             operators, entered, exited, exit_rate, exited_total, thawing_share, price, price_change, price_elasticity)
         values (3, 1000, 10, 4, 5, 6, 1000, 0.4, 3, 1, 0, 0, 0, 0.01, 2000000, -0.5, 0.03);
         insert into network_drift values (3, 'dependency', 'alarmed', 3, 0.7, 0.2, 0.05, 2, 2.4, 9, 0.01, null, null, 3);
         insert into network_alarm values
             (1, 0, 'common_mode', 'up', 1767225665, 0, null, 0.6, 0.6, 0.3, false), (3, 0, 'dependency', 'up', 1767225840, null, null, 0.7, 2.4, 2, false);
         insert into correlated_pair values (3, addr(1), addr(2), 100, 10, 8, 6, 7.5);
         insert into network_concentration (period, level, basis, total, holders, top10_share)
         select p, l, b, 30, 2, 1 from generate_series(0, 3) p, unnest('{operator,owner,domain}'::text[]) l, unnest('{stake,units}'::text[]) b;
         insert into network_verification values (3, 'proof', 5, 50, 500, 1, 2, 3, 4, 1, 0, 0.2, 0.3)",
    )
    .await?;
    Ok(api)
}

fn rows(answer: &Value) -> Vec<Value> {
    answer["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn incidents_are_listed_newest_first_with_their_end_or_what_was_missed_so_far() -> Result<()> {
    let api = drifting().await?;
    let all = rows(&api.get("/v1/incidents?finalized=false").await?.ok());
    let keys: Vec<(i64, i64)> = all
        .iter()
        .map(|i| (i["period"].as_i64().unwrap(), i["slot"].as_i64().unwrap()))
        .collect();
    assert_eq!(keys, [(3, 11), (1, 0), (1, 0), (0, 2)]);
    assert_eq!(
        (&all[0]["open"], &all[0]["ended_at"], &all[0]["missed_slots"]),
        (&json!(true), &Value::Null, &json!(1))
    );
    let of_one = rows(&api.get(&format!("/v1/operators/{}/incidents", addr(1))).await?.ok());
    assert_eq!(of_one.len(), 3);
    assert_eq!(
        (&of_one[1]["missed_slots"], &of_one[1]["ended_at"]),
        (&json!(9), &json!("2026-01-01T00:02:05Z"))
    );
    let pages = api.pages("/v1/incidents?limit=1").await?;
    assert_eq!(pages.len(), 4);
    for (filter, count) in [
        ("open=true", 1),
        ("open=false", 3),
        ("common_mode=true", 1),
        ("common_mode=false&open=false", 2),
        ("from=2026-01-01T00:01:00Z&to=2026-01-01T00:02:00Z", 2),
    ] {
        let pages = api.pages(&format!("/v1/incidents?limit=1&{filter}")).await?;
        let found = pages.iter().map(|page| page.as_array().unwrap().len()).sum::<usize>();
        assert_eq!(found, count, "{filter}");
    }
    Ok(())
}

#[tokio::test]
async fn an_incident_that_ended_after_the_snapshot_is_still_open_in_it() -> Result<()> {
    let api = drifting().await?;
    // Only periods 0 and 1 are closed by then.
    api.sql("update chain_head set finalized_number = 16").await?;
    let known = rows(&api.get("/v1/incidents").await?.ok());
    assert_eq!(known.len(), 3);
    let open: Vec<&Value> = known.iter().filter(|incident| incident["open"] == true).collect();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0]["operator"], &open[0]["period"]), (&json!(addr(1)), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn an_operator_shows_its_reliability_and_can_be_found_by_it() -> Result<()> {
    let api = drifting().await?;
    let operator = &api.get(&format!("/v1/operators/{}", addr(1))).await?.ok()["data"]["reliability"];
    assert_eq!(
        (&operator["incidents"], &operator["incident_open"]),
        (&json!(4), &json!(true))
    );
    assert_eq!(
        (&operator["mttr_seconds"], &operator["reliable"]),
        (&json!(22.5), &json!(false))
    );
    assert_eq!(
        (&operator["score"], &operator["drift"]),
        (&json!(0.9), &json!("alarmed"))
    );
    assert_eq!(operator["latency"]["receipts"], 200);
    assert_eq!(operator["latency"]["p50_ms"], 2_f64.powf(0.5));
    assert_eq!(operator["latency"]["p95_ms"], 2_f64.powf(1.25));
    let none = &api.get(&format!("/v1/operators/{}", addr(3))).await?.ok()["data"]["reliability"];
    assert_eq!(
        (&none["score"], &none["mttr_seconds"], &none["latency"]["p50_ms"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let ids = async |query: &str| -> Result<Vec<Value>> {
        let found = api.get(&format!("/v1/operators?{query}")).await?.ok();
        Ok(rows(&found).iter().map(|row| row["id"].clone()).collect())
    };
    assert_eq!(ids("drift=alarmed").await?, [addr(1)]);
    assert_eq!(ids("drift=watching").await?, [addr(2)]);
    assert_eq!(ids("drift=warming_up").await?, [addr(3)]);
    assert_eq!(
        ids("sort=reliability").await?,
        [addr(2), addr(1), addr(3)],
        "who was never observed comes last"
    );
    assert_eq!(ids("sort=incidents&order=asc").await?[0], addr(3));
    Ok(())
}

#[tokio::test]
async fn a_detector_tells_its_statistic_threshold_baseline_and_false_alarms() -> Result<()> {
    let api = drifting().await?;
    let drift = &api.get(&format!("/v1/operators/{}/drift", addr(1))).await?.ok()["data"];
    assert_eq!(drift["state"], "alarmed");
    let onset = &drift["detectors"][0];
    assert_eq!(
        (&onset["channel"], &onset["state"], &onset["alarm_period"]),
        (&json!("onset"), &json!("alarmed"), &json!(3))
    );
    assert_eq!(
        onset["baseline"],
        json!({ "rate": 0.01, "alternative_rate": 0.05, "steps": 300, "events": 3 })
    );
    let expected = onset["expected_false_alarms_30d"].as_f64().unwrap();
    assert!(
        (expected - 1.0 / 3.0).abs() < 1e-9,
        "one of three operators: {expected}"
    );
    assert_eq!(drift["alarms"].as_array().unwrap().len(), 2);
    let unknown = api.get(&format!("/v1/operators/{}/drift", addr(3))).await?.ok();
    assert_eq!(unknown["data"]["state"], "warming_up");
    Ok(())
}

#[tokio::test]
async fn alarms_come_with_the_number_of_false_ones_to_expect() -> Result<()> {
    let api = drifting().await?;
    let alarms = &api.get("/v1/drift/alarms").await?.ok()["data"];
    assert_eq!(alarms["total"], 3);
    assert!((alarms["expected_false"].as_f64().unwrap() - 0.4).abs() < 1e-9);
    let found: Vec<(&Value, &Value)> = alarms["alarms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (&a["period"], &a["channel"]))
        .collect();
    assert_eq!(
        found,
        [
            (&json!(3), &json!("onset")),
            (&json!(3), &json!("duration")),
            (&json!(2), &json!("duration"))
        ]
    );
    let mut next = Some(String::new());
    let mut seen = 0;
    while let Some(cursor) = next {
        let page = api
            .get(&format!("/v1/drift/alarms?limit=1&operator={}{cursor}", addr(1)))
            .await?
            .ok();
        seen += page["data"]["alarms"].as_array().unwrap().len();
        next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }
    assert_eq!(seen, 2);
    let window = "from=2026-01-01T00:02:00Z&to=2026-01-01T00:03:00Z";
    let window = &api.get(&format!("/v1/drift/alarms?{window}")).await?.ok()["data"];
    assert_eq!(window["total"], 1);
    Ok(())
}

#[tokio::test]
async fn the_network_shows_dependency_core_incentives_and_drift_by_period() -> Result<()> {
    let api = drifting().await?;
    let dependency = rows(&api.get("/v1/network/dependency").await?.ok());
    assert_eq!(dependency.len(), 2);
    assert_eq!(
        (&dependency[0]["dependency"], &dependency[0]["routing_driven"]),
        (&json!(0.69), &json!(0.51))
    );
    assert_eq!(
        dependency[0]["liveness"],
        json!({ "demand": "100", "nakamoto": 2, "left_shares": [0.5, 0.1] })
    );
    assert_eq!(dependency[1]["dependency"], Value::Null);
    let cores = rows(&api.get("/v1/network/core").await?.ok());
    assert_eq!((&cores[0]["size"], &cores[1]["size"]), (&json!(2), &json!(1)));
    for listed in &cores {
        let path = format!("/v1/network/core/{}", listed["period"]);
        let mut core = api.get(&path).await?.ok()["data"].take();
        let members = core.as_object_mut().unwrap().remove("members").unwrap();
        assert_eq!(members.as_array().unwrap().len(), listed["size"]);
        assert_eq!(core, *listed);
    }
    let newest = &api.get(&format!("/v1/network/core/{}", cores[0]["period"])).await?.ok()["data"];
    assert_eq!(
        (&newest["members"][1]["operator"], &newest["churn"]["jaccard"]),
        (&json!(addr(2)), &json!(0.5))
    );
    api.get("/v1/network/core/77").await?.problem(404, "not-found");
    let incentives = rows(&api.get("/v1/network/incentives").await?.ok());
    assert_eq!(incentives[0]["reserve"]["balance"]["amount"], "1000");
    assert_eq!(incentives[0]["price"]["stake_token"]["symbol"], "FEE");
    assert_eq!(incentives[0]["price"]["elasticity"]["slope"], 0.03);
    let drift = &api.get("/v1/network/drift").await?.ok()["data"];
    assert_eq!(
        (&drift["detectors"][0]["channel"], &drift["detectors"][0]["state"]),
        (&json!("dependency"), &json!("alarmed"))
    );
    assert_eq!(drift["reliability"]["variance_ratio"], 2.5);
    assert_eq!(drift["alarms"][0]["channel"], "dependency");
    assert_eq!(drift["correlated"][0]["operators"], json!([addr(1), addr(2)]));
    let modes = &api.get("/v1/network/verification").await?.ok()["data"]["modes"];
    assert_eq!(
        (&modes[0]["mode"], &modes[0]["judgements"]),
        (&json!("proof"), &json!(2))
    );
    Ok(())
}

#[tokio::test]
async fn concentration_is_paged_by_period_level_and_basis() -> Result<()> {
    let api = drifting().await?;
    for (filter, count) in [
        ("", 24),
        ("&level=owner", 8),
        ("&basis=units", 12),
        ("&level=domain&basis=stake", 4),
    ] {
        let pages = api.pages(&format!("/v1/network/concentration?limit=5{filter}")).await?;
        let mut found: Vec<(i64, String, String)> = pages
            .iter()
            .flat_map(|page| page.as_array().unwrap())
            .map(|row| {
                (
                    row["period"].as_i64().unwrap(),
                    row["level"].to_string(),
                    row["basis"].to_string(),
                )
            })
            .collect();
        assert!(found.is_sorted_by(|a, b| a > b), "newest first: {found:?}");
        found.dedup();
        assert_eq!(found.len(), count, "{filter}");
    }
    Ok(())
}
