//! HTTP in, 202 out: the API of Dossier as a library. It never processes a document; that is the worker's.

mod api;
mod audit_log;
mod auth;
mod body;
mod capacity;
mod compression;
mod content;
mod cors;
mod examples;
mod health;
mod hints;
mod idempotency;
mod in_flight;
mod intake;
mod measured;
mod operations_port;
mod precondition;
mod prefer;
mod pressure;
mod problem;
mod rates;
mod read_body;
mod routes;
mod run;
mod server;
mod service;
mod settling;
mod shapes;
mod strictness;
mod table;
mod trace_context;
mod turns;
mod upload;
mod waiters;

pub use auth::{JwtSetupError, KeySetError};
pub use capacity::{Capacity, CapacityLimits};
pub use pressure::Pressure;
pub use run::{Addresses, IngressError, run, run_operations};
pub use server::{ServerLimits, serve};
pub use service::{SelfTest, Service};

#[cfg(test)]
mod tests;
