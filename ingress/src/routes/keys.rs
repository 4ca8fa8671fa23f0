//! API keys of users, for admins.

use domain::{AuditEvent, AuditKind, KeyId, User, UserId};
use ledger::{find_user, remove_key};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;

use super::issue_key::{Added, Holder, issue};
use super::list_keys::page_of_keys;
use crate::auth::{Admin, RequestOrigin};
use crate::dto::{ApiKeyPageBody, Binding, CursorText, Id, NewKeyRequest};
use crate::http::{JsonBody, Optional};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Making a key.
    AddKeyProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, InsufficientScope, QuotaExceeded,
        NotFound, RequestTimeout, TooLarge, UnsupportedMediaType, Invalid,
    }
    /// Reading or removing keys.
    KeyProblems { Unauthorized, Forbidden, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Removed {
    /// The key is removed and no longer accepted.
    #[oai(status = 204)]
    Gone,
}

/// The routes of API keys.
#[derive(Clone, Debug)]
pub struct KeyRoutes(pub Service);

impl KeyRoutes {
    async fn user(&self, id: UserId) -> Result<User, Problem> {
        let user = find_user(&self.0.db, id).await?;
        user.ok_or_else(|| Code::NotFound.into())
    }
}

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Group::Administration")]
impl KeyRoutes {
    /// Create an API key
    ///
    /// It may be used for no more than the key of this request. With an `Idempotency-Key` the
    /// answer is kept as any other, but so that only the bearer token of the first request can
    /// read it again; to another, the idempotency key is reused.
    #[oai(path = "/:id/keys", method = "post", operation_id = "add_key")]
    async fn add(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        request: &Request,
        id: Path<Id<UserId>>,
        idempotent: IdempotentRequest,
        body: JsonBody<NewKeyRequest, Optional>,
    ) -> Result<Added, Documented<AddKeyProblems>> {
        let user = self.user(id.0.0).await?;
        let holder = Holder {
            user: user.id,
            role: user.role,
            keys: format!("/v1/admin/users/{}/keys", user.id),
        };
        let wanted = body.0;
        Ok(issue((&self.0, request), holder, (origin, idempotent), wanted).await?)
    }

    /// List the API keys of a user, newest first
    #[oai(path = "/:id/keys", method = "get", operation_id = "list_keys")]
    async fn list(
        &self,
        admin: Admin,
        id: Path<Id<UserId>>,
        /// Keys per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<ApiKeyPageBody>, Documented<KeyProblems>> {
        let user = self.user(id.0.0).await?;
        let binding = Binding::new(admin.0.user, &[&"keys", &user.id]);
        let start = (binding, cursor.0.as_ref());
        let page = page_of_keys(&self.0, (user.id, user.role), limit.0, start).await?;
        Ok(Json(page))
    }

    /// Remove an API key
    #[oai(
        path = "/:id/keys/:key_id",
        method = "delete",
        operation_id = "remove_key"
    )]
    async fn remove(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        id: Path<Id<UserId>>,
        key_id: Path<Id<KeyId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Removed, Documented<KeyProblems>> {
        let on = idempotent.on(&self.0.db, |()| Removed::Gone);
        let removed = event(AuditKind::KeyRemoved, id.0.0, key_id.0.0);
        let on = origin.log(on, move |()| vec![removed.clone()]);
        if remove_key(&on, id.0.0, key_id.0.0)
            .await
            .map_err(Problem::from)?
        {
            Ok(Removed::Gone)
        } else {
            Err(Code::NotFound.into())
        }
    }
}

fn event(kind: AuditKind, user: UserId, key: KeyId) -> AuditEvent {
    AuditEvent::new(kind, user, json!({"key_id": key}))
}
