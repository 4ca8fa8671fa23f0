//! Users as admins read and write them.

use poem_openapi::{Enum, Object};
use shared::db::UserChanges;
use shared::domain::{ByteSize, Quota, Role, Timestamp, User, UserId, UserName};

use super::{Id, Moment, NameText};
use crate::body::{Change, FromMembers, Members};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Role", rename_all = "lowercase")]
pub enum RoleBody {
    /// Keep documents.
    User,
    /// Manage users and jobs as well.
    Admin,
}

/// A user.
#[derive(Debug, Object)]
#[oai(rename = "User")]
pub struct UserBody {
    /// Their id.
    pub id: Id<UserId>,
    /// Their name, unique.
    pub name: String,
    /// What they may do.
    pub role: RoleBody,
    /// Bytes they may keep; `null` is the service's default.
    #[oai(nullable)]
    pub quota_bytes: Option<u64>,
    /// Documents they may keep; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
    /// When they were added.
    pub created_at: Moment,
}

/// A page of users.
#[derive(Debug, Object)]
#[oai(rename = "UserPage")]
pub struct UserPageBody {
    /// The users.
    pub items: Vec<UserBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// A user to be added.
#[derive(Debug, Object)]
#[oai(rename = "NewUser")]
pub struct NewUserBody {
    /// Their name.
    pub name: NameText,
    /// What they may do; `user` if it is left out.
    pub role: Option<RoleBody>,
    /// Bytes they may keep; `null` is the service's default.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub quota_bytes: Option<i64>,
    /// Documents they may keep; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
}

/// What changes of a user.
#[derive(Debug, Object)]
#[oai(rename = "UserChanges")]
pub struct UserChangesBody {
    /// A new name.
    pub name: Option<NameText>,
    /// A new role.
    pub role: Option<RoleBody>,
    /// Bytes they may keep; `null` is the service's default.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub quota_bytes: Option<i64>,
    /// Documents they may keep; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
}

/// A user to be added, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    name: UserName,
    role: Role,
    quota: Quota,
}

impl NewUser {
    /// The user that is added at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> User {
        User {
            id: UserId::new(now),
            name: self.name,
            role: self.role,
            quota: self.quota,
            created_at: now,
        }
    }
}

impl FromMembers for NewUser {
    type Schema = NewUserBody;

    fn take(members: &mut Members) -> Option<Self> {
        let name = members.required("name");
        let role = match members.change("role") {
            Change::Keep => Role::User,
            Change::Set(role) => role,
            Change::Clear => return members.refuse("role", "must not be null"),
        };
        let quota = Quota {
            bytes: bytes(members).value(),
            documents: documents(members).value(),
        };
        Some(Self {
            name: name?,
            role,
            quota,
        })
    }
}

/// Read as a merge patch (RFC 7396).
impl FromMembers for UserChanges {
    type Schema = UserChangesBody;

    fn take(members: &mut Members) -> Option<Self> {
        let (name, role) = (members.change("name"), members.change("role"));
        for (member, cleared) in [
            ("name", name == Change::Clear),
            ("role", role == Change::Clear),
        ] {
            if cleared {
                members.refuse::<()>(member, "must not be null");
            }
        }
        Some(Self {
            name: name.value(),
            role: role.value(),
            quota_bytes: bytes(members).patch(),
            quota_documents: documents(members).patch(),
        })
    }
}

fn bytes(members: &mut Members) -> Change<ByteSize> {
    members.change_with("quota_bytes", |value| {
        let bytes = value.as_u64().filter(|bytes| i64::try_from(*bytes).is_ok());
        bytes
            .map(ByteSize::new)
            .ok_or("must be a whole number that is not negative")
    })
}

fn documents(members: &mut Members) -> Change<u32> {
    members.change_with("quota_documents", |value| {
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        count.ok_or("must be a whole number from 0 to 4294967295")
    })
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: Id(user.id),
            name: user.name.to_string(),
            role: user.role.into(),
            quota_bytes: user.quota.bytes.map(ByteSize::bytes),
            quota_documents: user.quota.documents,
            created_at: Moment(user.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::read_object;

    fn changes(body: &str) -> Result<UserChanges, Vec<String>> {
        read_object(body.as_bytes()).map_err(|problem| problem.pointers_for_tests())
    }

    #[test]
    fn a_new_user_is_an_ordinary_one_with_default_limits() {
        let user: NewUser = read_object(br#"{"name":"alice"}"#).unwrap();
        assert_eq!((user.role, user.quota), (Role::User, Quota::default()));
    }

    #[test]
    fn null_takes_a_limit_back_and_silence_keeps_it() {
        let read = changes(r#"{"quota_bytes":null,"role":"admin"}"#).unwrap();
        assert_eq!(read.quota_bytes, Some(None));
        assert_eq!(
            (read.quota_documents, read.role, read.name),
            (None, Some(Role::Admin), None)
        );
    }

    #[test]
    fn every_bad_member_is_named() {
        let bad = changes(
            r#"{"name":null,"role":"king","quota_bytes":-1,"quota_documents":1.5,"id":"x"}"#,
        );
        let mut pointers = bad.unwrap_err();
        pointers.sort();
        assert_eq!(
            pointers,
            ["/id", "/name", "/quota_bytes", "/quota_documents", "/role"]
        );
    }
}
