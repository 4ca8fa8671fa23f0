//! Documents.

use http::Method;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{Document, DocumentChanges, DocumentFilter, TimelineEntry};
use crate::{Client, Error};

impl Client {
    /// The documents that match, in the order of `sort` (`created_at`, `updated_at`, `name` or
    /// `size_bytes`, with `-` for descending); by default the newest first.
    #[must_use]
    pub fn documents(&self, filter: &DocumentFilter, sort: Option<&str>) -> Items<Document> {
        let call = Call::get(&["v1", "documents"]).queries(filter);
        self.items(match sort {
            Some(sort) => call.query("sort", sort),
            None => call,
        })
    }

    /// A document.
    pub async fn document(&self, id: Uuid) -> Result<Document, Error> {
        self.ask(Call::get(&["v1", "documents", &id.to_string()]))
            .await
    }

    /// The document with a unique name.
    pub async fn document_by_name(&self, unique_name: &str) -> Result<Document, Error> {
        let call = Call::get(&["v1", "documents", "by-name", unique_name]);
        self.ask(call).await
    }

    /// Changes a document; with a revision only if that is still its latest.
    pub async fn change_document(
        &self,
        id: Uuid,
        changes: &DocumentChanges,
        revision: Option<u64>,
    ) -> Result<Document, Error> {
        let call = Call::new(Method::PATCH, &["v1", "documents", &id.to_string()]).json(changes);
        self.ask(call.on_revision(revision)).await
    }

    /// Archives a document: readers get it no longer, its owner can restore it.
    pub async fn archive_document(&self, id: Uuid) -> Result<Document, Error> {
        self.act(id, "archive").await
    }

    /// Restores an archived document.
    pub async fn restore_document(&self, id: Uuid) -> Result<Document, Error> {
        self.act(id, "restore").await
    }

    /// Processes a failed document again.
    pub async fn retry_document(&self, id: Uuid) -> Result<Document, Error> {
        self.act(id, "retry").await
    }

    /// Deletes a document for good.
    pub async fn delete_document(&self, id: Uuid) -> Result<(), Error> {
        let call = Call::delete(&["v1", "documents", &id.to_string()]);
        self.send(call).await.map(drop)
    }

    /// What happened to a document, in order.
    #[must_use]
    pub fn timeline(&self, id: Uuid) -> Items<TimelineEntry> {
        self.items(Call::get(&["v1", "documents", &id.to_string(), "timeline"]))
    }

    async fn act(&self, id: Uuid, action: &str) -> Result<Document, Error> {
        let call = Call::post(&["v1", "documents", &id.to_string(), action]);
        self.ask(call).await
    }
}
