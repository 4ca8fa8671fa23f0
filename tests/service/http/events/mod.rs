//! The feed of events: what is told, who reads it, and how streams end.

mod reading;
mod streams;
mod types;
