//! Serves the rows as JSON over HTTP.

mod answers;
mod error;
mod extract;
mod limit;
mod observe;
mod page;
mod routes;
mod schema;
mod server;
mod snapshot;
mod stream;
mod value;
mod view;
mod window;

pub use ipnet::IpNet;
pub use observe::install_metrics;
pub use routes::openapi_json;
pub use server::{Config, Server, connect, run};
