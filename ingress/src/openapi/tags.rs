//! How operations are grouped in the OpenAPI document.

use poem_openapi::Tags;

/// A group of operations.
#[derive(Tags)]
pub enum Group {
    /// Documents of one's own.
    Documents,
    /// What was uploaded to documents, one after the other.
    Versions,
    /// What is done to many documents at once.
    Operations,
    /// Documents that everybody may read.
    Public,
    /// Users and their keys, for admins.
    Administration,
    /// Whether the service runs, and what it can do.
    Service,
}
