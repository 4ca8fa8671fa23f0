//! The worker role on a real ledger, real files and a real feed.
#![cfg(test)]

mod claims;
mod leases;
mod outages;
mod pipeline;
mod sabotage;
mod saboteur;
mod service;
mod trap;
