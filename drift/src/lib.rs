//! Pure functions and detectors of concentration, uptime and drift.
