//! Documents and operations in words.

use std::fmt::Write as _;

use client::{Document, DocumentStatus, Operation, OperationStatus, Timestamp};
use console::{Alignment, pad_str, style};
use indicatif::{HumanBytes, HumanCount};

use super::one_line;

/// A size for people.
pub fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// A point in time, to the second.
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => seconds.replace('T', " "),
        None => text,
    }
}

/// The status of a document.
pub fn status(status: DocumentStatus) -> String {
    match status {
        DocumentStatus::Pending => style("pending").yellow().to_string(),
        DocumentStatus::Active => style("active").green().to_string(),
        DocumentStatus::Archived => style("archived").dim().to_string(),
        DocumentStatus::Error => style("error").red().to_string(),
    }
}

/// A document in one line.
pub fn document_line(document: &Document) -> String {
    let state = status(document.status);
    let mut line = format!(
        "{}  {}  {:>10}  {}",
        document.id,
        // As wide as the longest.
        pad_str(&state, 8, Alignment::Left, None),
        size(document.size_bytes),
        one_line(&document.name)
    );
    if let Some(error) = &document.error {
        let _ = write!(line, "  {} ({})", error.detail, error.code);
    }
    line
}

/// A document with all its members, a line for each.
pub fn tell_document(document: &Document) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14}{}", one_line(value));
    };
    row("id", &document.id.to_string());
    row("name", &document.name);
    row("status", &status(document.status));
    if let Some(error) = &document.error {
        let again = if error.retryable {
            "; `dsr retry` may help"
        } else {
            ""
        };
        row(
            "error",
            &format!("{} ({}){again}", error.detail, error.code),
        );
    }
    let mut kind = document
        .mime_type
        .clone()
        .unwrap_or_else(|| "not known yet".to_owned());
    if document.type_mismatch {
        kind += " (its name or declared type says otherwise)";
    }
    row("type", &kind);
    row(
        "size",
        &format!(
            "{} ({} bytes)",
            size(document.size_bytes),
            HumanCount(document.size_bytes)
        ),
    );
    row(
        "sha256",
        document.sha256.as_deref().unwrap_or("not known yet"),
    );
    let latest = document.latest_version;
    row(
        "version",
        &match document.version {
            Some(version) if version == latest => version.to_string(),
            Some(version) => format!("{version}, and {latest} is no version for readers (yet)"),
            None => format!("none yet; {latest} was uploaded"),
        },
    );
    if let Some(unique_name) = &document.unique_name {
        row("unique name", unique_name);
    }
    if document.is_public {
        let unique_name = document.unique_name.as_deref().unwrap_or_default();
        row("public", &format!("at /public/{unique_name}/content"));
    }
    if !document.metadata.is_empty() {
        let metadata = serde_json::Value::from(document.metadata.clone());
        row("metadata", &metadata.to_string());
    }
    row("uploaded", &format!("{} UTC", moment(document.created_at)));
    row(
        "changed",
        &format!(
            "{} UTC, revision {}",
            moment(document.updated_at),
            document.revision
        ),
    );
    if let Some(archived) = document.archived_at {
        row("archived", &format!("{} UTC", moment(archived)));
    }
    text.trim_end().to_owned()
}

/// An operation in a sentence.
pub fn tell_operation(operation: &Operation) -> String {
    let state = match operation.status {
        OperationStatus::Pending => style("waits").yellow(),
        OperationStatus::Running => style("runs").yellow(),
        OperationStatus::Completed => style("has ended").green(),
        OperationStatus::Cancelled => style("was cancelled").yellow(),
        OperationStatus::Error => style("failed").red(),
    };
    let what = action(operation);
    let mut text = format!("{} {what} {state}: ", operation.id);
    let _ = write!(
        text,
        "{} of {} {}, {} skipped, {} failed",
        HumanCount(operation.succeeded.into()),
        HumanCount(operation.total.into()),
        if operation.dry_run {
            "would be done"
        } else {
            "done"
        },
        HumanCount(operation.skipped.into()),
        HumanCount(operation.failed.into()),
    );
    if let Some(error) = &operation.error {
        let _ = write!(text, "; {} ({})", error.detail, error.code);
    }
    text
}

/// What an operation does.
pub fn action(operation: &Operation) -> String {
    let action = format!("{:?}", operation.action).to_lowercase();
    if operation.dry_run {
        format!("{action} (dry run)")
    } else {
        action
    }
}
