//! A container and the client that reaches it.

use http::Method;
use url::Url;

use super::credentials::Credentials;
use crate::rest::{BoxError, Call, HttpClient, Response};
use crate::{AzureLocation, Environment, StorageError};

/// A container of an account.
#[derive(Debug)]
pub(super) struct Container {
    client: HttpClient,
    credentials: Credentials,
    account: String,
    name: String,
    /// The URL of the container, without a slash at its end.
    url: Url,
    /// The URL of the service, likewise.
    service: Url,
}

impl Container {
    /// Creates a client for the container of a place. Sends nothing yet.
    pub(super) fn connect(
        location: &AzureLocation,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        let failed = |source: BoxError| StorageError::Unavailable {
            action: "connect to Azure",
            source,
        };
        let account = location
            .account
            .clone()
            .or_else(|| environment.get("AZURE_STORAGE_ACCOUNT_NAME"));
        let account = account.ok_or_else(|| {
            failed("neither the URL nor AZURE_STORAGE_ACCOUNT_NAME names the account".into())
        })?;
        let service = service(location.endpoint.as_ref(), &account).map_err(failed)?;
        let url = format!("{}/{}", base(&service), location.container);
        let client = HttpClient::new().map_err(|error| failed(error.into()))?;
        Ok(Self {
            credentials: Credentials::of(environment, &account, &client).map_err(failed)?,
            url: url.parse::<Url>().map_err(|error| failed(error.into()))?,
            client,
            service,
            account,
            name: location.container.clone(),
        })
    }

    /// Returns the name of the account.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Returns the name of the container.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL of the service.
    pub(super) fn service(&self) -> &Url {
        &self.service
    }

    /// Returns how requests are authorized.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the URL of the blob with this name. Our containers, prefixes and keys need no
    /// escapes.
    pub(super) fn blob(&self, name: &str) -> Url {
        at(&self.url, name)
    }

    /// Returns the URL of a blob in another container of the account, as a source of a copy.
    pub(super) fn source(&self, container: &str, name: &str) -> Url {
        let mut url = at(&self.service, &format!("{container}/{name}"));
        if let Credentials::Signature(parameters) = &self.credentials {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// Starts a request to the blob with this name.
    pub(super) fn call(&self, action: &'static str, method: Method, name: &str) -> Call {
        Call::new(action, method, self.blob(name))
    }

    /// Starts a request to the blob with this name, with query parameters.
    pub(super) fn call_with(
        &self,
        action: &'static str,
        method: Method,
        name: &str,
        parameters: &[(&str, &str)],
    ) -> Call {
        let mut url = self.blob(name);
        url.query_pairs_mut().extend_pairs(parameters);
        Call::new(action, method, url)
    }

    /// Starts a request to the container itself, with query parameters.
    pub(super) fn call_container(&self, action: &'static str, parameters: &[(&str, &str)]) -> Call {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("restype", "container")
            .extend_pairs(parameters);
        Call::new(action, Method::GET, url)
    }

    /// Sends a request, and returns the answer whatever its status.
    pub(super) async fn send(&self, call: &Call) -> Result<Response, StorageError> {
        self.client.send(call, &self.credentials).await
    }
}

/// Returns the URL of the blob service. An emulator is not reached by a host name of the account,
/// so the account is in the path.
fn service(endpoint: Option<&Url>, account: &str) -> Result<Url, BoxError> {
    let Some(endpoint) = endpoint else {
        return Ok(format!("https://{account}.blob.core.windows.net").parse()?);
    };
    let has_path = !matches!(endpoint.path(), "" | "/");
    let is_named = matches!(endpoint.host(), Some(url::Host::Domain(name)) if name.contains('.'));
    if has_path || is_named {
        return Ok(endpoint.clone());
    }
    Ok(format!("{}/{account}", base(endpoint)).parse()?)
}

fn base(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn at(base_url: &Url, path: &str) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/{path}", base_url.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_has_the_account_in_its_path() {
        let service = |endpoint: Option<&str>| {
            let endpoint = endpoint.map(|endpoint| endpoint.parse::<Url>().unwrap());
            service(endpoint.as_ref(), "acme").unwrap().to_string()
        };
        for (endpoint, expected) in [
            (None, "https://acme.blob.core.windows.net/"),
            (
                Some("https://acme.blob.core.chinacloudapi.cn"),
                "https://acme.blob.core.chinacloudapi.cn/",
            ),
            (
                Some("http://127.0.0.1:10000"),
                "http://127.0.0.1:10000/acme",
            ),
            (Some("http://azurite:10000/"), "http://azurite:10000/acme"),
            (Some("https://files.acme.org"), "https://files.acme.org/"),
            (
                Some("http://127.0.0.1:10000/acme"),
                "http://127.0.0.1:10000/acme",
            ),
        ] {
            assert_eq!(service(endpoint), expected);
        }
    }
}
