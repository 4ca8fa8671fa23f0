//! Containers that hold many formats under one mark: which one, by what is
//! written inside.

mod bmff;
mod der;
mod media;
mod precedence;
mod tiff;

pub(crate) use precedence::judge;
