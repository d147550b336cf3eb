//! Pure functions of uptime and concentration: no I/O, no clock, no order of inputs that matters.

pub mod concentration;
pub mod heartbeats;
pub mod uptime;
