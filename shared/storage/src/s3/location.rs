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
    /// The profile of the AWS configuration that has its credentials, if it isn't the environment.
    pub profile: Option<String>,
    /// Whether the bucket is in the path instead of the host name; the default with an endpoint,
    /// and needed if the bucket's name has a dot.
    pub path_style: bool,
    /// When requests and answers carry checksums.
    pub checksums: Checksums,
    /// How objects are written.
    pub written: WrittenObjects,
}

impl S3Location {
    /// Returns the explicit and derived options of its URL.
    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = Vec::new();
        let endpoint = self.endpoint.iter();
        options.extend(endpoint.map(|endpoint| ("endpoint", endpoint.to_string())));
        let region = self.region.iter();
        options.extend(region.map(|region| ("region", region.clone())));
        let profile = self.profile.iter();
        options.extend(profile.map(|profile| ("profile", profile.clone())));
        options.push(("path_style", self.path_style.to_string()));
        if self.checksums == Checksums::Required {
            options.push(("checksums", "required".to_owned()));
        }
        for (name, value) in [
            ("sse", &self.written.encryption),
            ("kms_key", &self.written.kms_key),
            ("storage_class", &self.written.storage_class),
        ] {
            options.extend(value.iter().map(|value| (name, value.clone())));
        }
        options
    }
}

/// How objects are written, where that isn't left to the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenObjects {
    /// The encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub encryption: Option<String>,
    /// The key of `aws:kms`, if it isn't the bucket's.
    pub kms_key: Option<String>,
    /// The storage class, such as `STANDARD_IA`.
    pub storage_class: Option<String>,
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
