//! Issues API keys, for the users themselves and for admins.

use domain::{AuditEvent, AuditKind, KeySecret, Role, Scopes, Sha256, UserId};
use ledger::{AddKeyError, ApiKey, add_key};
use poem::Request;
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;
use serde_json::json;

use crate::auth::{RequestOrigin, Session};
use crate::dto::{Id, Moment, NewKeyBody, NewKeyRequest, effective_scopes};
use crate::idempotency::IdempotentRequest;
use crate::problem::{Code, Problem};
use crate::service::Service;

#[derive(ApiResponse)]
pub(super) enum Added {
    /// The key, shown only now: the service keeps its hash alone.
    #[oai(status = 201)]
    Created(Json<NewKeyBody>, #[oai(header = "Location")] String),
}

/// Whose key is issued, and where it is found.
pub(super) struct Holder {
    pub user: UserId,
    pub role: Role,
    /// The path of the keys that it is added to.
    pub keys: String,
}

/// Issues a key for `holder`. It may be used for no more, and no longer, than the key of the
/// request.
pub(super) async fn issue(
    (service, request): (&Service, &Request),
    holder: Holder,
    (origin, idempotent): (RequestOrigin, IdempotentRequest),
    wanted: NewKeyRequest,
) -> Result<Added, Problem> {
    let now = service.clock.now();
    refuse_stronger(request, &holder, &wanted, now)?;
    let secret = KeySecret::generate();
    let key = ApiKey {
        starts_with: Some(secret.beginning().to_owned()),
        ..wanted.at(now, ApiKey::new(holder.user, now))
    };
    let secret = secret.as_str().to_owned();
    let hash = Sha256::of(secret.as_bytes());
    let answer = move |key: ApiKey| {
        let location = format!("{}/{}", holder.keys, key.id);
        let body = NewKeyBody {
            id: Id(key.id),
            key: secret.clone(),
            name: key.name.map(|name| name.to_string()),
            scopes: effective_scopes(key.scopes.unwrap_or(Scopes::ALL), holder.role),
            expires_at: key.expires_at.map(Moment),
        };
        Added::Created(Json(body), location)
    };
    let on = idempotent
        .secret(request.headers())
        .on(&service.db, answer.clone());
    let on = origin.log(on, |key: &ApiKey| {
        vec![AuditEvent::new(
            AuditKind::KeyCreated,
            key.user,
            json!({"key_id": key.id}),
        )]
    });
    add_key(&on, key.clone(), hash).await?;
    Ok(answer(key))
}

/// Refuses a key that could do more, or live longer, than the one that asks for it.
fn refuse_stronger(
    request: &Request,
    holder: &Holder,
    wanted: &NewKeyRequest,
    now: domain::Timestamp,
) -> Result<(), Problem> {
    let session = request.data::<Session>().and_then(Session::admitted);
    let own = session.ok_or_else(|| Problem::internal("no session is set up"))?;
    let scopes = wanted.scopes.unwrap_or(Scopes::of_role(holder.role));
    // Also what has no effect yet: the role may change.
    let may = Scopes::of_role(own.account.caller.role);
    if let Some(lacking) = own.account.scopes.within(may).lacks(scopes) {
        return Err(Problem::insufficient_scope(lacking));
    }
    let Some(end) = own.account.expires_at else {
        return Ok(());
    };
    if wanted.expires_at(now).is_some_and(|wanted| wanted <= end) {
        return Ok(());
    }
    Err(Problem::invalid_field(
        "/expires_in",
        "must end no later than the key of this request",
    ))
}

impl From<AddKeyError> for Problem {
    fn from(error: AddKeyError) -> Self {
        match error {
            AddKeyError::NoUser => Code::NotFound.into(),
            AddKeyError::TooMany => Self::from(Code::QuotaExceeded).with_detail(format!(
                "The user has {} keys, which is the limit; remove some of them first.",
                ApiKey::MAX_PER_USER
            )),
            AddKeyError::Database(error) => error.into(),
        }
    }
}
