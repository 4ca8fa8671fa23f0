//! Records a start in the security log: the role, and the settings that differ from their default,
//! with secrets redacted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use domain::{AuditEntry, AuditEvent, AuditKind, AuditOrigin, Clock as _, SystemClock};
use ledger::{Database, write_audit_log};
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;
use url::Url;

/// How long a start waits for the database to record it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Settings by variable name, with secrets redacted.
pub type Shown = BTreeMap<String, String>;

/// Returns the settings that differ from their default.
pub fn shown(command: &Command, matches: &ArgMatches) -> Shown {
    let mut shown = Shown::new();
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let Some(name) = argument.get_env().and_then(|name| name.to_str()) else {
            continue;
        };
        let source = matches.value_source(id);
        if matches!(source, None | Some(ValueSource::DefaultValue)) {
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let value = if argument.is_hide_env_values_set() {
            "[redacted]".to_owned()
        } else {
            without_secret(&values.join(","))
        };
        shown.insert(name.to_owned(), value);
    }
    shown
}

/// Returns a URL without user, password and query.
fn without_secret(value: &str) -> String {
    let Ok(mut url) = Url::parse(value) else {
        return value.to_owned();
    };
    if url.password().is_some() {
        let _ = url.set_password(Some("redacted"));
    }
    if let Some(query) = url.query() {
        let names = url::form_urlencoded::parse(query.as_bytes());
        let secret = |name: &str| {
            let words = ["secret", "token", "sig", "key", "password", "credential"];
            let name = name.to_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        let shown = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
            let hidden = secret(&name);
            let value = if hidden { "redacted" } else { &*value };
            (name.to_string(), value.to_owned())
        };
        let kept: Vec<_> = names.map(shown).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    url.into()
}

/// Records that `role` starts with these settings. Failing to record it, for instance on an older
/// schema, does not prevent the start.
pub async fn note(db: &Database, role: &str, settings: &Shown) {
    let detail = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "settings": settings,
    });
    let event = AuditEvent::new(AuditKind::ServiceStarted, role, detail);
    let entry = AuditEntry::counted(AuditOrigin::OPERATOR, event, SystemClock.now());
    entry.log();
    let entries = [entry];
    match timeout(PATIENCE, write_audit_log(db.writer(), &entries)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "failed to record the start in the security log");
        }
        Err(_) => warn!("timed out recording the start in the security log"),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_is_set_is_shown_and_no_secret_is() {
        let command = Cli::command();
        let line = [
            "dossier",
            "--jwt-secret=a secret that is long enough to be one",
            "--database-url=postgres://u:hidden@host/db",
            "--bootstrap-key=a secret that is long enough to be one",
            "--storage-url=s3://bucket/prefix?endpoint=http://s3:9000",
            "--jwt-jwks=https://u:hidden@id.example.com/keys",
            "--jwt-audience=us",
            "--keep-versions=3",
            "ingress",
        ];
        let matches = command.clone().try_get_matches_from(line).unwrap();
        Cli::from_arg_matches(&matches).unwrap();
        let shown = shown(&command, &matches);
        let text = format!("{shown:?}");
        assert!(
            !text.contains("hidden") && !text.contains("a secret"),
            "{text}"
        );
        assert_eq!(shown["DOSSIER_KEEP_VERSIONS"], "3");
        assert_eq!(shown["DOSSIER_JWT_SECRET"], "[redacted]");
        assert!(shown["DOSSIER_STORAGE_URL"].starts_with("s3://bucket/prefix?endpoint="));
        assert_eq!(shown.get("DOSSIER_LEASE"), None, "it is the default");
    }
}
