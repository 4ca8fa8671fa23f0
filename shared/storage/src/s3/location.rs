//! Where a place in S3 is.

use url::Url;

/// Where an S3 place is, and how to speak to it. Credentials are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// What the keys of all objects of the place begin with: empty, or ending with a slash.
    pub prefix: String,
    /// The service, if it isn't AWS.
    pub endpoint: Option<Url>,
    /// The region, if the environment isn't to say it.
    pub region: Option<String>,
    /// Whether the bucket is named in the path instead of the host name. Usual where there is
    /// an endpoint, and needed where a dot in the name doesn't fit the certificate.
    pub path_style: bool,
    /// When requests and answers carry checksums.
    pub checksums: Checksums,
}

/// When requests and answers carry the checksums of the S3 protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// Wherever the protocol has them.
    #[default]
    Supported,
    /// Only where the protocol demands them: for services that don't know the newer ones.
    Required,
}
