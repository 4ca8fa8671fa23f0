//! Imports: the archive's directory is read once, its entries are imported in chunks, and the
//! operation ends when their last version is settled.

mod contents;
mod description;
mod import_entries;
mod items;
mod manifest;
mod read_archive;
mod settle_import;

pub use import_entries::import_entries;
pub use read_archive::read_archive;
pub use settle_import::settle_import;
