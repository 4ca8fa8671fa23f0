//! Changes that an owner makes to documents. Those to one document are a transaction each,
//! which starts by locking it and ends, through a [`Commit`](super::Commit), with what it is
//! then; what bulk operations do to many
//! is the same statements and the same rules.

mod content;
mod delete;
mod edit;
mod error;
mod lock;
mod retry;
mod versions;

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
