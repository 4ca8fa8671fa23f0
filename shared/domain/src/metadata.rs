//! Metadata of a document, within limits.

use serde::Serialize;
use serde_json::{Map, Value};

use super::check_storable;
use super::decimal::plain_length;

/// A JSON object within the bounds of [`Metadata::try_from`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

/// Invalid metadata; shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Too many keys, counted at every depth.
    #[error("must have at most 64 keys, not {0}")]
    TooManyKeys(usize),
    /// Too many values, counted at every depth.
    #[error("must have at most {0} values, counting the elements of arrays")]
    TooManyValues(usize),
    /// Too deep.
    #[error("must not be nested deeper than {0}")]
    TooDeep(usize),
    /// Too long.
    #[error("must have at most 16384 bytes as compact JSON, not {0}")]
    TooLarge(usize),
    /// A number that databases can't store exactly.
    #[error("must not contain a number of more than 1,000 digits, written without an exponent")]
    LongNumber,
    /// A text that databases can't store.
    #[error("must not contain the character U+0000")]
    NulCharacter,
}

impl Metadata {
    /// The maximum number of keys, at all depths together.
    pub const MAX_KEYS: usize = 64;
    /// The maximum number of values, containers included, at all depths together.
    pub const MAX_VALUES: usize = 1_000;
    /// The maximum nesting of objects and arrays. JSON parsers stop at 128 levels, and metadata is
    /// embedded in other JSON, such as a manifest.
    pub const MAX_DEPTH: usize = 110;
    /// The maximum size in bytes, as compact JSON.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// The maximum length of a number without an exponent, in characters.
    pub const MAX_NUMBER: u64 = 1_000;

    /// Applies a merge patch (RFC 7396): null removes a member, objects are merged at every depth,
    /// and anything else replaces the value.
    pub fn merged(&self, patch: Value) -> Result<Self, InvalidMetadata> {
        if !patch.is_object() {
            return Err(InvalidMetadata::NotAnObject);
        }
        let mut merged = Value::Object(self.0.clone());
        merge(&mut merged, patch);
        Self::try_from(merged)
    }

    /// Checks a merge patch independently of its target: it may remove as much as metadata may
    /// have, and add as much again.
    pub fn check_patch(patch: &Value) -> Result<(), InvalidMetadata> {
        let Value::Object(object) = patch else {
            return Err(InvalidMetadata::NotAnObject);
        };
        let size = patch.to_string().len();
        if size > 2 * Self::MAX_BYTES {
            return Err(InvalidMetadata::TooLarge(size));
        }
        let keys = object_keys(object);
        if keys > 2 * Self::MAX_KEYS {
            return Err(InvalidMetadata::TooManyKeys(keys));
        }
        // The patch is one level itself, which values() counts and metadata doesn't.
        if values(patch) > 2 * Self::MAX_VALUES + 1 {
            return Err(InvalidMetadata::TooManyValues(Self::MAX_VALUES));
        }
        if depth(patch) > Self::MAX_DEPTH {
            return Err(InvalidMetadata::TooDeep(Self::MAX_DEPTH));
        }
        check(patch)
    }

    /// Metadata that was checked when it was accepted. The limits may have been wider then.
    #[must_use]
    pub const fn stored(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// The JSON object.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The number of values at all depths together, containers included.
    #[must_use]
    pub fn values(&self) -> usize {
        self.0.values().map(values).sum()
    }

    /// The nesting of objects and arrays; the value itself is the first level.
    #[must_use]
    pub fn depth(&self) -> usize {
        1 + self.0.values().map(depth).max().unwrap_or_default()
    }
}

impl TryFrom<Value> for Metadata {
    type Error = InvalidMetadata;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let size = value.to_string().len();
        let Value::Object(object) = value else {
            return Err(InvalidMetadata::NotAnObject);
        };
        if size > Self::MAX_BYTES {
            return Err(InvalidMetadata::TooLarge(size));
        }
        let keys = object_keys(&object);
        if keys > Self::MAX_KEYS {
            return Err(InvalidMetadata::TooManyKeys(keys));
        }
        let metadata = Self(object);
        if metadata.values() > Self::MAX_VALUES {
            return Err(InvalidMetadata::TooManyValues(Self::MAX_VALUES));
        }
        if metadata.depth() > Self::MAX_DEPTH {
            return Err(InvalidMetadata::TooDeep(Self::MAX_DEPTH));
        }
        for (key, value) in &metadata.0 {
            check(value)?;
            check_text(key)?;
        }
        Ok(metadata)
    }
}

/// Returns whether databases can store each number and text in it.
fn check(value: &Value) -> Result<(), InvalidMetadata> {
    match value {
        Value::Number(number) if plain_length(number) > Metadata::MAX_NUMBER => {
            Err(InvalidMetadata::LongNumber)
        }
        Value::String(text) => check_text(text),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            check_text(key)?;
            check(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), InvalidMetadata> {
    check_storable(text).map_err(|_| InvalidMetadata::NulCharacter)
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(members) => members.values().map(values).sum(),
        _ => 0,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(&key);
            } else {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}

fn object_keys(object: &Map<String, Value>) -> usize {
    object.len() + object.values().map(nested_keys).sum::<usize>()
}

fn nested_keys(value: &Value) -> usize {
    match value {
        Value::Object(object) => object_keys(object),
        Value::Array(items) => items.iter().map(nested_keys).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_merges_at_every_depth() {
        let before = Metadata::try_from(json!({"a": {"b": 1, "c": 2}, "d": [1]})).unwrap();
        let after = before
            .merged(json!({"a": {"b": null, "e": {"f": null}}, "d": 3}))
            .unwrap();
        assert_eq!(
            after.as_object(),
            json!({"a": {"c": 2, "e": {}}, "d": 3}).as_object().unwrap()
        );
        assert_eq!(before.merged(json!(1)), Err(InvalidMetadata::NotAnObject));
    }

    #[test]
    fn bounds_are_kept() {
        assert!(Metadata::try_from(json!({"year": 2026})).is_ok());
        assert_eq!(
            Metadata::try_from(json!([])),
            Err(InvalidMetadata::NotAnObject)
        );
        assert_eq!(
            Metadata::try_from(json!({"a": "x".repeat(17_000)})),
            Err(InvalidMetadata::TooLarge(17_008))
        );
        let many: Map<_, _> = (0..65).map(|key| (key.to_string(), json!(1))).collect();
        assert_eq!(
            Metadata::try_from(Value::Object(many)),
            Err(InvalidMetadata::TooManyKeys(65))
        );
        let wide = |values: usize| json!({"a": vec![0; values]});
        assert!(Metadata::try_from(wide(Metadata::MAX_VALUES - 1)).is_ok());
        assert_eq!(
            Metadata::try_from(wide(Metadata::MAX_VALUES)),
            Err(InvalidMetadata::TooManyValues(Metadata::MAX_VALUES))
        );
        let deep = |levels| json!({"a": (1..levels).fold(json!(1), |inner, _| json!([inner]))});
        assert!(Metadata::try_from(deep(Metadata::MAX_DEPTH)).is_ok());
        assert_eq!(
            Metadata::try_from(deep(Metadata::MAX_DEPTH + 1)),
            Err(InvalidMetadata::TooDeep(Metadata::MAX_DEPTH))
        );
        for (number, expected) in [
            ("1e999", Ok(())),
            ("1e1000", Err(InvalidMetadata::LongNumber)),
            ("-1e-1000000000", Err(InvalidMetadata::LongNumber)),
            ("1e99999999999999999999", Err(InvalidMetadata::LongNumber)),
        ] {
            let text = format!("{{\"a\":[{number}]}}");
            let value: Value = crate::read_json(text.as_bytes()).unwrap();
            assert_eq!(Metadata::try_from(value).map(|_| ()), expected, "{number}");
        }
        assert_eq!(
            Metadata::try_from(json!({"a": ["\u{0}"]})),
            Err(InvalidMetadata::NulCharacter)
        );
    }
}
