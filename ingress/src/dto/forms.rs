//! Texts with a documented syntax: names, filters, sort orders. The domain parses them and reports
//! errors.

use std::borrow::Cow;

use domain::{AuditKind, EventType, Metadata, WebhookTypes};
use ledger::SortKey;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use queue::JobKind;
use serde_json::Value;

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub String);

        impl $name {
            /// Its schema in the OpenAPI document.
            #[must_use]
            pub fn schema() -> MetaSchema {
                $schema
            }
        }

        impl Type for $name {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new(Self::schema()))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }

        impl ParseFromParameter for $name {
            fn parse_from_parameter(value: &str) -> ParseResult<Self> {
                Ok(Self(value.to_owned()))
            }
        }

        /// The library requires both directions.
        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                String::parse_from_json(value).map(Self).map_err(|error| error.propagate())
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                self.0.to_json()
            }
        }
    )*};
}

forms! {
    /// The name of a document or a user.
    NameText = MetaSchema {
        min_length: Some(1),
        max_length: Some(255),
        ..text(
            "^\\s*(?!\\.{0,2}\\s*$)\
             [^\\u0000-\\u001f\\u007f-\\u009f/\\\\\\u202a-\\u202e\\u2066-\\u2069]*\\s*$",
        )
    };
    /// A name that is unique across the service.
    UniqueNameText = MetaSchema {
        min_length: Some(3),
        max_length: Some(128),
        ..text("^[a-z0-9][a-z0-9._-]*[a-z0-9]$")
    };
    /// An issuer of tokens.
    IssuerText = MetaSchema {
        max_length: Some(1024),
        ..text("^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    };
    /// A subject of tokens.
    SubjectText = MetaSchema {
        min_length: Some(1),
        max_length: Some(255),
        ..text("^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    };
    /// A part of a name.
    NamePartText = text("^[^\\u0000]*$");
    /// Metadata, or a part of it, as JSON text.
    MetadataText = MetaSchema {
        max_properties: Some(Metadata::MAX_KEYS),
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    };
    /// Statuses of documents, as a comma list.
    StatusesText =
        text("^(pending|active|archived|error)(,(pending|active|archived|error))*$");
    /// States of jobs, as a comma list.
    JobStatesText = text("^(ready|running|done|dead)(,(ready|running|done|dead))*$");
    /// What a job does.
    JobKindText = MetaSchema {
        enum_items: JobKind::ALL.map(|kind| kind.as_str().into()).to_vec(),
        ..MetaSchema::new("string")
    };
    /// What happened, as the security log has it.
    AuditKindText = MetaSchema {
        enum_items: AuditKind::ALL.iter().map(|kind| kind.as_str().into()).collect(),
        ..MetaSchema::new("string")
    };
    /// Who or what, as the security log has it.
    AuditSubjectText = text("^[^\\u0000]*$");
    /// A media type, a family of types, or all of them.
    TypePatternText = MetaSchema {
        max_length: Some(255),
        ..text(
            "^(\\*/\\*|[!#$%&'+.^_`|~0-9A-Za-z-]+/([!#$%&'+.^_`|~0-9A-Za-z-]+|\\*))$",
        )
    };
    /// A media type.
    MediaTypeText = MetaSchema {
        max_length: Some(255),
        ..text("^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    };
    /// What a list is ordered by.
    SortText = MetaSchema {
        enum_items: orders(),
        ..MetaSchema::new("string")
    };
    /// A number with a unit of time.
    LifetimeText = text("^[1-9][0-9]{0,3}[mhd]$");
    /// A duration of tickets: seconds, minutes, hours or days.
    DurationText = text("^([1-9][0-9]{0,2}(s|m|h)|[1-9][0-9]?d)$");
    /// An origin of scripts.
    OriginText = text("^https?://[a-z]+[a-z0-9]*(\\.[a-z]+)*(:[1-9][0-9]{0,3})?$");
    /// The type of an event.
    EventTypeText = MetaSchema {
        enum_items: EventType::ALL.iter().map(|kind| kind.as_str().into()).collect(),
        ..MetaSchema::new("string")
    };
    /// The type of an event, or all of them.
    WebhookTypeText = MetaSchema {
        enum_items: webhook_types(),
        ..MetaSchema::new("string")
    };
    /// A URL of a webhook.
    WebhookUrlText = MetaSchema {
        max_length: Some(2048),
        format: Some("uri"),
        ..text("^https?://[^\\u0000-\\u0020#@]+$")
    };
    /// Words of an owner.
    DescriptionText = MetaSchema {
        max_length: Some(255),
        ..text("^[^\\u0000]*$")
    };
    /// Types of events, as a comma list.
    EventTypesText = {
        let types: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str().replace('.', "\\.")).collect();
        let types = types.join("|");
        text(&format!("^({types})(,({types}))*$"))
    };
    /// Where a list continues.
    CursorText = text("^[A-Za-z0-9_-]+$");
}

fn text(pattern: &str) -> MetaSchema {
    MetaSchema {
        pattern: Some(pattern.to_owned()),
        ..MetaSchema::new("string")
    }
}

fn webhook_types() -> Vec<Value> {
    let types = EventType::ALL.iter().map(|kind| kind.as_str());
    let all = std::iter::once(WebhookTypes::EVERY).chain(types);
    all.map(Value::from).collect()
}

fn orders() -> Vec<Value> {
    let directions = |key: SortKey| ["", "-"].map(|sign| format!("{sign}{}", key.as_str()).into());
    SortKey::ALL.into_iter().flat_map(directions).collect()
}
