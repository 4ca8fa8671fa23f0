//! A version of a document.

use std::borrow::Cow;

use domain::{Version, VersionState, VersionStatus};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult, Type};
use poem_openapi::{Enum, Object};

use super::Moment;
use super::document::{FailureBody, digest};

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "VersionStatus", rename_all = "lowercase")]
pub enum VersionStatusBody {
    /// In the pipeline.
    Pending,
    /// Through it.
    Active,
    /// Failed in it.
    Error,
}

/// A version of a document.
#[derive(Debug, Object)]
#[oai(rename = "Version")]
pub struct VersionBody {
    /// Its number, from 1.
    pub number: u32,
    /// What became of it.
    pub status: VersionStatusBody,
    /// The media type detected from its bytes.
    #[oai(nullable)]
    pub mime_type: Option<String>,
    /// The media type that the client declared.
    #[oai(nullable)]
    pub declared_type: Option<String>,
    /// Whether its name or declared type contradicts its bytes.
    pub type_mismatch: bool,
    /// Its length.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal; `null` until bytes are read that were sent straight
    /// to the storage.
    #[oai(nullable)]
    pub sha256: Option<String>,
    /// Why it failed.
    #[oai(nullable)]
    pub error: Option<FailureBody>,
    /// When it was accepted.
    pub created_at: Moment,
}

/// A page of versions.
#[derive(Debug, Object)]
#[oai(rename = "VersionPage")]
pub struct VersionPageBody {
    /// The versions, newest first.
    pub items: Vec<VersionBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<Version> for VersionBody {
    fn from(version: Version) -> Self {
        let status = match version.status() {
            VersionStatus::Pending => VersionStatusBody::Pending,
            VersionStatus::Active => VersionStatusBody::Active,
            VersionStatus::Error => VersionStatusBody::Error,
        };
        let (mime_type, type_mismatch, error) = match &version.state {
            VersionState::Pending { .. } => (None, false, None),
            VersionState::Active {
                media_type,
                type_mismatch,
                ..
            } => (Some(media_type.to_string()), *type_mismatch, None),
            VersionState::Error { failure, .. } => (None, false, Some(failure.into())),
        };
        Self {
            number: version.number,
            status,
            mime_type,
            declared_type: version.declared_type.as_ref().map(ToString::to_string),
            type_mismatch,
            size_bytes: version.size.bytes(),
            sha256: digest(version.sha256),
            error,
            created_at: Moment(version.created_at),
        }
    }
}

/// The number of a version in a path, in canonical notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionNumber(pub u32);

impl Type for VersionNumber {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "integer_uint32".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(u32::MAX)),
            ..MetaSchema::new("integer")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl ParseFromParameter for VersionNumber {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let number: Option<u32> = value.parse().ok();
        let canonical = number.filter(|number| number.to_string() == value);
        canonical
            .map(Self)
            .ok_or_else(|| ParseError::custom("not the number of a version"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_way_to_be_written() {
        let read = |text| VersionNumber::parse_from_parameter(text).ok();
        assert_eq!(read("12"), Some(VersionNumber(12)));
        for other in ["012", "+1", "-1", "1.0", "4294967296", "", "x"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
