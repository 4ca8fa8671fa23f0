//! Storage in S3 and services that speak its protocol: a place is a prefix of a bucket.

mod adapter;
mod client;
mod copy;
mod direct;
mod growing;
mod listing;
mod location;
mod marking;
mod multipart;
mod outcome;
mod own_requests;
mod presigned;
mod reading;
mod signed_body;
mod signer;
mod upload;

pub use adapter::S3;
pub use location::{Checksums, S3Location, WrittenObjects};
