//! Another network's operators: their enclaves, and what does not add up.

use anyhow::Result;
use serde_json::{Value, json};

use crate::harness::{Api, START, addr, word};

/// Operators 1 and 2 with an enclave each, period 0 (of a minute) closed by block 8, and blocks up to 12.
async fn network() -> Result<Api> {
    let api = Api::empty().await?;
    api.blocks(1, 12, 0, 1).await?;
    api.sql(format!(
        "insert into deployment (source, chain_id, genesis_hash, start_block, model_registry, operator_registry, stake_vault,
                                 inference_settlement, uptime_ledger, slasher, price_oracle, reward_reserve,
                                 block_randomness, verifier_registry, judge_committee, stress_gauge, case_docket,
                                 audit_manager, challenge_manager)
         select 'opengradient', 10740, word(0), 1, z, z, z, z, z, z, z, z, z, z, z, z, z, z, z
         from (select decode(repeat('00', 20), 'hex') as z) zero;
         insert into opengradient (registry, relay, heartbeat_interval_seconds, heartbeat_max_age_seconds, genesis,
                                   slot_seconds, slots_per_period, report_window, deployed_at)
         values (addr(901), addr(902), 10, 20, {START}, 10, 6, 13, {START} - 1);
         insert into token values (decode(repeat('00', 20), 'hex'), 'NAT', 18);
         insert into operator_registered select 2, n, word(2), addr(n), n - 1 from generate_series(1, 2) n;
         insert into operator_profile
         select 2, addr(n), n - 1, {START} + 20, case n when 1 then 'active' else 'inactive' end, 0, z, z, addr(700 + n),
                decode(repeat('00', 32), 'hex'), 'https://tee' || n || '.example', 0, 0, 0
         from generate_series(1, 2) n, (select decode(repeat('00', 20), 'hex') as z) zero;
         insert into tee_registered select 2, n, word(2), word(100 + n), addr(n), 1 from generate_series(1, 2) n;
         insert into tee_details values
             (2, 1, word(101), 'calldata', addr(701), 'https://tee1.example', null),
             (2, 2, word(102), 'state', addr(702), 'https://tee2.example', word(55));
         insert into enclave select 2, word(100 + n), addr(n), 1, {START} + 20, true, {START} + 20, null
         from generate_series(1, 2) n;
         insert into enclave values (5, word(102), addr(2), 1, {START} + 20, false, {START} + 50, word(55));
         insert into network_period
         values (0, 8, {START}, {START} + 60, 6, false, 0, 1, 6, 3, 2, 1, 0.66, 0.5, 2, 0, 0, 6, 3, 2, 2, 0);
         insert into operator_period
         values (0, addr(1), 6, 3, 2, 1, 3, b'001110', b'001100', 0.66, null, null, 2, 0, 0, 0, 0, 6, 3, 2, 2, 0);
         insert into enclave_period values (0, word(101), addr(1), 2, 1, 0, {START} + 40, {START} + 39);
         insert into relay_period values (0, {START} + 40, {START} + 10, b'001110');
         insert into finding values
             (4, 1, 'replayed_heartbeat', 0, word(4), word(101), addr(1), null, {START} + 20, {START} + 30, null, null),
             (5, 1, 'repeated_receipt', 0, word(5), word(102), addr(2), word(77), {START} + 9, {START} + 20, 3, 7),
             (5, 1, 'disabled_enclave', 0, word(5), word(102), addr(2), word(77), {START} + 9, {START} + 20, null, null),
             (5, 2, 'repeated_root', 0, word(5), null, null, word(88), null, null, 3, 8)"
    ))
    .await?;
    Ok(api)
}

fn kinds(findings: &Value) -> Vec<&str> {
    let findings = findings["data"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn findings_are_filtered_by_kind_and_operator_and_come_newest_first() -> Result<()> {
    let api = network().await?;
    let all = api.get("/v1/findings").await?.ok();
    assert_eq!(
        kinds(&all),
        [
            "repeated_root",
            "repeated_receipt",
            "disabled_enclave",
            "replayed_heartbeat"
        ]
    );
    let root = &all["data"][0];
    assert_eq!(root["root"], word(88));
    assert_eq!(root["repeats"], json!({ "block_number": 3, "log_index": 8 }));
    for absent in ["receipt", "operator", "enclave", "signed_at", "alive_at"] {
        assert_eq!(root[absent], Value::Null, "{absent}");
    }
    let receipt = &all["data"][1];
    assert_eq!(
        (&receipt["receipt"], &receipt["root"]),
        (&json!(word(77)), &Value::Null)
    );
    assert_eq!(receipt["operator"], addr(2));

    let path = |filter: &str| format!("/v1/findings?{filter}");
    let of_one = api.get(&path(&format!("operator={}", addr(1)))).await?.ok();
    assert_eq!(kinds(&of_one), ["replayed_heartbeat"]);
    let of_kind = api.get(&path("kind=repeated_receipt")).await?.ok();
    assert_eq!(kinds(&of_kind), ["repeated_receipt"]);
    let both = api
        .get(&path(&format!("kind=disabled_enclave&operator={}", addr(2))))
        .await?
        .ok();
    assert_eq!(kinds(&both), ["disabled_enclave"]);
    api.get(&path("kind=bad_luck")).await?.problem(422, "invalid-parameter");

    let pages = api.pages("/v1/findings?limit=1").await?;
    let paged: Vec<Value> = pages.iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
    assert_eq!(&paged, all["data"].as_array().unwrap());
    Ok(())
}

#[tokio::test]
async fn an_enclave_is_active_while_its_newest_fresh_heartbeat_is_believed() -> Result<()> {
    let api = network().await?;
    let path = format!("/v1/operators/{}/enclaves", addr(1));
    let before = api.get(&path).await?.ok();
    assert_eq!(before["data"][0]["id"], word(101));
    // The last closed period knew of one 80 seconds ago.
    assert_eq!(before["data"][0]["active"], false);

    // Fresh ones, then an old one that is sent again, and one that was signed too long ago.
    api.sql(format!(
        "insert into heartbeat_received values
             (10, 1, word(10), word(101), {START} + 95), (11, 1, word(11), word(101), {START} + 106),
             (12, 1, word(12), word(101), {START} + 39), (12, 2, word(12), word(101), {START} + 99),
             (12, 3, word(12), word(999), {START} + 120)"
    ))
    .await?;
    let enclave = api.get(&path).await?.ok()["data"][0].clone();
    assert_eq!(enclave["active"], true);
    assert_eq!(enclave["alive_at"], "2026-01-01T00:01:50Z");
    assert_eq!(enclave["signed_at"], "2026-01-01T00:01:46Z");
    assert_eq!(enclave["found_in"], "calldata");
    assert_eq!(enclave["code"], Value::Null);

    let other = format!("/v1/operators/{}/enclaves", addr(2));
    let revoked = api.get(&other).await?.ok()["data"][0].clone();
    assert_eq!(
        (&revoked["enabled"], &revoked["active"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(revoked["revoked_code"], word(55));
    assert_eq!(revoked["payment_address"], addr(702));
    let enabled = api.get(&format!("{other}?enabled=true")).await?.ok();
    assert_eq!(enabled["data"], json!([]));
    api.get(&format!("/v1/operators/{}/enclaves", addr(3)))
        .await?
        .problem(404, "not-found");
    Ok(())
}

#[tokio::test]
async fn operators_and_network_of_another_source_are_served_like_our_own() -> Result<()> {
    let api = network().await?;
    let operators = api.get("/v1/operators?sort=registered&order=asc").await?.ok();
    let operators = operators["data"].as_array().unwrap();
    assert_eq!(operators.len(), 2);
    assert_eq!(operators[1]["status"], "inactive");
    assert_eq!(operators[0]["endpoint"], "https://tee1.example");
    // The contracts hold no stake.
    assert_eq!(operators[0]["stake"]["active"], "0");
    assert_eq!(operators[0]["stake"]["token"]["symbol"], "NAT");
    let inactive = api.get("/v1/operators?status=inactive").await?.ok();
    assert_eq!(inactive["data"][0]["id"], addr(2));

    let uptime = api
        .get(&format!("/v1/operators/{}/uptime?bucket=slot", addr(1)))
        .await?
        .ok();
    assert_eq!(uptime["data"]["series"].as_array().unwrap().len(), 6);
    assert_eq!(uptime["data"]["total"]["unobserved"], 3);
    api.get("/v1/network/summary").await?.ok();
    api.get("/v1/periods").await?.ok();
    api.get("/v1/params").await?.ok();
    Ok(())
}
