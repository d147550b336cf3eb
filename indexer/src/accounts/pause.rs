//! The settlement's clock, which stands still while it is paused.

use alloy::primitives::U256;
use sqlx::PgConnection;

use super::Running;
use crate::rows::{Rows, row};
use crate::sql::Uint;

#[derive(Default)]
pub(crate) struct PauseClock {
    /// Unix seconds of the newest pause.
    pub(crate) started_at: Uint,
    pub(crate) ends_at: Uint,
    /// Seconds of all pauses before it.
    pub(crate) before: Uint,
}

impl PauseClock {
    /// Seconds paused up to a time that is not before the newest pause.
    pub(crate) fn paused_seconds(&self, now: u64) -> Option<U256> {
        let newest = U256::from(now).min(self.ends_at.0).checked_sub(self.started_at.0)?;
        self.before.0.checked_add(newest)
    }

    /// Begins another pause.
    pub(crate) fn pause(&mut self, now: u64, until: u64) -> Option<()> {
        self.before = Uint(self.paused_seconds(now)?);
        self.started_at = Uint(U256::from(now));
        self.ends_at = Uint(U256::from(until));
        Some(())
    }
}

impl Running for PauseClock {
    type Key = ();

    async fn load(db: &mut PgConnection, (): (), until: i64) -> anyhow::Result<Option<Self>> {
        let state = sqlx::query_as!(
            Self,
            r#"select started_at as "started_at: Uint", ends_at as "ends_at: Uint", before as "before: Uint"
               from pause_clock where block_number <= $1 order by block_number desc limit 1"#,
            until,
        );
        Ok(state.fetch_optional(db).await?)
    }

    fn write(&self, (): (), block_number: i64, rows: &mut Rows) {
        row! { rows, pause_clock {
            block_number, started_at: self.started_at, ends_at: self.ends_at, before: self.before,
        } }
    }
}
