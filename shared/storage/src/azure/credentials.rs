//! The credentials of an Azure account, and how they are added to requests.

use async_trait::async_trait;
use domain::{Clock as _, SystemClock};
use http::{HeaderValue, request};
use url::form_urlencoded;

use super::identity::Identity;
use super::shared_key::AccountKey;
use crate::Environment;
use crate::rest::{Authorize, BoxError, HttpClient};

/// The version of the service's interface.
pub(super) const VERSION: &str = "2021-12-02";

/// How requests are authorized.
pub(super) enum Credentials {
    /// With the key of the account.
    Key(AccountKey),
    /// With a shared access signature: query parameters.
    Signature(Vec<(String, String)>),
    /// With tokens of an identity.
    Identity(Box<Identity>),
}

impl Credentials {
    /// Takes the first that the environment has: the account's key, a shared access signature, a
    /// workload identity or a secret of an application, else the machine's managed identity.
    pub(super) fn of(
        environment: &Environment,
        account: &str,
        client: &HttpClient,
    ) -> Result<Self, BoxError> {
        if let Some(key) = environment.get("AZURE_STORAGE_ACCOUNT_KEY") {
            let key = AccountKey::read(account, &key);
            return key
                .map(Self::Key)
                .ok_or_else(|| "AZURE_STORAGE_ACCOUNT_KEY is not Base64".into());
        }
        if let Some(signature) = environment.get("AZURE_STORAGE_SAS_TOKEN") {
            let query = signature.trim().trim_start_matches('?');
            let parameters = form_urlencoded::parse(query.as_bytes()).into_owned();
            return Ok(Self::Signature(parameters.collect()));
        }
        let identity = Identity::of(environment, client.clone());
        Ok(Self::Identity(Box::new(identity)))
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Signature(_) => f.write_str("Signature"),
            Self::Identity(identity) => identity.fmt(f),
        }
    }
}

#[async_trait]
impl Authorize for Credentials {
    async fn authorize(&self, head: &mut request::Parts, length: usize) -> Result<(), BoxError> {
        let date = httpdate::fmt_http_date(now());
        head.headers
            .insert("x-ms-version", HeaderValue::from_static(VERSION));
        head.headers.insert("x-ms-date", date.parse()?);
        match self {
            Self::Key(key) => {
                let authorization = key.authorization(head, length);
                head.headers
                    .insert("authorization", secret(&authorization)?);
            }
            Self::Signature(parameters) => {
                let mut url: url::Url = head.uri.to_string().parse()?;
                url.query_pairs_mut().extend_pairs(parameters);
                head.uri = url.as_str().parse()?;
            }
            Self::Identity(identity) => {
                let authorization = identity.authorization().await?;
                head.headers.insert("authorization", authorization);
            }
        }
        Ok(())
    }

    fn drop_refused(&self, authorization: &HeaderValue) -> bool {
        match self {
            Self::Identity(identity) => {
                identity.drop_refused(authorization);
                true
            }
            Self::Key(_) | Self::Signature(_) => false,
        }
    }
}

/// The real time, which signatures carry.
pub(super) fn now() -> std::time::SystemTime {
    let micros = SystemClock.now().as_micros().max(0).unsigned_abs();
    std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros)
}

fn secret(text: &str) -> Result<HeaderValue, BoxError> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}
