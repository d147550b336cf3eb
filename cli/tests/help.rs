//! What `--help` says.

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(arguments)
        .arg("--help")
        .output();
    let output = output.expect("run plumbline");
    assert!(output.status.success(), "plumbline {arguments:?} --help failed");
    String::from_utf8(output.stdout).expect("help is text")
}

/// Names below `Commands:`; a line that is indented further continues a description.
fn subcommands() -> Vec<String> {
    let text = help(&[]);
    text.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn the_commands_are_listed_with_what_they_do() {
    let commands = subcommands();
    for expected in [
        "alerts", "dev", "deploy", "index", "serve", "simulate", "verify", "watch",
    ] {
        assert!(
            commands.iter().any(|command| command == expected),
            "{expected} is not among {commands:?}"
        );
    }
}

#[test]
fn every_flag_of_every_command_has_an_environment_variable() {
    for command in subcommands() {
        let text = help(&[&command]);
        let mut blocks: Vec<String> = Vec::new();
        // Headings are not indented; what follows the options (notes on keys, say) does not end with a colon.
        let mut among_options = false;
        for line in text.lines() {
            if !line.starts_with(' ') && !line.is_empty() {
                among_options = line.ends_with(':') && line != "Arguments:";
            } else if among_options && line.trim_start().starts_with('-') {
                blocks.push(line.to_owned());
            } else if let Some(block) = blocks.last_mut().filter(|_| among_options) {
                // The description, with the variable at its end.
                block.push('\n');
                block.push_str(line);
            }
        }
        assert!(!blocks.is_empty(), "`{command} --help` lists no option");
        for block in blocks {
            let flag = block.lines().next().unwrap_or_default().trim();
            let standard = ["--help", "--version"].iter().any(|name| flag.contains(name));
            assert!(
                standard || block.contains("[env:"),
                "`{command} {flag}` has no environment variable"
            );
        }
    }
}
