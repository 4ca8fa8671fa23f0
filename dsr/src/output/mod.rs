//! What the user sees: lines, tables and JSON on standard output, notes and errors beside it.

mod describe;
mod safe;
mod screen;
mod table;

pub use describe::{action, document_line, moment, size, status, tell_document, tell_operation};
pub use safe::{one_line, safe_json, safe_text};
pub use screen::Screen;
pub use table::{Column, Table};
