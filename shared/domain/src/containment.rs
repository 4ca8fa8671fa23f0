//! Containment of JSON values as by PostgreSQL's `@>`, for databases without it.
//!
//! The number of compared pairs is at most the product of the numbers of values; scalars are looked
//! up.

use std::collections::HashSet;

use serde_json::Value;

use super::Decimal;
use super::metadata::Metadata;

/// A scalar by its value: numbers with equal values are the same, however they are written.
#[derive(PartialEq, Eq, Hash)]
enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(number) => Some(Self::Number(number.into())),
            Value::String(text) => Some(Self::Text(text)),
            Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl Metadata {
    /// Returns whether it contains `wanted`: members of objects at every depth, elements of arrays
    /// in any order, scalars of the same type and value.
    #[must_use]
    pub fn contains(&self, wanted: &Self) -> bool {
        let (one, wanted) = (self.as_object(), wanted.as_object());
        wanted
            .iter()
            .all(|(key, wanted)| one.get(key).is_some_and(|one| contains(one, wanted)))
    }
}

fn contains(one: &Value, wanted: &Value) -> bool {
    match (one, wanted) {
        (Value::Object(one), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| one.get(key).is_some_and(|one| contains(one, wanted))),
        (Value::Array(one), Value::Array(wanted)) => has_elements(one, wanted),
        _ => match (Scalar::of(one), Scalar::of(wanted)) {
            (Some(one), Some(wanted)) => one == wanted,
            _ => false,
        },
    }
}

fn has_elements(one: &[Value], wanted: &[Value]) -> bool {
    let scalars: HashSet<_> = one.iter().filter_map(Scalar::of).collect();
    wanted.iter().all(|wanted| match Scalar::of(wanted) {
        Some(wanted) => scalars.contains(&wanted),
        None => one.iter().any(|one| contains(one, wanted)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value_at_every_depth() {
        let metadata = |text: &str| {
            let value: Value = crate::read_json(text.as_bytes()).unwrap();
            Metadata::try_from(value).unwrap()
        };
        let document =
            metadata(r#"{"a": [1e400, {"b": 123456789012345678901234567890}, [0.10]], "c": -0.0}"#);
        for found in [
            "{}",
            r#"{"a": [10e399]}"#,
            r#"{"a": [{"b": 1.23456789012345678901234567890e29}, [1e-1], 1e400]}"#,
            r#"{"c": 0}"#,
            r#"{"a": [[], {}]}"#,
        ] {
            assert!(document.contains(&metadata(found)), "{found}");
        }
        for missed in [
            r#"{"a": [1e401]}"#,
            r#"{"a": [{"b": 123456789012345678901234567891}]}"#,
            r#"{"a": {}}"#,
            r#"{"c": "0"}"#,
            r#"{"c": [0]}"#,
            r#"{"d": null}"#,
        ] {
            assert!(!document.contains(&metadata(missed)), "{missed}");
        }
    }
}
