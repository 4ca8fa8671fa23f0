//! The table `versions`: the contents that a document has had, by number.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | a job's version |
//! | `(document_id, number)`, unique | a document's versions, newest first; its current one |
//! | `versions_of_blob` | counting the references to content |
//! | `versions_staged` | whether a staged object has a row; the audit, in the order of storage |
//! | `versions_failed` | failed versions whose staged bytes are kept too long |
//! | `versions_over` | failed versions without bytes that are kept too long |
//! | `versions_pending` | since when the oldest pending version waits |

mod delete;
mod entity;
mod insert;
mod read;
mod update;

pub use delete::delete_versions;
pub use entity::{Column, Entity, Model};
pub use insert::{Body, NewVersion, copy_version, insert_undiscarded, insert_versions};
pub use update::{
    ActivatedVersion, FailedVersion, activate_versions, fail_versions, forget_missing_bytes,
    forget_staged_bytes, receive_direct, return_to_pending,
};
