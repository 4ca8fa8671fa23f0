//! Identities of tokens. Users are linked to identities; a name never authenticates anybody.

use std::fmt;

use serde::Serialize;

use super::Sha256;

/// A token's issuer and subject (`iss` and `sub`, RFC 7519). Equal subjects of two issuers are
/// different identities.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Identity {
    issuer: String,
    subject: String,
}

/// Why an identity is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    /// The issuer is too long, or has a forbidden character.
    #[error("must have at most 1024 characters, none of them a control character")]
    Issuer,
    /// The subject is empty or too long, or has a forbidden character.
    #[error("must have 1 to 255 characters, none of them a control character")]
    Subject,
}

impl Identity {
    /// Creates an identity. The issuer is empty for tokens without `iss`.
    pub fn new(issuer: &str, subject: &str) -> Result<Self, InvalidIdentity> {
        if issuer.chars().count() > 1024 || issuer.contains(char::is_control) {
            return Err(InvalidIdentity::Issuer);
        }
        let length = subject.chars().count();
        if !(1..=255).contains(&length) || subject.contains(char::is_control) {
            return Err(InvalidIdentity::Subject);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// A digest that distinguishes it from all others.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        // Neither has a control character.
        Sha256::of(format!("{}\0{}", self.issuer, self.subject).as_bytes())
    }

    /// The issuer; empty for tokens without one.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.issuer, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_text_that_both_databases_keep() {
        assert!(Identity::new("", "alice").is_ok());
        assert!(Identity::new("https://id.example.com", &"é".repeat(255)).is_ok());
        for (issuer, subject, wrong) in [
            ("\0", "a", InvalidIdentity::Issuer),
            (&*"x".repeat(1025), "a", InvalidIdentity::Issuer),
            ("", "", InvalidIdentity::Subject),
            ("", "a\0", InvalidIdentity::Subject),
            ("", "a\n", InvalidIdentity::Subject),
            ("", &*"x".repeat(256), InvalidIdentity::Subject),
        ] {
            assert_eq!(Identity::new(issuer, subject), Err(wrong));
        }
    }
}
