//! Pure functions of uptime, concentration and drift: no I/O, no clock, no order of inputs that matters.

pub mod alarm;
pub mod arl;
pub mod clock;
pub mod close;
pub mod common_mode;
pub mod concentration;
pub mod core;
pub mod cusum;
pub mod dependency;
pub mod ewma;
pub mod heartbeats;
pub mod incentive;
pub mod interval;
pub mod latency;
pub mod overlap;
pub mod pair;
pub mod record;
pub mod resilience;
pub mod trend;
pub mod uptime;
