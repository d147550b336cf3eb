//! Where the parts find each other, and where the user finds them.

use std::time::Duration;

use plumbline_protocol::{Deployment, rpc};

use super::Args;
use super::data::DataDir;
use super::terminal::seconds;

/// Where `plumbline watch` looks by itself.
const DEFAULT_API_PORT: u16 = 8080;

/// Addresses of what runs. It has no `Debug`: URLs may hold keys and passwords.
pub(super) struct Places {
    pub(super) database_url: String,
    pub(super) rpc_url: String,
    pub(super) api_url: String,
    pub(super) chain_id: u64,
    pub(super) deployment: Deployment,
}

impl Places {
    /// What to open and what to try, now that everything answers.
    pub(super) fn lines(&self, args: &Args, data: &DataDir, took: Duration) -> Vec<String> {
        let api = &self.api_url;
        let deployment = Deployment::path_in(&data.deployments(), self.chain_id);
        let psql = if args.database_url.is_some() {
            // The URL may hold a password.
            "psql \"$DATABASE_URL\"".to_owned()
        } else {
            format!("psql '{}'", self.database_url)
        };
        let program =
            std::env::current_exe().map_or_else(|_| "plumbline".to_owned(), |path| path.display().to_string());
        let watch = if args.api_port == DEFAULT_API_PORT {
            format!("{program} watch")
        } else {
            format!("{program} watch --api-url {api}")
        };
        vec![
            format!("\nReady after {}. Open:", seconds(took)),
            format!("  API          {api}/v1/operators"),
            format!("  docs         {api}/docs"),
            format!("  table        {watch}"),
            format!(
                "  chain        {} (chain id {})",
                rpc::redact(&self.rpc_url),
                self.chain_id
            ),
            format!("  database     {psql}"),
            format!("  deployment   {}", deployment.display()),
            format!("  log          {}", data.log().display()),
            "\nTry:".to_owned(),
            format!("  curl -s '{api}/v1/operators?limit=3'"),
            format!("  curl -s '{api}/v1/slashes?finalized=false&limit=3'"),
            format!("  curl -s '{api}/v1/flows/summary?finalized=false'"),
            "\nCtrl-C stops everything; the same command takes it up again.\n".to_owned(),
        ]
    }
}
