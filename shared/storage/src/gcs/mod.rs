//! Storage in Google Cloud: a place is a prefix of a bucket.

mod adapter;
mod bucket;
mod compose;
mod direct;
mod growing;
mod identity;
mod listing;
mod location;
mod marking;
mod outcome;
mod parts;
mod presigned;
mod reading;
mod rewrite;
mod service_account;
mod session;
mod upload;

pub use adapter::Gcs;
pub use location::GcsLocation;
