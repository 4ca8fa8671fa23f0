//! Keys of YAML's block mappings: which text before a colon is one.

/// Whether a line is a mapping or a sequence entry.
pub(super) fn is_yaml_line(line: &str) -> bool {
    let content = line.trim().trim_start_matches("- ");
    yaml_key(content).is_some() || line.trim_start().starts_with("- ")
}

/// The value behind `key:`; keys are words, quoted or not, never sentences.
pub(super) fn yaml_key(content: &str) -> Option<&str> {
    if let Some(rest) = content.strip_suffix(':') {
        return is_key(rest).then_some("");
    }
    let (key, value) = content.split_once(": ")?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    is_key(key).then_some(if value.starts_with('#') { "" } else { value })
}

/// Words that open a block of Python, with a colon at its end.
const STATEMENTS: &[&str] = &[
    "class", "def", "if", "elif", "else", "for", "while", "try", "except", "finally", "with",
    "async", "lambda", "return", "match", "case",
];

fn is_key(key: &str) -> bool {
    let key = key.trim();
    if key
        .split_once(' ')
        .is_some_and(|(first, _)| STATEMENTS.contains(&first))
        || matches!(key, "try" | "finally" | "else" | "except")
    {
        return false;
    }
    if key.len() >= 2
        && (key.starts_with('"') && key.ends_with('"')
            || key.starts_with('\'') && key.ends_with('\''))
    {
        return true;
    }
    !key.is_empty()
        && key.len() <= 64
        && key.split(' ').count() <= 2
        && key.chars().all(|letter| {
            letter.is_alphanumeric()
                || matches!(
                    letter,
                    '_' | '-' | '.' | '/' | ' ' | '$' | '*' | '@' | '<' | '?' | '&' | ':'
                )
        })
        && !key.starts_with(['/', '*'])
        && !key.contains("::")
        && key.matches(':').count() <= 1
        && !key.ends_with(':')
}
