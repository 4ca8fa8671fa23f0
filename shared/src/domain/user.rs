//! Users, their roles and quotas.

use std::fmt;
use std::str::FromStr;

use super::{ByteSize, Limits, Timestamp, UserId, UserName};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Keep documents.
    User,
    /// Keep documents, manage users and jobs, read any document.
    Admin,
}

/// A text that is not a role.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a role: user or admin")]
pub struct UnknownRole(String);

impl Role {
    /// The role as clients and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// A user's own limits; `None` is the service's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes, used and reserved together.
    pub bytes: Option<ByteSize>,
    /// Documents in every status but `error`.
    pub documents: Option<u32>,
}

impl Quota {
    /// The byte limit in force.
    #[must_use]
    pub fn byte_limit(&self, limits: &Limits) -> ByteSize {
        self.bytes.unwrap_or(limits.default_quota_bytes)
    }

    /// The document limit in force.
    #[must_use]
    pub fn document_limit(&self, limits: &Limits) -> u32 {
        self.documents.unwrap_or(limits.default_quota_documents)
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name, unique.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// Their own limits.
    pub quota: Quota,
    /// When they were added.
    pub created_at: Timestamp,
}
