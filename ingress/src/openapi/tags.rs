//! Groups of operations in the OpenAPI document, in the order in which a user meets them.

use poem_openapi::Tags;
use serde_json::Value;

/// A group of operations.
#[derive(Tags)]
pub enum Group {
    /// Upload files, list and search them, read their content, change and archive them. An upload is
    /// answered at once with a `pending` document; it turns `active` or `error` soon after.
    Documents,
    /// A document keeps its former contents: list and read them, go back to one, or delete one.
    Versions,
    /// Large files over bad lines: an upload that was cut goes on where it ended, by tus 1.0.0 or
    /// the IETF draft; or the bytes go straight to the bucket.
    Uploads,
    /// Archive, restore, change, delete or export many documents at once, or import an archive. An
    /// operation runs in the background, tells its progress and each item's outcome, and can be undone.
    Operations,
    /// What happened to documents, operations and uploads, in order: read it page by page, wait for
    /// what comes, or follow it as a stream (SSE).
    Events,
    /// Have events delivered to a URL, signed as by Standard Webhooks.
    Webhooks,
    /// Let somebody without a key upload to you, within limits, by a link.
    Tickets,
    /// Who the caller is, and their API keys.
    Account,
    /// Documents that anybody may read, without a key.
    Public,
    /// For admins: users, keys, queues, jobs, storage places and the security log.
    Administration,
    /// Whether the service is well: health, metrics, this description, and pages for people.
    Service,
}

impl Group {
    /// The names in the order of the groups; the library sorts them by name.
    const ORDER: [&str; 11] = [
        "Documents",
        "Versions",
        "Uploads",
        "Operations",
        "Events",
        "Webhooks",
        "Tickets",
        "Account",
        "Public",
        "Administration",
        "Service",
    ];
}

/// Lists the groups of a document in their order.
pub fn order_groups(document: &mut Value) {
    if let Some(groups) = document["tags"].as_array_mut() {
        let place = |group: &Value| Group::ORDER.iter().position(|name| group["name"] == *name);
        groups.sort_by_key(|group| place(group).unwrap_or(usize::MAX));
    }
}
