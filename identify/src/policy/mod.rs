//! Rules about types rather than bytes: what runs, what a name may refine,
//! what contradicts what, and files that are two things.

pub(crate) mod active;
pub(crate) mod contradiction;
pub(crate) mod family;
pub(crate) mod polyglot;
pub(crate) mod refine;
mod vague;
