//! What the crate promises, from outside, on fixtures made here by code.

mod adversarial;
mod binaries;
mod compounds;
mod contradictions;
mod corpus;
mod fixtures;
mod hostile_zip;
mod mutations;
mod names;
mod packages;
mod texts;
