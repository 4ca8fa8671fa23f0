//! Formats told by bytes at known places: one table per kind, matched in
//! order, so that the longer mark stands before the shorter.

mod archives;
mod audio;
mod checks;
mod claimed;
mod data;
mod documents;
mod images;
mod precedence;
mod programs;
mod signature;
mod tables;
mod textual;
mod video;

pub(crate) use claimed::claimable;
pub(crate) use precedence::{judge, judge_weak};
