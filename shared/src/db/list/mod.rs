//! Lists of documents: what is asked for, as conditions, and page by page.

mod contained;
mod matching;
mod page;
mod position;
mod request;
mod words;

pub(super) use matching::matching;
pub use page::{explain_page, list_page};
pub use position::Position;
pub use request::{DocumentFilter, ListRequest, Sort, SortKey, UnknownSort};
pub(super) use words::source;
