//! What compiled the contracts, read from the files that pin it.

use plumbline_protocol::deployment::Compiler;

use crate::plan;

/// The compiler and settings of this build.
pub(crate) fn used() -> Compiler {
    let foundry: toml::Table = include_str!("../../foundry.toml")
        .parse()
        .expect("foundry.toml is valid, or there were no contracts");
    let package: serde_json::Value =
        serde_json::from_str(include_str!("../../package.json")).expect("package.json is valid, or there was no solc");
    let profile = &foundry["profile"]["default"];
    let text = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    Compiler {
        solc: text(package["devDependencies"]["solc"].as_str()),
        evm_version: text(profile["evm_version"].as_str()),
        via_ir: profile["via_ir"].as_bool().unwrap_or_default(),
        optimizer_runs: profile["optimizer_runs"]
            .as_integer()
            .and_then(|runs| runs.try_into().ok())
            .unwrap_or_default(),
        creation_code_hash: plan::creation_code_hash(),
    }
}
