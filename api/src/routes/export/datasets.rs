//! What can be exported: the columns of each dataset, and its rows in order.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::encode::{Cell, Column, Value};
use crate::error::Result;
use crate::stream::Place;
use crate::value::{Account, Address, Amount, Hash, Timestamp};

/// Rows that are read at once; those that belong to one log or one period are not torn apart.
const CHUNK_ROWS: i64 = 4_096;

macro_rules! datasets {
    ($($(#[$doc:meta])* $variant:ident: $name:literal, $row:ident;)*) => {
        /// A dataset, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Dataset {
            $($(#[$doc])* $variant,)*
        }

        impl Dataset {
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub(super) fn columns(self) -> &'static [Column] {
                match self {
                    $(Self::$variant => $row::COLUMNS,)*
                }
            }

            /// The rows behind a place and up to the end of a range, and the place of the last.
            pub(super) async fn read(self, db: &mut PgConnection, after: Place, range: Range) -> Result<Chunk> {
                match self {
                    $(Self::$variant => Ok(chunk($row::read(db, after, range).await?)),)*
                }
            }
        }

        impl FromStr for Dataset {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(format!("there is no such dataset; there are {}", [$($name),*].join(", "))),
                }
            }
        }
    };
}

datasets! {
    /// Operators as of the block.
    Operators: "operators", OperatorRow;
    /// Closed periods.
    Periods: "periods", PeriodRow;
    /// Slots of each operator in each closed period.
    Uptime: "uptime", UptimeRow;
    /// Vouchers that were paid.
    Settlements: "settlements", SettlementRow;
    /// Vouchers that were not paid in full.
    SkippedVouchers: "skipped_vouchers", SkippedRow;
    /// Movements of tokens.
    Flows: "flows", FlowRow;
    /// Punishments.
    Slashes: "slashes", SlashRow;
    /// Audits and challenges as of the block.
    Cases: "cases", CaseRow;
    /// Outages of operators, as of the block.
    Incidents: "incidents", IncidentRow;
    /// Alarms of the detectors of operators.
    DriftAlarms: "drift_alarms", DriftAlarmRow;
    /// Alarms of the detectors of the network, and outages in common mode.
    NetworkAlarms: "network_alarms", NetworkAlarmRow;
}

impl Dataset {
    /// Whether its rows are of periods, and otherwise of blocks.
    pub(super) fn of_periods(self) -> bool {
        matches!(
            self,
            Self::Periods | Self::Uptime | Self::Incidents | Self::DriftAlarms | Self::NetworkAlarms
        )
    }
}

/// Which rows belong to an export: those of periods or blocks up to `last`, as the state is at `block`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) last: i64,
    pub(super) block: i64,
}

/// Rows that were read at once, and where the next begin.
pub(super) struct Chunk {
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) next: Option<Place>,
}

fn chunk<R: Record>(rows: Vec<R>) -> Chunk {
    let next = rows.last().filter(|_| rows.len() as i64 >= CHUNK_ROWS).map(R::place);
    Chunk {
        rows: rows.into_iter().map(R::cells).collect(),
        next,
    }
}

/// A row of a dataset.
trait Record: Sized {
    /// What it is ordered by.
    fn place(&self) -> Place;
    fn cells(self) -> Vec<Cell>;
}

/// A dataset's row: its place, its columns, and the statement that reads those behind a place up to the end of a range.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $row:ident at ($major:ident, $($minor:tt)*) { $($column:ident: $type:ty,)* }
        |$after:ident, $range:ident| $sql:literal, $($value:expr),*
    ) => {
        $(#[$doc])*
        pub(super) struct $row {
            $($column: $type,)*
        }

        impl $row {
            pub(super) const COLUMNS: &[Column] =
                &[$(Column { name: stringify!($column), holds: <$type as Value>::TYPE },)*];

            pub(super) async fn read(db: &mut PgConnection, $after: Place, $range: Range) -> Result<Vec<Self>> {
                Ok(sqlx::query_as!(Self, $sql, $($value),*).fetch_all(db).await?)
            }
        }

        impl Record for $row {
            fn place(&self) -> Place {
                Place::new(self.$major, record!(@minor self, $($minor)*))
            }

            fn cells(self) -> Vec<Cell> {
                vec![$(self.$column.cell(),)*]
            }
        }
    };
    (@minor $self:ident, whole) => { i32::MAX };
    (@minor $self:ident, $minor:ident) => { $self.$minor };
}

mod reliability;

use reliability::{DriftAlarmRow, IncidentRow, NetworkAlarmRow};

record! {
    OperatorRow at (operator_index, whole) {
        operator_index: i64, operator: Address, registered_at: Timestamp, status: String, domain: Label,
        endpoint: String, commission_bps: i32, stake_active: Amount, stake_own: Amount, stake_thawing: Amount,
        units: Amount, fees: Amount, batches: i64, receipts: Amount, faults: i64, slashed_stake: Amount,
        slashed_earnings: Amount, refunded: Amount, uptime_rewards: Amount, audits: i64, challenges: i64,
        cases_lost: i64,
    }
    |after, range|
    r#"select r.operator_index, r.operator as "operator: Address", p.registered_at as "registered_at: Timestamp",
              p.status, p.domain as "domain: Label", p.endpoint, p.announced_bps as commission_bps,
              coalesce(a.stake_active, 0) as "stake_active!: Amount", coalesce(a.stake_own, 0) as "stake_own!: Amount",
              coalesce(a.stake_thawing, 0) as "stake_thawing!: Amount", coalesce(a.units, 0) as "units!: Amount",
              coalesce(a.fees, 0) as "fees!: Amount", coalesce(a.batches, 0) as "batches!",
              coalesce(a.receipts, 0) as "receipts!: Amount", coalesce(a.faults, 0) as "faults!",
              coalesce(a.slashed_stake, 0) as "slashed_stake!: Amount",
              coalesce(a.slashed_earnings, 0) as "slashed_earnings!: Amount",
              coalesce(a.refunded, 0) as "refunded!: Amount",
              coalesce(a.uptime_rewards, 0) as "uptime_rewards!: Amount", coalesce(a.audits, 0) as "audits!",
              coalesce(a.challenges, 0) as "challenges!", coalesce(a.cases_lost, 0) as "cases_lost!"
       from operator_registered r
       cross join lateral (
           select * from operator_profile where operator = r.operator and block_number <= $2
           order by block_number desc limit 1
       ) p
       left join lateral (
           select * from operator_account where operator = r.operator and block_number <= $2
           order by block_number desc limit 1
       ) a on true
       where r.operator_index > $1 and r.block_number <= $3 and r.block_number <= $2
       order by r.operator_index limit $4"#,
    after.block, range.block, range.last, CHUNK_ROWS
}

record! {
    PeriodRow at (period, whole) {
        period: i64, starts_at: Timestamp, ends_at: Timestamp, closed_by_block: i64, slots: i32, drawn: bool,
        reports: i32, operators: i64, expected: i64, observed: i64, hit: i64, missed: i64, uptime: Option<f64>,
        coverage: Option<f64>, units: Amount, fees: Amount, stake: Amount,
    }
    |after, range|
    r#"select period, starts_at as "starts_at: Timestamp", ends_at as "ends_at: Timestamp", closed_by_block, slots,
              drawn, reports, operators, expected, observed, hit, missed, uptime, coverage,
              units as "units: Amount", fees as "fees: Amount", stake as "stake: Amount"
       from network_period where period > $1 and period <= $2 order by period limit $3"#,
    after.block, range.last, CHUNK_ROWS
}

record! {
    UptimeRow at (period, whole) {
        period: i64, operator: Address, expected: i32, observed: i32, hit: i32, missed: i32, unobserved: i32,
        observed_slots: String, up_slots: String, units: Amount, fees: Amount, stake_own: Amount,
        stake_delegated: Amount, stake_thawing: Amount,
    }
    |after, range|
    r#"select period, operator as "operator: Address", expected, observed, hit, missed, unobserved,
              observed_slots::text as "observed_slots!", up_slots::text as "up_slots!",
              units as "units: Amount", fees as "fees: Amount", stake_own as "stake_own: Amount",
              stake_delegated as "stake_delegated: Amount", stake_thawing as "stake_thawing: Amount"
       from operator_period where period > $1 and period <= $2
       order by period fetch first ($3) rows with ties"#,
    after.block, range.last, CHUNK_ROWS
}

record! {
    SettlementRow at (block_number, log_index) {
        block_number: i64, block_time: Timestamp, log_index: i32, tx_hash: Hash, operator: Address, payer: Address,
        model_id: Hash, batch_id: Amount, units: Amount, fee: Amount, protocol_fee: Amount, royalty: Amount,
    }
    |after, range|
    r#"select f.block_number, b.timestamp as "block_time: Timestamp", f.log_index, f.tx_hash as "tx_hash: Hash",
              f.operator as "operator: Address", f.payer as "payer: Address", f.model_id as "model_id: Hash",
              f.batch_id as "batch_id: Amount", f.units as "units: Amount", f.fee as "fee: Amount",
              f.protocol_fee as "protocol_fee: Amount", f.royalty as "royalty: Amount"
       from fees_settled f join block b on b.number = f.block_number
       where (f.block_number, f.log_index) > ($1, $2) and f.block_number <= $3
       order by f.block_number, f.log_index limit $4"#,
    after.block, after.log, range.last, CHUNK_ROWS
}

record! {
    SkippedRow at (block_number, log_index) {
        block_number: i64, block_time: Timestamp, log_index: i32, tx_hash: Hash, operator: Address, payer: Address,
        model_id: Hash, batch_id: Amount, reason: String, unpaid: Amount,
    }
    |after, range|
    r#"select s.block_number, b.timestamp as "block_time: Timestamp", s.log_index, s.tx_hash as "tx_hash: Hash",
              s.operator as "operator: Address", s.payer as "payer: Address", s.model_id as "model_id: Hash",
              s.batch_id as "batch_id: Amount", s.reason, s.unpaid as "unpaid: Amount"
       from voucher_skipped s join block b on b.number = s.block_number
       where (s.block_number, s.log_index) > ($1, $2) and s.block_number <= $3
       order by s.block_number, s.log_index limit $4"#,
    after.block, after.log, range.last, CHUNK_ROWS
}

record! {
    FlowRow at (block_number, log_index) {
        block_number: i64, block_time: Timestamp, log_index: i32, part: i16, kind: String, token: Address,
        symbol: String, decimals: i16, from_class: String, from_account: Account, to_class: String,
        to_account: Account, operator: Option<Address>, amount: Amount,
    }
    |after, range|
    r#"select f.block_number, b.timestamp as "block_time: Timestamp", f.log_index, f.part, f.kind,
              f.token as "token: Address", t.symbol, t.decimals, f.from_class,
              f.from_account as "from_account: Account", f.to_class, f.to_account as "to_account: Account",
              f.operator as "operator: Address", f.amount as "amount: Amount"
       from (
           select * from flow where (block_number, log_index) > ($1, $2) and block_number <= $3
           order by block_number, log_index fetch first ($4) rows with ties
       ) f
       join block b on b.number = f.block_number join token t on t.token = f.token
       order by f.block_number, f.log_index, f.part"#,
    after.block, after.log, range.last, CHUNK_ROWS
}

record! {
    SlashRow at (block_number, log_index) {
        block_number: i64, block_time: Timestamp, log_index: i32, tx_hash: Hash, operator: Address, fault: String,
        period: Option<i64>, observed_slots: Option<i64>, missed_slots: Option<i64>, strikes: Option<i64>,
        offence: Option<Hash>, reporter: Address, victim: Option<Address>, earnings_taken: Amount,
        principal_taken: Amount, tombstoned: bool,
    }
    |after, range|
    r#"select p.block_number as "block_number!", b.timestamp as "block_time: Timestamp",
              p.log_index as "log_index!", p.tx_hash as "tx_hash!: Hash", p.operator as "operator!: Address",
              p.fault as "fault!", p.period, p.observed_slots, p.missed_slots, p.strikes,
              p.offence as "offence: Hash", p.reporter as "reporter!: Address", p.victim as "victim: Address",
              p.earnings_taken as "earnings_taken!: Amount", p.principal_taken as "principal_taken!: Amount",
              p.tombstoned as "tombstoned!"
       from (
           (select block_number, log_index, tx_hash, operator, 'downtime' as fault, period, observed_slots,
                   missed_slots, strikes, null::bytea as offence, reporter, null::bytea as victim, earnings_taken,
                   principal_taken, false as tombstoned
            from downtime_punished where (block_number, log_index) > ($1, $2) and block_number <= $3
            order by block_number, log_index limit $4)
           union all
           (select block_number, log_index, tx_hash, operator, fault, null, null, null, null, offence,
                   beneficiary, victim, earnings_taken, principal_taken, tombstoned
            from fault_punished where (block_number, log_index) > ($1, $2) and block_number <= $3
            order by block_number, log_index limit $4)
       ) p
       join block b on b.number = p.block_number
       order by p.block_number, p.log_index limit $4"#,
    after.block, after.log, range.last, CHUNK_ROWS
}

record! {
    CaseRow at (block_number, log_index) {
        block_number: i64, opened_at: Timestamp, log_index: i32, tx_hash: Hash, case_id: Amount, kind: String,
        operator: Address, stage: String, verdict: String, punished: bool, batch_id: Option<Amount>,
        challenger: Option<Address>, principal_cap: Amount,
    }
    |after, range|
    r#"select o.block_number as "block_number!", b.timestamp as "opened_at: Timestamp",
              o.log_index as "log_index!", o.tx_hash as "tx_hash!: Hash", o.case_id as "case_id!: Amount",
              c.kind as "kind!", o.operator as "operator!: Address", c.stage as "stage!",
              c.verdict as "verdict!", c.punished as "punished!", o.batch_id as "batch_id: Amount",
              o.challenger as "challenger: Address", o.principal_cap as "principal_cap!: Amount"
       from (
           (select block_number, log_index, tx_hash, case_id, operator, batch_id, null::bytea as challenger,
                   principal_cap
            from audit_opened where (block_number, log_index) > ($1, $2) and block_number <= $3
            order by block_number, log_index limit $5)
           union all
           (select block_number, log_index, tx_hash, case_id, operator, null, challenger, principal_cap
            from challenge_opened where (block_number, log_index) > ($1, $2) and block_number <= $3
            order by block_number, log_index limit $5)
       ) o
       join block b on b.number = o.block_number
       cross join lateral (
           select kind, stage, verdict, punished from case_account
           where case_id = o.case_id and block_number <= $4 order by block_number desc limit 1
       ) c
       order by o.block_number, o.log_index limit $5"#,
    after.block, after.log, range.last, range.block, CHUNK_ROWS
}

/// A failure domain as it was written.
struct Label(Hash);

impl sqlx::Type<sqlx::Postgres> for Label {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        Hash::type_info()
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Postgres> for Label {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        Hash::decode(value).map(Self)
    }
}

impl Value for Label {
    const TYPE: super::encode::Type = super::encode::Type::Text;

    fn cell(self) -> Cell {
        Cell::Text(self.0.label())
    }
}
