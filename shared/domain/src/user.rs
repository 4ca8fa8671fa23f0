//! Users and their roles.

use std::fmt;
use std::str::FromStr;

use super::{Identity, Quota, Timestamp, UserId, UserName};

/// The role of a user; each may do everything that the roles before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Manages their own documents.
    User,
    /// Also manages users and jobs, and reads any document.
    Admin,
}

/// A text that is not a role.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a role: user or admin")]
pub struct UnknownRole(String);

impl Role {
    /// The role as in the API and the database.
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

/// A user. The name is a label; it never decides access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name, unique.
    pub name: UserName,
    /// Their role.
    pub role: Role,
    /// Whether they are disabled.
    pub disabled: bool,
    /// The identities of their tokens, in the order of issuer and subject.
    pub identities: Vec<Identity>,
    /// Their own limits.
    pub quota: Quota,
    /// When they were added.
    pub created_at: Timestamp,
}

impl User {
    /// The maximum number of identities of a user.
    pub const MAX_IDENTITIES: usize = 16;

    /// Creates an ordinary user without their own limits, added at `now`.
    #[must_use]
    pub fn new(name: UserName, now: Timestamp) -> Self {
        Self {
            id: UserId::new(now),
            name,
            role: Role::User,
            disabled: false,
            identities: Vec::new(),
            quota: Quota::default(),
            created_at: now,
        }
    }

    /// Returns whether they can manage the service.
    #[must_use]
    pub const fn is_enabled_admin(&self) -> bool {
        matches!(self.role, Role::Admin) && !self.disabled
    }
}
