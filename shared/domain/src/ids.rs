//! Identifiers: a type for each kind, so that they can't be confused, and one spelling for each id,
//! so that different texts are different ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A text that isn't an id as the service writes them: a UUID in lower case with hyphens.
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
            /// Creates a `UUIDv7` (RFC 9562) at `now`: later ids sort after it.
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
    /// A version of a document; clients see its number.
    VersionId;
    /// A user.
    UserId;
    /// An API key.
    KeyId;
    /// A job.
    JobId;
    /// A bulk operation.
    OperationId;
    /// A resumable upload.
    UploadId;
    /// A ticket.
    TicketId;
    /// A ledger, with all its places.
    InstallationId;
    /// An entry of the security log.
    AuditId;
    /// A move of documents' bytes from one place to another.
    StorageMoveId;
    /// A webhook.
    WebhookId;
    /// A delivery to a webhook.
    DeliveryId;
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

/// RFC 9562 allows readers to accept upper case, and libraries accept braces and URNs; but an
/// object with several addresses would evade whatever identifies it by its address.
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
