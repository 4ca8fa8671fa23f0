//! What the security log tells of webhooks: whose events are sent where. Of a URL it has the origin alone,
//! since path and query may be a secret between owner and endpoint.

use serde_json::json;

use super::webhook::Webhook;
use domain::{AuditEvent, AuditKind, UserId, WebhookId, WebhookStatus};

/// A webhook before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedWebhook {
    /// The webhook before.
    pub before: Webhook,
    /// The webhook after.
    pub after: Webhook,
}

impl Webhook {
    /// What happened to it. The subject is its owner, as of keys.
    #[must_use]
    pub fn event(&self, kind: AuditKind) -> AuditEvent {
        let detail = json!({
            "webhook_id": self.id,
            "to": origin(&self.url),
            "types": self.types.words(),
            "disabled_reason": self.disabled_reason.map(domain::DisabledReason::as_str),
        });
        let mut event = AuditEvent::new(kind, self.owner, detail);
        event.detail.retain(|_, value| !value.is_null());
        event
    }

    /// A webhook of a user was deleted.
    #[must_use]
    pub fn deletion(owner: UserId, id: WebhookId) -> AuditEvent {
        AuditEvent::new(AuditKind::WebhookDeleted, owner, json!({"webhook_id": id}))
    }
}

impl ChangedWebhook {
    /// What was changed; nothing if all is as before.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        let Self { before, after } = self;
        let mut events = Vec::new();
        if (&before.url, &before.types, &before.description)
            != (&after.url, &after.types, &after.description)
        {
            events.push(after.event(AuditKind::WebhookChanged));
        }
        if before.status != after.status {
            events.push(after.event(match after.status {
                WebhookStatus::Enabled => AuditKind::WebhookEnabled,
                WebhookStatus::Disabled => AuditKind::WebhookDisabled,
            }));
        }
        events
    }
}

/// Scheme, host and port of a URL in its normal form.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}
