//! How operations are grouped in the OpenAPI document.

use poem_openapi::Tags;

/// A group of operations.
#[derive(Tags)]
pub enum Group {
    /// Documents of one's own.
    Documents,
    /// Users and their keys, for admins.
    Administration,
    /// Whether the service runs, and what it can do.
    Service,
}
