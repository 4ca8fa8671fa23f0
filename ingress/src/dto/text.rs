//! Values with a documented format: ids, timestamps, booleans.

use std::borrow::Cow;
use std::str::FromStr;

use domain::Timestamp;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{
    ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type,
};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Parses a boolean member.
pub fn truth(value: &Value) -> Result<bool, &'static str> {
    value.as_bool().ok_or("must be true or false")
}

/// An id in a path or query. A malformed one is answered like an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id<T>(pub T);

/// A moment in RFC 3339, UTC, with microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

fn schema(format: &'static str) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", format)))
}

impl<T: Send + Sync> Type for Id<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_uuid".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        schema("uuid")
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl<T: FromStr + Send + Sync> ParseFromParameter for Id<T> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let id = value.parse().map(Self);
        id.map_err(|_| ParseError::custom("not an id"))
    }
}

/// The library requires both directions.
impl<T: FromStr + Send + Sync> ParseFromJSON for Id<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        Self::parse_from_parameter(text)
    }
}

impl<T: ToString + Send + Sync> ToJSON for Id<T> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl<T: ToString> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Type for Moment {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_date-time".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        schema("date-time")
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl ParseFromParameter for Moment {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let moment = Timestamp::parse_rfc3339(value).map(Self);
        moment.ok_or_else(|| ParseError::custom("not a date-time"))
    }
}

impl ParseFromJSON for Moment {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        let moment = Timestamp::parse_rfc3339(text).map(Self);
        moment.ok_or_else(|| ParseError::custom("not a date-time"))
    }
}

impl ToJSON for Moment {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use domain::DocumentId;

    use super::*;

    #[test]
    fn an_id_has_one_way_to_be_written() {
        let read = |text| Id::<DocumentId>::parse_from_parameter(text).is_ok();
        assert!(read("0190a5c0-0000-7000-8000-000000000000"));
        for other in [
            "0190a5c00000700080000000000000ff",
            "0190A5C0-0000-7000-8000-0000000000FF",
            "{0190a5c0-0000-7000-8000-000000000000}",
            "1",
            "",
            "x",
        ] {
            assert!(!read(other), "{other}");
        }
    }
}
