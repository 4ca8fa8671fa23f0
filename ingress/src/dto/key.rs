//! API keys.

use domain::KeyId;
use ledger::ApiKey;
use poem_openapi::Object;

use super::{Id, Moment};
use crate::http::{FromMembers, Members};

/// An API key, without the key itself.
#[derive(Debug, Object)]
#[oai(rename = "ApiKey")]
pub struct ApiKeyBody {
    /// Its id.
    pub id: Id<KeyId>,
    /// When it was made.
    pub created_at: Moment,
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
}

/// A request for a key. It has no members.
#[derive(Debug, Object)]
#[oai(rename = "NewApiKeyRequest")]
pub struct NewKeyRequest {}

impl FromMembers for NewKeyRequest {
    type Schema = Self;

    fn take(_: &mut Members) -> Option<Self> {
        Some(Self {})
    }
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: Id(key.id),
            created_at: Moment(key.created_at),
        }
    }
}
