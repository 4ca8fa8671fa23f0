//! The records of a ZIP archive, decoded by the crate `zip` from bytes that are at hand: the
//! one place that knows how they are laid out when they are read. It does no I/O, keeps no
//! index and judges nothing: `archive` refuses what is hostile before it believes a record,
//! `identify` looks at whatever is there.
//!
//! Why `zip` decodes single records here, and doesn't open archives:
//! `docs/adr/0012-our-own-archives.md`.

mod central;
mod end;
mod extra;
mod flags;
mod local;

pub use central::{CENTRAL, CENTRAL_LENGTH, Central, Decoder, central_length};
pub use end::{
    ELSEWHERE, ELSEWHERE_16, END, END_LENGTH, End, WIDE_END, WIDE_END_LENGTH, WIDE_LOCATOR,
    WIDE_LOCATOR_LENGTH, WideEnd, WideLocator,
};
pub use flags::{FLAG_ENCRYPTED, FLAG_MASKED, FLAG_PATCH, FLAG_STREAMED, FLAG_STRONG, FLAG_UTF8};
pub use local::{LOCAL, LOCAL_LENGTH, Local, local_length};
