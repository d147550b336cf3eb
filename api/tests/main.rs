//! Requests over HTTP against real rows in a real PostgreSQL: rows in, JSON out.

#![allow(clippy::unwrap_used, reason = "a value that is not there fails the test")]

mod alerts;
mod answers;
mod audits;
mod chain;
mod channels;
mod drift;
mod enclaves;
mod errors;
mod export;
mod flows;
mod harness;
mod limit;
mod models;
mod network;
mod openapi;
mod operators;
mod pages;
mod periods;
mod plans;
mod server;
mod slashes;
mod stream;
mod uptime;
