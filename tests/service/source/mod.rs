//! What the sources and the documentation have to keep to.

mod arrows;
mod documentation;
mod tables;
