//! The harness.

pub mod app;
pub mod content;
pub mod databases;
pub mod servers;
