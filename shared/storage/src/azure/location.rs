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

impl AzureLocation {
    /// Returns the options of its URL.
    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let account = self.account.iter();
        let account = account.map(|account| ("account", account.clone()));
        let endpoint = self.endpoint.iter();
        let endpoint = endpoint.map(|endpoint| ("endpoint", endpoint.to_string()));
        account.chain(endpoint).collect()
    }
}
