//! Storage in Azure: a place is a prefix of a container of block blobs.

mod adapter;
mod blocks;
mod container;
mod copy;
mod credentials;
mod direct;
mod growing;
mod identity;
mod listing;
mod location;
mod marking;
mod outcome;
mod reading;
mod removal;
mod shared_key;
mod signature;
mod unfinished;

pub use adapter::Azure;
pub use location::AzureLocation;
