//! The worker role on a real ledger, real files and a real feed.
#![cfg(test)]

mod bulk_of_work;
mod leases;
mod pipeline;
mod service;
mod trap;
