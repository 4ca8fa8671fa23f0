//! Webhooks: their owners create, list, edit, rotate and delete them.

use domain::{AuditKind, UserId, WebhookId};
use ledger::{
    ChangedWebhook, LedgerSecretError, NewWebhook, SecretError, Webhook, WebhookChanges,
    WebhookError, WebhookSecret, create_webhook, delete_webhook, edit_webhook, find_webhook,
    list_webhooks, rotate_webhook,
};
use outbound::CheckError;
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use crate::auth::{CurrentUser, RequestOrigin};
use crate::dto::{
    Binding, CursorText, Id, Limit, NewWebhookRequest, WebhookBody, WebhookPageBody, WebhookPatch,
    cursor, cut, position,
};
use crate::http::{JsonBody, MergePatch};
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Creating a webhook.
    CreateProblems {
        BadJson, UploadIncomplete, Unauthorized, RequestTimeout, TooLarge, UnsupportedMediaType,
        Invalid, RateLimited,
    }
    /// Listing webhooks.
    ListProblems { Unauthorized, Invalid }
    /// Editing a webhook.
    EditProblems {
        BadJson, UploadIncomplete, Unauthorized, NotFound, RequestTimeout, TooLarge,
        UnsupportedMediaType, Invalid,
    }
    /// Reading, rotating or deleting a webhook.
    WebhookProblems { Unauthorized, NotFound, Invalid }
}

#[derive(ApiResponse)]
enum Created {
    /// The webhook, with its secret, which is shown only now.
    #[oai(status = 201)]
    Webhook(Json<WebhookBody>, #[oai(header = "Location")] String),
}

#[derive(ApiResponse)]
enum Deleted {
    /// Nothing is delivered any more.
    #[oai(status = 204)]
    Done,
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let code = match error {
            WebhookError::Database(error) => return error.into(),
            WebhookError::TooMany | WebhookError::TooManyPending => {
                return Self::from(Code::RateLimited).with_detail(error.to_string());
            }
            WebhookError::Disabled => {
                return Self::from(Code::IllegalTransition)
                    .with_detail("The webhook is disabled; enable it first.");
            }
            WebhookError::Secret(SecretError::Ledger(LedgerSecretError::Database(error))) => {
                return error.into();
            }
            WebhookError::Secret(_) => return Self::from(Code::Internal).because(error),
            WebhookError::NotFound => Code::NotFound,
            WebhookError::OwnerGone => Code::Unauthorized,
            WebhookError::Expired => Code::CursorExpired,
        };
        Self::from(code).because(error)
    }
}

/// The routes of webhooks.
#[derive(Clone, Debug)]
pub struct WebhookRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Webhooks")]
impl WebhookRoutes {
    /// Create a webhook
    ///
    /// Your events from now on are delivered to the URL as Standard Webhooks 1.0: `webhook-id` stays
    /// the same over attempts, and `webhook-signature` is verified with the secret.
    #[oai(path = "/webhooks", method = "post", operation_id = "create_webhook")]
    async fn create(
        &self,
        caller: CurrentUser,
        origin: RequestOrigin,
        request: &Request,
        idempotent: IdempotentRequest,
        body: JsonBody<NewWebhookRequest>,
    ) -> Result<Created, Documented<CreateProblems>> {
        let (wanted, now) = (body.0, self.0.clock.now());
        let url = self.checked(caller.0.user, &wanted.url).await?;
        let id = WebhookId::new(now);
        let (secret, sealed) = self.new_secret(id).await?;
        let new = NewWebhook {
            id,
            owner: caller.0.user,
            url,
            types: wanted.types,
            description: wanted.description,
            secret: sealed,
        };
        let answer = move |webhook: Webhook| {
            let location = format!("/v1/webhooks/{}", webhook.id);
            Created::Webhook(Json(WebhookBody::of(webhook, Some(&secret))), location)
        };
        let on = idempotent
            .secret(request.headers())
            .on(&self.0.db, answer.clone());
        let on = origin.log(on, |webhook: &Webhook| {
            vec![webhook.event(AuditKind::WebhookCreated)]
        });
        let created = create_webhook(&on, &new, now).await;
        Ok(answer(created.map_err(Problem::from)?))
    }

    /// List webhooks, newest first
    #[oai(path = "/webhooks", method = "get", operation_id = "list_webhooks")]
    async fn list(
        &self,
        caller: CurrentUser,
        /// Webhooks per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<WebhookPageBody>, Documented<ListProblems>> {
        let limit = Limit::read(limit.0)?;
        let binding = Binding::new(caller.0.user, &[&"webhooks"]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let most = u64::from(limit.and_one());
        let found = list_webhooks(&self.0.db, caller.0.user, before, most).await;
        let (webhooks, more) = cut(found.map_err(Problem::from)?, limit);
        let last = webhooks.last().filter(|_| more);
        let next_cursor = last.map(|last| self::cursor(binding, &last.id));
        let items = webhooks.into_iter();
        Ok(Json(WebhookPageBody {
            items: items
                .map(|webhook| WebhookBody::of(webhook, None))
                .collect(),
            next_cursor,
        }))
    }

    /// Read a webhook
    #[oai(path = "/webhooks/:id", method = "get", operation_id = "read_webhook")]
    async fn read(
        &self,
        caller: CurrentUser,
        id: Path<Id<WebhookId>>,
    ) -> Result<Json<WebhookBody>, Documented<WebhookProblems>> {
        let found = find_webhook(&self.0.db, (caller.0.user, id.0.0)).await;
        let webhook = found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        Ok(Json(WebhookBody::of(webhook, None)))
    }

    /// Edit a webhook
    ///
    /// What is pending goes to the new URL. Disabling ends what is pending as failed.
    #[oai(
        path = "/webhooks/:id",
        method = "patch",
        operation_id = "edit_webhook"
    )]
    async fn edit(
        &self,
        caller: CurrentUser,
        origin: RequestOrigin,
        id: Path<Id<WebhookId>>,
        idempotent: IdempotentRequest,
        body: JsonBody<WebhookPatch, MergePatch>,
    ) -> Result<Json<WebhookBody>, Documented<EditProblems>> {
        let patch = body.0;
        let url = match &patch.url {
            Some(url) => Some(self.checked(caller.0.user, url).await?),
            None => None,
        };
        let changes = WebhookChanges {
            url,
            types: patch.types,
            description: patch.description.patch(),
            status: patch.status,
        };
        let answer = |webhook| Json(WebhookBody::of(webhook, None));
        let on = idempotent.on(&self.0.db, move |changed: ChangedWebhook| {
            answer(changed.after)
        });
        let on = origin.log(on, ChangedWebhook::events);
        let (whose, now) = ((caller.0.user, id.0.0), self.0.clock.now());
        let edited = edit_webhook(&on, whose, &changes, now).await;
        Ok(answer(edited.map_err(Problem::from)?))
    }

    /// Delete a webhook, with its deliveries
    #[oai(
        path = "/webhooks/:id",
        method = "delete",
        operation_id = "delete_webhook"
    )]
    async fn delete(
        &self,
        caller: CurrentUser,
        origin: RequestOrigin,
        id: Path<Id<WebhookId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Deleted, Documented<WebhookProblems>> {
        let whose = (caller.0.user, id.0.0);
        let on = idempotent.on(&self.0.db, |()| Deleted::Done);
        let on = origin.log(on, move |()| vec![Webhook::deletion(whose.0, whose.1)]);
        let deleted = delete_webhook(&on, whose).await;
        deleted.map_err(Problem::from)?;
        Ok(Deleted::Done)
    }

    /// Give a webhook a new secret
    ///
    /// The answer shows it once. For 24 hours the one before signs as well.
    #[oai(
        path = "/webhooks/:id/rotate",
        method = "post",
        operation_id = "rotate_webhook"
    )]
    async fn rotate(
        &self,
        caller: CurrentUser,
        origin: RequestOrigin,
        request: &Request,
        id: Path<Id<WebhookId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Json<WebhookBody>, Documented<WebhookProblems>> {
        let (secret, sealed) = self.new_secret(id.0.0).await?;
        let answer = move |webhook| Json(WebhookBody::of(webhook, Some(&secret)));
        let on = idempotent
            .secret(request.headers())
            .on(&self.0.db, answer.clone());
        let on = origin.log(on, |webhook: &Webhook| {
            vec![webhook.event(AuditKind::WebhookRotated)]
        });
        let (whose, now) = ((caller.0.user, id.0.0), self.0.clock.now());
        let rotated = rotate_webhook(&on, whose, &sealed, now).await;
        Ok(answer(rotated.map_err(Problem::from)?))
    }
}

impl WebhookRoutes {
    /// The URL in its normal form, if it leads to where webhooks may lead.
    async fn checked(&self, user: UserId, url: &str) -> Result<String, Problem> {
        let checked = self.0.client.check(user, url).await;
        let refused = |error| match error {
            CheckError::Refused(refusal) => Problem::invalid_field("/url", refusal),
            CheckError::Busy => Problem::from(Code::Overloaded).because(error),
        };
        Ok(checked.map_err(refused)?.as_str().to_owned())
    }

    async fn new_secret(&self, id: WebhookId) -> Result<(WebhookSecret, String), Problem> {
        let secret = WebhookSecret::generate().map_err(WebhookError::from)?;
        let (db, now) = (&self.0.db, self.0.clock.now());
        let sealed = self.0.sealer.seal(db, (id, &secret), now).await;
        Ok((secret, sealed.map_err(WebhookError::from)?))
    }
}
