//! The location of a place in S3.

use url::Url;

/// The location of an S3 place and its protocol options, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// The prefix of all keys of the place: empty, or ending with a slash.
    pub prefix: String,
    /// The endpoint, if it isn't AWS.
    pub endpoint: Option<Url>,
    /// The region, if not taken from the environment.
    pub region: Option<String>,
    /// Whether the bucket is in the path instead of the host name; the default with an endpoint,
    /// and needed if the bucket's name has a dot.
    pub path_style: bool,
    /// When requests and answers carry checksums.
    pub checksums: Checksums,
}

/// When requests and answers carry the checksums of the S3 protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// Wherever the protocol supports them.
    #[default]
    Supported,
    /// Only where the protocol requires them, for services without the newer ones.
    Required,
}
