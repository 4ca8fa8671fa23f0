//! A document.

use std::collections::BTreeMap;

use domain::{Document, DocumentId, Failure, Lifecycle, Sha256, Status, UserId};
use poem_openapi::{Enum, Object};
use serde::Serialize;
use serde_json::Value;

use super::{Id, Moment};

/// The status of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize)]
#[oai(rename = "DocumentStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum StatusBody {
    /// Accepted; no version is through the pipeline yet.
    Pending,
    /// Readers get a version.
    Active,
    /// Archived; it can be restored.
    Archived,
    /// No version passed the pipeline.
    Error,
}

/// Why a document failed.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DocumentError")]
pub struct FailureBody {
    /// The reason, for programs.
    pub code: String,
    /// The reason, for people.
    pub detail: String,
    /// Whether a retry may succeed.
    pub retryable: bool,
}

/// A document.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Document")]
pub struct DocumentBody {
    /// Its id.
    pub id: Id<DocumentId>,
    /// The user it belongs to.
    pub owner: Id<UserId>,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: StatusBody,
    /// The media type detected from its bytes.
    #[oai(nullable)]
    pub mime_type: Option<String>,
    /// The media type that the client declared.
    #[oai(nullable)]
    pub declared_type: Option<String>,
    /// Whether its name or declared type contradicts its bytes.
    pub type_mismatch: bool,
    /// Length of the version that readers get.
    pub size_bytes: u64,
    /// SHA-256 of the same bytes, in hexadecimal; `null` until bytes are read that were sent straight
    /// to the storage.
    #[oai(nullable)]
    pub sha256: Option<String>,
    /// The version that readers get.
    #[oai(nullable)]
    pub version: Option<u32>,
    /// The highest version; it may still be pending or have failed.
    pub latest_version: u32,
    /// A name that is unique across the service.
    #[oai(nullable)]
    pub unique_name: Option<String>,
    /// Whether anybody may read it by its unique name.
    pub is_public: bool,
    /// Custom members set by its owner.
    pub metadata: BTreeMap<String, Value>,
    /// Why it failed.
    #[oai(nullable)]
    pub error: Option<FailureBody>,
    /// The number of its last change, as in the `ETag`.
    pub revision: u64,
    /// When it was accepted.
    pub created_at: Moment,
    /// When it was last changed.
    pub updated_at: Moment,
    /// When it was archived.
    #[oai(nullable)]
    pub archived_at: Option<Moment>,
}

/// A page of documents.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DocumentPage")]
pub struct DocumentPageBody {
    /// The documents.
    pub items: Vec<DocumentBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<Status> for StatusBody {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Active => Self::Active,
            Status::Archived => Self::Archived,
            Status::Error => Self::Error,
        }
    }
}

/// Returns a digest, if it is known.
pub(super) fn digest(sha256: Sha256) -> Option<String> {
    sha256.is_known().then(|| sha256.to_string())
}

impl From<&Failure> for FailureBody {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.to_string(),
            detail: failure.detail.clone(),
            retryable: failure.code.is_retryable(),
        }
    }
}

impl From<Document> for DocumentBody {
    fn from(document: Document) -> Self {
        let lifecycle = &document.lifecycle;
        let current = lifecycle.current();
        let archived_at = match lifecycle {
            Lifecycle::Archived { since, .. } => Some(Moment(*since)),
            _ => None,
        };
        Self {
            id: Id(document.id),
            owner: Id(document.owner),
            name: document.name.to_string(),
            status: lifecycle.status().into(),
            mime_type: current.map(|current| current.media_type.to_string()),
            declared_type: document.declared_type.as_ref().map(ToString::to_string),
            type_mismatch: current.is_some_and(|current| current.type_mismatch),
            size_bytes: document.size.bytes(),
            sha256: digest(document.sha256),
            version: current.map(|current| current.version),
            latest_version: document.latest_version,
            unique_name: document.visibility.unique_name().map(ToString::to_string),
            is_public: document.visibility.is_public(),
            metadata: document.metadata.as_object().clone().into_iter().collect(),
            error: lifecycle.failure().map(Into::into),
            revision: document.revision,
            created_at: Moment(document.created_at),
            updated_at: Moment(document.updated_at),
            archived_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{ByteSize, Current, ErrorCode, Metadata, Timestamp, UniqueName, Visibility};
    use poem_openapi::types::ToJSON;

    use super::*;

    fn document(lifecycle: Lifecycle) -> Document {
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        Document {
            id: DocumentId("0190a5c0-0000-7000-8000-000000000001".parse().unwrap()),
            owner: UserId("0190a5c0-0000-7000-8000-000000000002".parse().unwrap()),
            name: "report.pdf".parse().unwrap(),
            visibility: Visibility::Public {
                unique_name: "the-report".parse::<UniqueName>().unwrap(),
            },
            metadata: Metadata::try_from(serde_json::json!({"a": {"b": 1}})).unwrap(),
            declared_type: None,
            size: ByteSize::new(123),
            sha256: Sha256::of(b""),
            latest_version: 1,
            lifecycle,
            revision: 7,
            created_at: at,
            updated_at: at,
        }
    }

    /// As it is described, which is how it is written.
    fn json(lifecycle: Lifecycle) -> Value {
        let page = DocumentPageBody {
            items: vec![document(lifecycle).into()],
            next_cursor: None,
        };
        let described = page.to_json().unwrap();
        assert_eq!(serde_json::to_value(&page).unwrap(), described);
        described["items"][0].clone()
    }

    #[test]
    fn a_document_has_every_member_in_every_status() {
        let current = || Current {
            version: 1,
            media_type: "application/pdf".parse().unwrap(),
            type_mismatch: true,
            location: "file:///x".parse().unwrap(),
        };
        let since = Timestamp::from_micros(1_700_000_001_000_000);
        let documents = serde_json::json!([
            json(Lifecycle::Pending),
            json(Lifecycle::Active(current())),
            json(Lifecycle::Archived {
                current: current(),
                since
            }),
            json(Lifecycle::Error(ErrorCode::QuotaExceeded.into())),
        ]);
        insta::assert_snapshot!(serde_json::to_string_pretty(&documents).unwrap());
    }
}
