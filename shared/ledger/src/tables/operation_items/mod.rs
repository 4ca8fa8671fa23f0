//! The table `operation_items`: one row for each document that an operation is about, or each
//! entry that an import found, with its outcome.
//!
//! Which search each index serves:
//!
//! | index | search |
//! | --- | --- |
//! | `PRIMARY KEY (operation_id, position)` | an operation's items in their order: its list, its next chunk |
//! | `operation_items_not_done (operation_id, result, position)`, failed and skipped ones | the list of what went wrong, and what is pending again when a failed operation is resumed |

mod create;
mod due;
mod entity;
mod outcome;
mod remove;
mod reset;
mod result;
mod row;
mod settle;

pub use create::{ImportedRow, Which, copy_succeeded, insert_documents, insert_imported};
pub use due::{DueRow, PlaceRow, count_contents, due_imported, due_items, places};
pub use entity::{Column, Entity};
pub use outcome::{
    OutcomeRow, VersionRow, interrupt_pending, skip_pending, write_outcomes, write_versions,
};
pub use remove::{delete_all, delete_finished_of_owner, delete_range};
pub use reset::{reset_all, reset_interrupted, reset_succeeded};
pub use result::{has_pending, has_result, has_skipped};
pub use row::ItemRow;
pub use settle::{Settleable, settle, settleable};
