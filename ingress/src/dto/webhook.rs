//! Webhooks, as their owners describe and see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{EventType, WebhookId, WebhookStatus, WebhookTypes};
use ledger::{Webhook, WebhookSecret};
use poem_openapi::{Enum, Object};
use serde_json::Value;

use super::{CursorText, DescriptionText, Id, Moment, WebhookTypeText, WebhookUrlText};
use crate::http::{Change, FromMembers, Members};

/// The longest description, in characters.
const LONGEST: usize = 255;

/// The status of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "WebhookStatus", rename_all = "lowercase")]
pub enum WebhookStatusBody {
    /// Events are delivered.
    Enabled,
    /// Nothing is delivered.
    Disabled,
}

// Not `Debug`, so that no log shows the secret.
/// A webhook.
#[derive(Object)]
#[oai(rename = "Webhook")]
pub struct WebhookBody {
    /// Its id.
    pub id: Id<WebhookId>,
    /// Where events are delivered.
    pub url: String,
    /// The types of events; `*` for all.
    pub types: Vec<WebhookTypeText>,
    /// The owner's words.
    #[oai(nullable)]
    pub description: Option<String>,
    /// Its status.
    pub status: WebhookStatusBody,
    /// What signs deliveries: shown only when it is made.
    #[oai(nullable)]
    pub secret: Option<String>,
    /// When it was created.
    pub created_at: Moment,
    /// Why it is disabled: `requested`, `gone` (the endpoint answered 410) or `failing` (for five
    /// days).
    #[oai(nullable)]
    pub disabled_reason: Option<String>,
    /// When a delivery succeeded last.
    #[oai(nullable)]
    pub last_success_at: Option<Moment>,
    /// When an attempt failed last.
    #[oai(nullable)]
    pub last_failure_at: Option<Moment>,
}

/// A page of webhooks.
#[derive(Object)]
#[oai(rename = "WebhookPage")]
pub struct WebhookPageBody {
    /// The webhooks, newest first.
    pub items: Vec<WebhookBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// A request for a webhook.
#[derive(Debug, Object)]
#[oai(rename = "NewWebhook")]
pub struct NewWebhookBody {
    /// Where to deliver: an https URL that leads to a public address, without credentials.
    pub url: WebhookUrlText,
    /// The types of events; `*`, the default, for all.
    #[oai(validator(min_items = 1, max_items = 32))]
    pub types: Option<Vec<WebhookTypeText>>,
    /// Words of your own.
    #[oai(nullable)]
    pub description: Option<DescriptionText>,
}

/// Changes of a webhook.
#[derive(Debug, Object)]
#[oai(rename = "WebhookChanges")]
pub struct WebhookChangesBody {
    /// Where to deliver.
    pub url: Option<WebhookUrlText>,
    /// The types of events; `*` for all.
    #[oai(validator(min_items = 1, max_items = 32))]
    pub types: Option<Vec<WebhookTypeText>>,
    /// Words of your own.
    #[oai(nullable)]
    pub description: Option<DescriptionText>,
    /// Whether events are delivered. A webhook that is enabled again is told of events from then on.
    pub status: Option<WebhookStatusBody>,
}

/// A request to deliver events again.
#[derive(Debug, Object)]
#[oai(rename = "WebhookReplay")]
pub struct ReplayBody {
    /// A cursor of the feed: the events after it are delivered.
    pub after: CursorText,
}

/// A webhook to be created, as parsed; the URL is yet to be checked.
#[derive(Clone, Debug)]
pub struct NewWebhookRequest {
    /// Where to deliver.
    pub url: String,
    /// Which events.
    pub types: WebhookTypes,
    /// The owner's words.
    pub description: Option<String>,
}

/// Changes of a webhook, as parsed; the URL is yet to be checked.
#[derive(Clone, Debug)]
pub struct WebhookPatch {
    /// Where to deliver.
    pub url: Option<String>,
    /// Which events.
    pub types: Option<WebhookTypes>,
    /// The owner's words.
    pub description: Change<String>,
    /// Whether anything is delivered.
    pub status: Option<WebhookStatus>,
}

/// The cursor from which events are delivered again.
#[derive(Clone, Debug)]
pub struct ReplayRequest(pub String);

impl FromMembers for NewWebhookRequest {
    type Schema = NewWebhookBody;

    fn take(members: &mut Members) -> Option<Self> {
        let url = members.required::<String>("url");
        let types = take_types(members);
        let description = take_description(members);
        Some(Self {
            url: url?,
            types: types.unwrap_or(WebhookTypes::All),
            description: description.value(),
        })
    }
}

impl FromMembers for WebhookPatch {
    type Schema = WebhookChangesBody;

    fn take(members: &mut Members) -> Option<Self> {
        let url = members.change::<String>("url");
        let url = members.not_null("url", url);
        let types = take_types(members);
        let description = take_description(members);
        let status = members.change::<WebhookStatus>("status");
        Some(Self {
            url,
            types,
            description,
            status: members.not_null("status", status),
        })
    }
}

impl FromMembers for ReplayRequest {
    type Schema = ReplayBody;

    fn take(members: &mut Members) -> Option<Self> {
        members.required("after").map(Self)
    }
}

fn take_types(members: &mut Members) -> Option<WebhookTypes> {
    let types = members.change_with("types", |value| types(&value));
    members.not_null("types", types)
}

fn types(value: &Value) -> Result<WebhookTypes, String> {
    let wrong = || format!("must be [\"*\"] or a list of: {}", names());
    let list = value.as_array().ok_or_else(wrong)?;
    if list.is_empty() || list.len() > 32 {
        return Err("must have 1 to 32 types".to_owned());
    }
    let words: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
    WebhookTypes::parse(words.ok_or_else(wrong)?).map_err(|_| wrong())
}

fn names() -> String {
    let names: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
    names.join(", ")
}

fn take_description(members: &mut Members) -> Change<String> {
    members.change_with("description", |value| {
        let text = value.as_str().ok_or("must be a string")?;
        if text.chars().count() > LONGEST {
            return Err("must have at most 255 characters");
        }
        Ok(text.to_owned())
    })
}

impl WebhookBody {
    /// A webhook; `secret` is known only when it is made.
    pub fn of(webhook: Webhook, secret: Option<&WebhookSecret>) -> Self {
        let types = webhook.types.words().into_iter();
        Self {
            id: Id(webhook.id),
            url: webhook.url,
            types: types.map(|word| WebhookTypeText(word.to_owned())).collect(),
            description: webhook.description,
            status: match webhook.status {
                WebhookStatus::Enabled => WebhookStatusBody::Enabled,
                WebhookStatus::Disabled => WebhookStatusBody::Disabled,
            },
            secret: secret.map(|secret| format!("whsec_{}", STANDARD.encode(secret.as_bytes()))),
            created_at: Moment(webhook.created_at),
            disabled_reason: webhook.disabled_reason.map(|reason| reason.to_string()),
            last_success_at: webhook.last_success_at.map(Moment),
            last_failure_at: webhook.last_failure_at.map(Moment),
        }
    }
}
