//! API keys.

use domain::{KeyId, KeyLifetime, KeyName, Role, Scope, Scopes, Timestamp};
use ledger::ApiKey;
use poem_openapi::{Enum, Object};
use serde_json::Value;

use super::{Id, LifetimeText, Moment, NameText};
use crate::http::{FromMembers, Members};

/// What an API key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Scope")]
pub enum ScopeBody {
    /// Read documents, versions and content.
    #[oai(rename = "documents:read")]
    DocumentsRead,
    /// Upload, change and delete documents and versions.
    #[oai(rename = "documents:write")]
    DocumentsWrite,
    /// Bulk operations, imports and exports.
    #[oai(rename = "operations")]
    Operations,
    /// Read events.
    #[oai(rename = "events")]
    Events,
    /// Manage webhooks.
    #[oai(rename = "webhooks")]
    Webhooks,
    /// Manage tickets.
    #[oai(rename = "tickets")]
    Tickets,
    /// Administration, and reading documents of other users.
    #[oai(rename = "admin")]
    Admin,
}

impl From<Scope> for ScopeBody {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::DocumentsRead => Self::DocumentsRead,
            Scope::DocumentsWrite => Self::DocumentsWrite,
            Scope::Operations => Self::Operations,
            Scope::Events => Self::Events,
            Scope::Webhooks => Self::Webhooks,
            Scope::Tickets => Self::Tickets,
            Scope::Admin => Self::Admin,
        }
    }
}

/// The scopes of a key or token that have an effect for a user of this role.
pub fn effective_scopes(scopes: Scopes, role: Role) -> Vec<ScopeBody> {
    let effective = scopes.within(Scopes::of_role(role));
    effective.iter().map(Into::into).collect()
}

/// An API key, without the key itself.
#[derive(Debug, Object)]
#[oai(rename = "ApiKey")]
pub struct ApiKeyBody {
    /// Its id.
    pub id: Id<KeyId>,
    /// Its name.
    #[oai(nullable)]
    pub name: Option<String>,
    /// Its first characters; `null` for keys made by former releases.
    #[oai(nullable)]
    pub starts_with: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<ScopeBody>,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends; `null` if it doesn't.
    #[oai(nullable)]
    pub expires_at: Option<Moment>,
    /// When it was last used, to the minute; `null` if it wasn't.
    #[oai(nullable)]
    pub last_used_at: Option<Moment>,
}

impl ApiKeyBody {
    /// A key of a user of this role.
    pub fn new(key: ApiKey, role: Role) -> Self {
        Self {
            id: Id(key.id),
            name: key.name.map(|name| name.to_string()),
            starts_with: key.starts_with,
            scopes: effective_scopes(key.scopes.unwrap_or(Scopes::ALL), role),
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

/// A page of API keys.
#[derive(Debug, Object)]
#[oai(rename = "ApiKeyPage")]
pub struct ApiKeyPageBody {
    /// The keys.
    pub items: Vec<ApiKeyBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

// Not `Debug`, so that no log shows the key.
/// A key that was just made.
#[derive(Object)]
#[oai(rename = "NewApiKey")]
pub struct NewKeyBody {
    /// Its id.
    pub id: Id<KeyId>,
    /// The key for the `Authorization` field, shown only now.
    pub key: String,
    /// Its name.
    #[oai(nullable)]
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<ScopeBody>,
    /// When it ends; `null` if it doesn't.
    #[oai(nullable)]
    pub expires_at: Option<Moment>,
}

/// A request for a key.
#[derive(Debug, Object)]
#[oai(rename = "NewApiKeyRequest")]
pub struct NewKeyFields {
    /// A label.
    #[oai(nullable)]
    pub name: Option<NameText>,
    /// What it may be used for; all that its user may do by default.
    #[oai(nullable, validator(min_items = 1, max_items = 7))]
    pub scopes: Option<Vec<ScopeBody>>,
    /// How long it may be used, in seconds, minutes, hours or days: `90s`, `30m`, `24h` or `90d`; without end by
    /// default.
    #[oai(nullable)]
    pub expires_in: Option<LifetimeText>,
}

/// A parsed request for a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKeyRequest {
    name: Option<KeyName>,
    /// What it may be used for, if not for everything.
    pub scopes: Option<Scopes>,
    lifetime: Option<KeyLifetime>,
}

impl NewKeyRequest {
    /// When a key that is made now ends.
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| now.plus(lifetime.0))
    }

    /// The key, made at `now`.
    pub fn at(self, now: Timestamp, key: ApiKey) -> ApiKey {
        ApiKey {
            expires_at: self.expires_at(now),
            name: self.name,
            scopes: self.scopes,
            ..key
        }
    }
}

impl FromMembers for NewKeyRequest {
    type Schema = NewKeyFields;

    fn take(members: &mut Members) -> Option<Self> {
        Some(Self {
            name: members.change("name").value(),
            scopes: scopes(members),
            lifetime: members.change("expires_in").value(),
        })
    }
}

fn scopes(members: &mut Members) -> Option<Scopes> {
    let list = members.change_with("scopes", |value| match value {
        Value::Array(list) if (1..=Scope::ALL.len()).contains(&list.len()) => Ok(list),
        _ => Err(format!(
            "must be an array of 1 to {} scopes",
            Scope::ALL.len()
        )),
    });
    let mut scopes = Vec::new();
    for (place, value) in list.value()?.into_iter().enumerate() {
        match value.as_str().unwrap_or_default().parse::<Scope>() {
            Ok(scope) => scopes.push(scope),
            Err(error) => {
                let pointer = format!("{}/{place}", members.pointer("scopes"));
                members.refuse_at::<()>(pointer, error.to_string());
            }
        }
    }
    Some(scopes.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::read_object;

    fn wrong(body: &str) -> Vec<String> {
        let problem = read_object::<NewKeyRequest>(body.as_bytes()).unwrap_err();
        problem.pointers_for_tests()
    }

    #[test]
    fn nothing_is_required() {
        for body in ["{}", r#"{"name":null,"scopes":null,"expires_in":null}"#] {
            let request: NewKeyRequest = read_object(body.as_bytes()).unwrap();
            assert_eq!(request, NewKeyRequest::default());
        }
    }

    #[test]
    fn every_wrong_member_is_named() {
        let body = r#"{"name":"","scopes":["events","all",7],"expires_in":"1w","role":1}"#;
        assert_eq!(
            wrong(body),
            ["/name", "/scopes/1", "/scopes/2", "/expires_in", "/role"]
        );
        assert_eq!(wrong(r#"{"scopes":[]}"#), ["/scopes"]);
        for text in [
            "", "d", "0d", "01d", "10000d", "1w", "1 h", "+1h", "1é", "24",
        ] {
            let body = format!(r#"{{"expires_in":"{text}"}}"#);
            assert_eq!(wrong(&body), ["/expires_in"], "{text}");
        }
    }

    #[test]
    fn only_admins_have_the_scope_of_administration() {
        assert_eq!(effective_scopes(Scopes::ALL, Role::Admin).len(), 7);
        let of_user = effective_scopes(Scopes::ALL, Role::User);
        assert_eq!(of_user.len(), 6);
        assert!(!of_user.contains(&ScopeBody::Admin));
    }
}
