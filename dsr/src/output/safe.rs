//! Text of others in a terminal. Names of files, messages of webhooks and the like may have characters
//! that a terminal obeys: these are shown as escapes, and only the colours of this program remain.

use std::fmt::Write as _;

/// What the colours of this program look like: ESC, `[`, one of these, `m`.
const COLOURS: [&str; 9] = ["0", "1", "2", "31", "32", "33", "34", "35", "36"];

/// Text for a terminal, of several lines.
pub fn safe_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some(length) = colour(rest) {
            safe.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        match next {
            '\n' | '\t' => safe.push(next),
            other if is_obeyed(other) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(other));
            }
            other => safe.push(other),
        }
        rest = &rest[next.len_utf8()..];
    }
    safe
}

/// A value of others, as a part of a line.
pub fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// JSON for a terminal: what is obeyed is escaped in strings, so that the value remains the same.
pub fn safe_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_obeyed(letter) {
            let _ = write!(safe, "\\u{:04x}", u32::from(letter));
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// Whether a terminal does something else than show it: control characters, and those that turn the
/// direction of what follows.
const fn is_obeyed(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}'
    )
}

/// The length of the colour with which the text begins.
fn colour(text: &str) -> Option<usize> {
    let code = text.strip_prefix("\x1b[")?;
    let is_ours = |ours: &&&str| {
        let after = code.strip_prefix(**ours);
        after.is_some_and(|after| after.starts_with('m'))
    };
    let ours = COLOURS.iter().find(is_ours)?;
    Some(ours.len() + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_colours_remain() {
        let coloured = console::style("active").green().force_styling(true);
        let coloured = coloured.to_string();
        assert_eq!(safe_text(&coloured), coloured);
        for (hostile, shown) in [
            ("a\x1b]0;title\x07b", "a\\u{1b}]0;title\\u{7}b"),
            ("\x1b[2J\x1b[31mred", "\\u{1b}[2J\x1b[31mred"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("over\rwritten", "over\\u{d}written"),
            ("a.\u{202e}b", "a.\\u{202e}b"),
            ("two\nlines\tü", "two\nlines\tü"),
        ] {
            assert_eq!(safe_text(hostile), shown);
        }
    }

    #[test]
    fn json_says_the_same_without_what_a_terminal_obeys() {
        let value = serde_json::json!({"name": "\u{9b}2J \x1b[31m \u{202e} \n ü"});
        let safe = safe_json(&value.to_string());
        assert!(!safe.chars().any(is_obeyed), "{safe}");
        let read: serde_json::Value = crate::json::read_json(safe.as_bytes()).unwrap();
        assert_eq!(read, value);
    }
}
