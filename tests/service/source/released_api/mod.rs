//! What the last release promised to clients is still so, or accepted as a change.

mod compare;
mod released;

pub use released::current;
