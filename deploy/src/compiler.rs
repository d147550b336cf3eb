//! What compiled the contracts, read from the files that pin it.

use plumbline_protocol::deployment::Compiler;
use toml::{Table, Value};

use crate::plan;

/// The compiler and the settings of the bytecode in this build.
pub(crate) fn used() -> Compiler {
    let foundry: Table = include_str!("../../foundry.toml")
        .parse()
        .expect("forge reads the same foundry.toml");
    let package: serde_json::Value =
        serde_json::from_str(include_str!("../../package.json")).expect("npm reads the same package.json");
    // As in forge, a profile has what it does not set from the default one.
    let setting = |key: &str| -> Option<Value> {
        let profiles = foundry.get("profile")?;
        ["release", "default"]
            .iter()
            .find_map(|profile| profiles.get(profile)?.get(key))
            .cloned()
    };
    let unknown = || "unknown".to_owned();
    Compiler {
        solc: package["devDependencies"]["solc"]
            .as_str()
            .map_or_else(unknown, str::to_owned),
        evm_version: setting("evm_version")
            .and_then(|value| Some(value.as_str()?.to_owned()))
            .unwrap_or_else(unknown),
        via_ir: setting("via_ir").and_then(|value| value.as_bool()).unwrap_or_default(),
        optimizer_runs: setting("optimizer_runs")
            .and_then(|value| value.as_integer()?.try_into().ok())
            .unwrap_or_default(),
        creation_code_hash: plan::creation_code_hash(),
    }
}
