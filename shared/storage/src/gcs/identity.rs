//! Tokens of Google: of a service account, an authorized user, or the machine.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, request};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::service_account::ServiceAccount;
use crate::Environment;
use crate::rest::{Authorize, BoxError, CachedToken, Call, HttpClient, Token, ask};
use domain::read_json;

/// What the tokens are for.
const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// Where tokens come from, unless the credentials say.
const TOKENS: &str = "https://oauth2.googleapis.com/token";

/// The metadata service of a machine in Google's cloud.
const METADATA: &str = "metadata.google.internal";

/// The credentials of requests.
pub(super) struct Identity {
    source: Source,
    client: HttpClient,
    latest: CachedToken,
}

enum Source {
    /// None: for an emulator.
    Nobody,
    ServiceAccount {
        account: Box<ServiceAccount>,
        tokens: String,
    },
    User {
        id: String,
        secret: String,
        refresh_token: String,
        tokens: String,
    },
    /// The service account of the machine.
    Machine { host: String },
}

/// A file of credentials.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount {
        client_email: String,
        private_key: String,
        private_key_id: Option<String>,
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_uri: Option<String>,
    },
    #[serde(other)]
    Other,
}

impl Identity {
    /// No credentials.
    pub(super) fn nobody(client: HttpClient) -> Self {
        Self::from(Source::Nobody, client)
    }

    /// The identity of `GOOGLE_APPLICATION_CREDENTIALS`, else of the machine.
    pub(super) fn of(environment: &Environment, client: HttpClient) -> Result<Self, BoxError> {
        let source = match environment.get("GOOGLE_APPLICATION_CREDENTIALS") {
            Some(path) => Source::of_file(Path::new(&path))
                .map_err(|error| format!("the credentials in {path} can't be used: {error}"))?,
            None => Source::Machine {
                host: environment
                    .get("GCE_METADATA_HOST")
                    .unwrap_or_else(|| METADATA.to_owned()),
            },
        };
        Ok(Self::from(source, client))
    }

    fn from(source: Source, client: HttpClient) -> Self {
        Self {
            source,
            client,
            latest: CachedToken::default(),
        }
    }

    /// Returns the account whose key can sign URLs, if there is one here.
    pub(super) fn signer(&self) -> Option<&ServiceAccount> {
        match &self.source {
            Source::ServiceAccount { account, .. } => Some(account),
            _ => None,
        }
    }

    async fn fetch(&self) -> Result<Token, BoxError> {
        ask(&self.client, self.source.call()?).await
    }
}

#[async_trait]
impl Authorize for Identity {
    async fn authorize(&self, head: &mut request::Parts, _: usize) -> Result<(), BoxError> {
        if matches!(self.source, Source::Nobody) {
            return Ok(());
        }
        let authorization = self.latest.authorization(self.fetch()).await?;
        head.headers.insert("authorization", authorization);
        Ok(())
    }

    fn drop_refused(&self, authorization: &HeaderValue) -> bool {
        self.latest.drop_refused(authorization);
        true
    }
}

impl Source {
    fn of_file(path: &Path) -> Result<Self, BoxError> {
        match read_json(&std::fs::read(path)?)? {
            File::ServiceAccount {
                client_email,
                private_key,
                private_key_id,
                token_uri,
            } => Ok(Self::ServiceAccount {
                account: Box::new(ServiceAccount::new(
                    client_email,
                    private_key_id,
                    &private_key,
                )?),
                tokens: token_uri.unwrap_or_else(|| TOKENS.to_owned()),
            }),
            File::AuthorizedUser {
                client_id,
                client_secret,
                refresh_token,
                token_uri,
            } => Ok(Self::User {
                id: client_id,
                secret: client_secret,
                refresh_token,
                tokens: token_uri.unwrap_or_else(|| TOKENS.to_owned()),
            }),
            File::Other => Err("neither a service account nor an authorized user".into()),
        }
    }

    fn call(&self) -> Result<Call, BoxError> {
        match self {
            Self::Nobody => Err("there are no credentials".into()),
            Self::ServiceAccount { account, tokens } => {
                let assertion = account.assertion(tokens, SCOPE)?;
                exchange(
                    tokens,
                    &[
                        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                        ("assertion", &assertion),
                    ],
                )
            }
            Self::User {
                id,
                secret,
                refresh_token,
                tokens,
            } => exchange(
                tokens,
                &[
                    ("grant_type", "refresh_token"),
                    ("client_id", id),
                    ("client_secret", secret),
                    ("refresh_token", refresh_token),
                ],
            ),
            Self::Machine { host } => {
                let path = "computeMetadata/v1/instance/service-accounts/default/token";
                let url: Url = format!("http://{host}/{path}").parse()?;
                let call = Call::new("get a token", Method::GET, url);
                Ok(call.header("metadata-flavor", "Google"))
            }
        }
    }
}

fn exchange(tokens: &str, form: &[(&str, &str)]) -> Result<Call, BoxError> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let call = Call::new("get a token", Method::POST, tokens.parse()?);
    Ok(call
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body)))
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Source::Nobody => f.write_str("Nobody"),
            Source::ServiceAccount { account, .. } => account.fmt(f),
            Source::User { .. } => f.write_str("User"),
            Source::Machine { .. } => f.write_str("Machine"),
        }
    }
}
