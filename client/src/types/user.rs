//! Users and their keys, as admins manage them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Role, Timestamp};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Whether all their requests are refused.
    pub disabled: bool,
    /// Bytes of all documents; none for the default of the service.
    pub quota_bytes: Option<u64>,
    /// The number of documents; none for the default of the service.
    pub quota_documents: Option<u32>,
    /// Whose tokens are theirs.
    pub identities: Vec<Identity>,
    /// When they were created.
    pub created_at: Timestamp,
}

/// Who a token is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The issuer of the tokens (`iss`).
    pub issuer: String,
    /// The subject of the tokens (`sub`).
    pub subject: String,
}

/// A user to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    /// Their name, unique.
    pub name: String,
    /// Their role; by default `user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether all their requests are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Bytes of all documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// The number of documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_documents: Option<u32>,
    /// Whose tokens are theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<Identity>>,
}

/// Changes to a user; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChanges {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether all their requests are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Bytes of all documents, or `Some(None)` for the default of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<Option<u64>>,
    /// The number of documents, or `Some(None)` for the default of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_documents: Option<Option<u32>>,
    /// Whose tokens are theirs, instead of those before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<Identity>>,
}

/// An API key to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may be used for, such as `documents:read`; by default all that its user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// How long it may be used, such as `90s`, `30m`, `24h` or `90d`; by default without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}
