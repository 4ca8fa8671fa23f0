//! The API of Dossier as a library. It accepts documents and never processes them; workers do.

mod api;
mod audit_log;
mod auth;
mod capacity;
mod dto;
mod http;
mod idempotency;
mod openapi;
mod operators;
mod problem;
mod rates;
mod recent;
mod resumable;
mod routes;
mod run;
mod service;
mod sign_in;
mod uploads;
mod waiting;

pub use auth::{JwtSetupError, KeySetError};
pub use capacity::{Capacity, CapacityLimits, Pressure};
pub use http::{ServerLimits, serve};
pub use run::{Addresses, IngressError, run, run_operations};
pub use service::{SelfTest, Service};

#[cfg(test)]
mod tests;
