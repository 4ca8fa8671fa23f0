//! Scopes: what an API key may be used for.

use std::fmt;
use std::str::FromStr;

use super::Role;

/// A part of the API that a key may be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Reading documents, versions and content.
    DocumentsRead,
    /// Uploading, changing and deleting documents and versions.
    DocumentsWrite,
    /// Operations on many documents, imports and exports. It suffices for all of them, so it reads, changes
    /// and deletes documents without the scopes above.
    Operations,
    /// Reading events.
    Events,
    /// Managing webhooks.
    Webhooks,
    /// Managing tickets.
    Tickets,
    /// Administration, and reading documents of other users.
    Admin,
}

/// A text that is not a scope.
#[derive(Debug, thiserror::Error)]
#[error("must be one of {}", Scopes::ALL)]
pub struct UnknownScope;

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::DocumentsRead,
        Self::DocumentsWrite,
        Self::Operations,
        Self::Events,
        Self::Webhooks,
        Self::Tickets,
        Self::Admin,
    ];

    /// The scope as in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentsRead => "documents:read",
            Self::DocumentsWrite => "documents:write",
            Self::Operations => "operations",
            Self::Events => "events",
            Self::Webhooks => "webhooks",
            Self::Tickets => "tickets",
            Self::Admin => "admin",
        }
    }

    /// What a key with it alone may do, as the OpenAPI document, `dsr` and the console tell it.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::DocumentsRead => "read documents, versions and content",
            Self::DocumentsWrite => "upload, change, archive and delete documents one by one",
            Self::Operations => {
                "read all documents by exports, change and delete them in bulk, and import others"
            }
            Self::Events => "read every event, with names and metadata of documents",
            Self::Webhooks => {
                "have every event sent to any URL, with names and metadata of documents"
            }
            Self::Tickets => "let others upload documents without a key",
            Self::Admin => {
                "administer users, keys, jobs, queues and storage; with other scopes, read what other users have"
            }
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let mut all = Self::ALL.into_iter();
        all.find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A set of scopes. As text they are separated by spaces, as in RFC 6749, section 3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope: what a key without a list has, and a token.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// The scopes that have an effect for users of a role.
    #[must_use]
    pub const fn of_role(role: Role) -> Self {
        match role {
            Role::Admin => Self::ALL,
            Role::User => Self(Self::ALL.0 & !Scope::Admin.bit()),
        }
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns whether the set contains a scope.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The first scope of `wanted` that this set lacks.
    #[must_use]
    pub fn lacks(self, wanted: Self) -> Option<Scope> {
        wanted.iter().find(|scope| !self.contains(*scope))
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{scope}")?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_and_read() {
        let all = "documents:read documents:write operations events webhooks tickets admin";
        assert_eq!(Scopes::ALL.to_string(), all);
        assert_eq!(all.parse::<Scopes>().unwrap(), Scopes::ALL);
        let two: Scopes = "events documents:read".parse().unwrap();
        assert_eq!(two.to_string(), "documents:read events");
        "documents".parse::<Scopes>().unwrap_err();
    }

    #[test]
    fn the_first_scope_that_is_lacking_is_named() {
        let read = Scopes::from_iter([Scope::DocumentsRead]);
        assert_eq!(read.lacks(read), None);
        assert_eq!(read.lacks(Scopes::ALL), Some(Scope::DocumentsWrite));
        assert_eq!(Scopes::ALL.lacks(read), None);
        assert_eq!(
            Scopes::of_role(Role::User).lacks(Scopes::ALL),
            Some(Scope::Admin)
        );
    }
}
