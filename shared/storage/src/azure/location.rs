//! The location of a place in Azure.

use url::Url;

/// The location of an Azure place, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureLocation {
    /// The container.
    pub container: String,
    /// The prefix of all keys of the place: empty, or ending with a slash.
    pub prefix: String,
    /// The storage account, if not taken from the environment.
    pub account: Option<String>,
    /// The endpoint of the blob service, if it isn't the account's own.
    pub endpoint: Option<Url>,
}
