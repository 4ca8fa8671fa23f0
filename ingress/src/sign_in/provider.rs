//! The provider: its endpoints, found by discovery (OpenID Connect Discovery 1.0) and kept, and codes
//! that it redeems. Only addresses that the configured issuer names itself are asked, a bounded number of
//! times.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Clock, Timestamp, read_json};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::Value;
use settings::{KeySource, OidcProvider};
use tokio::sync::Semaphore;
use url::{Url, form_urlencoded};

use super::error::SignInError;
use super::pending::Pending;
use crate::auth::{IssuerAnswer, JwtRules, JwtVerifier, ask_issuer};

/// How long an answer may take: longer than any healthy provider needs.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long endpoints are kept.
const MAX_AGE: Duration = Duration::from_hours(1);
/// The least interval between two tries to find them.
const MIN_PAUSE: Duration = Duration::from_secs(15);
/// The most codes that are redeemed at once.
const AT_ONCE: usize = 16;

/// A provider.
pub(super) struct Provider {
    settings: OidcProvider,
    clock: Arc<dyn Clock>,
    found: Mutex<Option<Found>>,
    /// Held while the endpoints are looked for; the time of the last try.
    trying: tokio::sync::Mutex<Option<Timestamp>>,
    turns: Semaphore,
}

/// Endpoints that were found, and when.
#[derive(Clone)]
struct Found {
    endpoints: Arc<Endpoints>,
    at: Timestamp,
}

/// The endpoints, and what verifies tokens.
struct Endpoints {
    metadata: Metadata,
    authorization: Url,
    verifier: JwtVerifier,
}

/// What the provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// An answer to a redeemed code.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl Provider {
    /// A provider that is asked once it is needed.
    pub(super) fn new(settings: OidcProvider, clock: Arc<dyn Clock>) -> Self {
        if settings.issuer.is_plain_http() {
            tracing::warn!(
                "DOSSIER_OIDC_ISSUER: the provider is reached over plain http; anyone on the path can sign in as anybody"
            );
        }
        Self {
            settings,
            clock,
            found: Mutex::default(),
            trying: tokio::sync::Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Its settings.
    pub(super) const fn settings(&self) -> &OidcProvider {
        &self.settings
    }

    /// Where the browser signs in.
    pub(super) async fn authorization(
        self: &Arc<Self>,
        pending: &Pending,
        redirect: &str,
    ) -> Result<String, SignInError> {
        let mut url = self.endpoints().await?.authorization.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &self.settings.scopes)
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Redeems a code for an ID token.
    pub(super) async fn redeem(
        self: &Arc<Self>,
        code: &str,
        pending: &Pending,
        redirect: &str,
    ) -> Result<String, SignInError> {
        let endpoints = self.endpoints().await?;
        let turn = self.turns.try_acquire();
        let _turn = turn.map_err(|_| SignInError::Busy)?;
        let request = self.token_request(&endpoints.metadata, (code, pending), redirect)?;
        let answer = ask_issuer(request, PATIENCE).await?;
        if answer.status.is_client_error() {
            return Err(SignInError::CodeRefused(answer.status));
        }
        let tokens: Tokens = read_json(&succeeded(answer)?)?;
        Ok(tokens.id_token)
    }

    /// Verifies an ID token, and returns its claims.
    pub(super) async fn verify(self: &Arc<Self>, token: &str) -> Result<Value, SignInError> {
        let endpoints = self.endpoints().await?;
        Ok(endpoints.verifier.claims(token).await?)
    }

    /// The client authenticates by a field, or in the body if the provider knows nothing else.
    fn token_request(
        &self,
        metadata: &Metadata,
        (code, pending): (&str, &Pending),
        redirect: &str,
    ) -> Result<Request<Full<Bytes>>, SignInError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect)
            .append_pair("code_verifier", &pending.verifier);
        let id = &self.settings.client_id;
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let knows = |method: &str| methods.iter().any(|one| one == method);
        let mut field = None;
        match self.settings.client_secret.as_ref() {
            None => _ = form.append_pair("client_id", id),
            Some(secret) => {
                let secret = String::from_utf8_lossy(secret.as_bytes());
                if knows("client_secret_post") && !knows("client_secret_basic") {
                    form.append_pair("client_id", id);
                    form.append_pair("client_secret", &secret);
                } else {
                    field = Some(basic(id, &secret));
                }
            }
        }
        let body = Full::new(Bytes::from(form.finish()));
        let mut request = request(Method::POST, &metadata.token_endpoint, body)?;
        let headers = request.headers_mut();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, kind);
        if let Some(field) = field.and_then(|field| HeaderValue::from_str(&field).ok()) {
            headers.insert(AUTHORIZATION, field);
        }
        Ok(request)
    }

    /// Returns the endpoints. They are looked for anew once an hour; meanwhile, and while that fails, the
    /// old ones are good. Tries are rare.
    async fn endpoints(self: &Arc<Self>) -> Result<Arc<Endpoints>, SignInError> {
        let known = self.found();
        let is_fresh = |found: &Found| self.clock.now().since(found.at) < MAX_AGE;
        if let Some(found) =
            known.filter(|found| is_fresh(found) || self.trying.try_lock().is_err())
        {
            return Ok(found.endpoints);
        }
        let this = Arc::clone(self);
        // A task of its own: who waits for it may leave.
        let looked = tokio::spawn(async move { this.look_for_endpoints().await });
        looked.await.map_err(|_| SignInError::Unknown)?;
        let found = self.found().ok_or(SignInError::Unknown)?;
        Ok(found.endpoints)
    }

    fn found(&self) -> Option<Found> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    /// Looks for the endpoints, unless that was just done.
    async fn look_for_endpoints(&self) {
        let mut tried = self.trying.lock().await;
        let now = self.clock.now();
        if tried.is_some_and(|tried| now.since(tried) < MIN_PAUSE) {
            return;
        }
        *tried = Some(now);
        let known = self.found().map(|found| found.endpoints);
        match self.discover(known).await {
            Ok(endpoints) => {
                let found = Found { endpoints, at: now };
                *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "failed to ask the sign-in provider; will retry");
            }
        }
    }

    async fn discover(&self, known: Option<Arc<Endpoints>>) -> Result<Arc<Endpoints>, SignInError> {
        let issuer = self.settings.issuer.as_str();
        let mut url = issuer.trim_end_matches('/').to_owned();
        // Writing to a string never fails.
        let _ = write!(url, "/.well-known/openid-configuration");
        let answer = ask_issuer(request(Method::GET, &url, Full::default())?, PATIENCE).await?;
        let metadata: Metadata = read_json(&succeeded(answer)?)?;
        if metadata.issuer != issuer {
            return Err(SignInError::OtherIssuer(metadata.issuer));
        }
        // The keys that are loaded stay.
        if let Some(known) = known.filter(|known| known.metadata == metadata) {
            return Ok(known);
        }
        let authorization = self.endpoint(&metadata.authorization_endpoint)?;
        self.endpoint(&metadata.token_endpoint)?;
        let keys = self.endpoint(&metadata.jwks_uri)?;
        let Ok(keys) = keys.as_str().parse::<KeySource>();
        let device = self.settings.device_client_id.clone();
        let own = self.settings.client_id.clone();
        let audiences = [own].into_iter().chain(device).collect();
        let rules = JwtRules::of_provider(issuer, keys, audiences);
        let verifier = JwtVerifier::new(rules, Arc::clone(&self.clock)).await;
        Ok(Arc::new(Endpoints {
            authorization,
            verifier: verifier.map_err(|_| SignInError::Unknown)?,
            metadata,
        }))
    }

    /// An endpoint is reached by TLS, as the issuer is.
    fn endpoint(&self, text: &str) -> Result<Url, SignInError> {
        let url = Url::parse(text).ok();
        let may_be_plain = self.settings.issuer.is_plain_http();
        let fits = |url: &Url| {
            let is_web = url.scheme() == "https" || (may_be_plain && url.scheme() == "http");
            is_web && url.has_host()
        };
        url.filter(fits)
            .ok_or_else(|| SignInError::Endpoint(text.to_owned()))
    }
}

fn request(
    method: Method,
    url: &str,
    body: Full<Bytes>,
) -> Result<Request<Full<Bytes>>, SignInError> {
    Request::builder()
        .method(method)
        .uri(url)
        .header(ACCEPT, "application/json")
        .body(body)
        .map_err(|_| SignInError::Endpoint(url.to_owned()))
}

fn succeeded(answer: IssuerAnswer) -> Result<Bytes, SignInError> {
    if answer.status.is_success() {
        Ok(answer.body)
    } else {
        Err(SignInError::Failed(answer.status))
    }
}

/// The client's name and secret, each encoded as in a form (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", STANDARD.encode(both))
}
