//! README names a test for each promise, and each of these tests is there.

use std::path::Path;

use super::tables::{files, root};

/// What stands between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn each_promise_names_a_test_that_is_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## ").find_map(|section| {
        let (title, text) = section.split_once('\n')?;
        (title == "What it promises").then_some(text)
    });
    let rows = section
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| "));
    let mut sources = String::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("service"), "rs") {
        sources.push_str(&std::fs::read_to_string(file).unwrap());
    }
    let mut promises = 0;
    // The first two rows are the head.
    for row in rows.skip(2) {
        let proof = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let mut tests = quoted(proof).peekable();
        assert!(tests.peek().is_some(), "no test: {row}");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "{test}");
        }
        promises += 1;
    }
    assert!(promises > 10, "{promises}");
}
