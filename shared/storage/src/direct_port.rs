//! The port for uploads that clients write straight into a place, at URLs that are signed for it.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::StorageError;
use domain::ByteSize;

/// An upload that a client writes, as its ledger row describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectUpload {
    /// Where it is written.
    pub url: Url,
    /// The declared size.
    pub size: ByteSize,
    /// What the adapter needs to know of its parts; opaque to everybody else.
    pub parts: String,
}

/// How a client writes an upload: by one request, or by one for each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// PUT the bytes to this URL, with these headers.
    Whole {
        /// The URL; a secret.
        url: Url,
        /// Headers that the request must have.
        headers: Vec<(String, String)>,
    },
    /// PUT each part to its URL, with these headers.
    Parts {
        /// The parts.
        parts: Vec<SignedPart>,
        /// Headers that each request must have.
        headers: Vec<(String, String)>,
    },
}

/// A part that a client writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPart {
    /// Its number, from 1.
    pub number: u32,
    /// The URL; a secret.
    pub url: Url,
    /// Its size.
    pub size: ByteSize,
}

/// What a client says that it has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPart {
    /// Its number.
    pub number: u32,
    /// The `ETag` of the service's answer.
    pub tag: String,
}

/// The result of joining the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// There is an object now.
    Done,
    /// The service knows other parts.
    OtherParts,
}

/// A place into which clients write.
#[async_trait]
pub trait Direct: Send + Sync {
    /// Begins an upload of `size` bytes at `url`. Returns what [`DirectUpload::parts`] holds; `None`
    /// if the credentials can't sign.
    async fn begin(&self, url: &Url, size: ByteSize) -> Result<Option<String>, StorageError>;

    /// Signs its requests, which may begin within `lifetime`, or for as long as the service allows.
    async fn sign(&self, upload: &DirectUpload, lifetime: Duration)
    -> Result<Signed, StorageError>;

    /// Whether its signed requests can still write once [`Storage::delete`](crate::Storage::delete)
    /// has removed it.
    fn outlives_removal(&self, upload: &DirectUpload) -> bool;

    /// Makes it an object, if it has parts. Safe to repeat. Fails with [`StorageError::NotFound`] if
    /// the service has lost them.
    async fn join(
        &self,
        upload: &DirectUpload,
        parts: &[WrittenPart],
    ) -> Result<Joined, StorageError>;
}
