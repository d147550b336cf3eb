//! Alarms: what a detector says once, when it crosses its threshold.

use alloy_primitives::{Address, B256};

use crate::cusum::{Channel, Rates};

/// A detector of an operator crossed its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftAlarm {
    pub operator: Address,
    pub channel: Channel,
    /// Whose step crossed it, from 0 in the period.
    pub slot: u32,
    pub statistic: f64,
    pub threshold: f64,
    pub rates: Rates,
    /// The channel was alarmed already.
    pub renewed: bool,
}

/// What is watched of the whole network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkChannel {
    /// `ln D2` of the units served in a week.
    EffectiveOperators,
    /// Δ of a week.
    Dependency,
    /// Many operators missed a slot together.
    CommonMode,
}

impl NetworkChannel {
    /// Those that are watched week by week.
    pub const WEEKLY: [Self; 2] = [Self::EffectiveOperators, Self::Dependency];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::EffectiveOperators => "effective_operators",
            Self::Dependency => "dependency",
            Self::CommonMode => "common_mode",
        }
    }
}

/// Something is wrong with the network, not with an operator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkAlarm {
    pub channel: NetworkChannel,
    pub upwards: bool,
    /// First in common mode; nothing for what is watched week by week.
    pub slot: Option<u32>,
    /// In common mode; nothing for the whole network.
    pub domain: Option<B256>,
    pub value: f64,
    pub statistic: f64,
    pub threshold: f64,
    pub renewed: bool,
}
