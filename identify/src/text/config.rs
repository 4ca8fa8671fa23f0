//! YAML and TOML by their line grammar; INI stays plain text, which is what it
//! is called by everyone who registers types.

use super::decode::Text;
use super::json;
use super::markdown;
use super::yaml_keys::yaml_key;
use crate::finding::Finding;

/// What the configuration is.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    if is_toml(text) {
        return Some(Finding::likely("application/toml"));
    }
    let lines: Vec<&str> = text.lines().take(400).collect();
    if markdown::has_front_matter(text, &lines) {
        return None;
    }
    match yaml_shape(text) {
        Shape::Nested => Some(Finding::likely("application/yaml")),
        Shape::Other => None,
    }
}

/// Whether a name may call this TOML.
pub(super) fn is_tolerable_toml(text: &Text) -> bool {
    let lines = meaningful(text, '#');
    let lines = &lines[..lines.len().min(20)];
    let fits = |line: &&&str| is_table_header(line.trim()) || toml_pair(line).is_some();
    lines.is_empty()
        || lines.first().is_some_and(|line| fits(&line))
            && lines.iter().filter(fits).count() * 3 >= lines.len()
}

/// Whether a name may call this YAML: keys and items, with little beside them.
pub(super) fn is_tolerable_yaml(text: &Text) -> bool {
    let lines = meaningful(text, '#');
    let flow = json::opens_as_value(lines.first().copied().unwrap_or_default())
        && lines.last().is_some_and(|line| line.ends_with(['}', ']']))
        && !is_ini(text);
    let counts = YamlLines::count(&lines);
    let known = counts.keys + counts.items;
    counts.opens || flow || counts.keys + counts.items >= 1 && counts.other * 4 <= known
}

/// Sections in brackets and keys without types: what everybody calls INI.
pub(super) fn is_ini(text: &Text) -> bool {
    let lines = meaningful(text, '#');
    let header = |line: &str| {
        let line = line.trim_end();
        line.len() > 2
            && line.starts_with('[')
            && line.ends_with(']')
            && !line.contains([',', '"', '{', '('])
    };
    let mut code = lines.iter().filter(|line| !line.starts_with(';'));
    code.next().is_some_and(|line| header(line))
        && code
            .next()
            .is_none_or(|line| header(line) || line.contains('='))
}

fn meaningful(text: &Text, comment: char) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with(comment))
        .take(300)
        .collect()
}

/// Tables or keys whose values are all typed as TOML wants them.
pub(super) fn is_toml(text: &Text) -> bool {
    let mut lines = meaningful(text, '#');
    // The last line of many may have been cut off.
    if lines.len() > 8 && !text.body.ends_with('\n') {
        lines.pop();
    }
    let (mut tables, mut pairs, mut quoted, mut spaced) = (0, 0, 0, 0);
    let mut nested: Option<&str> = None;
    for line in &lines {
        let line = line.trim();
        if let Some(end) = nested {
            if line.starts_with(end) || line.trim_end_matches(',').ends_with(end) {
                nested = None;
            }
            continue;
        }
        if is_table_header(line) {
            tables += 1;
            continue;
        }
        let Some(value) = toml_pair(line) else {
            return false;
        };
        pairs += 1;
        quoted += usize::from(value.starts_with(['"', '\'', '[', '{']));
        spaced += usize::from(line.contains(" = ") || line.contains("= "));
        nested = opened(value);
    }
    // Shells assign without blanks and have no tables.
    pairs >= 1
        && (tables >= 1 && (quoted >= 1 || pairs >= 2)
            || pairs >= 3 && quoted >= 2 && spaced * 2 >= pairs)
        && quoted * 4 >= pairs
}

/// `[table]` or `[[table]]`, whose quoted parts may hold anything.
fn is_table_header(line: &str) -> bool {
    let bare = line.split(" #").next().unwrap_or(line).trim_end();
    let name = bare.trim_start_matches('[').trim_end_matches(']');
    let key_like = name.starts_with(|letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '"' | '\'' | '_')
    });
    bare.starts_with('[')
        && bare.ends_with(']')
        && key_like
        && (!name.contains(", ") || name.contains(['(', '\'']))
}

/// What will close a value that goes on over the next lines.
fn opened(value: &str) -> Option<&'static str> {
    for quote in ["\"\"\"", "'''"] {
        if value.starts_with(quote) && value.matches(quote).count() == 1 {
            return Some(if quote == "'''" { "'''" } else { "\"\"\"" });
        }
    }
    (value.starts_with('[') && value.matches('[').count() > value.matches(']').count())
        .then_some("]")
}

/// The value of `key = value`, if it is one of TOML's.
fn toml_pair(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let quoted = key.len() > 2
        && (key.starts_with('"') && key.ends_with('"')
            || key.starts_with('\'') && key.ends_with('\''));
    let bare = quoted
        || !key.is_empty()
            && key.chars().all(|letter| {
                letter.is_ascii_alphanumeric()
                    || matches!(letter, '_' | '-' | '.' | '"' | '\'' | ' ' | '/' | ':' | '@')
            });
    let value = value.trim();
    let typed = value.starts_with(['"', '\'', '[', '{'])
        || matches!(
            value.split([' ', '#']).next(),
            Some("true" | "false" | "inf" | "nan")
        )
        || value.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-'))
            && value.split('#').next().is_some_and(|number| {
                number.trim().chars().all(|letter| {
                    letter.is_ascii_alphanumeric()
                        || matches!(letter, '_' | '.' | '+' | '-' | ':' | ' ')
                })
            });
    let key_is_short = key.split_whitespace().count() == 1 || key.starts_with(['"', '\'']);
    (bare && key_is_short && typed && !line.trim_end().ends_with(';')).then_some(value)
}

/// How much of YAML's grammar a text shows.
enum Shape {
    /// An opening line, or mappings in mappings.
    Nested,
    /// Also nothing but keys with short values: notes and forms have them too.
    Other,
}

/// What the lines of YAML are, counted.
#[derive(Default)]
struct YamlLines {
    /// An opening line, or a directive.
    opens: bool,
    keys: usize,
    nested: usize,
    items: usize,
    /// Lines that are neither keys, items nor what they go on with.
    other: usize,
    /// Keys with values of a few words.
    tokens: usize,
    /// Assignments and calls where a value goes on.
    code: usize,
}

impl YamlLines {
    fn count(lines: &[&str]) -> Self {
        let opens = lines.first().is_some_and(|line| {
            line.trim_end() == "---" || line.starts_with("--- ") || line.starts_with("%YAML")
        });
        let mut counts = Self {
            opens,
            ..Self::default()
        };
        let mut block: Option<usize> = None;
        for line in lines {
            let indent = line.len() - line.trim_start().len();
            if let Some(outer) = block {
                if indent > outer {
                    continue;
                }
                block = None;
            }
            let trimmed = line.trim();
            if matches!(trimmed, "---" | "...") || line.starts_with('%') && opens {
                continue;
            }
            let content = trimmed.trim_start_matches("- ");
            let item = content.len() < trimmed.len() || trimmed == "-";
            if trimmed.ends_with([';', '{']) && !trimmed.contains(": {")
                || trimmed.ends_with("->")
                || line.starts_with('\t')
                || trimmed.ends_with("*/")
            {
                counts.other += 2;
            }
            match yaml_key(content) {
                Some(value) => {
                    counts.keys += 1;
                    counts.nested += usize::from(value.is_empty() || indent > 0);
                    counts.tokens += usize::from(value.split_whitespace().count() <= 3);
                    if value.starts_with(['|', '>']) {
                        block = Some(indent);
                    }
                }
                None if item => counts.items += 1,
                // One blank goes on with a header of mail or of a package.
                None if indent > 1 => {
                    counts.code +=
                        usize::from(trimmed.contains(" = ") || trimmed.ends_with(['(', ')']));
                }
                None if matches!(trimmed, "[" | "]" | "{" | "}") && opens => {}
                None => counts.other += 1,
            }
        }
        counts
    }
}

/// Mappings and sequences make up nearly all lines of YAML.
fn yaml_shape(text: &Text) -> Shape {
    let lines = meaningful(text, '#');
    if lines.len() < 2 {
        return Shape::Other;
    }
    // Paragraphs of Debian's fields have a full stop for an empty line.
    if lines.iter().any(|line| line.trim() == ".") {
        return Shape::Other;
    }
    let counts = YamlLines::count(&lines);
    let known = counts.keys + counts.items;
    if counts.opens {
        let holds = (counts.keys >= 1 || counts.items >= 2) && counts.other * 5 <= known;
        return if holds { Shape::Nested } else { Shape::Other };
    }
    // Without an opening line: real nesting, or several keys with short values.
    let structured = counts.keys >= 2
        && (counts.nested >= 1 && (counts.items >= 1 || counts.nested >= 2)
            || counts.keys >= 4 && counts.tokens * 2 >= counts.keys && counts.items > 0)
        || counts.keys >= 4 && counts.nested >= 1;
    if structured && counts.other * 12 <= known && counts.code * 4 <= known {
        Shape::Nested
    } else {
        Shape::Other
    }
}
