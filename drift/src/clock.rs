//! How many slots and periods a span of days has.

const DAY_SECONDS: u64 = 86_400;
/// On a network whose slots are shorter, as on a development chain, this many slots count as a day.
const SHORTEST_SLOT_SECONDS: u64 = 60;
const SLOTS_OF_SHORT_DAY: u64 = 24;

/// Days of the spans that figures are over.
pub const WEEK_DAYS: u64 = 7;
pub const MONTH_DAYS: u64 = 30;

/// The division of time into slots and periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub slot_seconds: u64,
    /// Slots of a period.
    pub slots: u32,
}

impl Clock {
    pub fn slots_in(&self, days: u64) -> u64 {
        let a_day = if self.slot_seconds < SHORTEST_SLOT_SECONDS {
            SLOTS_OF_SHORT_DAY
        } else {
            (DAY_SECONDS / self.slot_seconds).max(1)
        };
        days * a_day
    }

    /// Periods that make up these days, rounded up.
    pub fn periods_in(&self, days: u64) -> i64 {
        self.slots_in(days).div_ceil(u64::from(self.slots.max(1))).max(1) as i64
    }

    /// Whether a week ends with this period.
    pub fn ends_week(&self, period: i64) -> bool {
        (period + 1) % self.periods_in(WEEK_DAYS) == 0
    }
}
