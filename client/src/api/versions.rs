//! Versions of documents.

use http::header::ACCEPT;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{Document, KeySet, SignedReceipt, Version};
use crate::{Client, Error};

impl Client {
    /// The versions of a document, the newest first.
    #[must_use]
    pub fn versions(&self, id: Uuid) -> Items<Version> {
        self.items(Call::get(&["v1", "documents", &id.to_string(), "versions"]))
    }

    /// A version.
    pub async fn version(&self, id: Uuid, number: u32) -> Result<Version, Error> {
        let (id, number) = (id.to_string(), number.to_string());
        let call = Call::get(&["v1", "documents", &id, "versions", &number]);
        self.ask(call).await
    }

    /// The signed receipt of an active version.
    pub async fn receipt(&self, id: Uuid, number: u32) -> Result<SignedReceipt, Error> {
        let (id, number) = (id.to_string(), number.to_string());
        let path = ["v1", "documents", &id, "versions", &number, "receipt"];
        self.ask(Call::get(&path).header(ACCEPT, "application/json"))
            .await
    }

    /// The keys that verify receipts.
    pub async fn receipt_keys(&self) -> Result<KeySet, Error> {
        self.ask(Call::get(&[".well-known", "jwks.json"])).await
    }

    /// Makes the content of a version the newest version again.
    pub async fn restore_version(&self, id: Uuid, number: u32) -> Result<Document, Error> {
        let (id, number) = (id.to_string(), number.to_string());
        let path = ["v1", "documents", &id, "versions", &number, "restore"];
        self.ask(Call::post(&path)).await
    }

    /// Deletes a version that isn't the current one.
    pub async fn delete_version(&self, id: Uuid, number: u32) -> Result<(), Error> {
        let (id, number) = (id.to_string(), number.to_string());
        let call = Call::delete(&["v1", "documents", &id, "versions", &number]);
        self.send(call).await.map(drop)
    }
}
