//! Keys of Ed25519 (RFC 8032): as operators write a private one, and as a JSON Web Key names a public
//! one (RFC 8037).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// The length of a seed and of a public key in bytes.
const BYTES: usize = 32;

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A private key; never shown.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    public: VerifyingKey,
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; BYTES]);

/// A text that isn't a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a private key of Ed25519: PKCS #8 in PEM or Base64, or 32 bytes in Base64 or hexadecimal digits"
)]
pub struct InvalidSigningKey;

impl SigningKey {
    /// Makes a key from 32 bytes.
    pub(super) fn from_seed(seed: &[u8]) -> Result<Self, InvalidSigningKey> {
        Self::of(Ed25519KeyPair::from_seed_unchecked(seed))
    }

    fn of<E>(pair: Result<Ed25519KeyPair, E>) -> Result<Self, InvalidSigningKey> {
        let pair = pair.map_err(|_| InvalidSigningKey)?;
        let public: Result<[u8; BYTES], _> = pair.public_key().as_ref().try_into();
        Ok(Self {
            public: VerifyingKey(public.map_err(|_| InvalidSigningKey)?),
            pair: Arc::new(pair),
        })
    }

    /// Returns the signature of a message: 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// Returns the public half.
    #[must_use]
    pub const fn verifying_key(&self) -> VerifyingKey {
        self.public
    }
}

impl FromStr for SigningKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = decoded(text).ok_or(InvalidSigningKey)?;
        if bytes.len() == BYTES {
            return Self::from_seed(&bytes);
        }
        Self::of(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl VerifyingKey {
    /// Returns the key in Base64 for URLs, without padding: `x` of a JSON Web Key.
    #[must_use]
    pub fn encoded(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Returns its thumbprint (RFC 7638) with SHA-256, which names the key.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = format!(
            r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
            self.encoded()
        );
        URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
    }
}

impl FromStr for VerifyingKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidSigningKey)
    }
}

/// The bytes of a text: PEM without its first and last line, Base64 of either alphabet, or
/// hexadecimal digits. In files of variables, line breaks are often written as `\n`.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "\n");
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.flat_map(str::split_whitespace).collect();
    if text.len() == 2 * BYTES
        && let Ok(bytes) = hex::decode(&text)
    {
        return Some(bytes);
    }
    let text = text.replace('-', "+").replace('_', "/");
    BASE64.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 8037, appendix A.1.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    #[test]
    fn the_key_of_the_rfc_has_its_thumbprint_and_signs_as_there() {
        let key: SigningKey = SEED.parse().unwrap();
        let public = key.verifying_key();
        assert_eq!(
            public.encoded(),
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
        assert_eq!(
            public.thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert_eq!(public.encoded().parse(), Ok(public));
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert_eq!(
            URL_SAFE_NO_PAD.encode(key.sign(message)),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }

    #[test]
    fn a_key_may_be_written_in_several_ways() {
        let seed = URL_SAFE_NO_PAD.decode(SEED).unwrap();
        // As `openssl genpkey -algorithm ed25519` writes it.
        let head = hex::decode("302e020100300506032b657004220420").unwrap();
        let body = BASE64.encode([head, seed.clone()].concat());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let written = [
            SEED.to_owned(),
            format!("{SEED}="),
            hex::encode(&seed),
            hex::encode_upper(&seed),
            BASE64.encode(&seed),
            body,
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\\n"),
            pem,
        ];
        let expected = SEED.parse::<SigningKey>().unwrap().verifying_key();
        for text in written {
            let key = text.parse::<SigningKey>().unwrap();
            assert_eq!(key.verifying_key(), expected, "{text}");
        }
        for text in ["", "a password", &SEED[1..], "-----BEGIN PRIVATE KEY-----"] {
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }
}
