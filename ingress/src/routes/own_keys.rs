//! The caller: who they are, and their API keys.

use domain::{AuditEvent, AuditKind, KeyId, Scopes};
use ledger::{Credential, find_key, find_key_of, find_user, remove_key};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;

use super::issue_key::{Added, Holder, issue};
use super::list_keys::page_of_keys;
use crate::auth::{Admitted, CurrentUser, RequestOrigin, Session};
use crate::dto::{
    ApiKeyBody, ApiKeyPageBody, Binding, CursorText, Id, LimitsBody, MeBody, Moment, NewKeyRequest,
    effective_scopes,
};
use crate::http::{JsonBody, Optional};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Reading about oneself.
    MeProblems { Unauthorized }
    /// Making a key.
    AddOwnKeyProblems {
        BadJson, UploadIncomplete, Unauthorized, InsufficientScope, QuotaExceeded, RequestTimeout,
        TooLarge, UnsupportedMediaType, Invalid,
    }
    /// Listing one's keys.
    OwnKeyListProblems { Unauthorized, Invalid }
    /// Removing a key.
    OwnKeyProblems { Unauthorized, InsufficientScope, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Removed {
    /// The key is removed and no longer accepted.
    #[oai(status = 204)]
    Gone,
}

/// The routes of the caller's own account.
#[derive(Clone, Debug)]
pub struct OwnKeyRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Account")]
impl OwnKeyRoutes {
    /// Read who you are
    ///
    /// The user of the key or token of this request, with its scopes and the user's limits.
    #[oai(path = "/me", method = "get", operation_id = "read_me")]
    async fn me(
        &self,
        _caller: CurrentUser,
        request: &Request,
    ) -> Result<Json<MeBody>, Documented<MeProblems>> {
        let admitted = admitted(request)?;
        let account = admitted.account;
        let user = find_user(&self.0.db, account.caller.user).await;
        let user = user.map_err(Problem::from)?.ok_or(Code::Unauthorized)?;
        let key = match admitted.credential {
            Credential::Key(hash) => find_key(&self.0.db, hash).await.map_err(Problem::from)?,
            Credential::Token { .. } => None,
        };
        let limits = &self.0.limits;
        Ok(Json(MeBody {
            id: Id(user.id),
            scopes: effective_scopes(account.scopes, user.role),
            key: key.map(|key| ApiKeyBody::new(key, user.role)),
            limits: LimitsBody {
                quota_bytes: user
                    .quota
                    .bytes
                    .unwrap_or(limits.default_quota_bytes)
                    .bytes(),
                quota_documents: user
                    .quota
                    .documents
                    .unwrap_or(limits.default_quota_documents),
                max_document_bytes: limits.max_document.bytes(),
                rate_limit: self.0.user_rate.map(|rate| rate.to_string()),
            },
            name: user.name.to_string(),
            role: user.role.into(),
            created_at: Moment(user.created_at),
        }))
    }

    /// Create an API key of your own
    ///
    /// It may be used for no more than the key of this request, and no longer. With an
    /// `Idempotency-Key` the answer is kept so that only the same bearer token can read it again.
    #[oai(path = "/keys", method = "post", operation_id = "add_own_key")]
    async fn add(
        &self,
        _caller: CurrentUser,
        origin: RequestOrigin,
        request: &Request,
        idempotent: IdempotentRequest,
        body: JsonBody<NewKeyRequest, Optional>,
    ) -> Result<Added, Documented<AddOwnKeyProblems>> {
        let own = admitted(request)?.account.caller;
        let holder = Holder {
            user: own.user,
            role: own.role,
            keys: "/v1/keys".to_owned(),
        };
        let wanted = body.0;
        Ok(issue((&self.0, request), holder, (origin, idempotent), wanted).await?)
    }

    /// List your API keys, newest first
    #[oai(path = "/keys", method = "get", operation_id = "list_own_keys")]
    async fn list(
        &self,
        _caller: CurrentUser,
        request: &Request,
        /// Keys per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<ApiKeyPageBody>, Documented<OwnKeyListProblems>> {
        let own = admitted(request)?.account.caller;
        let binding = Binding::new(own.user, &[&"own keys"]);
        let start = (binding, cursor.0.as_ref());
        let page = page_of_keys(&self.0, (own.user, own.role), limit.0, start).await?;
        Ok(Json(page))
    }

    /// Remove an API key of your own
    ///
    /// A key removes itself, and those that may be used for no more than itself.
    #[oai(
        path = "/keys/:key_id",
        method = "delete",
        operation_id = "remove_own_key"
    )]
    async fn remove(
        &self,
        _caller: CurrentUser,
        origin: RequestOrigin,
        request: &Request,
        key_id: Path<Id<KeyId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Removed, Documented<OwnKeyProblems>> {
        let own = admitted(request)?.account;
        let (user, id) = (own.caller.user, key_id.0.0);
        let key = find_key_of(&self.0.db, user, id).await;
        let key = key.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        let all = Scopes::of_role(own.caller.role);
        let scopes = key.scopes.unwrap_or(all).within(all);
        if let Some(lacking) = own.scopes.lacks(scopes) {
            return Err(Problem::insufficient_scope(lacking).into());
        }
        let on = idempotent.on(&self.0.db, |()| Removed::Gone);
        let removed = AuditEvent::new(AuditKind::KeyRemoved, user, json!({"key_id": id}));
        let on = origin.log(on, move |()| vec![removed.clone()]);
        if remove_key(&on, user, id).await.map_err(Problem::from)? {
            Ok(Removed::Gone)
        } else {
            Err(Code::NotFound.into())
        }
    }
}

/// The caller of a request, as they were authenticated.
fn admitted(request: &Request) -> Result<Admitted, Problem> {
    let session = request.data::<Session>().and_then(Session::admitted);
    session.ok_or_else(|| Problem::internal("no session is set up"))
}
