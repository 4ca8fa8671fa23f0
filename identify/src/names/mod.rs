//! What names say: extensions, whole file names, and which type names are the
//! same.

pub(crate) mod aliases;
mod code_extensions;
mod compressed;
mod document_extensions;
mod extension;
mod picture_extensions;
mod row;
mod shared_extensions;

pub(crate) use compressed::inner_type;
pub use extension::known_extensions;
pub(crate) use extension::{claims, is_known, media_type};
