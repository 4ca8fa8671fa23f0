//! Receipts of versions as JSON Web Signatures, and the keys that verify them as a JSON Web Key Set.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{InstallationId, Timestamp, Version, VersionState};
use ledger::{ReceiptIssuer, VerifyingKey};
use poem_openapi::{Enum, Object};
use serde::Serialize;

/// The algorithm, by the name that libraries know (RFC 8037).
const ALGORITHM: &str = "EdDSA";
/// Tells receipts from other tokens (RFC 8725, section 3.11).
const TYPE: &str = "dossier-receipt+jwt";

/// The protected header.
#[derive(Serialize)]
struct ProtectedHeader {
    alg: &'static str,
    kid: String,
    typ: &'static str,
}

/// What a receipt says: registered claims of JWT (RFC 7519) where there are, and the members of the
/// version.
#[derive(Serialize)]
struct Claims {
    /// The installation that issued it, as a URN.
    iss: String,
    /// The document.
    sub: String,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    version: u32,
    size_bytes: u64,
    sha256: String,
    mime_type: String,
    accepted_at: String,
    activated_at: String,
}

/// A signed receipt in the flattened JSON serialization of JSON Web Signatures (RFC 7515, section
/// 7.2.2). Joined by dots in the order `protected`, `payload`, `signature`, they are the compact one.
#[derive(Debug, Object)]
#[oai(rename = "SignedReceipt")]
pub struct ReceiptBody {
    /// The protected header, in Base64 for URLs: `alg`, `kid`, `typ`.
    pub protected: String,
    /// The claims, in Base64 for URLs.
    pub payload: String,
    /// The signature of both, in Base64 for URLs.
    pub signature: String,
}

impl ReceiptBody {
    /// The receipt of a version, if that is active.
    pub fn of(version: &Version, issuer: &ReceiptIssuer, now: Timestamp) -> Option<Self> {
        let VersionState::Active {
            media_type,
            activated_at,
            ..
        } = &version.state
        else {
            return None;
        };
        let claims = Claims {
            iss: issuer_name(issuer.ledger),
            sub: version.document.to_string(),
            iat: now.as_micros().div_euclid(1_000_000),
            version: version.number,
            size_bytes: version.size.bytes(),
            sha256: version.sha256.to_string(),
            mime_type: media_type.to_string(),
            accepted_at: version.created_at.to_string(),
            activated_at: activated_at.to_string(),
        };
        let header = ProtectedHeader {
            alg: ALGORITHM,
            kid: issuer.key.verifying_key().thumbprint(),
            typ: TYPE,
        };
        let (protected, payload) = (encoded(&header)?, encoded(&claims)?);
        let signature = issuer.key.sign(format!("{protected}.{payload}").as_bytes());
        Some(Self {
            protected,
            payload,
            signature: URL_SAFE_NO_PAD.encode(signature),
        })
    }

    /// The compact serialization.
    pub fn compact(&self) -> String {
        format!("{}.{}.{}", self.protected, self.payload, self.signature)
    }
}

fn encoded(part: &impl Serialize) -> Option<String> {
    // Members of text and numbers can always be written.
    let json = serde_json::to_vec(part).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

/// The `iss` of all receipts of an installation.
pub fn issuer_name(installation: InstallationId) -> String {
    format!("urn:uuid:{installation}")
}

/// A set of public keys (RFC 7517), with the name of who signs with them.
#[derive(Debug, Object)]
#[oai(rename = "KeySet")]
pub struct KeySetBody {
    /// Who issues receipts, as their `iss` has it: `urn:uuid:` and the id of the installation.
    pub issuer: String,
    /// The keys, the newest first.
    pub keys: Vec<PublicKeyBody>,
}

/// A public key of Ed25519 (RFC 8037).
#[derive(Debug, Object)]
#[oai(rename = "PublicKey")]
pub struct PublicKeyBody {
    /// Its thumbprint (RFC 7638), which receipts name.
    pub kid: String,
    /// Its type.
    pub kty: KeyType,
    /// Its curve.
    pub crv: KeyCurve,
    /// What it signs with.
    pub alg: KeyAlgorithm,
    /// What it is for.
    #[oai(rename = "use")]
    pub purpose: KeyPurpose,
    /// The key itself, in Base64 for URLs.
    pub x: String,
}

/// The type of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PublicKeyType")]
pub enum KeyType {
    /// An octet key pair.
    #[oai(rename = "OKP")]
    OctetKeyPair,
}

/// The curve of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PublicKeyCurve")]
pub enum KeyCurve {
    /// Ed25519.
    Ed25519,
}

/// The algorithm of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PublicKeyAlgorithm")]
pub enum KeyAlgorithm {
    /// Signatures on an Edwards curve.
    #[oai(rename = "EdDSA")]
    EdDsa,
}

/// The purpose of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "PublicKeyPurpose")]
pub enum KeyPurpose {
    /// Signatures.
    #[oai(rename = "sig")]
    Signatures,
}

impl From<VerifyingKey> for PublicKeyBody {
    fn from(key: VerifyingKey) -> Self {
        Self {
            kid: key.thumbprint(),
            kty: KeyType::OctetKeyPair,
            crv: KeyCurve::Ed25519,
            alg: KeyAlgorithm::EdDsa,
            purpose: KeyPurpose::Signatures,
            x: key.encoded(),
        }
    }
}
