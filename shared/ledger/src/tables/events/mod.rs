//! The table `events`: one log of what happened, in the order of commit of each owner. An entry with
//! a `kind` is in the timeline of its document, one with a `type` in the feed of its owner.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | the cleanup's walk along all events; the newest of all |
//! | `events_of_document` | a timeline, a feed of one document; which of a document's events are too old |
//! | `events_of_owner` | a feed |

mod insert;
mod remove;

pub use insert::{EventData, NewEvent, insert_events};
pub use remove::{
    KeptEvents, Removed, delete_of_document, delete_of_owner, delete_older, forget_timelines,
    newest_told, remove_from_feed,
};
