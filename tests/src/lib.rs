//! The harness.

pub mod servers;
