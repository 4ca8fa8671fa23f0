//! PostgreSQL's `@>` in the words of SQLite: whether a JSON object contains another.
//!
//! The other way than PostgreSQL's operator itself, which compares as it walks, the
//! shape of what is looked for becomes the shape of the condition. Its bounds are
//! those of metadata, and it stays within SQLite's own: conditions are joined as a
//! balanced tree, whose depth grows with the logarithm of their number.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use crate::db::values::Values;
use crate::domain::Metadata;

/// Above it, floating-point numbers don't tell whole ones apart.
const EXACT: u64 = 1 << 53;

/// A condition that holds if the object in the column `source` contains `wanted`.
pub fn contains(source: &str, wanted: &Metadata, values: &mut Values) -> String {
    let mut writer = Writer { values, depth: 0 };
    writer.members(source, wanted.as_object())
}

struct Writer<'a> {
    values: &'a mut Values,
    depth: usize,
}

impl Writer<'_> {
    /// `source` is an object that has these members.
    fn members(&mut self, source: &str, wanted: &Map<String, Value>) -> String {
        let conditions = wanted
            .iter()
            .map(|(key, value)| {
                let key = self.values.bind(key.as_str());
                self.some_child(source, &format!("key = {key} AND "), value)
            })
            .collect();
        joined(conditions)
    }

    /// `source` is an array that has these elements, in whatever order.
    fn elements(&mut self, source: &str, wanted: &[Value]) -> String {
        let mut seen = BTreeSet::new();
        let distinct = wanted.iter().filter(|value| seen.insert(value.to_string()));
        let conditions = distinct
            .map(|value| self.some_child(source, "", value))
            .collect();
        joined(conditions)
    }

    fn some_child(&mut self, source: &str, which: &str, wanted: &Value) -> String {
        let child = format!("m{}", self.depth);
        let which = which.replacen("key", &format!("{child}.key"), 1);
        self.depth += 1;
        let alike = self.alike(&child, source, wanted);
        self.depth -= 1;
        format!("EXISTS (SELECT 1 FROM json_each({source}) AS {child} WHERE {which}{alike})")
    }

    /// The row `child` of `json_each(source)` is or contains `wanted`.
    fn alike(&mut self, child: &str, source: &str, wanted: &Value) -> String {
        let inner = format!("{child}.value");
        match wanted {
            Value::Null => format!("{child}.type = 'null'"),
            Value::Bool(value) => format!("{child}.type = '{value}'"),
            Value::Number(number) => self.equal(child, source, number),
            Value::String(text) => {
                let text = self.values.bind(text.as_str());
                format!("{child}.type = 'text' AND {child}.value = {text}")
            }
            Value::Object(members) => {
                let contained = self.members(&inner, members);
                format!("{child}.type = 'object' AND {contained}")
            }
            Value::Array(elements) => {
                let contained = self.elements(&inner, elements);
                format!("{child}.type = 'array' AND {contained}")
            }
        }
    }

    fn equal(&mut self, child: &str, source: &str, number: &Number) -> String {
        let whole = whole(number);
        let equal = match whole {
            Some(whole) if whole.unsigned_abs() <= u128::from(EXACT) => {
                let whole = i64::try_from(whole).unwrap_or_default();
                format!("{child}.value = {}", self.values.bind(whole))
            }
            // Read as SQLite reads what it is compared with.
            None => format!(
                "{child}.value = CAST({} AS REAL)",
                self.values.bind(number.to_string())
            ),
            // SQLite would round them: compared as they are written.
            Some(whole) => {
                let spellings: Vec<_> = spellings(number, whole)
                    .into_iter()
                    .map(|spelling| self.values.bind(spelling))
                    .collect();
                format!("{source} -> {child}.fullkey IN ({})", spellings.join(", "))
            }
        };
        format!("{child}.type IN ('integer', 'real') AND {equal}")
    }
}

/// The whole number that is written, if it is one.
fn whole(number: &Number) -> Option<i128> {
    if let Some(number) = number.as_i128() {
        return Some(number);
    }
    // As it is written, like PostgreSQL's numeric: 1e23 is a one and 23 zeros.
    let text = number.to_string();
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let after = after.trim_end_matches('0');
    let exponent: usize = exponent.trim_start_matches('+').parse().ok()?;
    let zeros = exponent.checked_sub(after.len())?;
    format!("{before}{after}{}", "0".repeat(zeros)).parse().ok()
}

/// How documents may write that number.
fn spellings(number: &Number, whole: i128) -> BTreeSet<String> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is lost is found out below"
    )]
    let rounded = Number::from_f64(whole as f64);
    let rounded = rounded.filter(|rounded| self::whole(rounded) == Some(whole));
    let mut spellings = BTreeSet::from([number.to_string(), whole.to_string()]);
    spellings.extend(rounded.map(|number| number.to_string()));
    spellings
}

/// All of them; with none, anything.
fn joined(mut conditions: Vec<String>) -> String {
    match conditions.len() {
        0 => "true".to_owned(),
        1 => conditions.remove(0),
        count => {
            let rest = conditions.split_off(count / 2);
            format!("({} AND {})", joined(conditions), joined(rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_told_as_they_are_written() {
        let whole = |text: &str| whole(&serde_json::from_str(text).unwrap());
        assert_eq!(whole("100"), Some(100));
        assert_eq!(whole("1.0"), Some(1));
        assert_eq!(whole("-1.5e1"), Some(-15));
        assert_eq!(whole("1e23"), Some(100_000_000_000_000_000_000_000));
        assert_eq!(whole("0.5"), None);
        assert_eq!(whole("1e-3"), None);
        assert_eq!(whole("1e300"), None);
    }

    #[test]
    fn a_large_number_has_every_spelling_that_means_it() {
        let spellings = |text: &str| {
            let number = serde_json::from_str(text).unwrap();
            spellings(&number, whole(&number).unwrap())
        };
        assert_eq!(
            spellings("10000000000000000000"),
            spellings("1e19"),
            "an integer and a float of the same value"
        );
        assert_eq!(spellings("18446744073709551615").len(), 1);
    }
}
