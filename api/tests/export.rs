//! `/v1/export/…` in each format.

use anyhow::Result;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::harness::{Api, addr, seen};

const FLOWS: i64 = 10_000;

/// More flows than are read at once, several in each log, and one of everything else.
async fn history() -> Result<Api> {
    let api = Api::empty().await?;
    api.deployed(3_000).await?;
    api.operators(2).await?;
    api.period(
        0,
        9,
        &[
            seen(1, "111111111111", "111111111100", 3),
            seen(2, "000000000000", "000000000000", 0),
        ],
    )
    .await?;
    api.sql(format!(
        "insert into flow (block_number, log_index, part, kind, token, from_class, from_account, to_class, to_account, operator, amount)
         select 3 + n / 8, n % 8 / 4, n % 4, 'deposit', addr(802), 'wallet', addr(5), 'escrow', addr(5),
                case when n % 2 = 0 then addr(1) end, n + 1
         from generate_series(0, {FLOWS} - 1) n;
         update operator_profile set endpoint = 'https://a.example/\"b\",c' where operator = addr(2);
         insert into voucher_skipped values (5, 3, word(53), addr(1), addr(501), word(7), 1, 'stale', 0);
         insert into fees_settled values (5, 4, word(53), addr(1), addr(501), word(7), 1, 18446744073709551615, 9, 1, 1);
         insert into downtime_punished values (21, 9, word(7), addr(2), 0, addr(5), 12, 12, 1, 7, 3, 0);
         insert into incident values (addr(2), 0, 2, 1767225620, null, false), (addr(1), 0, 10, 1767225700, word(9), true);
         insert into incident_end values (addr(1), 0, 10, 0, 11, 1767225710, 1, 1);
         insert into drift_alarm values (0, 4, addr(2), 'onset', 1767225650, 9.5, 9.1, 0.01, 0.05, false);
         insert into network_alarm values (0, 0, 'common_mode', 'up', 1767225650, 2, null, 0.5, 0.5, 0.3, false);
         insert into audit_opened values (21, 6, word(7), addr(1), 1, 1, 0, 7, 1);
         insert into case_account values (21, 1, 'audit', addr(1), 0, 1, addr(5), 'seeding', 'none', 0, 0, 0, addr(5), addr(5), word(1), word(1), 1, 1, false)"
    ))
    .await?;
    Ok(api)
}

async fn bytes(api: &Api, path: &str) -> Result<Vec<u8>> {
    let response = reqwest::get(format!("{}{path}", api.url)).await?.error_for_status()?;
    Ok(response.bytes().await?.to_vec())
}

#[tokio::test]
async fn a_csv_has_every_row_once_and_in_order() -> Result<()> {
    let api = history().await?;
    let answer = api.get("/v1/export/flows").await?;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        answer
            .header("content-disposition")
            .contains("plumbline-flows-2999.csv")
    );
    assert!(answer.header("plumbline-as-of").starts_with("2999; hash=0x"));
    let lines: Vec<&str> = answer.text.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert!(
        lines[0].starts_with("block_number,block_time,log_index,part,kind,"),
        "{}",
        lines[0]
    );
    assert_eq!(lines.len() as i64, FLOWS + 1);
    for (place, line) in (1..).zip(&lines[1..]) {
        assert!(line.ends_with(&format!(",{place}")), "{line}");
    }
    assert!(lines[1].contains("2026-01-01T00:00:30Z") && lines[1].contains(&addr(1)));
    let operators = api.get("/v1/export/operators?format=csv").await?.text;
    assert!(operators.contains("\"https://a.example/\"\"b\"\",c\""), "{operators}");
    assert_eq!(operators.lines().count(), 3);
    Ok(())
}

#[tokio::test]
async fn arrow_and_parquet_hold_the_same_rows_and_say_what_they_are_of() -> Result<()> {
    let api = history().await?;
    let arrow = bytes(&api, "/v1/export/flows?format=arrow").await?;
    let reader = StreamReader::try_new(arrow.as_slice(), None)?;
    assert_eq!(reader.schema().metadata()["plumbline.block_number"], "2999");
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    assert!(batches.len() > 1, "in pieces");
    assert_eq!(batches.iter().map(|batch| batch.num_rows() as i64).sum::<i64>(), FLOWS);

    let parquet = bytes(&api, "/v1/export/flows?format=parquet").await?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(axum::body::Bytes::from(parquet))?;
    let facts = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(
        facts
            .iter()
            .any(|fact| fact.key == "plumbline.dataset" && fact.value.as_deref() == Some("flows"))
    );
    let mut rows = 0;
    for batch in reader.build()? {
        let batch = batch?;
        let parts = batch.column_by_name("part").unwrap().as_primitive::<Int64Type>();
        let amounts = batch.column_by_name("amount").unwrap().as_string::<i32>();
        let operators = batch.column_by_name("operator").unwrap();
        for at in 0..batch.num_rows() {
            assert_eq!(parts.value(at), rows % 4);
            assert_eq!(amounts.value(at), (rows + 1).to_string());
            assert_eq!(operators.is_null(at), rows % 2 == 1);
            rows += 1;
        }
    }
    assert_eq!(rows, FLOWS);
    Ok(())
}

#[tokio::test]
async fn every_dataset_can_be_had_in_every_format() -> Result<()> {
    let api = history().await?;
    for (dataset, rows) in [
        ("operators", 2),
        ("periods", 1),
        ("uptime", 2),
        ("settlements", 1),
        ("skipped_vouchers", 1),
        ("slashes", 1),
        ("cases", 1),
        ("incidents", 2),
        ("drift_alarms", 1),
        ("network_alarms", 1),
    ] {
        let csv = api.get(&format!("/v1/export/{dataset}")).await?;
        assert_eq!(csv.text.lines().count(), rows + 1, "{dataset}: {}", csv.text);
        let arrow = bytes(&api, &format!("/v1/export/{dataset}?format=arrow")).await?;
        let batches = StreamReader::try_new(arrow.as_slice(), None)?.collect::<Result<Vec<_>, _>>()?;
        assert_eq!(
            batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
            rows,
            "{dataset}"
        );
        let parquet = bytes(&api, &format!("/v1/export/{dataset}?format=parquet")).await?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(axum::body::Bytes::from(parquet))?;
        assert_eq!(reader.metadata().file_metadata().num_rows(), rows as i64, "{dataset}");
        // Nothing in a window before everything, and still a whole file.
        let empty = api
            .get(&format!(
                "/v1/export/{dataset}?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
            ))
            .await?;
        assert_eq!(empty.text.lines().count(), 1, "{dataset}");
    }
    Ok(())
}

#[tokio::test]
async fn an_incident_is_exported_open_until_its_end_is_known() -> Result<()> {
    let api = history().await?;
    let incidents = api.get("/v1/export/incidents").await?.text;
    let lines: Vec<&str> = incidents.lines().collect();
    assert_eq!(
        lines[1],
        format!("0,2,{},,2026-01-01T00:00:20Z,,,,false", addr(2)),
        "open"
    );
    assert!(
        lines[2].ends_with(",2026-01-01T00:01:40Z,2026-01-01T00:01:50Z,1,1,true"),
        "{}",
        lines[2]
    );
    Ok(())
}

#[tokio::test]
async fn an_export_that_is_known_already_is_not_made_again_and_an_unknown_one_is_refused() -> Result<()> {
    let api = history().await?;
    let etag = api.get("/v1/export/slashes").await?.header("etag").to_owned();
    let again = api
        .request(reqwest::Method::GET, "/v1/export/slashes", &[("if-none-match", &etag)])
        .await?;
    assert_eq!(again.status, 304);
    let unknown = api.get("/v1/export/secrets").await?.problem(422, "invalid-parameter");
    assert_eq!(unknown["parameter"], "dataset");
    assert!(unknown["detail"].as_str().unwrap().contains("flows"));
    api.get("/v1/export/flows?format=xlsx")
        .await?
        .problem(422, "invalid-parameter");
    Ok(())
}

#[tokio::test]
async fn an_export_breaks_off_when_its_block_is_replaced() -> Result<()> {
    let api = history().await?;
    let url = format!("{}/v1/export/flows?finalized=false", api.url);
    let mut response = reqwest::get(&url).await?.error_for_status()?;
    response.chunk().await?.unwrap();
    api.sql("update block set hash = word(424242) where number = 3000")
        .await?;
    let rest = async {
        while response.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    // What was on its way already may still be all; a reader that is told nothing has every row.
    if rest.await.is_ok() {
        assert_eq!(
            api.get("/v1/export/flows?finalized=false").await?.text.lines().count() as i64,
            FLOWS + 1
        );
    }
    Ok(())
}
