//! Which JSON Web Tokens (RFC 7519) are accepted; none by default.

use std::str::FromStr;

use clap::Args;

use super::{KeySource, List, Secret};

#[expect(
    clippy::doc_markdown,
    reason = "`--help` shows these texts as they stand"
)]
/// Settings of JWT authentication. It is on if a secret or a key set is given.
#[derive(Args, Clone, Debug, Default)]
pub struct JwtSettings {
    /// Accept JWTs signed with HS256 and this secret of at least 32 characters
    #[arg(
        long = "jwt-secret",
        env = "DOSSIER_JWT_SECRET",
        global = true,
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub secret: Option<Secret>,

    /// Accept JWTs signed by a key of this JWK set: a file or an http(s) URL
    #[arg(
        long = "jwt-jwks",
        env = "DOSSIER_JWT_JWKS",
        global = true,
        value_name = "FILE-OR-URL"
    )]
    pub jwks: Option<KeySource>,

    /// The accepted signature algorithms, a comma list [default: HS256 with a secret; RS256, ES256
    /// and EdDSA with a key set]
    #[arg(
        long = "jwt-algorithms",
        env = "DOSSIER_JWT_ALGORITHMS",
        global = true,
        value_name = "ALGORITHMS"
    )]
    pub algorithms: Vec<List<JwtAlgorithm>>,

    /// The issuer (iss) that tokens must have
    #[arg(
        long = "jwt-issuer",
        env = "DOSSIER_JWT_ISSUER",
        global = true,
        value_name = "ISSUER"
    )]
    pub issuer: Option<String>,

    /// The audience (aud) that tokens must have; required with a key set
    #[arg(
        long = "jwt-audience",
        env = "DOSSIER_JWT_AUDIENCE",
        global = true,
        value_name = "AUDIENCE"
    )]
    pub audience: Option<String>,

    /// Create a user when a token has an unknown subject
    #[arg(long = "jwt-create-users", env = "DOSSIER_JWT_CREATE_USERS", global = true,
        default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOLEAN")]
    pub create_users: bool,
}

impl JwtSettings {
    /// Returns whether JWTs are accepted at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.secret.is_some() || self.jwks.is_some()
    }

    /// Returns the accepted algorithms: the configured ones, else all that fit the configured keys.
    #[must_use]
    pub fn allowed_algorithms(&self) -> Vec<JwtAlgorithm> {
        if !self.algorithms.is_empty() {
            return List::entries(&self.algorithms);
        }
        let symmetric = self.secret.iter().map(|_| JwtAlgorithm::Hs256);
        let asymmetric = [
            JwtAlgorithm::Rs256,
            JwtAlgorithm::Es256,
            JwtAlgorithm::EdDsa,
        ];
        symmetric
            .chain(asymmetric.into_iter().filter(|_| self.jwks.is_some()))
            .collect()
    }
}

/// A signature algorithm of RFC 7518 or RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl FromStr for JwtAlgorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "HS256" => Ok(Self::Hs256),
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" => Ok(Self::EdDsa),
            _ => Err("must be HS256, RS256, ES256 or EdDSA"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_of_a_key_set_are_never_shown() {
        let settings = JwtSettings {
            jwks: "https://u:hidden@id.example.com/keys?token=hidden"
                .parse()
                .ok(),
            ..JwtSettings::default()
        };
        let debug = format!("{settings:?}");
        assert!(debug.contains("https://id.example.com/keys"), "{debug}");
        assert!(!debug.contains("hidden"), "{debug}");
    }
}
