//! The location of a place in Google Cloud Storage.

use url::Url;

/// The location of a place in Google Cloud Storage, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcsLocation {
    /// The bucket.
    pub bucket: String,
    /// The prefix of all keys of the place: empty, or ending with a slash.
    pub prefix: String,
    /// The endpoint, if it isn't Google's or that of `STORAGE_EMULATOR_HOST`.
    pub endpoint: Option<Url>,
}

impl GcsLocation {
    /// Returns the options of its URL.
    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let endpoint = self.endpoint.iter();
        endpoint
            .map(|endpoint| ("endpoint", endpoint.to_string()))
            .collect()
    }
}
