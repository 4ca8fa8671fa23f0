//! Users.

use domain::{ByteSize, Identity, InvalidIdentity, Quota, Role, Timestamp, User, UserId, UserName};
use ledger::UserChanges;
use poem_openapi::{Enum, Object};
use serde_json::Value;

use super::{Id, IssuerText, Moment, NameText, SubjectText, truth};
use crate::http::{Change, FromMembers, Members};

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Role", rename_all = "lowercase")]
pub enum RoleBody {
    /// Keep documents.
    User,
    /// Manage users and jobs as well.
    Admin,
}

/// The issuer and subject of a user's tokens.
#[derive(Debug, Object)]
#[oai(rename = "Identity")]
pub struct IdentityBody {
    /// The issuer, as `iss` has it; empty for tokens that name none.
    pub issuer: IssuerText,
    /// The subject, as `sub` has it.
    pub subject: SubjectText,
}

/// A user.
#[derive(Debug, Object)]
#[oai(rename = "User")]
pub struct UserBody {
    /// Their id.
    pub id: Id<UserId>,
    /// Their name, unique.
    pub name: String,
    /// The user's role.
    pub role: RoleBody,
    /// Whether the user is disabled.
    pub disabled: bool,
    /// The identities linked to the user.
    pub identities: Vec<IdentityBody>,
    /// Quota in bytes; `null` is the service's default.
    #[oai(nullable)]
    pub quota_bytes: Option<u64>,
    /// Quota in documents; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
    /// When the user was added.
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
    /// The user's role; `user` by default.
    pub role: Option<RoleBody>,
    /// Whether the user is disabled.
    pub disabled: Option<bool>,
    /// The identities linked to the user.
    #[oai(validator(max_items = 16))]
    pub identities: Option<Vec<IdentityBody>>,
    /// Quota in bytes; `null` is the service's default.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub quota_bytes: Option<i64>,
    /// Quota in documents; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
}

/// Changes to a user.
#[derive(Debug, Object)]
#[oai(rename = "UserChanges")]
pub struct UserChangesBody {
    /// A new name.
    pub name: Option<NameText>,
    /// A new role.
    pub role: Option<RoleBody>,
    /// Whether to disable the user.
    pub disabled: Option<bool>,
    /// The identities linked to the user, replacing the present ones.
    #[oai(validator(max_items = 16))]
    pub identities: Option<Vec<IdentityBody>>,
    /// Quota in bytes; `null` is the service's default.
    #[oai(nullable, validator(minimum(value = "0")))]
    pub quota_bytes: Option<i64>,
    /// Quota in documents; `null` is the service's default.
    #[oai(nullable)]
    pub quota_documents: Option<u32>,
}

/// A parsed new user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    name: UserName,
    role: Role,
    disabled: bool,
    identities: Vec<Identity>,
    quota: Quota,
}

impl NewUser {
    /// Creates the user at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> User {
        User {
            role: self.role,
            disabled: self.disabled,
            identities: self.identities,
            quota: self.quota,
            ..User::new(self.name, now)
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
        let (disabled, identities) = (disabled(members), identities(members));
        let quota = Quota {
            bytes: bytes(members).value(),
            documents: documents(members).value(),
        };
        Some(Self {
            name: name?,
            role,
            disabled: disabled.unwrap_or_default(),
            identities: identities.unwrap_or_default(),
            quota,
        })
    }
}

/// Parsed as a merge patch (RFC 7396).
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
            disabled: disabled(members),
            identities: identities(members),
            quota_bytes: bytes(members).patch(),
            quota_documents: documents(members).patch(),
        })
    }
}

fn disabled(members: &mut Members) -> Option<bool> {
    let disabled = members.change_with("disabled", |value| truth(&value));
    members.not_null("disabled", disabled)
}

fn identities(members: &mut Members) -> Option<Vec<Identity>> {
    let list = members.change_with("identities", |value| match value {
        Value::Array(list) if list.len() <= User::MAX_IDENTITIES => Ok(list),
        _ => Err(format!(
            "must be an array of at most {} identities",
            User::MAX_IDENTITIES
        )),
    });
    let list = members.not_null("identities", list)?;
    let mut identities = Vec::with_capacity(list.len());
    for (place, value) in list.into_iter().enumerate() {
        match identity(&value) {
            Ok(identity) => identities.push(identity),
            Err((member, detail)) => {
                let pointer = format!("{}/{place}{member}", members.pointer("identities"));
                members.refuse_at::<()>(pointer, detail);
            }
        }
    }
    identities.sort();
    identities.dedup();
    Some(identities)
}

/// Parses an identity, or returns the invalid member and its error.
fn identity(value: &Value) -> Result<Identity, (&'static str, String)> {
    let Some(object) = value.as_object().filter(|object| object.len() == 2) else {
        return Err(("", "must be an object with issuer and subject".to_owned()));
    };
    let text = |member: &str| object.get(member).and_then(Value::as_str);
    let issuer = text("issuer").ok_or(("/issuer", "must be a string".to_owned()))?;
    let subject = text("subject").ok_or(("/subject", "must be a string".to_owned()))?;
    Identity::new(issuer, subject).map_err(|error| match error {
        InvalidIdentity::Issuer => ("/issuer", error.to_string()),
        InvalidIdentity::Subject => ("/subject", error.to_string()),
    })
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

impl From<Identity> for IdentityBody {
    fn from(identity: Identity) -> Self {
        Self {
            issuer: IssuerText(identity.issuer().to_owned()),
            subject: SubjectText(identity.subject().to_owned()),
        }
    }
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: Id(user.id),
            name: user.name.to_string(),
            role: user.role.into(),
            disabled: user.disabled,
            identities: user.identities.into_iter().map(Into::into).collect(),
            quota_bytes: user.quota.bytes.map(ByteSize::bytes),
            quota_documents: user.quota.documents,
            created_at: Moment(user.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::read_object;

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
    fn a_bad_identity_is_named() {
        let read = changes(
            r#"{"identities":[{"issuer":"","subject":"b"},{"issuer":"i","subject":"a"},
                {"issuer":"","subject":"b"}]}"#,
        );
        let expected = [("", "b"), ("i", "a")].map(|(i, s)| Identity::new(i, s).unwrap());
        assert_eq!(read.unwrap().identities.unwrap(), expected);
        for (bad, pointer) in [
            (r#"[{"issuer":"i"}]"#, "/identities/0"),
            (r#"[{"issuer":"i","subject":""}]"#, "/identities/0/subject"),
            (r#"[{"issuer":7,"subject":"a"}]"#, "/identities/0/issuer"),
            (r#"[{"issuer":"i","subject":"a","x":1}]"#, "/identities/0"),
            ("null", "/identities"),
            ("{}", "/identities"),
        ] {
            let bad = changes(&format!(r#"{{"identities":{bad}}}"#));
            assert_eq!(bad.unwrap_err(), [pointer]);
        }
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
