//! Formats whose mark is too short to be believed: each with a second look at
//! the numbers that must follow.

mod archives;
mod cbor;
mod data;
mod dicom;
mod pictures;
mod precedence;
mod programs;
mod sound;

pub(super) use cbor::is_well_formed;
pub(super) use precedence::{judge, judge_before_offsets, judge_weak};
pub(super) use sound::TAGGED;
