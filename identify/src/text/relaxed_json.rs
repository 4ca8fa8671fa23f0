//! JSON as editors of settings allow it: strict but for comments, and for commas behind the last
//! member.

use super::decode::Text;
use super::json;
use crate::finding::Finding;

/// What the text is, if it is such JSON.
pub(super) fn judge(text: &Text) -> Option<Finding> {
    let body = text.body.trim_start_matches('\u{feff}').trim();
    is_object(body).then(|| Finding::likely("application/json"))
}

/// Whether the text is such an object. Keys are quoted, as they are in JSON and seldom elsewhere.
fn is_object(body: &str) -> bool {
    let opens = body.strip_prefix('{').and_then(without_remarks);
    opens.is_some_and(|rest| rest.starts_with('"'))
        && strict(body).is_some_and(|strict| json::is_whole_value(&strict))
}

/// The text without comments and trailing commas; nothing if something is left open.
fn strict(body: &str) -> Option<String> {
    let mut strict = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        if letter == '"' {
            let end = end_of_string(rest)?;
            strict.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let after = without_remarks(rest)?;
        if after.len() < rest.len() {
            strict.push(' ');
            rest = after;
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        let is_last = letter == ',' && without_remarks(rest)?.starts_with(['}', ']']);
        if !is_last {
            strict.push(letter);
        }
    }
    Some(strict)
}

/// Behind the quotation mark that ends the string which begins here.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let close = |(_, byte): &(usize, u8)| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    };
    text.bytes()
        .enumerate()
        .skip(1)
        .find(close)
        .map(|(at, _)| at + 1)
}

/// What follows blanks and comments; nothing if a comment isn't closed.
fn without_remarks(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        if let Some(line) = rest.strip_prefix("//") {
            rest = line
                .split_once('\n')
                .map_or("", |(_, rest)| rest)
                .trim_start();
        } else if let Some(block) = rest.strip_prefix("/*") {
            rest = block.split_once("*/")?.1.trim_start();
        } else {
            return Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_allowed_and_nothing_else() {
        let held = [
            "{\n  // a\n  \"b\": [1, 2,], /* c */\n}",
            "{\"a\": \"// no, comment\", \"b\": {\"c\": null,},}",
            "{\"a\": 1} // end",
        ];
        assert!(held.iter().all(|text| is_object(text)));
        let not = [
            "{}",
            "{\"a\": 1,,}",
            "{\"a\": x,}",
            "{a: 1,}",
            "{\"a\": 1, /* open }",
            "{\"a\", \"b\",}",
            "{\"a\": 1,} }",
            "{\"a",
        ];
        assert!(!not.iter().any(|text| is_object(text)));
    }
}
