//! Writes in parts, shared by the adapters of object stores: buffers, and how a source is split.

mod buffers;
mod gather;
mod parts;

pub(crate) use buffers::{Buffer, BufferLimits, Buffers};
pub(crate) use gather::{Gathered, WITHOUT_BUFFER, filled, gather, take_buffer};
pub(crate) use parts::{Parts, part_size};
