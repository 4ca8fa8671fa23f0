//! Webhooks: made, tested, and what was delivered to them.

use std::fmt::Write as _;

use client::{
    Delivery, DeliveryStatus, NewWebhook, Timestamp, Uuid, Webhook, WebhookChanges, WebhookStatus,
};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::cli::WebhookCommand;
use crate::failure::Failure;
use crate::output::{Column, Table, moment, one_line};
use crate::session::Session;

const WEBHOOKS: [Column; 4] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::text("TYPES").when_wide(100),
    Column::text("URL").whole(),
];

const DELIVERIES: [Column; 5] = [
    Column::text("ID"),
    Column::text("STATUS"),
    Column::text("CREATED (UTC)").when_wide(100),
    Column::text("LAST ANSWER").whole(),
    Column::text("TYPE").whole(),
];

/// The deliveries that are counted when a webhook is shown.
const RECENT: usize = 100;

/// Runs one of the commands.
pub async fn webhook(session: &Session<'_>, command: WebhookCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        WebhookCommand::New {
            to,
            types,
            description,
        } => {
            let new = NewWebhook {
                url: to,
                types: (!types.is_empty()).then_some(types),
                description,
            };
            tell_secret(session, &client.make_webhook(&new).await?)
        }
        WebhookCommand::Ls => list(session).await,
        WebhookCommand::Show { id } => show(session, id).await,
        WebhookCommand::Edit {
            id,
            to,
            types,
            description,
        } => {
            let changes = WebhookChanges {
                url: to,
                types: (!types.is_empty()).then_some(types),
                description,
                status: None,
            };
            tell(session, &client.change_webhook(id, &changes).await?)
        }
        WebhookCommand::Enable { id } => set(session, id, WebhookStatus::Enabled).await,
        WebhookCommand::Disable { id } => set(session, id, WebhookStatus::Disabled).await,
        WebhookCommand::Rotate { id } => tell_secret(session, &client.rotate_webhook(id).await?),
        WebhookCommand::Test { id } => {
            let delivery = client.test_webhook(id).await?;
            screen.result(&delivery, &format!("{}  {}", delivery.id, delivery.kind))?;
            screen.note(&format!(
                "See what became of it: dsr webhook deliveries {id}"
            ));
            Ok(())
        }
        WebhookCommand::Deliveries { id, limit } => deliveries(session, id, limit).await,
        WebhookCommand::Retry { id, delivery } => {
            let delivery = client.retry_delivery(id, delivery).await?;
            screen.result(&delivery, &format!("{}  {}", delivery.id, delivery.kind))
        }
        WebhookCommand::Replay { id, after } => {
            tell(session, &client.replay_webhook(id, &after).await?)
        }
        WebhookCommand::Rm { id } => {
            client.delete_webhook(id).await?;
            let deleted = serde_json::json!({"id": id, "deleted": true});
            screen.result(&deleted, &format!("{id}  deleted"))
        }
    }
}

async fn set(session: &Session<'_>, id: Uuid, status: WebhookStatus) -> Result<(), Failure> {
    let changes = WebhookChanges {
        status: Some(status),
        ..WebhookChanges::default()
    };
    tell(session, &session.client.change_webhook(id, &changes).await?)
}

/// Shows a webhook with all its members, and for people what became of the latest deliveries.
async fn show(session: &Session<'_>, id: Uuid) -> Result<(), Failure> {
    let webhook = session.client.webhook(id).await?;
    if session.screen.is_json() {
        return session.screen.result(&webhook, "");
    }
    let mut text = describe(&webhook);
    let recent = session.client.deliveries(id, None).take(RECENT);
    let recent: Vec<DeliveryStatus> = recent
        .map_ok(|delivery| delivery.status)
        .try_collect()
        .await?;
    let count = |wanted: DeliveryStatus| recent.iter().filter(|&&status| status == wanted).count();
    let _ = write!(
        text,
        "deliveries    {} delivered, {} pending, {} failed, of the latest {}",
        count(DeliveryStatus::Delivered),
        count(DeliveryStatus::Pending),
        count(DeliveryStatus::Failed),
        recent.len(),
    );
    session.screen.line(&text)
}

/// A webhook in lines, a member each.
fn describe(webhook: &Webhook) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14}{}", one_line(value));
    };
    row("id", &webhook.id.to_string());
    row("url", &webhook.url);
    row("status", &status(webhook));
    row("types", &webhook.types.join(", "));
    if let Some(description) = &webhook.description {
        row("description", description);
    }
    let time = |at: Option<Timestamp>| match at {
        Some(at) => format!("{} UTC", moment(at)),
        None => "never".to_owned(),
    };
    row("created", &time(Some(webhook.created_at)));
    row("last success", &time(webhook.last_success_at));
    row("last failure", &time(webhook.last_failure_at));
    text
}

fn tell(session: &Session<'_>, webhook: &Webhook) -> Result<(), Failure> {
    let mut text = format!("{}  {}  {}", webhook.id, status(webhook), webhook.url);
    if let Some(description) = &webhook.description {
        text.push_str("  ");
        text.push_str(description);
    }
    session.screen.result(webhook, &text)
}

/// The secret is a result: a script may read it.
fn tell_secret(session: &Session<'_>, webhook: &Webhook) -> Result<(), Failure> {
    tell(session, webhook)?;
    if let Some(secret) = webhook
        .secret
        .as_deref()
        .filter(|_| !session.screen.is_json())
    {
        session.screen.line(secret)?;
        session
            .screen
            .note("This secret signs deliveries. It isn't shown again.");
    }
    Ok(())
}

async fn list(session: &Session<'_>) -> Result<(), Failure> {
    let screen = session.screen;
    let mut table = Table::new(&WEBHOOKS);
    let mut webhooks = session.client.webhooks();
    while let Some(webhook) = webhooks.try_next().await? {
        if screen.is_json() {
            screen.result(&webhook, "")?;
            continue;
        }
        table.row(vec![
            webhook.id.to_string(),
            status(&webhook),
            webhook.types.join(","),
            webhook.url,
        ]);
    }
    if table.is_empty() {
        screen.note("There are no webhooks.");
        return Ok(());
    }
    screen.table(&table)
}

async fn deliveries(session: &Session<'_>, id: Uuid, limit: usize) -> Result<(), Failure> {
    let screen = session.screen;
    let mut table = Table::new(&DELIVERIES);
    let mut deliveries = session.client.deliveries(id, None).take(limit);
    while let Some(delivery) = deliveries.try_next().await? {
        if screen.is_json() {
            screen.result(&delivery, "")?;
            continue;
        }
        table.row(vec![
            delivery.id.to_string(),
            format!("{:?}", delivery.status).to_lowercase(),
            moment(delivery.created_at),
            last_answer(&delivery),
            delivery.kind,
        ]);
    }
    if table.is_empty() {
        screen.note("Nothing was delivered yet.");
        return Ok(());
    }
    screen.table(&table)
}

fn status(webhook: &Webhook) -> String {
    let status = format!("{:?}", webhook.status).to_lowercase();
    match &webhook.disabled_reason {
        Some(reason) => format!("{status} ({reason})"),
        None => status,
    }
}

fn last_answer(delivery: &Delivery) -> String {
    let Some(last) = delivery.attempts.last() else {
        return "-".to_owned();
    };
    match (last.status_code, &last.error) {
        (Some(code), _) => format!("{code} in {} ms", last.duration_ms),
        (None, Some(error)) => error.clone(),
        (None, None) => "-".to_owned(),
    }
}
