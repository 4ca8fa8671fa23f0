//! Access rules. Data that a caller may not see doesn't exist for them.

use super::{Role, Scope, Scopes, Timestamp, UserId};

/// An authenticated caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// Their role.
    pub role: Role,
}

/// The account of a key or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub caller: Caller,
    /// Whether they are disabled.
    pub disabled: bool,
    /// What the key or token may be used for.
    pub scopes: Scopes,
    /// When the key or token ends, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Account {
    /// The account of a token, which may be used for all that its user may do.
    #[must_use]
    pub const fn of_token(caller: Caller, disabled: bool) -> Self {
        Self {
            caller,
            disabled,
            scopes: Scopes::ALL,
            expires_at: None,
        }
    }

    /// The caller as this key lets them act: an admin only with its scope.
    #[must_use]
    pub const fn acting(&self) -> Caller {
        Caller {
            user: self.caller.user,
            role: if self.scopes.contains(Scope::Admin) {
                self.caller.role
            } else {
                Role::User
            },
        }
    }
}

/// The result of an access check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Allowed.
    Granted,
    /// Not allowed: answered as not found.
    Hidden,
}

impl Caller {
    /// Checks whether the caller may read data of `owner` with the requested owner (`?owner=`):
    /// admins must name the owner.
    #[must_use]
    pub fn may_read(&self, owner: UserId, requested: Option<UserId>) -> Access {
        match requested {
            Some(requested) if requested != owner => Access::Hidden,
            Some(_) if self.role == Role::Admin => Access::Granted,
            _ => self.may_change(owner),
        }
    }

    /// Checks whether the caller may change data of `owner`: only their own.
    #[must_use]
    pub fn may_change(&self, owner: UserId) -> Access {
        if owner == self.user {
            Access::Granted
        } else {
            Access::Hidden
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn an_admin_reads_for_a_named_owner_and_changes_only_their_own() {
        let now = Timestamp::from_micros(0);
        let (alice, bob) = (UserId::new(now), UserId::new(now));
        let admin = Caller {
            user: bob,
            role: Role::Admin,
        };
        let user = Caller {
            user: bob,
            role: Role::User,
        };
        assert_eq!(admin.may_read(alice, None), Access::Hidden);
        assert_eq!(admin.may_read(alice, Some(alice)), Access::Granted);
        assert_eq!(admin.may_change(alice), Access::Hidden);
        assert_eq!(user.may_read(alice, Some(alice)), Access::Hidden);
        assert_eq!(user.may_read(bob, Some(bob)), Access::Granted);
        assert_eq!(user.may_read(bob, None), Access::Granted);
    }
}
