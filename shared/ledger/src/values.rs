//! The values of a statement that is put together from parts, and their placeholders.

use sea_orm::Value;

/// Values in the order of their placeholders.
#[derive(Debug, Default)]
pub struct Values(Vec<Value>);

impl Values {
    /// Adds a value and gives its placeholder: `$1` for the first.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The values.
    pub fn into_vec(self) -> Vec<Value> {
        self.0
    }
}
