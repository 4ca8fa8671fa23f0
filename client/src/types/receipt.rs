//! Signed receipts, and the keys that verify them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A receipt of a version as a JSON Web Signature, in its flattened JSON serialization (RFC 7515).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// The header, in Base64 for URLs.
    pub protected: String,
    /// The claims, in Base64 for URLs.
    pub payload: String,
    /// The signature of both, in Base64 for URLs.
    pub signature: String,
}

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReceiptClaims {
    /// The installation that issued it: `urn:uuid:` and its id.
    pub iss: String,
    /// The document.
    pub sub: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// The number of the version.
    pub version: u32,
    /// The length of its bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The media type detected from its bytes.
    pub mime_type: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it had passed the checks, and was stored.
    pub activated_at: Timestamp,
}

/// A JSON Web Key Set (RFC 7517), with the name of who signs with the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// Who issues receipts, as their `iss` has it.
    pub issuer: String,
    /// The keys, the newest first.
    pub keys: Vec<PublicKey>,
}

/// A public key of Ed25519 as a JSON Web Key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its thumbprint (RFC 7638), which receipts name.
    pub kid: String,
    /// Its type: `OKP`.
    pub kty: String,
    /// Its curve: `Ed25519`.
    pub crv: String,
    /// What it signs with: `EdDSA`.
    pub alg: String,
    /// What it is for: `sig`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// The key itself, in Base64 for URLs.
    pub x: String,
}
