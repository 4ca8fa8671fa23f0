//! What an owner says of a document, within bounds.

use serde::Serialize;
use serde_json::{Map, Value};

/// A JSON object of at most 64 keys and 16 KiB (as compact JSON, UTF-8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

/// What is wrong with metadata, for the one who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Too many keys, counted at every depth.
    #[error("must have at most 64 keys")]
    TooManyKeys,
    /// Too long.
    #[error("must have at most 16 KiB")]
    TooLarge,
    /// A text that databases can't keep.
    #[error("must not contain the character U+0000")]
    NulCharacter,
}

impl Metadata {
    /// The most keys, at all depths together.
    pub const MAX_KEYS: usize = 64;
    /// The most bytes as compact JSON.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// The metadata after a merge patch (RFC 7396): members that are null go, objects are
    /// merged at every depth, anything else replaces.
    pub fn merged(&self, patch: Value) -> Result<Self, InvalidMetadata> {
        if !patch.is_object() {
            return Err(InvalidMetadata::NotAnObject);
        }
        let mut merged = Value::Object(self.0.clone());
        merge(&mut merged, patch);
        Self::try_from(merged)
    }

    /// The JSON object.
    #[must_use]
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
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
            return Err(InvalidMetadata::TooLarge);
        }
        if object_keys(&object) > Self::MAX_KEYS {
            return Err(InvalidMetadata::TooManyKeys);
        }
        if object
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value))
        {
            return Err(InvalidMetadata::NulCharacter);
        }
        Ok(Self(object))
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

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
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
            Err(InvalidMetadata::TooLarge)
        );
        let many: Map<_, _> = (0..65).map(|key| (key.to_string(), json!(1))).collect();
        assert_eq!(
            Metadata::try_from(Value::Object(many)),
            Err(InvalidMetadata::TooManyKeys)
        );
        assert_eq!(
            Metadata::try_from(json!({"a": ["\u{0}"]})),
            Err(InvalidMetadata::NulCharacter)
        );
    }
}
