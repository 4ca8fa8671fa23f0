//! What a document is, judged by its bytes: one door, [`identify`], for
//! everyone who is given a file. It never trusts a name or a client's claim
//! over the content, never reads more than a mebibyte, and never panics.
//!
//! The layers, in the order they are asked (each its own folder):
//!
//! 1. nothing at all is `application/x-empty`;
//! 2. ZIP and OLE2 packages are opened, and what lies in them decides;
//! 3. containers (ISO base media, RIFF, Ogg, TIFF, DER, …) tell their kind by
//!    what is written inside;
//! 4. signatures at known places;
//! 5. text is decoded and judged by its structure;
//! 6. libraries give a second opinion on what is still unknown;
//! 7. the name chooses among the types that the content gives evidence of, and claims nothing
//!    else: the default of what a name may claim is no.
//!
//! The libraries of the sixth layer are no more than second opinions: without
//! the shared MIME database every type that our own tables know is still
//! found. It is read once, at the first bytes nobody else knew, which takes
//! some tens of milliseconds; [`self_test`] makes that happen early.
//!
//! Accuracy is measured by
//! `cargo run --release -p identify --example accuracy -- <folder>`, which
//! says what the folder must hold.

mod containers;
mod content;
mod decide;
mod finding;
mod identification;
mod libraries;
mod names;
mod numbers;
mod ole2;
mod policy;
mod self_test;
mod signatures;
mod source;
mod text;
mod window;
mod xml_tags;
mod zip;

pub use decide::identify;
pub use identification::{Confidence, Identification};
pub use libraries::has_mime_database;
pub use names::known_extensions;
pub use policy::contradiction::contradicts;
pub use self_test::{SelfTestError, self_test};
pub use source::{Seekable, Source};
