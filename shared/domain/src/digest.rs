//! SHA-256 digests (FIPS 180-4) of content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};

/// A SHA-256 digest; shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256([u8; 32]);

/// A text that is not a SHA-256 digest in hexadecimal.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a SHA-256 digest is 64 hexadecimal digits")]
pub struct ParseDigestError;

impl Sha256 {
    /// Stands for a digest that isn't known yet. No content has it.
    pub const UNKNOWN: Self = Self([0; 32]);

    /// Returns whether it is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        *self != Self::UNKNOWN
    }

    /// The digest that somebody declared. [`Self::UNKNOWN`] becomes another that no content has, so
    /// that no content fulfils the declaration.
    #[must_use]
    pub fn declared(self) -> Self {
        if self.is_known() {
            self
        } else {
            Self([u8::MAX; 32])
        }
    }

    /// The digest with these 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseDigestError)?;
        Ok(Self(bytes))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = ParseDigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Computes a digest from bytes as they stream by.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

/// A text that is not the state of a [`Hasher`].
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the state of a digest can't be read")]
pub struct ParseHasherError;

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns its state after the bytes so far, in hexadecimal, from which [`Self::resume`]
    /// continues. It contains the last bytes, up to 64.
    #[must_use]
    pub fn state(&self) -> String {
        hex::encode(self.0.serialize())
    }

    /// Continues from a state.
    pub fn resume(state: &str) -> Result<Self, ParseHasherError> {
        let mut bytes = SerializedState::<sha2::Sha256>::default();
        hex::decode_to_slice(state, &mut bytes).map_err(|_| ParseHasherError)?;
        let hasher = sha2::Sha256::deserialize(&bytes).map_err(|_| ParseHasherError)?;
        Ok(Self(hasher))
    }

    /// Returns the digest of all bytes.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Hasher::default().finish().to_string(), text);
        for text in [text.to_owned(), text.to_uppercase()] {
            assert_eq!(text.parse::<Sha256>().unwrap(), Sha256::of(b""));
        }
    }

    #[test]
    fn a_digest_goes_on_where_another_process_stopped() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for cut in [0, 1, 55, 63, 64, 65, 128, 999, 1_000] {
            let mut first = Hasher::default();
            first.update(&bytes[..cut]);
            let mut second = Hasher::resume(&first.state()).unwrap();
            second.update(&bytes[cut..]);
            assert_eq!(second.finish(), Sha256::of(&bytes), "{cut}");
        }
        let state = Hasher::default().state();
        for broken in ["", "00", &state[2..], &state.replace('0', "f")] {
            assert!(Hasher::resume(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused() {
        for text in ["", "xyz", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
        assert!("é".repeat(32).parse::<Sha256>().is_err());
    }
}
