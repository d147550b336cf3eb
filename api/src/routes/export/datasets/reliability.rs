//! Datasets of how reliable operators are: incidents, and alarms of the detectors.

use sqlx::PgConnection;

use super::{CHUNK_ROWS, Label, Range, Record};
use crate::error::Result;
use crate::routes::export::encode::{Cell, Column, Value};
use crate::stream::Place;
use crate::value::{Address, Timestamp};

record! {
    /// What an incident missed is known when it ended.
    IncidentRow at (period, whole) {
        period: i64, slot: i32, operator: Address, domain: Option<Label>, started_at: Timestamp,
        ended_at: Option<Timestamp>, missed: Option<i32>, common_missed: Option<i32>, common_mode: bool,
    }
    |after, range|
    r#"select i.period, i.slot, i.operator as "operator: Address", i.domain as "domain: Label",
              i.started_at as "started_at: Timestamp", e.ended_at as "ended_at?: Timestamp",
              e.missed as "missed?", e.common_missed as "common_missed?", i.common_mode
       from (
           select * from incident where period > $1 and period <= $2
           order by period fetch first ($4) rows with ties
       ) i
       left join incident_end e on (e.operator, e.period, e.slot) = (i.operator, i.period, i.slot)
           and e.ended_period <= (select max(period) from network_period where closed_by_block <= $3)
       order by i.period, i.slot, i.operator"#,
    after.block, range.last, range.block, CHUNK_ROWS
}

record! {
    DriftAlarmRow at (period, whole) {
        period: i64, slot: i32, operator: Address, channel: String, at: Timestamp, statistic: f64, threshold: f64,
        baseline_rate: f64, alternative_rate: f64, renewed: bool,
    }
    |after, range|
    r#"select period, slot, operator as "operator: Address", channel, at as "at: Timestamp", statistic, threshold,
              baseline_rate, alternative_rate, renewed
       from (
           select * from drift_alarm where period > $1 and period <= $2
           order by period fetch first ($3) rows with ties
       ) a
       order by period, slot, operator, channel"#,
    after.block, range.last, CHUNK_ROWS
}

record! {
    NetworkAlarmRow at (period, whole) {
        period: i64, ordinal: i16, channel: String, direction: String, at: Timestamp, slot: Option<i32>,
        domain: Option<Label>, value: f64, statistic: f64, threshold: f64, renewed: bool,
    }
    |after, range|
    r#"select period, ordinal, channel, direction, at as "at: Timestamp", slot, domain as "domain: Label", value,
              statistic, threshold, renewed
       from (
           select * from network_alarm where period > $1 and period <= $2
           order by period fetch first ($3) rows with ties
       ) a
       order by period, ordinal"#,
    after.block, range.last, CHUNK_ROWS
}
