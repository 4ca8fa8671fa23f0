//! How an upload is carried out, and what it has become.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::{Source, Target};
use crate::types::Document;
use crate::{Client, Error};

/// How an upload is carried out. The default needs nothing.
#[derive(Clone, Default)]
pub struct Transfer {
    /// Makes sure that repeating the upload within 24 hours, also by another process, makes no second
    /// document.
    pub idempotency_key: Option<String>,
    /// The id of a resumable upload, of this source and target, to go on with if it still exists.
    pub resumes: Option<Uuid>,
    /// Is told the id of a resumable upload when it was created.
    pub on_created: Option<Arc<dyn Fn(Uuid) + Send + Sync>>,
    /// Is told how many bytes of the source have been sent.
    pub on_progress: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

/// What an upload has become.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Uploaded {
    /// The document, most likely still pending.
    pub document: Document,
    /// The number of its new version, of an upload of a version.
    pub version: Option<u32>,
}

impl Transfer {
    pub(super) fn tell_created(&self, upload: Uuid) {
        if let Some(tell) = &self.on_created {
            tell(upload);
        }
    }

    pub(super) fn tell_progress(&self, sent: u64) {
        if let Some(tell) = &self.on_progress {
            tell(sent);
        }
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Transfer")
            .field("resumes", &self.resumes)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Uploads a document. It is durable, and pending, when this returns.
    pub async fn upload(
        &self,
        source: Source,
        target: impl Into<Target>,
    ) -> Result<Document, Error> {
        let (target, transfer) = (target.into(), Transfer::default());
        let uploaded = self.transfer(&source, &target, &transfer).await?;
        Ok(uploaded.document)
    }

    /// Uploads in the way that `transfer` says: in one request if the source is small, else in pieces
    /// that survive broken connections.
    pub async fn transfer(
        &self,
        source: &Source,
        target: &Target,
        transfer: &Transfer,
    ) -> Result<Uploaded, Error> {
        if source.length() < self.inner.plain_below && transfer.resumes.is_none() {
            self.upload_plainly(source, target, transfer).await
        } else {
            self.upload_in_pieces(source, target, transfer).await
        }
    }
}
