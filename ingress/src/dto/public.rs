//! The public metadata of a document.

use domain::{Document, Sha256};
use poem_openapi::Object;

use super::Moment;

/// The public metadata of a document.
#[derive(Debug, Object)]
#[oai(rename = "PublicDocument")]
pub struct PublicBody {
    /// Its unique name.
    pub unique_name: String,
    /// Its name.
    pub name: String,
    /// What its bytes are.
    pub mime_type: String,
    /// Their number.
    pub size_bytes: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
    /// When it was last changed.
    pub updated_at: Moment,
}

impl PublicBody {
    /// Converts a public, active document.
    #[must_use]
    pub fn of(document: &Document) -> Option<Self> {
        let unique_name = document.visibility.unique_name();
        let unique_name = unique_name.filter(|_| document.visibility.is_public())?;
        Some(Self {
            unique_name: unique_name.to_string(),
            name: document.name.to_string(),
            mime_type: document.active()?.media_type.to_string(),
            size_bytes: document.size.bytes(),
            sha256: document.sha256.to_string(),
            updated_at: Moment(document.updated_at),
        })
    }

    /// Returns the entity tag, which doesn't reveal the document's revision.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        let Moment(updated_at) = self.updated_at;
        let state = format!(
            "{}\n{}\n{}\n{}\n{updated_at}",
            self.unique_name, self.name, self.mime_type, self.sha256,
        );
        let digest = Sha256::of(state.as_bytes()).to_string();
        format!("\"{}\"", &digest[..32])
    }
}
