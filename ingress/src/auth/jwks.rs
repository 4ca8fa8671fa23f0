//! JSON Web Key Sets (RFC 7517): fetched within limits, and parsed to the usable verification keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::{InvalidJson, read_json};
use http::Request;
use http_body_util::Full;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde_json::Value;
use settings::KeySetUrl;

use super::issuer_http::{IssuerUnreachable, ask_issuer};

/// The timeout: longer than any healthy issuer takes, shorter than clients wait.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An error of loading a key set.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The file can't be read.
    #[error("could not read {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The URL can't be fetched.
    #[error("could not fetch {url}")]
    Fetch {
        /// The URL.
        url: KeySetUrl,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The response was not a success.
    #[error("{url} answered {status}")]
    Status {
        /// The URL.
        url: KeySetUrl,
        /// The status.
        status: u16,
    },
    /// It took too long.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The URL.
        url: KeySetUrl,
    },
    /// Loading has just failed, and never succeeded before.
    #[error("the key set has not been loaded yet")]
    NotLoaded,
    /// It is not a key set.
    #[error("it is not a JSON Web Key Set")]
    Malformed(#[source] InvalidJson),
}

/// A verification key for one algorithm.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    verifier: DecodingKey,
}

/// The usable keys of a set.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// Parses a set. Ignores keys of other kinds or uses.
    pub(super) fn parse(json: &[u8]) -> Result<Arc<Self>, KeySetError> {
        #[derive(serde::Deserialize)]
        struct Raw {
            keys: Vec<Value>,
        }
        let raw: Raw = read_json(json).map_err(KeySetError::Malformed)?;
        Ok(Arc::new(Self(
            raw.keys.into_iter().filter_map(Key::read).collect(),
        )))
    }

    /// Returns the keys that may have signed a token with this header.
    pub(super) fn candidates(&self, header: &Header) -> Vec<DecodingKey> {
        let fits = |key: &&Key| {
            key.algorithm == header.alg
                && header
                    .kid
                    .as_ref()
                    .is_none_or(|id| key.id.as_ref() == Some(id))
        };
        self.0
            .iter()
            .filter(fits)
            .map(|key| key.verifier.clone())
            .collect()
    }
}

impl Key {
    fn read(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        let common = &jwk.common;
        let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let declared = common
            .key_algorithm
            .is_none_or(|declared| declared.to_string() == format!("{algorithm:?}"));
        if !(for_signatures && declared) {
            return None;
        }
        let verifier = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self {
            id: common.key_id.clone(),
            algorithm,
            verifier,
        })
    }
}

/// Fetches a key set. Doesn't follow redirects: the operator configured the URL.
pub(super) async fn fetch(url: &KeySetUrl) -> Result<Arc<KeySet>, KeySetError> {
    let failed = |source| KeySetError::Fetch {
        url: url.clone(),
        source,
    };
    let request = Request::get(url.expose()).body(Full::default());
    let request = request.map_err(|error| failed(error.into()))?;
    match ask_issuer(request, TIMEOUT).await {
        Ok(answer) if answer.status.is_success() => KeySet::parse(&answer.body),
        Ok(answer) => Err(KeySetError::Status {
            url: url.clone(),
            status: answer.status.as_u16(),
        }),
        Err(IssuerUnreachable::Timeout) => Err(KeySetError::Timeout { url: url.clone() }),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use settings::KeySource;

    use super::*;

    /// The public key of RFC 8037, appendix A.2.
    const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn keys_of_no_use_here_are_passed_over() {
        let set = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": ED25519, "kid": "a"},
            {"kty": "OKP", "crv": "Ed25519", "x": ED25519, "kid": "b", "use": "enc"},
            {"kty": "OKP", "crv": "X25519", "x": ED25519, "kid": "c"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "d"},
            {"kty": "new"},
        ]});
        let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        assert_eq!(set.candidates(&header).len(), 1);
        for (id, expected) in [("a", 1), ("b", 0), ("c", 0), ("d", 0)] {
            header.kid = Some(id.to_owned());
            assert_eq!(set.candidates(&header).len(), expected, "{id}");
        }
        assert!(set.candidates(&Header::new(Algorithm::HS256)).is_empty());
    }

    #[tokio::test]
    async fn credentials_in_the_url_are_in_no_error() {
        let Ok(KeySource::Url(url)) = "http://u:hidden@127.0.0.1:1/keys?token=hidden".parse()
        else {
            panic!("it is a URL");
        };
        let unreachable = fetch(&url).await.unwrap_err();
        let status = KeySetError::Status {
            url: url.clone(),
            status: 404,
        };
        for error in [unreachable, status, KeySetError::Timeout { url }] {
            let mut logged = format!("{error:?}");
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                logged = format!("{logged}: {error}");
                cause = error.source();
            }
            assert!(logged.contains("http://127.0.0.1:1/keys"), "{logged}");
            assert!(!logged.contains("hidden"), "{logged}");
        }
    }

    #[test]
    fn what_is_no_key_set_is_an_error() {
        assert!(matches!(
            KeySet::parse(b"{}"),
            Err(KeySetError::Malformed(_))
        ));
    }
}
