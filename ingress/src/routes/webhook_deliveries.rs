//! Deliveries to webhooks: their owners list them, test a webhook, and have events delivered again.

use domain::{DeliveryId, DeliveryStatus, WebhookId};
use ledger::{
    Delivery, Webhook, find_webhook, list_deliveries, replay_webhook, retry_delivery, test_webhook,
};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use crate::auth::CurrentUser;
use crate::dto::{
    Binding, CursorText, DeliveryBody, DeliveryPageBody, DeliveryStatusBody, FeedCursors, Id,
    Limit, ReplayRequest, WebhookBody, cursor, position,
};
use crate::http::JsonBody;
use crate::idempotency::IdempotentRequest;
use crate::openapi::{Documented, Group, problem_sets};
use crate::problem::{Code, Problem};
use crate::service::Service;

problem_sets! {
    /// Listing deliveries.
    ListProblems { Unauthorized, NotFound, Invalid }
    /// Having something delivered.
    DeliverProblems { Unauthorized, NotFound, IllegalTransition, Invalid, RateLimited }
    /// Having events delivered again.
    ReplayProblems {
        BadJson, UploadIncomplete, Unauthorized, NotFound, IllegalTransition, CursorExpired,
        RequestTimeout, TooLarge, UnsupportedMediaType, Invalid,
    }
}

#[derive(ApiResponse)]
enum Due {
    /// The delivery, which is attempted now.
    #[oai(status = 202)]
    Delivery(Json<DeliveryBody>),
}

#[derive(ApiResponse)]
enum Replayed {
    /// The webhook, whose events after the cursor are delivered.
    #[oai(status = 202)]
    Webhook(Json<WebhookBody>),
}

/// The routes of deliveries.
#[derive(Clone, Debug)]
pub struct DeliveryRoutes(pub Service);

#[OpenApi(prefix_path = "/v1", tag = "Group::Webhooks")]
impl DeliveryRoutes {
    /// Test a webhook
    ///
    /// Delivers an event of the type `webhook.test`.
    #[oai(
        path = "/webhooks/:id/test",
        method = "post",
        operation_id = "test_webhook"
    )]
    async fn test(
        &self,
        caller: CurrentUser,
        id: Path<Id<WebhookId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Due, Documented<DeliverProblems>> {
        let owner = caller.0.user;
        let answer = move |made: Delivery| Due::Delivery(Json(DeliveryBody::of(owner, made)));
        let on = idempotent.on(&self.0.db, answer);
        let made = test_webhook(&on, (owner, id.0.0), self.0.clock.now()).await;
        Ok(answer(made.map_err(Problem::from)?))
    }

    /// List deliveries of a webhook, newest first
    ///
    /// The latest 10,000, for as long as events are kept.
    #[oai(
        path = "/webhooks/:id/deliveries",
        method = "get",
        operation_id = "list_deliveries"
    )]
    async fn list(
        &self,
        caller: CurrentUser,
        id: Path<Id<WebhookId>>,
        /// Only those with this status.
        status: Query<Option<DeliveryStatusBody>>,
        /// Deliveries per page, 50 by default.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the previous page.
        cursor: Query<Option<CursorText>>,
    ) -> Result<Json<DeliveryPageBody>, Documented<ListProblems>> {
        let (owner, webhook) = (caller.0.user, id.0.0);
        let limit = Limit::read(limit.0)?;
        let status = status.0.map(DeliveryStatus::from);
        let named = status.map_or("all", DeliveryStatus::as_str);
        let binding = Binding::new(owner, &[&"deliveries", &webhook, &named]);
        let before = position(binding, cursor.0.as_ref(), |text| text.parse().ok())?;
        let found = find_webhook(&self.0.db, (owner, webhook)).await;
        found.map_err(Problem::from)?.ok_or(Code::NotFound)?;
        let found = list_deliveries(&self.0.db, (webhook, status), before, limit.rows()).await;
        let page = found.map_err(Problem::from)?;
        let next_cursor = page.next.map(|last| self::cursor(binding, &last));
        let items = page.deliveries.into_iter();
        Ok(Json(DeliveryPageBody {
            items: items
                .map(|delivery| DeliveryBody::of(owner, delivery))
                .collect(),
            next_cursor,
        }))
    }

    /// Attempt a delivery again
    ///
    /// At once, and then as often as a new one.
    #[oai(
        path = "/webhooks/:id/deliveries/:delivery_id/retry",
        method = "post",
        operation_id = "retry_delivery"
    )]
    async fn retry(
        &self,
        caller: CurrentUser,
        id: Path<Id<WebhookId>>,
        delivery_id: Path<Id<DeliveryId>>,
        idempotent: IdempotentRequest,
    ) -> Result<Due, Documented<DeliverProblems>> {
        let owner = caller.0.user;
        let answer = move |made: Delivery| Due::Delivery(Json(DeliveryBody::of(owner, made)));
        let on = idempotent.on(&self.0.db, answer);
        let (whose, now) = ((owner, id.0.0), self.0.clock.now());
        let made = retry_delivery(&on, whose, delivery_id.0.0, now).await;
        Ok(answer(made.map_err(Problem::from)?))
    }

    /// Deliver events again
    ///
    /// All after a cursor of the feed that are of the webhook's types. One that was delivered before
    /// has the same `webhook-id`, while its delivery is kept.
    #[oai(
        path = "/webhooks/:id/replay",
        method = "post",
        operation_id = "replay_webhook"
    )]
    async fn replay(
        &self,
        caller: CurrentUser,
        id: Path<Id<WebhookId>>,
        idempotent: IdempotentRequest,
        body: JsonBody<ReplayRequest>,
    ) -> Result<Replayed, Documented<ReplayProblems>> {
        let owner = caller.0.user;
        let after = FeedCursors::of(owner).read(&body.0.0, "/after")?;
        let answer = |webhook: Webhook| Replayed::Webhook(Json(WebhookBody::of(webhook, None)));
        let on = idempotent.on(&self.0.db, answer);
        let replayed = replay_webhook(&on, (owner, id.0.0), after).await;
        Ok(answer(replayed.map_err(Problem::from)?))
    }
}
