//! What each language's lines look like: how a line starts, ends or what it
//! holds, with a weight for how seldom anything else does so.

mod all;
mod compiled;
mod declared;
mod functional;
mod keywords;
mod language;
mod notations;
mod rarer;
mod scripts;
mod shells;

pub(super) use all::{all, common};
pub(super) use keywords::{Shown, are_told, shown, shown_beside};
pub(super) use language::{Language, Lines};
