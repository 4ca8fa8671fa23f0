//! Identifiers: one type for each thing, so that none is passed for another, and one spelling
//! for each id, so that two texts are two ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A text that is no id as we write them: a UUID in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID in lower case, such as 0192aaaa-5e1f-7c1e-9d0a-1b2c3d4e5f60")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new `UUIDv7` (RFC 9562) whose time part is `now`: later ones sort later.
            #[must_use]
            pub fn new(now: Timestamp) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A document.
    DocumentId;
    /// One version of a document; readers know it by its number.
    VersionId;
    /// A user, who owns documents.
    UserId;
    /// An API key.
    KeyId;
    /// A job of the ledger.
    JobId;
    /// A bulk operation.
    OperationId;
    /// A ledger, with all the places that belong to it.
    InstallationId;
    /// A line of the security log.
    AuditId;
    /// Stored content, shared by all versions with the same bytes.
    BlobId;
}

fn uuid_at(now: Timestamp) -> Uuid {
    let (seconds, nanoseconds) = now.unix();
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::timestamp::context::ContextV7::new(),
        seconds,
        nanoseconds,
    ))
}

/// RFC 9562 lets readers take upper case, and libraries take braces and URNs; but a thing with
/// several addresses escapes whatever goes by the address.
fn parse(text: &str) -> Result<Uuid, InvalidId> {
    let canonical = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    if text.len() != uuid::fmt::Hyphenated::LENGTH || !text.bytes().all(canonical) {
        return Err(InvalidId);
    }
    text.parse().map_err(|_| InvalidId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = "0190a5c0-0000-7000-8000-0000000000ff";
        assert_eq!(id.parse::<DocumentId>().unwrap().to_string(), id);
        for other in [
            "0190A5C0-0000-7000-8000-0000000000FF",
            "0190a5c0-0000-7000-8000-0000000000fF",
            "0190a5c00000700080000000000000ff",
            "{0190a5c0-0000-7000-8000-0000000000ff}",
            "urn:uuid:0190a5c0-0000-7000-8000-0000000000ff",
            " 0190a5c0-0000-7000-8000-000000000ff",
            "0190a5c0-0000-7000-8000-0000000000f",
            "0190a5c-00000-7000-8000-0000000000ff",
            "",
        ] {
            assert!(other.parse::<DocumentId>().is_err(), "{other}");
        }
    }
}
