//! Requests to the provider: to the endpoints that it names itself, following no redirect, bounded in time
//! and bytes. Nothing of the service is sent there.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use crate::Error;
use crate::error::BoxError;
use crate::http::{Transport, read_json, whole};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer, in bytes.
const LONGEST: usize = 256 << 10;

/// The endpoints of a provider.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub devices: Url,
    pub tokens: Url,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

impl Endpoints {
    /// Finds the endpoints of an issuer.
    pub(super) async fn of(issuer: &str) -> Result<Self, Error> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let url = Url::parse(&url).map_err(|_| Error::BadUrl(url))?;
        let (_, body) = ask(Method::GET, &url, Bytes::new()).await?;
        let metadata = read_json::<Metadata>(&body);
        let metadata = metadata.map_err(|_| Error::provider("it doesn't say where it is"))?;
        let Some(devices) = metadata.device_authorization_endpoint else {
            return Err(Error::provider("it knows no device flow"));
        };
        let is_ours = metadata.issuer == issuer;
        let endpoint = |text: &str| {
            let endpoint = Url::parse(text).ok();
            let is_safe = |one: &Url| one.scheme() == "https" || url.scheme() == "http";
            let fits = |one: &Url| is_ours && is_safe(one);
            let wrong = || Error::provider("it isn't the one that the service names");
            endpoint.filter(fits).ok_or_else(wrong)
        };
        let (devices, tokens) = (endpoint(&devices)?, endpoint(&metadata.token_endpoint)?);
        Ok(Self { devices, tokens })
    }
}

/// Posts a form, and returns whether it succeeded, with the answer.
pub(super) async fn post(url: &Url, form: &[(&str, &str)]) -> Result<(bool, Value), Error> {
    let (succeeded, body) = ask(Method::POST, url, encoded(form).into()).await?;
    let answer = read_json::<Value>(&body);
    let answer = answer.map_err(|_| Error::provider("it answers something else than JSON"))?;
    Ok((succeeded, answer))
}

fn encoded(form: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form).finish()
}

async fn ask(method: Method, url: &Url, body: Bytes) -> Result<(bool, Bytes), Error> {
    let describe = format!("{method} {}", url.path());
    let mut request = Request::new(whole(body));
    *request.method_mut() = method;
    let uri = url.as_str().parse();
    *request.uri_mut() = uri.map_err(|_| Error::BadUrl(url.to_string()))?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, form);
    let transport = Transport::new(url)?;
    let asking = async {
        let response = transport.send(request).await?;
        let succeeded = response.status().is_success();
        let body = Limited::new(response.into_body(), LONGEST)
            .collect()
            .await?;
        Ok::<_, BoxError>((succeeded, body.to_bytes()))
    };
    match timeout(PATIENCE, asking).await {
        Ok(asked) => asked.map_err(|source| Error::Unreachable {
            request: describe,
            source,
        }),
        Err(_) => Err(Error::TimedOut {
            request: describe,
            patience: PATIENCE,
        }),
    }
}
