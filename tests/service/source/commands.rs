//! The commands that pages name in their sentences are commands of the programs, with these flags.

use std::collections::BTreeSet;
use std::process::Command;

use tests::servers::program_named;

use super::book::pages;

/// What begins like a command, and is none: a name of sessions of PostgreSQL.
const NO_COMMAND: &str = "dossier hints";

/// What stands between backticks on the pages.
fn quoted() -> BTreeSet<String> {
    let mut quoted = BTreeSet::new();
    for (page, text) in pages() {
        // It tells of other releases, too.
        if page.ends_with("CHANGELOG.md") {
            continue;
        }
        let parts = text.split('`').skip(1).step_by(2);
        // A line may end within a command.
        quoted.extend(parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    quoted
}

/// Whether a word may be of a command's name. Those of values are in capitals, or in brackets.
fn is_of_a_name(word: &&str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    !word.starts_with('-') && word.bytes().all(is_letter)
}

/// Whether a program has a command, by its own help.
fn is_there(command: &str) -> bool {
    let mut words = command
        .split([' ', '[', ']'])
        .filter(|word| !word.is_empty());
    let program = program_named(words.next().unwrap());
    let words: Vec<_> = words.collect();
    let names = words.iter().copied().take_while(is_of_a_name);
    let help = Command::new(program).args(names).arg("--help").output();
    let help = help.unwrap();
    let text = String::from_utf8_lossy(&help.stdout);
    let mut flags = words.iter().filter(|word| word.starts_with("--"));
    help.status.success() && flags.all(|flag| text.contains(flag))
}

#[test]
fn each_command_that_a_page_names_is_there() {
    let mut commands = quoted();
    commands.retain(|quoted| {
        let program = quoted.split_once(' ').map(|(program, _)| program);
        matches!(program, Some("dossier" | "dsr")) && quoted != NO_COMMAND
    });
    let missing: Vec<_> = commands
        .iter()
        .filter(|command| !is_there(command))
        .collect();
    assert!(
        commands.len() > 20 && missing.is_empty(),
        "{commands:?} {missing:?}"
    );
    for wrong in [
        "dossier serves",
        "dossier queue stop",
        "dossier audit --wide",
        "dsr vanish",
    ] {
        assert!(!is_there(wrong), "{wrong}");
    }
}
