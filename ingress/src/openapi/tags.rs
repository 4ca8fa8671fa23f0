//! Groups of operations in the OpenAPI document.

use poem_openapi::Tags;

/// A group of operations.
#[derive(Tags)]
pub enum Group {
    /// The caller's documents.
    Documents,
    /// The versions of a document.
    Versions,
    /// Resumable uploads (tus 1.0.0).
    Uploads,
    /// Tickets: uploads by somebody without a key.
    Tickets,
    /// Bulk operations on documents.
    Operations,
    /// What happened, in order.
    Events,
    /// Webhooks: events that are delivered to a URL.
    Webhooks,
    /// The caller and their API keys.
    Account,
    /// Documents that anybody may read.
    Public,
    /// Users, keys and jobs, for admins.
    Administration,
    /// Health, documentation and metrics.
    Service,
}
