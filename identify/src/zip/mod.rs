//! ZIP look-inside: what a package holds decides what it is.

mod directory;
mod markers;
mod opc;
mod package;

pub(crate) use package::{judge, judge_appended};
