//! Resumable uploads that have begun.

use http::HeaderName;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::Upload;
use crate::{Client, Error};

impl Client {
    /// The resumable uploads, the newest first.
    #[must_use]
    pub fn uploads(&self) -> Items<Upload> {
        self.items(Call::get(&["v1", "uploads"]))
    }

    /// Ends a resumable upload, and gives back what it reserved.
    pub async fn end_upload(&self, id: Uuid) -> Result<(), Error> {
        let version = HeaderName::from_static("tus-resumable");
        let call = Call::delete(&["v1", "uploads", &id.to_string()]).header(version, "1.0.0");
        self.send(call).await.map(drop)
    }
}
