//! The table `documents`: what owners see and readers get. A row repeats what its current version
//! is, so that lists and downloads need no join.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | a document by id |
//! | `unique_name`, unique | public links; names that are taken |
//! | `documents_by_creation`, `_by_update`, `_by_name`, `_by_size` | an owner's list in each order |
//! | `documents_by_type`, `documents_by_family` | an owner's documents of a media type, newest first |
//! | `documents_not_active`, `documents_public` | what is rare among an owner's documents |
//! | `documents_by_metadata` | metadata that contains something (PostgreSQL) |
//! | `documents_by_name_part` | a part of a name, by its trigrams (PostgreSQL with `pg_trgm`) |
//! | `document_words` | both of these, by words that triggers keep (SQLite) |
//! | `documents_archived` | documents that were archived too long ago |
//! | `documents_with_history` | documents whose versions may have to be pruned, by id |

mod delete;
mod entity;
mod insert;
mod read;
mod relocate;
mod settle;
mod update;

pub use delete::delete_documents;
pub use entity::DocumentUpdate;
pub use insert::{NewDocument, insert_documents};
pub use read::{Found, columns, document, document_of_event, shapes};
pub use relocate::{SHOWING_ELSEWHERE, relocate};
pub use settle::{
    CurrentVersion, FailedDocument, fail_documents, show_newest_active, show_versions,
};
pub use update::{
    NewLatest, StatusChange, raise_latest, set_statuses, update_document, update_edited,
};
