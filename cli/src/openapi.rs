//! `plumbline openapi`: the document of the API, as its handlers give it.

use std::io::Write as _;

use anyhow::Context as _;

/// Print the API's OpenAPI document.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    let document = plumbline_api::openapi_json()?;
    std::io::stdout()
        .write_all(document.as_bytes())
        .context("print the document")
}
