//! Verifies signed receipts: JSON Web Signatures with Ed25519 (RFC 8037), of a type of their own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;

use crate::http::read_json;
use crate::types::{KeySet, ReceiptClaims, SignedReceipt};

/// The one algorithm.
const ALGORITHM: &str = "EdDSA";
/// The type that tells receipts from other tokens.
const TYPE: &str = "dossier-receipt+jwt";

/// Why a receipt isn't to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It isn't a JSON Web Signature, or says something else than receipts do.
    #[error("it is no receipt")]
    Malformed,
    /// It is another token, or signed with another algorithm.
    #[error("it is a token of another kind")]
    WrongType,
    /// The service has no such key.
    #[error("it names a key that the service doesn't have")]
    UnknownKey,
    /// The signature isn't that of the key.
    #[error("its signature is wrong")]
    Unsigned,
    /// Another installation has issued it, with the same key.
    #[error("another installation has issued it")]
    WrongIssuer,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl SignedReceipt {
    /// Reads the compact serialization.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let parts: Vec<_> = text.trim().split('.').map(str::to_owned).collect();
        let parts = <[String; 3]>::try_from(parts).map_err(|_| ReceiptError::Malformed)?;
        let [protected, payload, signature] = parts;
        Ok(Self {
            protected,
            payload,
            signature,
        })
    }

    /// The compact serialization.
    #[must_use]
    pub fn compact(&self) -> String {
        format!("{}.{}.{}", self.protected, self.payload, self.signature)
    }

    /// Verifies the receipt with the keys of the service that issued it, and returns what it says.
    pub fn verify(&self, keys: &KeySet) -> Result<ReceiptClaims, ReceiptError> {
        let header: Header = decoded(&self.protected)?;
        if header.typ != TYPE || header.alg != ALGORITHM {
            return Err(ReceiptError::WrongType);
        }
        let is_named = |key: &&crate::types::PublicKey| {
            key.kid == header.kid && key.kty == "OKP" && key.crv == "Ed25519"
        };
        let key = keys.keys.iter().find(is_named);
        let key = key.ok_or(ReceiptError::UnknownKey)?;
        let key = UnparsedPublicKey::new(&ED25519, bytes(&key.x)?);
        let signed = format!("{}.{}", self.protected, self.payload);
        let verified = key.verify(signed.as_bytes(), &bytes(&self.signature)?);
        verified.map_err(|_| ReceiptError::Unsigned)?;
        let claims: ReceiptClaims = decoded(&self.payload)?;
        if claims.iss == keys.issuer {
            Ok(claims)
        } else {
            Err(ReceiptError::WrongIssuer)
        }
    }
}

fn bytes(part: &str) -> Result<Vec<u8>, ReceiptError> {
    let bytes = URL_SAFE_NO_PAD.decode(part);
    bytes.map_err(|_| ReceiptError::Malformed)
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, ReceiptError> {
    read_json(&bytes(part)?).map_err(|_| ReceiptError::Malformed)
}
