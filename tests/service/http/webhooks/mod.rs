//! Webhooks: what receivers get, what owners see, and where nothing is sent.

mod failures;
mod libraries;
mod owners;
mod receiving;
mod repeated;
mod targets;
