//! Webhooks: what receivers get, what owners see, and where nothing is sent.

mod failures;
mod hanging;
mod libraries;
mod names;
pub mod owners;
mod pages;
mod receiving;
mod repeated;
mod silent;
mod targets;
mod within_tls;
