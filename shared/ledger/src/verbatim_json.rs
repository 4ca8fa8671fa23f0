//! Metadata that reads back as it was sent. A column of `jsonb` keeps the values of numbers, but
//! writes `1e5`, `-0` and the like in another way: such metadata is stored as a text as well.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use domain::{Metadata, is_respelled, read_json};

/// Whether a number in it would be written in another way.
fn is_any_respelled(value: &Value) -> bool {
    match value {
        Value::Number(number) => is_respelled(number),
        Value::Array(items) => items.iter().any(is_any_respelled),
        Value::Object(members) => members.values().any(is_any_respelled),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// The metadata as it was sent, if `jsonb` would write it in another way.
pub fn verbatim_text(metadata: &Metadata) -> Option<String> {
    let is_respelled = metadata.as_object().values().any(is_any_respelled);
    is_respelled.then(|| Value::Object(metadata.as_object().clone()).to_string())
}

/// An object as a member of stored JSON: itself, or its text.
pub fn encode(object: Value) -> Value {
    if is_any_respelled(&object) {
        Value::String(object.to_string())
    } else {
        object
    }
}

/// The object that was [`encode`]d; `None` if it isn't one.
pub fn decode(value: Value) -> Option<Value> {
    let object = match value {
        Value::String(text) => read_json(text.as_bytes()).ok()?,
        object => object,
    };
    Some(object).filter(Value::is_object)
}

/// For members of kept JSON: an object, or null.
pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    encode(value.clone()).serialize(serializer)
}

/// For members of kept JSON: what can't be read is null.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(decode(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_respelled_is_a_text() {
        for (text, is_text) in [
            (
                r#"{"a":[1.50,{"b":123456789012345678901234567890}]}"#,
                false,
            ),
            (r#"{"a":[{"b":[1e23]}]}"#, true),
            (r#"{"a":-0}"#, true),
            (r#"{"a":"1e5"}"#, false),
        ] {
            let object: Value = read_json(text.as_bytes()).unwrap();
            let kept = encode(object.clone());
            assert_eq!(kept.is_string(), is_text, "{text}");
            assert_eq!(decode(kept), Some(object));
        }
        assert_eq!(decode(Value::Null), None);
        assert_eq!(decode(Value::String("[1]".to_owned())), None);
    }
}
