//! ZIP look-inside: what a package holds decides what it is.

mod claims;
mod cut;
mod directory;
mod entry;
mod locals;
mod macros;
mod markers;
mod opc;
mod package;

pub(crate) use package::{judge, judge_appended};
