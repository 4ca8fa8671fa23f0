//! Access rules. Data that a caller may not see doesn't exist for them.

use super::{Role, UserId};

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
