//! Changes that an owner makes to documents. A change to one document is one transaction, which
//! first locks the document and ends with a [`Commit`](super::Commit) of its new state. Bulk
//! operations use the same statements and rules.

mod content;
mod delete;
mod edit;
mod error;
mod lock;
mod retry;
mod versions;

pub(crate) use content::add_version_within;
pub use content::{NewContent, add_version};
pub use delete::delete_document;
pub use edit::{DocumentChanges, archive_document, edit_document, restore_document};
pub use error::ChangeError;
pub use lock::{Precondition, Target};
pub use retry::retry_document;
pub use versions::{delete_version, restore_version};

pub(super) use delete::delete_all;
pub(super) use edit::{Move, edited, holders, write_moves};
pub(super) use lock::{LockedDocuments, charge, lock_documents};
pub(super) use retry::{retry_all, retryable};
