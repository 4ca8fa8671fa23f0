//! Uploads straight to the storage.

use std::collections::BTreeMap;

use domain::{
    ByteSize, DocumentId, DocumentName, MediaType, Metadata, Sha256, UploadId, UploadStatus,
    Visibility,
};
use ledger::Upload;
use poem_openapi::{Enum, Object};
use serde_json::Value;
use storage::{Signed, WrittenPart};

use super::{Id, MediaTypeText, Moment, NameText, UniqueNameText, truth};
use crate::http::{Change, FromMembers, Members};

/// The most parts that a client names.
const MOST_PARTS: usize = 10_000;

/// The longest `ETag` of a part.
const LONGEST_TAG: usize = 1_024;

/// The status of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "DirectUploadStatus", rename_all = "lowercase")]
pub enum DirectStatusBody {
    /// It may be written.
    Open,
    /// It has become a document.
    Complete,
    /// Its time is over.
    Expired,
}

/// An upload straight to the storage.
#[derive(Debug, Object)]
#[oai(rename = "DirectUpload")]
pub struct DirectUploadBody {
    /// Its id, which is that of the document it becomes.
    pub id: Id<UploadId>,
    /// Its status.
    pub status: DirectStatusBody,
    /// The method of its requests: PUT.
    pub method: String,
    /// Where to send the bytes, without a token: a secret. `null` if there are parts, and once it has
    /// ended.
    #[oai(nullable)]
    pub url: Option<String>,
    /// Headers that the request must have.
    pub headers: BTreeMap<String, String>,
    /// Where to send each part; `null` if it is one request.
    #[oai(nullable)]
    pub parts: Option<Vec<DirectPartBody>>,
    /// The document that it has become.
    #[oai(nullable)]
    pub document_id: Option<Id<DocumentId>>,
    /// Until when it has to be complete.
    pub expires_at: Moment,
}

/// A part of an upload.
#[derive(Debug, Object)]
#[oai(rename = "DirectUploadPart")]
pub struct DirectPartBody {
    /// Its number, from 1.
    pub number: u32,
    /// Where to send it, without a token: a secret.
    pub url: String,
    /// How many bytes it has.
    pub size_bytes: u64,
}

/// A request for an upload.
#[derive(Debug, Object)]
#[oai(rename = "NewDirectUpload")]
pub struct NewDirectUploadBody {
    /// The name of the document.
    pub name: NameText,
    /// How many bytes it has, which are reserved from the quota.
    #[oai(validator(minimum(value = "0")))]
    pub size_bytes: i64,
    /// Their SHA-256 in hexadecimal, which is verified.
    #[oai(validator(pattern = "^[0-9A-Fa-f]{64}$"))]
    pub sha256: Option<String>,
    /// What they are.
    pub declared_type: Option<MediaTypeText>,
    /// A name that is unique across the service.
    pub unique_name: Option<UniqueNameText>,
    /// Whether anybody may read it by its unique name, which is required then.
    pub is_public: Option<bool>,
    /// The metadata of the document.
    pub metadata: Option<BTreeMap<String, Value>>,
}

/// What is to be uploaded.
#[derive(Clone, Debug)]
pub struct NewDirectUpload {
    /// The name.
    pub name: DocumentName,
    /// The size.
    pub size: ByteSize,
    /// The digest.
    pub sha256: Option<Sha256>,
    /// The declared type.
    pub declared_type: Option<MediaType>,
    /// The visibility.
    pub visibility: Visibility,
    /// The metadata.
    pub metadata: Metadata,
}

impl FromMembers for NewDirectUpload {
    type Schema = NewDirectUploadBody;

    fn take(members: &mut Members) -> Option<Self> {
        let name = members.required("name");
        let size = match members.change_with("size_bytes", |value| size(&value)) {
            Change::Set(size) => Some(size),
            Change::Keep if members.refused("size_bytes") => None,
            Change::Keep => members.refuse("size_bytes", "is required"),
            Change::Clear => members.refuse("size_bytes", "must not be null"),
        };
        let sha256 = members.change("sha256");
        let sha256 = members.not_null("sha256", sha256);
        let declared_type = members.change("declared_type");
        let declared_type = members.not_null("declared_type", declared_type);
        let unique_name = members.change("unique_name");
        let unique_name = members.not_null("unique_name", unique_name);
        let is_public = members.change_with("is_public", |value| truth(&value));
        let is_public = members.not_null("is_public", is_public);
        let metadata = members.change_with("metadata", |value| {
            Metadata::try_from(value).map_err(|error| error.to_string())
        });
        let metadata = members.not_null("metadata", metadata);
        let visibility = match Visibility::new(unique_name, is_public.unwrap_or_default()) {
            None if !members.refused("unique_name") => {
                members.refuse("is_public", "needs a unique_name")
            }
            visibility => visibility,
        };
        Some(Self {
            name: name?,
            size: size?,
            sha256,
            declared_type,
            visibility: visibility?,
            metadata: metadata.unwrap_or_default(),
        })
    }
}

fn size(value: &Value) -> Result<ByteSize, &'static str> {
    let bytes = value.as_u64().filter(|bytes| i64::try_from(*bytes).is_ok());
    bytes
        .map(ByteSize::new)
        .ok_or("must be a whole number that is not negative")
}

/// The parts that were written.
#[derive(Debug, Object)]
#[oai(rename = "WrittenParts")]
pub struct WrittenPartsBody {
    /// All of them, if there are parts.
    #[oai(validator(max_items = "10000"))]
    pub parts: Option<Vec<WrittenPartBody>>,
}

/// A part that was written.
#[derive(Debug, Object)]
#[oai(rename = "WrittenPart")]
pub struct WrittenPartBody {
    /// Its number.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub number: u32,
    /// The `ETag` of the answer to its request; where it has none, an empty text.
    #[oai(validator(max_length = 1024, pattern = "^[ -~]*$"))]
    pub etag: String,
}

/// What a client says that it has written.
#[derive(Clone, Debug, Default)]
pub struct WrittenParts(pub Vec<WrittenPart>);

impl FromMembers for WrittenParts {
    type Schema = WrittenPartsBody;

    fn take(members: &mut Members) -> Option<Self> {
        let parts = members.change_with("parts", |value| parts(&value));
        let parts = members.not_null("parts", parts);
        Some(Self(parts.unwrap_or_default()))
    }
}

fn parts(value: &Value) -> Result<Vec<WrittenPart>, &'static str> {
    let list = value.as_array().filter(|list| list.len() <= MOST_PARTS);
    let list = list.ok_or("must be an array of at most 10000 parts")?;
    let part = |value: &Value| {
        let object = value.as_object().filter(|object| object.len() == 2)?;
        let number = object.get("number")?.as_u64()?;
        let number = u32::try_from(number).ok()?;
        let tag = object.get("etag")?.as_str()?;
        let is_tag =
            tag.len() <= LONGEST_TAG && tag.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let is_part = (1..=MOST_PARTS).contains(&(number as usize));
        (is_tag && is_part).then(|| WrittenPart {
            number,
            tag: tag.to_owned(),
        })
    };
    let parts = list.iter().map(part).collect::<Option<_>>();
    parts.ok_or("must be objects with a number from 1 to 10000 and an etag")
}

impl DirectUploadBody {
    /// An upload, and its signed requests while it is open.
    pub fn of(upload: &Upload, signed: Option<Signed>) -> Self {
        let status = match upload.status {
            UploadStatus::Open => DirectStatusBody::Open,
            UploadStatus::Complete => DirectStatusBody::Complete,
            UploadStatus::Expired => DirectStatusBody::Expired,
        };
        let (url, headers, parts) = match signed {
            Some(Signed::Whole { url, headers }) => (Some(url.into()), headers, None),
            Some(Signed::Parts { parts, headers }) => {
                let part = |part: storage::SignedPart| DirectPartBody {
                    number: part.number,
                    url: part.url.into(),
                    size_bytes: part.size.bytes(),
                };
                (None, headers, Some(parts.into_iter().map(part).collect()))
            }
            None => (None, Vec::new(), None),
        };
        Self {
            id: Id(upload.id),
            status,
            method: "PUT".to_owned(),
            url,
            headers: headers.into_iter().collect(),
            parts,
            document_id: upload.became.map(|became| Id(became.document)),
            expires_at: Moment(upload.expires_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::read_object;

    fn refused<T: FromMembers>(body: &Value) -> Vec<String> {
        let read = read_object::<T>(body.to_string().as_bytes());
        let mut pointers = read
            .err()
            .map(|problem| problem.pointers_for_tests())
            .unwrap_or_default();
        pointers.sort();
        pointers
    }

    #[test]
    fn every_bad_member_of_an_upload_is_named() {
        let good = json!({"name": "a.txt", "size_bytes": 5});
        assert!(refused::<NewDirectUpload>(&good).is_empty());
        assert_eq!(
            refused::<NewDirectUpload>(&json!({})),
            ["/name", "/size_bytes"]
        );
        let bad = json!({
            "name": "a/b", "size_bytes": -1, "sha256": "x", "declared_type": "?", "unique_name": "X",
            "is_public": true, "metadata": [], "more": 1,
        });
        assert_eq!(
            refused::<NewDirectUpload>(&bad),
            [
                "/declared_type",
                "/metadata",
                "/more",
                "/name",
                "/sha256",
                "/size_bytes",
                "/unique_name"
            ]
        );
        let public = json!({"name": "a.txt", "size_bytes": 5, "is_public": true});
        assert_eq!(refused::<NewDirectUpload>(&public), ["/is_public"]);
    }

    #[test]
    fn parts_have_a_number_and_a_tag() {
        let good = json!({"parts": [{"number": 1, "etag": "\"a\""}]});
        assert!(refused::<WrittenParts>(&good).is_empty());
        assert!(refused::<WrittenParts>(&json!({})).is_empty());
        for bad in [
            json!(1),
            json!([1]),
            json!([{"number": 0, "etag": ""}]),
            json!([{"number": 1}]),
            json!([{"number": 1, "etag": "a\nb"}]),
            json!([{"number": 1, "etag": "", "size": 1}]),
            json!(null),
        ] {
            let body = json!({"parts": bad});
            assert_eq!(refused::<WrittenParts>(&body), ["/parts"], "{bad}");
        }
    }
}
