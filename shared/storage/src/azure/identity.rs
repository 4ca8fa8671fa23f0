//! Tokens of Microsoft Entra: of a workload identity, an application's secret, or a managed
//! identity, by the standard `AZURE_*` variables.

use bytes::Bytes;
use http::{HeaderValue, Method};
use url::{Url, form_urlencoded};

use crate::Environment;
use crate::rest::{BoxError, CachedToken, Call, HttpClient, Token, ask};

/// What the tokens are for.
const RESOURCE: &str = "https://storage.azure.com/";

/// Where tokens of identities outside of the machine come from, unless the environment says.
const AUTHORITY: &str = "https://login.microsoftonline.com/";

/// The metadata service of a machine in Azure, unless the environment says.
const METADATA: &str = "http://169.254.169.254";

/// An identity and its latest token.
#[derive(Debug)]
pub(super) struct Identity {
    source: Source,
    client: HttpClient,
    latest: CachedToken,
}

enum Source {
    /// A token that the platform puts into a file, exchanged for one of the application.
    Workload {
        application: Application,
        file: String,
    },
    /// A secret of the application.
    Secret {
        application: Application,
        secret: String,
    },
    /// The identity of an App Service.
    AppService {
        endpoint: String,
        header: String,
        client_id: Option<String>,
    },
    /// The identity of the machine.
    Machine {
        metadata: String,
        client_id: Option<String>,
    },
}

struct Application {
    authority: String,
    tenant: String,
    id: String,
}

impl Identity {
    /// The identity that the environment describes.
    pub(super) fn of(environment: &Environment, client: HttpClient) -> Self {
        Self {
            source: Source::of(environment),
            client,
            latest: CachedToken::default(),
        }
    }

    /// Returns the `Authorization` of requests.
    pub(super) async fn authorization(&self) -> Result<HeaderValue, BoxError> {
        self.latest.authorization(self.fetch()).await
    }

    /// Drops the token of a request that was refused.
    pub(super) fn drop_refused(&self, authorization: &HeaderValue) {
        self.latest.drop_refused(authorization);
    }

    async fn fetch(&self) -> Result<Token, BoxError> {
        ask(&self.client, self.source.call().await?).await
    }
}

impl Source {
    fn of(environment: &Environment) -> Self {
        let client_id = environment.get("AZURE_CLIENT_ID");
        let tenant = environment.get("AZURE_TENANT_ID");
        if let (Some(id), Some(tenant)) = (client_id.clone(), tenant) {
            let authority = environment.get("AZURE_AUTHORITY_HOST");
            let application = Application {
                authority: authority.unwrap_or_else(|| AUTHORITY.to_owned()),
                tenant,
                id,
            };
            if let Some(file) = environment.get("AZURE_FEDERATED_TOKEN_FILE") {
                return Self::Workload { application, file };
            }
            if let Some(secret) = environment.get("AZURE_CLIENT_SECRET") {
                return Self::Secret {
                    application,
                    secret,
                };
            }
        }
        let app_service = environment.get("IDENTITY_ENDPOINT");
        if let (Some(endpoint), Some(header)) = (app_service, environment.get("IDENTITY_HEADER")) {
            return Self::AppService {
                endpoint,
                header,
                client_id,
            };
        }
        // As Azure's own libraries read it.
        let metadata = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST");
        Self::Machine {
            metadata: metadata.unwrap_or_else(|| METADATA.to_owned()),
            client_id,
        }
    }

    async fn call(&self) -> Result<Call, BoxError> {
        match self {
            Self::Workload { application, file } => {
                let assertion = tokio::fs::read_to_string(file).await;
                let assertion = assertion
                    .map_err(|error| format!("the token in {file} can't be read: {error}"))?;
                application.exchange(&[
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", assertion.trim()),
                ])
            }
            Self::Secret {
                application,
                secret,
            } => application.exchange(&[("client_secret", secret)]),
            Self::AppService {
                endpoint,
                header,
                client_id,
            } => {
                let url = asking(endpoint, "2019-08-01", client_id.as_deref())?;
                let call = Call::new("get a token", Method::GET, url);
                Ok(call.header("x-identity-header", header))
            }
            Self::Machine {
                metadata,
                client_id,
            } => {
                let metadata = metadata.trim_end_matches('/');
                let endpoint = format!("{metadata}/metadata/identity/oauth2/token");
                let url = asking(&endpoint, "2018-02-01", client_id.as_deref())?;
                Ok(Call::new("get a token", Method::GET, url).header("metadata", "true"))
            }
        }
    }
}

impl Application {
    fn exchange(&self, credentials: &[(&str, &str)]) -> Result<Call, BoxError> {
        let authority = self.authority.trim_end_matches('/');
        let url: Url = format!("{authority}/{}/oauth2/v2.0/token", self.tenant).parse()?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.id)
            .append_pair("scope", &format!("{RESOURCE}.default"))
            .extend_pairs(credentials)
            .finish();
        let call = Call::new("get a token", Method::POST, url).body(Bytes::from(body));
        Ok(call.header("content-type", "application/x-www-form-urlencoded"))
    }
}

fn asking(endpoint: &str, version: &str, client_id: Option<&str>) -> Result<Url, BoxError> {
    let mut url: Url = endpoint.parse()?;
    url.query_pairs_mut()
        .append_pair("api-version", version)
        .append_pair("resource", RESOURCE)
        .extend_pairs(client_id.map(|id| ("client_id", id)));
    Ok(url)
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Workload { .. } => "Workload",
            Self::Secret { .. } => "Secret",
            Self::AppService { .. } => "AppService",
            Self::Machine { .. } => "Machine",
        })
    }
}
