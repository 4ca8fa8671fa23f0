//! The harness.

pub mod databases;
pub mod servers;
