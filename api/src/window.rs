//! Windows of time and the closed periods in them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, Result};
use crate::extract::{Fields, Parameters};
use crate::value::Timestamp;
use crate::view::View;

/// A span of time that ends at the block that is answered from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum Length {
    #[serde(rename = "1d")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[default]
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "90d")]
    Quarter,
}

impl Length {
    pub(crate) fn seconds(self) -> i64 {
        const DAY: i64 = 86_400;
        match self {
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Quarter => 90 * DAY,
        }
    }
}

/// A window as it was asked for: a length, or both its ends, or nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    Unset,
    Length(Length),
    Between(Timestamp, Timestamp),
}

impl Span {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self> {
        let length = fields.take("window")?;
        let (from, to) = (fields.take("from")?, fields.take("to")?);
        match (length, from, to) {
            (None, None, None) => Ok(Self::Unset),
            (Some(length), None, None) => Ok(Self::Length(length)),
            (None, Some(from), Some(to)) if from < to => Ok(Self::Between(from, to)),
            (None, Some(_), Some(_)) => Err(Error::InvalidParameter {
                name: "to",
                reason: "`to` must be later than `from`".to_owned(),
            }),
            (None, Some(_), None) => Err(Error::InvalidParameter {
                name: "to",
                reason: "`from` needs `to`".to_owned(),
            }),
            (None, None, Some(_)) => Err(Error::InvalidParameter {
                name: "from",
                reason: "`to` needs `from`".to_owned(),
            }),
            (Some(_), _, _) => Err(Error::InvalidParameter {
                name: "window",
                reason: "give either `window`, or `from` and `to`".to_owned(),
            }),
        }
    }
}

impl Span {
    /// The default length where nothing was asked for.
    pub(crate) fn or_month(self) -> Self {
        match self {
            Self::Unset => Self::Length(Length::Month),
            Self::Length(_) | Self::Between(..) => self,
        }
    }
}

/// A summary takes nothing but its window.
impl Parameters for Span {
    const PAGED: bool = false;
    const HISTORY: bool = false;

    fn read(fields: &mut Fields) -> Result<Self> {
        Self::read(fields)
    }
}

/// Parameters of figures over time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "names parameters in the document; `Span` reads them")]
pub(crate) struct Windowed {
    /// Time up to the block that is answered from. Not together with `from` and `to`.
    #[param(inline)]
    window: Option<Length>,
    /// Begin of the window.
    from: Option<Timestamp>,
    /// End of the window, exclusive.
    to: Option<Timestamp>,
}

/// Time that figures are summed over: whole periods between `from` and `to`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// First and last closed period in it; null when there is none.
    pub(crate) first_period: Option<i64>,
    pub(crate) last_period: Option<i64>,
}

/// The schedule of periods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) genesis: i64,
    pub(crate) slot_seconds: i64,
    pub(crate) slots: i64,
}

impl Schedule {
    pub(crate) fn period_seconds(&self) -> i64 {
        self.slot_seconds * self.slots
    }

    pub(crate) fn period_start(&self, period: i64) -> i64 {
        self.genesis + period * self.period_seconds()
    }

    /// First period that begins at or after a time.
    fn period_from(&self, time: i64) -> i64 {
        let since = (time - self.genesis).max(0);
        (since + self.period_seconds() - 1) / self.period_seconds()
    }

    /// First period that does not end by a time.
    fn period_until(&self, time: i64) -> i64 {
        (time - self.genesis).max(0) / self.period_seconds()
    }
}

/// A window with the closed periods in it: those from `first` on and before `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Periods {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) schedule: Option<Schedule>,
}

impl Periods {
    pub(crate) fn window(&self) -> Window {
        let any = self.first < self.end;
        Window {
            from: self.from,
            to: self.to,
            first_period: any.then_some(self.first),
            last_period: any.then_some(self.end - 1),
        }
    }

    /// The periods of it that begin between two times.
    pub(crate) fn between(&self, schedule: &Schedule, from: i64, to: i64) -> (i64, i64) {
        let first = schedule.period_from(from).clamp(self.first, self.end);
        (first, schedule.period_from(to).clamp(first, self.end))
    }
}

/// Closed periods from `first` on and before `end`; what is told of them is as of the newest.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// Last period closed by the snapshot; -1 before the first.
    pub(crate) newest: i64,
    pub(crate) window: Option<Window>,
}

/// Parameters of a row for each period.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfPeriods {
    #[param(ignore)]
    pub(crate) span: Span,
}

impl Parameters for OfPeriods {
    const PAGED: bool = true;
    const HISTORY: bool = true;

    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Self {
            span: Span::read(fields)?,
        })
    }
}

impl<P> View<P> {
    /// The periods of a window; all when none was asked for.
    pub(crate) async fn range(&mut self, span: Span) -> Result<Range> {
        let newest = self.at.period.unwrap_or(-1);
        if matches!(span, Span::Unset) {
            return Ok(Range {
                first: 0,
                end: newest + 1,
                newest,
                window: None,
            });
        }
        let periods = self.periods(span).await?;
        Ok(Range {
            first: periods.first,
            end: periods.end,
            newest,
            window: Some(periods.window()),
        })
    }

    /// The schedule of periods; none before the ledger is deployed.
    pub(crate) async fn schedule(&mut self) -> Result<Option<Schedule>> {
        let schedule = sqlx::query_as!(
            Schedule,
            r#"select genesis::bigint as "genesis!", slot_seconds as "slot_seconds!", slots_per_period as "slots!"
               from uptime_schedule where block_number <= $1 order by block_number desc, log_index desc limit 1"#,
            self.at.block()
        )
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(schedule)
    }

    /// The window asked for, or the default one that ends now.
    pub(crate) async fn periods(&mut self, span: Span) -> Result<Periods> {
        let (from, to) = match span {
            Span::Between(from, to) => (from, to),
            Span::Length(length) => self.last(length),
            Span::Unset => self.last(Length::default()),
        };
        let schedule = self.schedule().await?;
        let closed = self.at.period.map_or(0, |last| last + 1);
        let (first, end) = schedule.map_or((0, 0), |schedule| {
            let end = schedule.period_until(to.unix()).min(closed);
            (schedule.period_from(from.unix()).min(end), end)
        });
        Ok(Periods {
            from,
            to,
            first,
            end,
            schedule,
        })
    }

    fn last(&self, length: Length) -> (Timestamp, Timestamp) {
        let to = self.at.time();
        (Timestamp::from_unix(to.unix() - length.seconds()), to)
    }
}
