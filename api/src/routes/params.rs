//! Parameters: what the contracts were set to, by which transaction, and what was in force before.

mod audits;
mod faults;
mod fees;
mod operators;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Problems, Result};
use crate::value::{Address, Hash, Timestamp};
use crate::view::{Answer, Envelope, Live, One, View};

/// Changes of one parameter that are listed, newest first.
const MAX_CHANGES: i64 = 100;

/// A parameter as it was set last; where a change binds later, the meaning says from when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Parameter {
    #[schema(example = "UptimeLedger")]
    contract: &'static str,
    contract_address: Address,
    #[schema(example = "slot_seconds")]
    name: String,
    value: String,
    #[schema(example = "seconds")]
    unit: Unit,
    meaning: &'static str,
    /// Settings of it, newest first, at most 100. One entry when it can never change.
    history: Vec<Setting>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Unit {
    /// An address.
    Address,
    /// Basis points of 10,000.
    Bps,
    Seconds,
    /// Unix seconds.
    UnixTime,
    /// Base units of the stake token.
    StakeToken,
    /// Base units of the fee token.
    FeeToken,
    /// A fraction of 10^18.
    Fraction,
    Blocks,
    /// `true` or `false`.
    Flag,
    /// A number.
    Count,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Setting {
    value: String,
    set_at: Timestamp,
    block_number: i64,
    log_index: i32,
    tx_hash: Hash,
}

/// The log that set values.
#[derive(Clone, Copy)]
struct Log {
    set_at: Timestamp,
    block_number: i64,
    log_index: i32,
    tx_hash: Hash,
}

/// A parameter, unless it was never set. The values are the newest first.
fn parameter(
    (contract, contract_address): (&'static str, Address),
    name: String,
    values: Vec<(Log, String)>,
    unit: Unit,
    meaning: &'static str,
) -> Option<Parameter> {
    let settings = values.into_iter().map(|(log, value)| Setting {
        value,
        set_at: log.set_at,
        block_number: log.block_number,
        log_index: log.log_index,
        tx_hash: log.tx_hash,
    });
    let history: Vec<Setting> = settings.collect();
    let value = history.first()?.value.clone();
    Some(Parameter {
        contract,
        contract_address,
        name,
        value,
        unit,
        meaning,
        history,
    })
}

/// The rows of a table of settings, newest first.
macro_rules! settings {
    ($view:ident, $table:literal, $columns:literal) => {
        sqlx::query!(
            r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp", "#
                + $columns
                + " from "
                + $table
                + " c join block b on b.number = c.block_number
                   where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit $2",
            $view.at.block(),
            super::MAX_CHANGES,
        )
        .fetch_all(&mut *$view.db)
        .await?
    };
}

/// One parameter for each column named, from rows of settings.
macro_rules! parameters {
    ($contract:expr, $rows:expr, $prefix:literal; $($column:ident: $unit:ident, $meaning:literal;)*) => {
        [$(super::parameter(
            $contract,
            concat!($prefix, stringify!($column)).to_owned(),
            $rows.iter().map(|row| (super::log!(row), row.$column.to_string())).collect(),
            super::Unit::$unit,
            $meaning,
        )),*]
        .into_iter()
        .flatten()
    };
}

macro_rules! log {
    ($row:ident) => {
        super::Log {
            set_at: $row.set_at,
            block_number: $row.block_number,
            log_index: $row.log_index,
            tx_hash: $row.tx_hash,
        }
    };
}

use {log, parameters, settings};

/// Every parameter of the contracts, with what it was before.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/params", operation_id = "list_params", tag = "network",
    params(Live),
    responses((status = 200, body = Envelope<Vec<Parameter>>), Problems)
)]
pub(super) async fn list(mut view: View<One>) -> Result<Answer<Vec<Parameter>>> {
    let contracts = sqlx::query_as!(
        Contracts,
        r#"select operator_registry as "operator_registry: Address", stake_vault as "stake_vault: Address",
                  inference_settlement as "inference_settlement: Address", uptime_ledger as "uptime_ledger: Address",
                  slasher as "slasher: Address", price_oracle as "price_oracle: Address",
                  reward_reserve as "reward_reserve: Address", block_randomness as "block_randomness: Address",
                  case_docket as "case_docket: Address", stress_gauge as "stress_gauge: Address"
           from deployment"#
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let Some(contracts) = contracts else {
        return Ok(view.answer(Vec::new()));
    };
    let mut parameters = operators::parameters(&mut view, &contracts).await?;
    parameters.append(&mut fees::parameters(&mut view, &contracts).await?);
    parameters.append(&mut faults::parameters(&mut view, &contracts).await?);
    parameters.append(&mut audits::parameters(&mut view, &contracts).await?);
    Ok(view.answer(parameters))
}

/// Contracts that have parameters.
struct Contracts {
    operator_registry: Address,
    stake_vault: Address,
    inference_settlement: Address,
    uptime_ledger: Address,
    slasher: Address,
    price_oracle: Address,
    reward_reserve: Address,
    block_randomness: Address,
    case_docket: Address,
    stress_gauge: Address,
}
