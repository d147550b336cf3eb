//! A closed period becomes derived rows: what its source tells of the members, then what follows from it for any source.

mod deeds;
mod incentive;
mod ledger;
mod network;
mod operator;
mod pair;
mod past;
mod standing;
mod verification;

use alloy::primitives::{Address, B256, U256};
use anyhow::Context;
use plumbline_drift::clock::Clock;
use plumbline_drift::close::{self, Derived};
use plumbline_drift::uptime::Slots;
use sqlx::PgConnection;

pub(crate) use deeds::Deeds;

use crate::rows::Rows;
use crate::schedule::{Closing, Schedule};
use crate::sql::{Bits, Uint, address, bytes32};

/// Version of the definitions by which rows are derived; rows of an older one are derived again at the next start.
pub(crate) const METHOD_VERSION: i32 = 4;

/// A period, and the newest stored blocks before its start, at it, and before its end.
pub(crate) struct Frame {
    pub(crate) period: i64,
    pub(crate) starts_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) slots: i32,
    pub(crate) block_before_start: i64,
    pub(crate) block_at_start: i64,
    pub(crate) block_before_end: i64,
}

/// What the ledger says of a period; nothing where there is none.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Operators counted in the draw; nothing when no committee was drawn.
    pub(crate) drawn: Option<i64>,
    /// Reports behind the result.
    pub(crate) reports: i32,
    pub(crate) observed: Vec<u8>,
    pub(crate) up: Vec<u8>,
}

/// What the rows say of one operator in one period.
#[derive(Default)]
pub(crate) struct Standing {
    pub(crate) operator: Vec<u8>,
    pub(crate) operator_index: i64,
    /// Active from the period's first second to its last.
    pub(crate) in_service: bool,
    /// Who is paid for it; itself where the source does not tell.
    pub(crate) owner: Option<Vec<u8>>,
    /// Declared failure domain.
    pub(crate) domain: Option<Vec<u8>>,
    /// What it can carry, in a unit that all operators of the source share; zero out of service.
    pub(crate) capacity: Uint,
    pub(crate) units: Uint,
    pub(crate) fees: Uint,
    pub(crate) rewards: Uint,
    pub(crate) stake_active: Uint,
    pub(crate) stake_own: Uint,
    pub(crate) stake_thawing: Uint,
    pub(crate) deeds: Deeds,
    // Sums over all periods before.
    pub(crate) expected_total: i64,
    pub(crate) observed_total: i64,
    pub(crate) hit_total: i64,
    pub(crate) units_total: Uint,
    pub(crate) fees_total: Uint,
}

/// One operator in one period, with what was observed of it.
pub(crate) struct Member {
    pub(crate) standing: Standing,
    pub(crate) slots: Slots,
    pub(crate) observed_slots: Bits,
    pub(crate) up_slots: Bits,
}

/// Adds the rows of a period that `closing.block` closed; facts and running state up to that block are written already.
pub(crate) async fn fold(
    db: &mut PgConnection,
    rows: &mut Rows,
    schedule: &Schedule,
    closing: Closing,
) -> anyhow::Result<()> {
    let frame = Frame::read(db, schedule, closing.period).await?;
    let verdict = Verdict::read(db, &frame, i64::try_from(closing.block)?).await?;
    let members = standing::members(db, &frame, &verdict).await?;
    derive(db, rows, &frame, &verdict, closing, &members).await
}

/// Adds the rows of a closed period that follow from its members, whatever the source.
pub(crate) async fn derive(
    db: &mut PgConnection,
    rows: &mut Rows,
    frame: &Frame,
    verdict: &Verdict,
    closing: Closing,
    members: &[Member],
) -> anyhow::Result<()> {
    let clock = frame.clock();
    let told: Vec<close::Member> = members.iter().map(Member::told).collect::<Result<_, _>>()?;
    let past = past::operators(db, frame.period, clock).await?;
    let network = past::network(db, frame.period, clock).await?;
    let derived: Derived = close::close(&close::Period {
        period: frame.period,
        clock,
        members: &told,
        past: &past,
        network: &network,
        demand: incentive::demand(db, frame).await?,
    });
    network::write_period(db, rows, frame, verdict, i64::try_from(closing.block)?, members).await?;
    operator::write(db, rows, frame, members, &derived).await?;
    network::write(rows, frame, &told, &network, &derived);
    incentive::write(db, rows, frame, members).await?;
    verification::write(db, rows, frame).await?;
    if clock.ends_week(frame.period) {
        pair::write(db, rows, frame, &told, &past).await?;
    }
    Ok(())
}

impl Member {
    pub(crate) fn took_part(&self) -> bool {
        let Standing {
            stake_active,
            stake_thawing,
            fees,
            units,
            rewards,
            deeds,
            ..
        } = &self.standing;
        self.slots.expected != 0
            || *deeds != Deeds::default()
            || [stake_active, stake_thawing, fees, units, rewards]
                .iter()
                .any(|amount| !amount.0.is_zero())
    }

    fn operator(&self) -> anyhow::Result<Address> {
        address(&self.standing.operator)
    }

    fn owner(&self) -> anyhow::Result<Address> {
        address(self.standing.owner.as_ref().unwrap_or(&self.standing.operator))
    }

    fn domain(&self) -> anyhow::Result<Option<B256>> {
        self.standing.domain.as_deref().map(bytes32).transpose()
    }

    fn told(&self) -> anyhow::Result<close::Member> {
        let standing = &self.standing;
        Ok(close::Member {
            operator: self.operator()?,
            owner: self.owner()?,
            domain: self.domain()?,
            slots: self.slots,
            observed: self.observed_slots.0.clone(),
            up: self.up_slots.0.clone(),
            stake: standing.stake_active.0,
            capacity: standing.capacity.0,
            units: standing.units.0,
            fees: standing.fees.0,
            rewards: standing.rewards.0,
        })
    }
}

impl Frame {
    fn clock(&self) -> Clock {
        let slots = self.slots.max(1) as u32;
        Clock {
            slot_seconds: (self.ends_at - self.starts_at) as u64 / u64::from(slots),
            slots,
        }
    }

    /// Begin of a slot, unix seconds.
    fn slot_starts_at(&self, slot: u32) -> i64 {
        self.starts_at + i64::from(slot) * self.clock().slot_seconds as i64
    }

    pub(crate) async fn read(db: &mut PgConnection, schedule: &Schedule, period: u64) -> anyhow::Result<Self> {
        let (starts_at, ends_at) = (
            i64::try_from(schedule.start(period))?,
            i64::try_from(schedule.end(period))?,
        );
        let blocks = sqlx::query!(
            r#"select
                 coalesce((select number from block where timestamp < $1 order by timestamp desc, number desc limit 1), -1)
                   as "before_start!",
                 coalesce((select number from block where timestamp <= $1 order by timestamp desc, number desc limit 1), -1)
                   as "at_start!",
                 coalesce((select number from block where timestamp < $2 order by timestamp desc, number desc limit 1), -1)
                   as "before_end!""#,
            starts_at,
            ends_at,
        )
        .fetch_one(db)
        .await
        .with_context(|| format!("find the blocks of period {period}"))?;
        Ok(Self {
            period: i64::try_from(period)?,
            starts_at,
            ends_at,
            slots: i32::try_from(schedule.slots)?,
            block_before_start: blocks.before_start,
            block_at_start: blocks.at_start,
            block_before_end: blocks.before_end,
        })
    }
}

fn sum(amounts: impl Iterator<Item = Uint>) -> U256 {
    amounts.fold(U256::ZERO, |sum, amount| sum.saturating_add(amount.0))
}
