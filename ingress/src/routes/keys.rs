//! API keys of users, for admins.

use domain::{AuditEvent, AuditKind, KeyId, Sha256, UserId};
use ledger::{ApiKey, add_key, find_user, list_keys, remove_key};
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use serde_json::json;
use uuid::Uuid;

use crate::auth::{Admin, RequestOrigin};
use crate::dto::{
    ApiKeyPageBody, Binding, CursorText, Id, Limit, NewKeyBody, NewKeyRequest, cursor, cut,
    position,
};
use crate::http::{JsonBody, Optional};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Making a key.
    AddKeyProblems {
        BadJson, UploadIncomplete, Unauthorized, Forbidden, NotFound, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid,
    }
    /// Reading or removing keys.
    KeyProblems { Unauthorized, Forbidden, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Added {
    /// The key, shown only now: the service keeps its hash alone.
    #[oai(status = 201)]
    Created(Json<NewKeyBody>, #[oai(header = "Location")] String),
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

#[OpenApi(prefix_path = "/v1/admin/users", tag = "Group::Administration")]
impl KeyRoutes {
    /// Create an API key
    ///
    /// With an `Idempotency-Key` the answer is kept as any other, but so that only the bearer
    /// token of the first request can read it again; to another, the idempotency key is reused.
    #[oai(path = "/:id/keys", method = "post", operation_id = "add_key")]
    async fn add(
        &self,
        _admin: Admin,
        origin: RequestOrigin,
        request: &Request,
        id: Path<Id<UserId>>,
        idempotent: IdempotentRequest,
        _body: JsonBody<NewKeyRequest, Optional>,
    ) -> Result<Added, Documented<AddKeyProblems>> {
        let now = self.0.clock.now();
        let (key, user) = (new_key(), id.0.0);
        let row = ApiKey {
            id: KeyId::new(now),
            user,
            created_at: now,
        };
        let hash = Sha256::of(key.as_bytes());
        let answer = move |row: ApiKey| {
            let location = format!("/v1/admin/users/{user}/keys/{}", row.id);
            let (id, key) = (Id(row.id), key.clone());
            Added::Created(Json(NewKeyBody { id, key }), location)
        };
        let on = idempotent
            .secret(request.headers())
            .on(&self.0.db, answer.clone());
        let on = origin.log(on, |key: &ApiKey| {
            vec![event(AuditKind::KeyCreated, key.user, key.id)]
        });
        if !add_key(&on, row, hash).await.map_err(Problem::from)? {
            return Err(Code::NotFound.into());
        }
        Ok(answer(row))
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
        let (user, limit) = (id.0.0, Limit::read(limit.0)?);
        let binding = Binding::new(admin.0.user, &[&"keys", &user]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        find_user(&self.0.db, user)
            .await
            .map_err(Problem::from)?
            .ok_or(Code::NotFound)?;
        let keys = list_keys(&self.0.db, user, before, limit.and_one().into())
            .await
            .map_err(Problem::from)?;
        let (keys, more) = cut(keys, limit);
        let next_cursor = keys
            .last()
            .filter(|_| more)
            .map(|key| self::cursor(binding, &key.id));
        Ok(Json(ApiKeyPageBody {
            items: keys.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
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

/// Returns a new key: 244 random bits, and a prefix for secret scanners.
fn new_key() -> String {
    format!(
        "dossier_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    )
}
