//! The worker role: takes jobs from the ledger and runs them, above all the
//! pipeline that makes an upload active.
//!
//! The binary calls [`run`] with a [`WorkerRole`]; nothing else is to be called.
//! A worker never ends because the feed, the database or the storage misbehaves:
//! it waits, and goes on.

mod acknowledge;
mod archives;
mod attempt;
mod audit;
mod backend;
mod background;
mod circuits;
mod claims;
mod clearance;
mod crew;
mod fault;
mod herald;
mod jobs;
mod lease;
mod name;
mod pipeline;
mod presence;
mod remover;
mod role;
mod run;
mod schedule;
mod settler;
mod shares;
mod stray;
mod tools;
mod verdict;
mod work;

pub use audit::{
    AuditError, AuditRequest, Deep, Finding, FindingKind, Mode as AuditMode, Remedy, Summary, audit,
};
pub use role::{WorkerError, WorkerRole};
pub use run::run;
