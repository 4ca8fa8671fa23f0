//! A bucket and the client that reaches it: the JSON interface of Google Cloud Storage.

use std::time::Duration;

use http::Method;
use url::Url;

use super::identity::Identity;
use super::outcome::{Answer, Object};
use super::presigned::{presign, presign_write};
use crate::rest::{BoxError, Call, HttpClient, Response, json};
use crate::{Environment, GcsLocation, Presented, Stat, StorageError};

/// Google's endpoint.
const GOOGLE: &str = "https://storage.googleapis.com";

/// A bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    client: HttpClient,
    identity: Identity,
    endpoint: Url,
    /// Whether the endpoint isn't Google's own.
    is_other: bool,
    name: String,
}

impl Bucket {
    /// Creates a client for the bucket of a place. Sends nothing yet.
    pub(super) fn connect(
        location: &GcsLocation,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        let failed = |source: BoxError| StorageError::Unavailable {
            action: "connect to Google Cloud",
            source,
        };
        let client = HttpClient::new().map_err(|error| failed(error.into()))?;
        let emulator = match environment.get("STORAGE_EMULATOR_HOST") {
            Some(host) => Some(emulator(&host).map_err(failed)?),
            None => None,
        };
        let endpoint = location.endpoint.clone().or_else(|| emulator.clone());
        let is_secure = endpoint.as_ref().is_none_or(|url| url.scheme() == "https");
        // Nothing is told to whoever reads an unencrypted connection, unless the operator says so.
        let has_file = environment.get("GOOGLE_APPLICATION_CREDENTIALS").is_some();
        let identity = if emulator.is_some() || !(is_secure || has_file) {
            Identity::nobody(client.clone())
        } else {
            Identity::of(environment, client.clone()).map_err(failed)?
        };
        Ok(Self {
            client,
            identity,
            is_other: endpoint.is_some(),
            endpoint: endpoint.unwrap_or_else(|| GOOGLE.parse().expect("a URL")),
            name: location.bucket.clone(),
        })
    }

    /// Starts a request to the object `name`.
    pub(super) fn object(&self, action: &'static str, method: Method, name: &str) -> Call {
        Call::new(action, method, self.object_url(name, &[]))
    }

    /// Returns the URL of the object `name`, with query parameters.
    pub(super) fn object_url(&self, name: &str, parameters: &[(&str, &str)]) -> Url {
        let path = format!("storage/v1/{}", object_path(&self.name, name));
        self.url(&path, parameters)
    }

    /// Returns the URL that copies an object of another bucket to `name`.
    pub(super) fn rewrite_url(
        &self,
        (bucket, object): (&str, &str),
        name: &str,
        parameters: &[(&str, &str)],
    ) -> Url {
        let source = object_path(bucket, object);
        let target = object_path(&self.name, name);
        self.url(
            &format!("storage/v1/{source}/rewriteTo/{target}"),
            parameters,
        )
    }

    /// Returns the URL that composes the object `name` of others of the bucket.
    pub(super) fn compose_url(&self, name: &str, parameters: &[(&str, &str)]) -> Url {
        let target = object_path(&self.name, name);
        self.url(&format!("storage/v1/{target}/compose"), parameters)
    }

    /// Returns the URL of the objects of the bucket, for listing.
    pub(super) fn objects_url(&self, parameters: &[(&str, &str)]) -> Url {
        self.url(&format!("storage/v1/b/{}/o", self.name), parameters)
    }

    /// Returns the URL that writes an object.
    pub(super) fn upload_url(&self, parameters: &[(&str, &str)]) -> Url {
        self.url(&format!("upload/storage/v1/b/{}/o", self.name), parameters)
    }

    /// Returns the URL of a session that the service has opened. Through another endpoint the
    /// session is reached there as well, whatever the service calls itself.
    pub(super) fn session_url(&self, location: &str) -> Result<Url, BoxError> {
        let mut url: Url = location.parse()?;
        if self.is_other {
            url.set_scheme(self.endpoint.scheme())
                .map_err(|()| "an endpoint is an HTTP URL")?;
            url.set_host(self.endpoint.host_str())?;
            url.set_port(self.endpoint.port())
                .map_err(|()| "an endpoint has a host")?;
        }
        Ok(url)
    }

    /// Signs a URL of the object `name`; `None` with credentials that can't.
    pub(super) fn presign(
        &self,
        name: &str,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let Some(account) = self.identity.signer() else {
            return Ok(None);
        };
        let url = self.url(&format!("{}/{name}", self.name), &[]);
        let signed = presign(account, url, presented, lifetime);
        signed
            .map(Some)
            .map_err(|source| StorageError::Unavailable {
                action: "sign a URL",
                source,
            })
    }

    /// Returns the metadata of the object `name`; `None` if it does not exist.
    pub(super) async fn stat(&self, name: &str) -> Result<Option<Stat>, StorageError> {
        let url = self.object_url(name, &[("fields", "size,timeCreated")]);
        let call = Call::new("look", Method::GET, url);
        let answer = self.send(&call).await?;
        if answer.status().is_success() {
            let object: Object = json(call.action, answer).await?;
            return Ok(Some(object.stat()));
        }
        match Answer::read(call.action, answer).await {
            answer if answer.is_missing() => Ok(None),
            answer => Err(answer.into_error(call.action)),
        }
    }

    /// Returns whether it can sign URLs.
    pub(super) fn can_sign(&self) -> bool {
        self.identity.signer().is_some()
    }

    /// Signs a URL that writes the object `name` with these headers; `None` with credentials that
    /// can't.
    pub(super) fn presign_write(
        &self,
        name: &str,
        headers: &[(String, String)],
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let Some(account) = self.identity.signer() else {
            return Ok(None);
        };
        let url = self.url(&format!("{}/{name}", self.name), &[]);
        let signed = presign_write(account, url, headers, lifetime);
        signed
            .map(Some)
            .map_err(|source| StorageError::Unavailable {
                action: "sign a URL",
                source,
            })
    }

    /// Sends a request, and returns the answer whatever its status.
    pub(super) async fn send(&self, call: &Call) -> Result<Response, StorageError> {
        self.client.send(call, &self.identity).await
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!(
            "{}/{path}",
            self.endpoint.path().trim_end_matches('/')
        ));
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }
}

/// The path of an object. Our buckets, prefixes and keys need no other escape.
fn object_path(bucket: &str, object: &str) -> String {
    format!("b/{bucket}/o/{}", object.replace('/', "%2F"))
}

/// `STORAGE_EMULATOR_HOST` is a URL, or a host and a port.
fn emulator(host: &str) -> Result<Url, BoxError> {
    let url = if host.contains("://") {
        host.parse()
    } else {
        format!("http://{host}").parse()
    };
    url.map_err(|_| "STORAGE_EMULATOR_HOST is neither a URL nor a host and a port".into())
}
