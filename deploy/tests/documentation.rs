//! The table of parameters in the documentation holds what the shipped configurations say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

type Rows = BTreeMap<String, [String; 2]>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the repository's own file")
}

/// Values by their dotted path, written as the table has them.
fn flatten(table: &toml::Table, prefix: &str, out: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(inner, &format!("{path}."), out);
                continue;
            }
            toml::Value::Boolean(yes) => if *yes { "yes" } else { "no" }.into(),
            toml::Value::String(text) => text.replace('_', ""),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) => panic!("{path}: {value}"),
        };
        out.insert(path, text);
    }
}

fn shipped(name: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    flatten(
        &read(&format!("config/{name}.toml")).parse().expect("valid TOML"),
        "",
        &mut all,
    );
    all.retain(|key, _| !key.starts_with("tokens.") && key != "dev");
    all
}

fn documented() -> Rows {
    let text = read("../docs/protocol.md");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let key = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        (cells.len() == 7).then(|| {
            let value = |cell: &str| cell.replace(',', "").replace("e18", "000000000000000000");
            (key.to_owned(), [value(cells[3]), value(cells[4])])
        })
    });
    rows.collect()
}

#[test]
fn the_table_of_parameters_is_that_of_the_shipped_files() {
    let (dev, testnet) = (shipped("dev"), shipped("testnet"));
    let expected: Rows = testnet
        .into_iter()
        .map(|(key, value)| {
            let of_dev = dev.get(&key).cloned().unwrap_or_else(|| "–".into());
            (key, [of_dev, value])
        })
        .collect();
    assert_eq!(documented(), expected);
}
