//! Checks whether the database can store a text. PostgreSQL's `text` and `jsonb` reject U+0000;
//! SQLite stores it, but half of its functions end the text there. So it is refused wherever text
//! enters: bodies, queries, paths, tokens, archives.

use serde_json::Value;

/// A text that the database can't store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not contain the character U+0000")]
pub struct NotStorable;

/// Checks whether the database can store `text`.
pub fn check_storable(text: &str) -> Result<(), NotStorable> {
    if text.contains('\0') {
        return Err(NotStorable);
    }
    Ok(())
}

/// Returns the members of a JSON value whose text or name can't be stored, as JSON pointers (RFC
/// 6901); the first `most` of them.
#[must_use]
pub fn unstorable_members(value: &Value, most: usize) -> Vec<String> {
    let mut found = Vec::new();
    look(value, &mut String::new(), &mut found, most);
    found
}

fn look(value: &Value, place: &mut String, found: &mut Vec<String>, most: usize) {
    if found.len() >= most {
        return;
    }
    let length = place.len();
    match value {
        Value::String(text) => {
            if check_storable(text).is_err() {
                found.push(place.clone());
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                // The pointer is built along the way and truncated afterwards, since most members
                // are valid.
                place.push('/');
                place.push_str(&number.to_string());
                look(item, place, found, most);
                place.truncate(length);
            }
        }
        Value::Object(object) => {
            for (name, member) in object {
                if found.len() >= most {
                    return;
                }
                place.push('/');
                place.push_str(&name.replace('~', "~0").replace('/', "~1"));
                if check_storable(name).is_err() {
                    found.push(place.clone());
                } else {
                    look(member, place, found, most);
                }
                place.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_is_named() {
        let value = json!({
            "a": "x", "b": ["y", "\0", {"c/d~": "z\0"}], "e\0": 1, "f": {"\0": "\0"}, "g": null,
        });
        let expected = ["/b/1", "/b/2/c~1d~0", "/e\0", "/f/\0"];
        assert_eq!(unstorable_members(&value, 9), expected);
        assert_eq!(unstorable_members(&value, 2), expected[..2]);
        assert_eq!(unstorable_members(&json!("\0"), 9), [""]);
        assert!(unstorable_members(&json!({"a": [1, "b"]}), 9).is_empty());
    }
}
