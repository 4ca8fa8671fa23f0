//! Who a caller is, and what they may do.

use domain::UserId;
use poem_openapi::Object;

use super::key::{ApiKeyBody, ScopeBody};
use super::user::RoleBody;
use super::{Id, Moment};

/// The caller.
#[derive(Debug, Object)]
#[oai(rename = "Me")]
pub struct MeBody {
    /// Their id.
    pub id: Id<UserId>,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: RoleBody,
    /// What their key or token may be used for.
    pub scopes: Vec<ScopeBody>,
    /// Their key; `null` for a token.
    #[oai(nullable)]
    pub key: Option<ApiKeyBody>,
    /// Their limits.
    pub limits: LimitsBody,
    /// When they were added.
    pub created_at: Moment,
}

/// The limits of a user.
#[derive(Debug, Object)]
#[oai(rename = "UserLimits")]
pub struct LimitsBody {
    /// The most bytes of active and pending versions.
    pub quota_bytes: u64,
    /// The most documents in every status but `error`.
    pub quota_documents: u32,
    /// The largest document, in bytes.
    pub max_document_bytes: u64,
    /// The rate limit, such as `600/min`; `null` if there is none.
    #[oai(nullable)]
    pub rate_limit: Option<String>,
}
