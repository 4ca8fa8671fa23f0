//! The key of a service account: signs requests for tokens, and URLs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Clock as _, SystemClock};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::json;

use crate::rest::BoxError;

/// How long a request for a token is valid, in seconds: the most that is allowed.
const VALID: i64 = 3_600;

/// A service account with its key.
pub(super) struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: KeyPair,
}

impl ServiceAccount {
    /// Reads the PEM of a PKCS #8 key.
    pub(super) fn new(email: String, key_id: Option<String>, pem: &str) -> Result<Self, BoxError> {
        let lines = pem.lines().map(str::trim);
        let encoded: String = lines.filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD
            .decode(encoded)
            .map_err(|_| "the private key is not PEM")?;
        let key = KeyPair::from_pkcs8(&der).map_err(|_| "the private key is not an RSA key")?;
        Ok(Self { email, key_id, key })
    }

    /// Its address, which is its name.
    pub(super) fn email(&self) -> &str {
        &self.email
    }

    /// Signs by RSA with SHA-256.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .map_err(|_| "the private key can't sign")?;
        Ok(signature)
    }

    /// Returns a signed request (RFC 7523) for a token of `scope` from `audience`.
    pub(super) fn assertion(&self, audience: &str, scope: &str) -> Result<String, BoxError> {
        let now = SystemClock.now().as_micros() / 1_000_000;
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email, "scope": scope, "aud": audience, "iat": now, "exp": now + VALID,
        });
        let encoded = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(text.as_bytes())?);
        Ok(format!("{text}.{signature}"))
    }
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServiceAccount({})", self.email)
    }
}
