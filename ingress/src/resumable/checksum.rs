//! `Upload-Checksum` of tus: the digest of one request's bytes, in its header or trailer.

use base64::Engine;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::metadata::BASE64;
use crate::problem::{Code, Problem};

/// The algorithms, as in `Tus-Checksum-Algorithm`.
pub const ALGORITHMS: &str = "sha1,sha256,md5,crc32";

/// A checksum that is computed. Of one that comes in the trailer, the algorithm isn't known before.
#[derive(Clone)]
pub struct Checksums(Vec<Running>);

#[derive(Clone)]
enum Running {
    Sha1(Sha1),
    Sha256(Sha256),
    Md5(Md5),
    Crc32(crc32fast::Hasher),
}

/// What a client expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    algorithm: &'static str,
    digest: Vec<u8>,
}

impl Expected {
    /// Reads the field: the algorithm, a space, and the digest in Base64.
    pub fn read(field: &str) -> Result<Self, Problem> {
        let (algorithm, digest) = field.trim().split_once(' ').unwrap_or((field, ""));
        let known = ALGORITHMS.split(',').find(|known| *known == algorithm);
        let algorithm =
            known.ok_or_else(|| malformed("names an algorithm that is not supported"))?;
        let digest = BASE64.decode(digest.trim());
        let digest = digest.map_err(|_| malformed("has a digest that is not Base64"))?;
        Ok(Self { algorithm, digest })
    }
}

impl Expected {
    /// This SHA-256.
    pub fn of_sha256(digest: &[u8]) -> Self {
        Self {
            algorithm: "sha256",
            digest: digest.to_vec(),
        }
    }
}

fn malformed(what: &str) -> Problem {
    Problem::from(Code::BadDigest).with_detail(format!("Upload-Checksum {what}."))
}

impl Checksums {
    /// Starts what is needed for a checksum in the header, or all of them for one in the trailer.
    pub fn begin(expected: Option<&Expected>) -> Self {
        let named = ALGORITHMS.split(',');
        let named =
            named.filter(|name| expected.is_none_or(|expected| expected.algorithm == *name));
        Self(named.map(Running::of).collect())
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for running in &mut self.0 {
            match running {
                Running::Sha1(hasher) => hasher.update(bytes),
                Running::Sha256(hasher) => hasher.update(bytes),
                Running::Md5(hasher) => hasher.update(bytes),
                Running::Crc32(hasher) => hasher.update(bytes),
            }
        }
    }

    /// Returns whether the bytes have the expected checksum.
    pub fn match_with(self, expected: &Expected) -> bool {
        let mut all = self.0.into_iter().map(Running::finish);
        all.any(|(name, digest)| name == expected.algorithm && digest == expected.digest)
    }
}

impl Running {
    fn of(name: &str) -> Self {
        match name {
            "sha1" => Self::Sha1(Sha1::new()),
            "sha256" => Self::Sha256(Sha256::new()),
            "md5" => Self::Md5(Md5::new()),
            _ => Self::Crc32(crc32fast::Hasher::new()),
        }
    }

    fn finish(self) -> (&'static str, Vec<u8>) {
        match self {
            Self::Sha1(hasher) => ("sha1", hasher.finalize().to_vec()),
            Self::Sha256(hasher) => ("sha256", hasher.finalize().to_vec()),
            Self::Md5(hasher) => ("md5", hasher.finalize().to_vec()),
            Self::Crc32(hasher) => ("crc32", hasher.finalize().to_be_bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_knows_its_digest() {
        // Of "hello", as `openssl dgst -binary | base64` and crc32 write them.
        for field in [
            "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
            "md5 XUFAKrxLKna5cZ2REBfFkg==",
            "crc32 NhCmhg==",
        ] {
            let expected = Expected::read(field).unwrap();
            for begun in [Some(&expected), None] {
                let mut checksums = Checksums::begin(begun);
                checksums.update(b"hel");
                checksums.update(b"lo");
                assert!(checksums.clone().match_with(&expected), "{field}");
                checksums.update(b"!");
                assert!(!checksums.match_with(&expected), "{field}");
            }
        }
    }

    #[test]
    fn what_is_unknown_or_malformed_is_refused() {
        for field in ["", "sha1", "sha512 AAAA", "sha1 !", "SHA1 AAAA"] {
            let refused = Expected::read(field);
            let short = refused.is_ok_and(|expected| !expected.digest.is_empty());
            assert!(!short, "{field}");
        }
    }
}
