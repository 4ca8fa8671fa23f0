//! What happened in the service, for admins: the security log, and the last hour.

use client::{ActivityMinute, AuditLogEntry, AuditLogFilter};
use futures::StreamExt as _;

use super::listed::{listed, listed_all};
use crate::cli::AuditLog;
use crate::failure::Failure;
use crate::output::{Column, moment, size};
use crate::session::Session;

const LOG: [Column; 6] = [
    Column::text("AT (UTC)"),
    Column::text("KIND"),
    Column::text("ACTOR").whole(),
    Column::text("ADDRESS").when_wide(120).whole(),
    Column::text("SUBJECT").when_wide(160).whole(),
    Column::text("DETAIL").whole(),
];

const MINUTES: [Column; 7] = [
    Column::text("UNTIL (UTC)"),
    Column::number("REQUESTS"),
    Column::number("FAILED"),
    Column::number("UPLOADS"),
    Column::number("UPLOADED"),
    Column::number("WAITING JOBS"),
    Column::number("OLDEST PENDING").whole(),
];

/// Who acted by commands of the program.
const OPERATOR: &str = "operator";

/// Reads the security log.
pub async fn audit_log(session: &Session<'_>, wanted: AuditLog) -> Result<(), Failure> {
    let actor = match wanted.actor {
        Some(user) if user != OPERATOR => Some(session.find_user(&user).await?.to_string()),
        actor => actor,
    };
    let filter = AuditLogFilter {
        kind: wanted.kind,
        actor,
        subject: wanted.subject,
        after: wanted.after,
        before: wanted.before,
    };
    let lines = session.client.audit_log(&filter).take(wanted.limit);
    let none = "The log has nothing like this.";
    listed(session.screen, lines, &LOG, line, none).await
}

/// Shows the last hour.
pub async fn activity(session: &Session<'_>) -> Result<(), Failure> {
    let activity = session.client.activity().await?;
    if session.screen.is_json() {
        return session.screen.result(&activity, "");
    }
    let none = "Nothing was counted yet.";
    listed_all(session.screen, activity.minutes, &MINUTES, minute, none).await
}

fn line(entry: AuditLogEntry) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        moment(entry.at),
        entry.kind,
        entry.actor.unwrap_or_else(none),
        entry.address.unwrap_or_else(none),
        entry.subject.unwrap_or_else(none),
        entry.detail.to_string(),
    ]
}

fn minute(minute: ActivityMinute) -> Vec<String> {
    vec![
        moment(minute.ended_at),
        minute.requests.to_string(),
        minute.failed.to_string(),
        minute.uploads.to_string(),
        size(minute.upload_bytes),
        minute.waiting_jobs.to_string(),
        format!("{:.0} s", minute.oldest_pending_seconds),
    ]
}
