//! The file that anvil keeps a chain in, made fit to start from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

const FILE: &str = "state.json";
const PREVIOUS_FILE: &str = "state.previous.json";
const NEW_FILE: &str = "state.new.json";
/// Member of the file that lists all blocks.
const BLOCKS: &str = "blocks";

/// The file's members, of which only the blocks are looked into: chains grow long.
type State = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Block {
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    number: String,
    timestamp: String,
}

pub(crate) fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Makes sure that anvil can start from the file, and starts the same chain.
///
/// anvil overwrites its state in place, so a crash of the machine may leave half a file, with which it does not start.
/// And it makes a first block of its own at every start before it loads the others, and keeps them all: the next start
/// takes any of them for the first, and the chain seems to be another.
pub(crate) fn secure(directory: &Path) -> Result<()> {
    let (path, previous) = (path(directory), directory.join(PREVIOUS_FILE));
    if !path.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let Ok(state) = serde_json::from_str::<State>(&text) else {
        ensure!(
            previous.exists(),
            "{} was cut short by a crash and there is no earlier one; remove the directory to begin a new chain",
            path.display()
        );
        tracing::warn!(path = %path.display(), "cut short by a crash: the chain goes back to the start of its last run");
        return replace(&previous, &path);
    };
    if let Some(state) = without_later_genesis(state).with_context(|| format!("read {}", path.display()))? {
        let new = directory.join(NEW_FILE);
        let text = serde_json::to_string(&state).context("write the chain's state")?;
        fs::write(&new, text).with_context(|| format!("write {}", new.display()))?;
        fs::rename(&new, &path).with_context(|| format!("replace {}", path.display()))?;
    }
    replace(&path, &previous)
}

/// The state with the oldest first block alone; none when there is no other.
fn without_later_genesis(mut state: State) -> Result<Option<State>> {
    let Some(blocks) = state.get(BLOCKS) else {
        return Ok(None);
    };
    let mut blocks: Vec<Box<RawValue>> = serde_json::from_str(blocks.get()).context("read the blocks")?;
    let mut first: Vec<(u64, usize)> = Vec::new();
    for (position, block) in blocks.iter().enumerate() {
        let Block { header } = serde_json::from_str(block.get()).context("read a block")?;
        if quantity(&header.number)? == 0 {
            first.push((quantity(&header.timestamp)?, position));
        }
    }
    let Some(oldest) = first
        .iter()
        .min()
        .filter(|_| first.len() > 1)
        .map(|(_, position)| *position)
    else {
        return Ok(None);
    };
    let later: Vec<usize> = first
        .iter()
        .map(|(_, position)| *position)
        .filter(|position| *position != oldest)
        .collect();
    let mut position = 0..;
    blocks.retain(|_| position.next().is_none_or(|position| !later.contains(&position)));
    state.insert(
        BLOCKS.to_owned(),
        serde_json::value::to_raw_value(&blocks).context("write the blocks")?,
    );
    Ok(Some(state))
}

fn quantity(hex: &str) -> Result<u64> {
    let digits = hex
        .strip_prefix("0x")
        .with_context(|| format!("{hex} is no quantity"))?;
    u64::from_str_radix(digits, 16).with_context(|| format!("{hex} is no quantity"))
}

fn replace(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
