//! Parameters: what the contracts were set to, by which transaction, and what was in force before.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Problems, Result};
use crate::extract::{Fields, Parameters};
use crate::value::{Address, Amount, Hash, Timestamp};
use crate::view::{Answer, Envelope, Live, View};

/// Changes of one parameter that are listed, newest first.
const MAX_CHANGES: i64 = 100;

pub(super) struct List;

impl Parameters for List {
    const PAGED: bool = false;
    const HISTORY: bool = false;

    fn read(_: &mut Fields) -> Result<Self> {
        Ok(Self)
    }
}

/// A parameter in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Parameter {
    #[schema(example = "UptimeLedger")]
    contract: &'static str,
    contract_address: Address,
    #[schema(example = "slot_seconds")]
    name: &'static str,
    value: String,
    #[schema(example = "seconds")]
    unit: Unit,
    meaning: &'static str,
    /// Settings of it, newest first, at most 100; the first is in force. One entry when it can never change.
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

/// The log that set values, to be joined with each of them.
#[derive(Clone, Copy)]
struct Log {
    set_at: Timestamp,
    block_number: i64,
    log_index: i32,
    tx_hash: Hash,
}

struct Collected {
    contract: &'static str,
    contract_address: Address,
    parameters: Vec<Parameter>,
}

impl Collected {
    fn of(contract: &'static str, contract_address: Address) -> Self {
        Self {
            contract,
            contract_address,
            parameters: Vec::new(),
        }
    }

    fn fixed(&mut self, log: Log, name: &'static str, value: impl ToString, unit: Unit, meaning: &'static str) {
        self.changing(name, vec![(log, value.to_string())], unit, meaning);
    }

    fn changing(&mut self, name: &'static str, values: Vec<(Log, String)>, unit: Unit, meaning: &'static str) {
        let history: Vec<Setting> = values
            .into_iter()
            .map(|(log, value)| Setting {
                value,
                set_at: log.set_at,
                block_number: log.block_number,
                log_index: log.log_index,
                tx_hash: log.tx_hash,
            })
            .collect();
        let Some(newest) = history.first() else { return };
        let (contract, contract_address, value) = (self.contract, self.contract_address, newest.value.clone());
        self.parameters.push(Parameter {
            contract,
            contract_address,
            name,
            value,
            unit,
            meaning,
            history,
        });
    }
}

/// Every parameter of the contracts, with what it was before.
///
/// Live view: `finalized` defaults to false.
#[utoipa::path(
    get, path = "/v1/params", operation_id = "list_params", tag = "network",
    params(Live),
    responses((status = 200, body = Envelope<Vec<Parameter>>), Problems)
)]
pub(super) async fn list(mut view: View<List>) -> Result<Answer<Vec<Parameter>>> {
    let contracts = sqlx::query!(
        r#"select operator_registry as "operator_registry: Address", stake_vault as "stake_vault: Address",
                  inference_settlement as "inference_settlement: Address", uptime_ledger as "uptime_ledger: Address",
                  slasher as "slasher: Address" from deployment"#
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let Some(contracts) = contracts else {
        return Ok(view.answer(Vec::new()));
    };
    let mut parameters = operator_registry(&mut view, contracts.operator_registry).await?;
    parameters.append(&mut stake_vault(&mut view, contracts.stake_vault).await?);
    parameters.append(&mut inference_settlement(&mut view, contracts.inference_settlement).await?);
    parameters.append(&mut uptime_ledger(&mut view, contracts.uptime_ledger).await?);
    parameters.append(&mut slasher(&mut view, contracts.slasher).await?);
    parameters.append(&mut downtime_penalty(&mut view, contracts.slasher).await?);
    Ok(view.answer(parameters))
}

macro_rules! log {
    ($row:ident) => {
        Log {
            set_at: $row.set_at,
            block_number: $row.block_number,
            log_index: $row.log_index,
            tx_hash: $row.tx_hash,
        }
    };
}

async fn operator_registry(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let row = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.commission_delay as "commission_delay: Amount"
           from operator_registry_configured c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let mut set = Collected::of("OperatorRegistry", address);
    if let Some(row) = row {
        let meaning = "Between announcing a commission and its effect.";
        set.fixed(
            log!(row),
            "commission_delay",
            row.commission_delay,
            Unit::Seconds,
            meaning,
        );
    }
    Ok(set.parameters)
}

async fn stake_vault(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let row = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.stake_token as "stake_token: Address", c.fee_token as "fee_token: Address", c.sink as "sink: Address",
                  c.own_stake_floor as "own_stake_floor: Amount", c.min_deposit as "min_deposit: Amount",
                  c.thaw as "thaw: Amount", c.evidence as "evidence: Amount", c.dispute as "dispute: Amount",
                  c.resolution as "resolution: Amount", c.buffer as "buffer: Amount"
           from stake_vault_configured c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let mut set = Collected::of("StakeVault", address);
    if let Some(row) = row {
        let log = log!(row);
        set.fixed(
            log,
            "stake_token",
            row.stake_token,
            Unit::Address,
            "Token that is staked.",
        );
        set.fixed(
            log,
            "fee_token",
            row.fee_token,
            Unit::Address,
            "Token that fees are distributed to stakers in.",
        );
        set.fixed(
            log,
            "sink",
            row.sink,
            Unit::Address,
            "Account that slashed stake is credited to.",
        );
        let meaning = "Own stake below which an operator carries no new risk.";
        set.fixed(log, "own_stake_floor", row.own_stake_floor, Unit::StakeToken, meaning);
        set.fixed(
            log,
            "min_deposit",
            row.min_deposit,
            Unit::StakeToken,
            "Smallest deposit.",
        );
        set.fixed(
            log,
            "thaw",
            row.thaw,
            Unit::Seconds,
            "From thawing stake to withdrawing it.",
        );
        set.fixed(
            log,
            "evidence",
            row.evidence,
            Unit::Seconds,
            "Part of the thaw: time to bring evidence.",
        );
        set.fixed(
            log,
            "dispute",
            row.dispute,
            Unit::Seconds,
            "Part of the thaw: time to dispute.",
        );
        set.fixed(
            log,
            "resolution",
            row.resolution,
            Unit::Seconds,
            "Part of the thaw: time to resolve.",
        );
        set.fixed(log, "buffer", row.buffer, Unit::Seconds, "Part of the thaw: reserve.");
    }
    Ok(set.parameters)
}

async fn inference_settlement(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let row = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.fee_token as "fee_token: Address", c.reserve as "reserve: Address", c.protocol_fee_bps,
                  c.exit_delay as "exit_delay: Amount", c.epoch_duration as "epoch_duration: Amount"
           from inference_settlement_configured c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let mut set = Collected::of("InferenceSettlement", address);
    if let Some(row) = row {
        let log = log!(row);
        set.fixed(
            log,
            "fee_token",
            row.fee_token,
            Unit::Address,
            "Token that fees are paid in.",
        );
        let meaning = "Account that protocol fees and seized earnings are credited to.";
        set.fixed(log, "reserve", row.reserve, Unit::Address, meaning);
        set.fixed(
            log,
            "protocol_fee_bps",
            row.protocol_fee_bps,
            Unit::Bps,
            "Protocol's part of each fee.",
        );
        let meaning = "From starting a payer's exit to finishing it; notice of a session key's end.";
        set.fixed(log, "exit_delay", row.exit_delay, Unit::Seconds, meaning);
        let meaning = "An epoch of earnings; they stay locked for 7 to 8 of them.";
        set.fixed(log, "epoch_duration", row.epoch_duration, Unit::Seconds, meaning);
    }
    Ok(set.parameters)
}

async fn uptime_ledger(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let row = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.genesis as "genesis: Amount", c.slot_seconds, c.slots_per_period,
                  c.report_window as "report_window: Amount"
           from uptime_ledger_configured c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let mut set = Collected::of("UptimeLedger", address);
    if let Some(row) = row {
        let log = log!(row);
        set.fixed(log, "genesis", row.genesis, Unit::UnixTime, "Begin of period 0.");
        set.fixed(
            log,
            "slot_seconds",
            row.slot_seconds,
            Unit::Seconds,
            "Length of a slot.",
        );
        set.fixed(
            log,
            "slots_per_period",
            row.slots_per_period,
            Unit::Count,
            "Slots of a period.",
        );
        let meaning = "After a period's end, in which reports are taken; the result is final after it.";
        set.fixed(log, "report_window", row.report_window, Unit::Seconds, meaning);
    }
    Ok(set.parameters)
}

async fn slasher(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let row = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.evidence_window as "evidence_window: Amount"
           from slasher_configured c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit 1"#,
        view.at.block()
    )
    .fetch_optional(&mut *view.db)
    .await?;
    let mut set = Collected::of("Slasher", address);
    if let Some(row) = row {
        let meaning = "After a period's end, in which its downtime can be punished.";
        set.fixed(
            log!(row),
            "evidence_window",
            row.evidence_window,
            Unit::Seconds,
            meaning,
        );
    }
    Ok(set.parameters)
}

async fn downtime_penalty(view: &mut View<List>, address: Address) -> Result<Vec<Parameter>> {
    let rows = sqlx::query!(
        r#"select c.block_number, c.log_index, c.tx_hash as "tx_hash: Hash", b.timestamp as "set_at: Timestamp",
                  c.earnings_bps, c.principal_bps, c.reporter_cut_bps, c.repeat_after, c.memory_periods,
                  c.jail_seconds as "jail_seconds: Amount"
           from downtime_penalty_changed c join block b on b.number = c.block_number
           where c.block_number <= $1 order by c.block_number desc, c.log_index desc limit $2"#,
        view.at.block(),
        MAX_CHANGES,
    )
    .fetch_all(&mut *view.db)
    .await?;
    let mut set = Collected::of("Slasher", address);
    macro_rules! change {
        ($name:ident, $unit:expr, $meaning:literal) => {
            let values = rows
                .iter()
                .map(|row| (log!(row), row.$name.to_string()))
                .collect();
            set.changing(stringify!($name), values, $unit, $meaning);
        };
    }
    change!(
        earnings_bps,
        Unit::Bps,
        "Part of escrowed earnings taken at a fault, scaled by the missed share."
    );
    change!(
        principal_bps,
        Unit::Bps,
        "Part of the pool taken at a repeated fault, scaled by the missed share."
    );
    change!(
        reporter_cut_bps,
        Unit::Bps,
        "Part of what is taken that the reporter earns."
    );
    change!(
        repeat_after,
        Unit::Count,
        "Faults within `memory_periods` from which on one counts as repeated."
    );
    change!(
        memory_periods,
        Unit::Count,
        "Distance in periods up to which another fault counts."
    );
    change!(jail_seconds, Unit::Seconds, "Jail term of a repeated fault.");
    Ok(set.parameters)
}
