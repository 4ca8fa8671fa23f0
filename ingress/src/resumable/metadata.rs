//! `Upload-Metadata` of tus: pairs of a key and a value in Base64, separated by commas.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::{DocumentId, DocumentName, MediaType, Metadata, Visibility, check_storable};
use ledger::{Precondition, UploadPurpose};

use crate::problem::{Code, Problem};
use crate::uploads::{NewDocument, QueryFields};

/// Standard Base64; some clients leave out the padding.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The most bytes of the field, as sent.
const MOST: usize = 128 << 10;

/// The decoded pairs that mean something here; others are repeated to the client, and not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadMetadata {
    filename: Option<String>,
    name: Option<String>,
    filetype: Option<String>,
    unique_name: Option<String>,
    is_public: Option<String>,
    metadata: Option<String>,
    document_id: Option<String>,
}

impl UploadMetadata {
    /// Reads the field.
    pub fn read(field: &str) -> Result<Self, Problem> {
        let mut read = Self::default();
        let mut seen = HashSet::new();
        if field.len() > MOST {
            return Err(malformed("is too long"));
        }
        for pair in field
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() || !key.is_ascii() {
                return Err(malformed("has a key that is empty or not ASCII"));
            }
            if !seen.insert(key) {
                return Err(malformed("has a key twice"));
            }
            let Some(slot) = read.slot(key) else {
                continue;
            };
            let value = BASE64.decode(value.trim());
            let value = value.map_err(|_| malformed("has a value that is not Base64"))?;
            let value = String::from_utf8(value);
            let value = value.map_err(|_| malformed("has a value that is not UTF-8"))?;
            if check_storable(&value).is_err() {
                return Err(Problem::invalid_field(
                    key,
                    "must not contain the character U+0000",
                ));
            }
            *slot = Some(value);
        }
        Ok(read)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<String>> {
        Some(match key {
            "filename" => &mut self.filename,
            "name" => &mut self.name,
            "filetype" => &mut self.filetype,
            "unique_name" => &mut self.unique_name,
            "is_public" => &mut self.is_public,
            "metadata" => &mut self.metadata,
            "document_id" => &mut self.document_id,
            _ => return None,
        })
    }

    /// Returns the document that gets a version, if one is named.
    pub fn document(&self) -> Result<Option<DocumentId>, Problem> {
        let id = self.document_id.as_deref().map(str::parse).transpose();
        // As for a document that isn't there.
        id.map_err(|_| Code::NotFound.into())
    }

    /// Returns the document of an upload with a ticket, which may give its name, and gives its
    /// metadata.
    pub fn of_ticket(
        self,
        name: Option<DocumentName>,
        metadata: Metadata,
    ) -> Result<UploadPurpose, Problem> {
        let described = [
            ("unique_name", &self.unique_name),
            ("is_public", &self.is_public),
            ("metadata", &self.metadata),
            ("document_id", &self.document_id),
        ];
        if let Some((key, _)) = described.into_iter().find(|(_, value)| value.is_some()) {
            return Err(Problem::invalid_field(key, "is the ticket's to say"));
        }
        let given = self.name.or(self.filename);
        let name = match (name, given) {
            (Some(name), _) => name,
            (None, Some(given)) => given
                .parse()
                .map_err(|error| Problem::invalid_field("name", error))?,
            (None, None) => return Err(Problem::invalid_field("name", "is required")),
        };
        Ok(UploadPurpose::Document {
            name,
            visibility: Visibility::Private { unique_name: None },
            metadata,
            declared_type: self.filetype.as_deref().and_then(|text| text.parse().ok()),
        })
    }

    /// Returns what the upload is to become; a version only of a document as `precondition` says.
    pub fn purpose(self, precondition: Precondition) -> Result<UploadPurpose, Problem> {
        // As in a form, one that says nothing readable is none.
        let declared_type: Option<MediaType> =
            self.filetype.as_deref().and_then(|text| text.parse().ok());
        if let Some(document) = self.document()? {
            let described = [
                ("unique_name", &self.unique_name),
                ("is_public", &self.is_public),
                ("metadata", &self.metadata),
            ];
            if let Some((key, _)) = described.into_iter().find(|(_, value)| value.is_some()) {
                return Err(Problem::invalid_field(
                    key,
                    "belongs to the document, not to a version",
                ));
            }
            return Ok(UploadPurpose::Version {
                document,
                precondition,
                declared_type,
            });
        }
        let is_public = match self.is_public.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(Problem::invalid_field("is_public", "must be true or false")),
        };
        let fields = QueryFields {
            name: self.name.or(self.filename),
            unique_name: self.unique_name,
            is_public,
            metadata: self.metadata,
        };
        let document = NewDocument::read(fields)?;
        Ok(UploadPurpose::Document {
            name: document.name,
            visibility: document.visibility,
            metadata: document.metadata,
            declared_type,
        })
    }
}

fn malformed(what: &str) -> Problem {
    Problem::from(Code::BadRequest).with_detail(format!("Upload-Metadata {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_others_ignored() {
        let read =
            UploadMetadata::read("filename cmVwb3J0LnBkZg==,is_public, foo !, name YQ").unwrap();
        assert_eq!(read.filename.as_deref(), Some("report.pdf"));
        assert_eq!(read.is_public.as_deref(), Some(""));
        assert_eq!(read.name.as_deref(), Some("a"));
        assert_eq!(UploadMetadata::read("").unwrap(), UploadMetadata::default());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for field in ["name !", "name YQ==,name YQ==", "name /w==", "é YQ=="] {
            assert!(UploadMetadata::read(field).is_err(), "{field}");
        }
    }

    #[test]
    fn a_document_needs_a_name_and_a_version_none() {
        let purpose = |field: &str| {
            UploadMetadata::read(field)
                .unwrap()
                .purpose(Precondition::None)
        };
        assert_eq!(purpose("").unwrap_err().pointers_for_tests(), ["name"]);
        assert!(purpose("filename YQ==").is_ok());
        let id = BASE64.encode("0190a5c0-0000-7000-8000-0000000000ff");
        assert!(matches!(
            purpose(&format!("document_id {id}")),
            Ok(UploadPurpose::Version { .. })
        ));
        let twice = purpose(&format!("document_id {id},metadata e30="));
        assert_eq!(twice.unwrap_err().pointers_for_tests(), ["metadata"]);
    }
}
