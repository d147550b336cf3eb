//! Benchmarks against other indexers and against the floors of the machine.

pub mod recording;
pub mod replay;
pub mod settled;
mod wire;
