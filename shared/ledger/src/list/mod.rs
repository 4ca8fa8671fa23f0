//! Lists of documents: the request, its conditions in SQL, and the pages.

mod find;
mod matching;
mod page;
mod position;
mod request;
mod sort;
mod words;

pub(super) use find::{Question, find_ids};
#[cfg(feature = "test-support")]
pub use page::explain_page;
pub use page::list_page;
pub use position::Position;
pub use request::{DocumentFilter, ListRequest};
pub use sort::{Sort, SortKey, UnknownSort};
