//! Imports: the archive is read once, its entries are taken in chunk by chunk, and the
//! operation ends when the last version of them is settled.

mod contents;
mod description;
mod import_entries;
mod items;
mod manifest;
mod over;
mod read_archive;
mod settle_import;

pub use import_entries::import_entries;
pub use read_archive::read_archive;
pub use settle_import::settle_import;
