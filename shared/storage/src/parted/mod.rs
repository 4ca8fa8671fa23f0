//! Writes in parts, shared by the adapters of object stores: buffers, how a source is split,
//! objects that grow, and the parts that clients write themselves.

mod buffers;
mod direct;
#[cfg(feature = "rest")]
mod fenced;
mod gather;
mod growing;
mod parts;

pub(crate) use buffers::{Buffer, BufferLimits, Buffers};
pub(crate) use direct::{DirectParts, Division};
#[cfg(feature = "rest")]
pub(crate) use fenced::{FencedParts, part_name};
pub(crate) use gather::{Gathered, WITHOUT_BUFFER, filled, gather, take_buffer};
pub(crate) use growing::{PartAppender, PartStore, Recorded, next_number, read_tail};
pub(crate) use parts::{Parts, part_size};
