//! Makefiles, by their rules: a target with a colon, and a recipe that a tab indents.

use super::decode::Text;
use crate::finding::Finding;

/// How many lines are looked at.
const MOST_LINES: usize = 400;

/// Targets that most makefiles have.
const USUAL: &[&str] = &[
    ".PHONY",
    "all",
    "clean",
    "install",
    "test",
    "check",
    "build",
    "distclean",
    "uninstall",
    "default",
];

/// Whether the text is a makefile.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(MOST_LINES)
        .collect();
    let rules = lines.windows(2).filter(|pair| {
        target(pair[0]).is_some()
            && pair[1].starts_with('\t')
            && !pair[1].trim_start().starts_with(['{', '}', '<'])
    });
    let count = rules.count();
    if count == 0 {
        return None;
    }
    let usual = lines
        .iter()
        .filter_map(|line| target(line))
        .any(|target| target.split(' ').any(|name| USUAL.contains(&name)));
    let expands = lines.iter().any(|line| {
        ["$(", "$@", "$<", "${", "$^"]
            .iter()
            .any(|mark| line.contains(mark))
    });
    // Labels of an assembler have instructions below them, and its directives.
    let assembles = lines.iter().any(|line| {
        [
            ".text",
            ".globl",
            ".global",
            ".section",
            "section ",
            "\t.globl",
            "\t.text",
            "\t.section",
        ]
        .iter()
        .any(|mark| line.starts_with(mark))
    });
    let outer: Vec<&str> = lines
        .iter()
        .copied()
        .scan(false, |goes_on, line| {
            let part = std::mem::replace(goes_on, line.ends_with('\\'));
            Some((part, line))
        })
        .filter(|(part, line)| !part && !line.starts_with(['\t', ' ', '#']))
        .map(|(_, line)| line)
        .collect();
    let known = outer.iter().filter(|line| is_outer(line)).count();
    if known * 10 < outer.len() * 9 {
        return None;
    }
    let statements = lines.iter().filter(|line| line.ends_with(';')).count();
    let other = lines
        .iter()
        .filter(|line| line.starts_with(['{', '}', '<']))
        .count();
    let holds = !assembles && statements * 3 < lines.len() && other == 0;
    (holds && (usual || expands && count >= 2)).then(|| Finding::likely("text/x-makefile"))
}

/// A rule, an assignment, or a directive.
fn is_outer(line: &str) -> bool {
    let directives = [
        "include", "-include", "sinclude", "if", "else", "endif", "define", "endef", "export",
        "unexport", "vpath", "override", "private", "undefine", "$", "@", "!", ".",
    ];
    target(line).is_some()
        || line.contains('=')
        || line.contains(':') && line.contains('$')
        || directives.iter().any(|word| line.starts_with(word))
}

/// What stands before the colon of a rule.
fn target(line: &str) -> Option<&str> {
    let (target, rest) = line.split_once(':')?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-./%$(){} +".contains(letter);
    let calls = target.contains('(') && !target.contains("$(");
    let ends = rest.ends_with([';', '{', ',']) && !rest.contains("$(");
    (!target.is_empty()
        && !line.starts_with([' ', '\t', '#', '-'])
        && target.chars().all(is_name)
        && !calls
        && !ends
        && !rest.starts_with('=')
        && !rest.contains('"'))
    .then(|| target.trim_end())
}
