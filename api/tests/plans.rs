//! No request makes the database read a table from end to end.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use plumbline_api::Server;
use sqlx::Row as _;
use tokio_util::sync::CancellationToken;

use crate::harness::{Api, addr, config, word};

/// Tables that hold one row, or as many as there are operators: reading them whole is bounded.
const SMALL: [&str; 21] = [
    "_sqlx_migrations",
    "chain_head",
    "deployment",
    "opengradient",
    "token",
    "operator_registered",
    "operator_registry_configured",
    "stake_vault_configured",
    "inference_settlement_configured",
    "uptime_ledger_configured",
    "slasher_configured",
    "downtime_penalty_changed",
    "fault_terms_changed",
    "coverage_configured",
    "price_oracle_configured",
    "feed_changed",
    "reward_reserve_configured",
    "reward_parameters_changed",
    "block_randomness_configured",
    "audit_parameters_changed",
    "stress_parameters_changed",
];

const OPERATORS: i64 = 50;
const PERIODS: i64 = 2000;

async fn filled() -> Result<Api> {
    let api = Api::empty().await?;
    let blocks = PERIODS * 6 + 20;
    api.deployed(blocks).await?;
    api.operators(OPERATORS).await?;
    api.sql(format!(
        "insert into network_period
         select p, 9 + 6 * p, 1767225600 + 60 * p, 1767225660 + 60 * p, 12, true, 7, {OPERATORS}, 12 * {OPERATORS},
                12 * {OPERATORS}, 11 * {OPERATORS}, {OPERATORS}, null, null, 5, 50, 1, 12 * {OPERATORS} * (p + 1),
                12 * {OPERATORS} * (p + 1), 11 * {OPERATORS} * (p + 1), 5 * (p + 1), 50 * (p + 1)
         from generate_series(0, {PERIODS} - 1) p;
         insert into operator_period
         select p, addr(n), 12, 12, 11, 1, 0, b'111111111111', b'111111111110', null, null, null, 5, 50, 1, 1, 0,
                12 * (p + 1), 12 * (p + 1), 11 * (p + 1), 5 * (p + 1), 50 * (p + 1)
         from generate_series(0, {PERIODS} - 1) p, generate_series(1, {OPERATORS}) n;
         insert into operator_account
         select 6 * b, addr(n), n * b, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
         from generate_series(1, {PERIODS}) b, generate_series(1, {OPERATORS}) n;
         insert into operator_profile
         select 6 * b, addr(n), n - 1, 1767225620, 'active', 0, addr(n), addr(n), addr(n), word(1), '', 0, 0, 0
         from generate_series(1, {PERIODS}) b, generate_series(1, {OPERATORS}) n where n % 5 = 0;
         insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         select b, l, 0, case l % 6 when 0 then 'slash' else 'deposit' end, addr(802), 'wallet', addr(5), 'escrow', addr(5),
                addr(1 + (b + l) % {OPERATORS}), 7
         from generate_series(3, {blocks}) b, generate_series(1, 6) l;
         insert into flow_total
         select b, addr(802), k, 'wallet', 'escrow', b * 7, b from generate_series(3, {blocks}) b, unnest('{{deposit,stake,fee}}'::text[]) k;
         insert into flow_total
         select b, addr(802), 'fee', 'escrow', 'earnings_undrawn', b * 7, b from generate_series(3, {blocks}) b;
         insert into downtime_punished
         select b, 100, word(b), addr(1 + b % {OPERATORS}), b, addr(5), 12, 12, 1, 7, 0, 0 from generate_series(3, {blocks}) b;
         insert into fault_punished
         select b, 200 + k, word(1000000 * k + b), addr(1 + b % {OPERATORS}),
                (array['withheld', 'wrong_output', 'equivocation', 'unrevealed'])[k], word(1000000 * k + b), addr(5), addr(6), 7, 0, 0, false
         from generate_series(3, {blocks}) b, generate_series(1, 4) k;
         insert into outage_weighed select b, 90, word(b), b, 100, 100, 10000 from generate_series(3, {blocks}) b;
         insert into batch_settled select b, 300, word(b), addr(1 + b % {OPERATORS}), b, word(b), 10, 7, 7, '' from generate_series(3, {blocks}) b;
         insert into fees_settled select b, 301 + l, word(b), addr(1 + b % {OPERATORS}), addr(5), word(1), b, 1, 1, 0, 0
         from generate_series(3, {blocks}) b, generate_series(1, 2) l;
         insert into batch_drawn select b, 310, word(b), addr(1 + b % {OPERATORS}), b, b, b, word(b), 10000000000000000 from generate_series(3, {blocks}) b;
         insert into batch_released select b, 311, word(b), addr(1 + b % {OPERATORS}), b, 7, 7 from generate_series(3, {blocks}) b;
         insert into audit_opened select b, 312, word(b), addr(1 + b % {OPERATORS}), b, b, 0, 7, 1 from generate_series(3, {blocks}) b;
         insert into leaf_requested select b, 313, word(b), addr(1 + b % {OPERATORS}), b, word(b), 0 from generate_series(3, {blocks}) b;
         insert into deadline_extended select b, 314, word(b), addr(1 + b % {OPERATORS}), b, 1, 0 from generate_series(3, {blocks}) b;
         insert into leaf_answered select b, 315, word(b), addr(1 + b % {OPERATORS}), b, addr(5) from generate_series(3, {blocks}) b;
         insert into judgement_begun select b, 316, word(b), addr(1 + b % {OPERATORS}), b, word(b), 'judging', addr(5), 0, addr(5), word(b), word(1), 1,
                word(b), word(b), addr(5), 0, 1, 1 from generate_series(3, {blocks}) b;
         insert into committee_requested select b, 317, word(b), b, b, 9, word(1), addr(1), addr(5), word(1), word(b), true, 1, 1 from generate_series(3, {blocks}) b;
         insert into judges_drawn select b, 318, word(b), b, word(b), array[addr(1), addr(2)], '{{1,2}}', 1, 1 from generate_series(3, {blocks}) b;
         insert into verdict_committed select b, 319, word(b), addr(1), b, 0, word(b) from generate_series(3, {blocks}) b;
         insert into verdict_revealed select b, 320, word(b), addr(1), b, 0, word(b) from generate_series(3, {blocks}) b;
         insert into case_decided select b, 321, word(b), addr(1), b, 'passed', 0 from generate_series(3, {blocks}) b;
         insert into case_closed select b, 322, word(b), addr(1 + b % {OPERATORS}), b, 'passed', true from generate_series(3, {blocks}) b;
         insert into judge_punished select b, 199, word(b), addr(1 + b % {OPERATORS}), b, word(4000000 + b) from generate_series(3, {blocks}) b;
         insert into equivocation_proved select b, 198, word(b), addr(1 + b % {OPERATORS}), addr(5), word(3000000 + b), word(b), word(b), word(b) from generate_series(3, {blocks}) b;
         insert into challenge_opened select b, 324, word(b), addr(1), 1000000 + b, addr(5), 1, 1, 1 from generate_series(3, {blocks}) b;
         insert into bond_credited select b, 325, word(b), addr(5), b, 1 from generate_series(3, {blocks}) b;
         insert into canary_revealed select b, 326, word(b), addr(5), b, word(b) from generate_series(3, {blocks}) b;
         insert into case_account
         select b + s, b, 'audit', addr(1 + b % {OPERATORS}), 0, b, addr(5), 'closed', 'passed', 0, 0, 0, addr(5), addr(5), word(1), word(b), 1, 1, false
         from generate_series(3, {blocks}) b, generate_series(0, 2) s where b + s <= {blocks};
         insert into multiplier_updated select b, 400, word(b), 1, 10000, 1, 1, 1, 1, 1, 1, 1 from generate_series(3, {blocks}) b;
         insert into model_registered select 3 + n / 400, 1000 + n, word(n), addr(5), word(n), word(n / 2), word(0)
         from generate_series(1, 20000) n;
         insert into version_published select 3 + n / 400, 50000 + n, word(n), word(n), 1, word(n), 'proof', 1, ''
         from generate_series(1, 20000) n;
         insert into model_account select 100 + b, word(n), addr(5), addr(5), 1, false, 0, 0, 0, 0, 0
         from generate_series(1, 20000) n, generate_series(0, 1) b;
         insert into offering select 200 + b, addr(n), word(m), true, 1, 1, b, 0
         from generate_series(1, {OPERATORS}) n, generate_series(1, 10) m, generate_series(1, 10) b;
         insert into network_account select b, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
         from generate_series(3, {blocks}) b;
         insert into network_concentration (period, basis, total) select p, k, 1 from generate_series(0, {PERIODS} - 1) p, unnest('{{stake,units,fees}}'::text[]) k;
         insert into committee_drawn select 3, p, word(p), p, word(p), {OPERATORS}, '{{1,2,3,4,5,6,7}}' from generate_series(0, {PERIODS} - 1) p;
         insert into period_reported select 9 + 6 * p, 1, word(p), p, addr(5), 127, word(p), '', '', '' from generate_series(0, {PERIODS} - 1) p;
         insert into key_rotated select 10 + b, 7, word(b), addr(1 + b % {OPERATORS}), addr(1), addr(2) from generate_series(1, 10000) b;
         insert into channel_account
         select 3 + b, addr(1000 + n), addr(1 + n % {OPERATORS}), b, 0, 0, 0, 0 from generate_series(1, 1000) n, generate_series(1, 10) b;
         insert into voucher_skipped select b, 330, word(b), addr(1 + b % {OPERATORS}), addr(1000 + b % 1000), word(1), b, 'stale', 0
         from generate_series(3, {blocks}) b;
         insert into credit_account select b, 'fee_credit', addr(1000 + b % 1000), 1, 1 from generate_series(3, {blocks}) b;
         insert into operator_reliability
         select p, addr(n), 0, true, 1, p + 1, 10, 0, 4.5, null, null, 0, 0, 1, 1, 1, 1, 90, 10, 0.9, 0.5, true
         from generate_series(0, {PERIODS} - 1) p, generate_series(1, {OPERATORS}) n;
         insert into operator_latency select p, addr(n), '{{1,2,3}}' from generate_series(0, {PERIODS} - 1) p, generate_series(1, {OPERATORS}) n;
         insert into operator_drift
         select p, addr(n), c, 'watching', 0, 1.5, 14, 0.01, 0.05, 300, 3, null
         from generate_series(0, {PERIODS} - 1) p, generate_series(1, {OPERATORS}) n, unnest('{{onset,duration}}'::text[]) c;
         insert into drift_alarm select p, 1, addr(1 + p % {OPERATORS}), 'onset', 0, 15, 14, 0.5, 0.1, false from generate_series(0, {PERIODS} - 1) p;
         insert into incident select addr(n), p, 1, 0, word(1), false from generate_series(0, {PERIODS} - 1) p, generate_series(1, 5) n;
         insert into incident_end select addr(n), p, 1, p, 2, 0, 1, 0 from generate_series(0, {PERIODS} - 1) p, generate_series(1, 5) n;
         insert into network_reliability
         select p, 1, 1, p + 1, 1, 12, 2, 4.5, 0, 1, 1, 1, 1, 1, 1, 1, 2.5, 1, 1, 1, 1, p + 1, 0.1 * p from generate_series(0, {PERIODS} - 1) p;
         insert into network_dependency (period, first_period, operators, reliable_operators, left_shares)
         select p, 0, 0, 0, '{{}}' from generate_series(0, {PERIODS} - 1) p;
         insert into network_core (period, size) select p, 3 from generate_series(0, {PERIODS} - 1) p;
         insert into core_member select p, addr(n), n, 1, 0.1, 0 from generate_series(0, {PERIODS} - 1) p, generate_series(1, 5) n;
         insert into network_incentive (period, operators, entered, exited, exited_total) select p, 1, 1, 1, 1 from generate_series(0, {PERIODS} - 1) p;
         insert into network_drift (period, channel, state, since_period, statistic, weeks)
         select p, c, 'watching', 0, 0, 1 from generate_series(0, {PERIODS} - 1) p, unnest('{{dependency,effective_operators}}'::text[]) c;
         insert into network_alarm select p, 0, 'dependency', 'up', 0, null, null, 1, 1, 1, false from generate_series(0, {PERIODS} - 1) p;
         insert into correlated_pair select p, addr(1), addr(n), 1, 1, 1, 1, 1 from generate_series(0, {PERIODS} - 1) p, generate_series(2, 9) n;
         insert into network_verification
         select p, m, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 from generate_series(0, {PERIODS} - 1) p, unnest('{{proof,attested,unknown}}'::text[]) m;
         insert into model_verification select word(n), p, 1, p from generate_series(1, 100) n, generate_series(0, {PERIODS} - 1) p;
         analyze"
    ))
    .await?;
    Ok(api)
}

/// Asks a server of its own, often enough that its statements are planned once for all values, too; then the tables that
/// it read from end to end. A session publishes its counts at its end at the latest, so the server is ended first.
async fn read_whole(api: &Api, path: &str) -> Result<Vec<String>> {
    const TIMES: u32 = 8;
    let before = counters(api).await?;
    let server = Server::start(&config(&api.database_url)?).await?;
    let url = format!("http://{}", server.address());
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    for _ in 0..TIMES {
        let page: serde_json::Value = reqwest::get(format!("{url}{path}"))
            .await?
            .error_for_status()?
            .json()
            .await?;
        if let Some(cursor) = page["next_cursor"].as_str() {
            reqwest::get(format!("{url}{path}&cursor={cursor}"))
                .await?
                .error_for_status()?;
        }
    }
    stop.cancel();
    running.await?;
    let after = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let sessions: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'plumbline serve'",
            )
            .fetch_one(&api.db)
            .await?;
            if sessions == 0 {
                return counters(api).await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let after = after.await??;
    let grown = after
        .into_iter()
        .filter(|(table, scans)| *scans > before.get(table).copied().unwrap_or(0));
    Ok(grown.map(|(table, _)| table).collect())
}

async fn counters(api: &Api) -> Result<BTreeMap<String, i64>> {
    let rows = sqlx::query("select relname::text, seq_scan from pg_stat_user_tables")
        .fetch_all(&api.db)
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test]
async fn no_request_reads_a_table_from_end_to_end() -> Result<()> {
    let api = filled().await?;
    let first = |path: &str| format!("{path}{}limit=20", if path.contains('?') { '&' } else { '?' });
    let lists = [
        "/v1/operators".to_owned(),
        "/v1/operators?sort=uptime&window=1d".to_owned(),
        format!("/v1/operators?model={}", word(3)),
        "/v1/slashes".to_owned(),
        format!("/v1/operators/{}/slashes", addr(3)),
        "/v1/audits".to_owned(),
        "/v1/audits?stage=answering".to_owned(),
        format!("/v1/audits?operator={}&verdict=passed", addr(3)),
        "/v1/flows".to_owned(),
        "/v1/flows?kind=slash".to_owned(),
        "/v1/flows?from=2026-01-01T00:10:00Z&to=2026-01-01T00:11:00Z".to_owned(),
        format!("/v1/operators/{}/flows", addr(3)),
        format!("/v1/operators/{}/flows?kind=slash", addr(3)),
        "/v1/models".to_owned(),
        "/v1/models?order=asc".to_owned(),
        format!("/v1/models/{}/operators", word(3)),
        "/v1/channels".to_owned(),
        format!("/v1/channels?payer={}", addr(1003)),
        format!("/v1/channels?operator={}", addr(3)),
        "/v1/operators?sort=reliability".to_owned(),
        "/v1/operators?drift=watching".to_owned(),
        "/v1/incidents".to_owned(),
        "/v1/incidents?open=true".to_owned(),
        format!("/v1/operators/{}/incidents", addr(3)),
        "/v1/drift/alarms?window=1d".to_owned(),
        format!("/v1/drift/alarms?operator={}", addr(3)),
        "/v1/network/concentration?level=operator&basis=units".to_owned(),
        "/v1/network/dependency".to_owned(),
        "/v1/network/core".to_owned(),
        "/v1/network/incentives?window=1d".to_owned(),
        "/v1/periods".to_owned(),
        format!("/v1/operators/{}/uptime?bucket=slot", addr(3)),
        format!("/v1/operators/{}/uptime?bucket=period&order=asc", addr(3)),
        format!("/v1/operators/{}/uptime?bucket=1d", addr(3)),
    ];
    let singles = [
        format!("/v1/operators/{}", addr(3)),
        format!("/v1/models/{}", word(3)),
        format!("/v1/models/{}/lineage", word(1)),
        format!("/v1/payers/{}", addr(1003)),
        format!("/v1/operators/{}/drift", addr(3)),
        "/v1/network/drift".to_owned(),
        "/v1/flows/summary".to_owned(),
        "/v1/flows/summary?window=1d".to_owned(),
        "/v1/network/summary".to_owned(),
        "/v1/network/verification?window=1d".to_owned(),
        "/v1/audits/77".to_owned(),
        "/v1/batches/77".to_owned(),
        "/v1/periods/77".to_owned(),
        "/v1/network/core/77".to_owned(),
        "/v1/params".to_owned(),
    ];
    let paths: Vec<String> = lists.iter().map(|path| first(path)).chain(singles).collect();
    let mut offenders = Vec::new();
    let mut counted = false;
    for path in paths {
        for table in read_whole(&api, &path).await? {
            if SMALL.contains(&table.as_str()) {
                counted = true;
            } else {
                offenders.push(format!("{path}: {table}"));
            }
        }
    }
    assert!(offenders.is_empty(), "read from end to end:\n{}", offenders.join("\n"));
    assert!(counted, "the tables of one row are read whole, so the counters count");
    Ok(())
}
