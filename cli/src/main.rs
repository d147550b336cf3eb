//! The command `plumbline`: one binary that runs every part.

fn main() {}
