//! API keys: one's own and, for admins, those of others.

use client::{ApiKey, KeyRequest, Role, Uuid};

use super::listed::listed;
use crate::cli::{KeyCommand, KeyOwner};
use crate::failure::Failure;
use crate::output::{Column, moment};
use crate::session::Session;

const COLUMNS: [Column; 6] = [
    Column::text("ID"),
    Column::text("BEGINS"),
    Column::text("EXPIRES (UTC)").whole(),
    Column::text("LAST USED (UTC)").when_wide(110).whole(),
    Column::text("SCOPES").when_wide(130).whole(),
    Column::text("NAME").whole(),
];

/// Runs one of the commands.
pub async fn key(session: &Session<'_>, command: KeyCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        KeyCommand::Ls { of } => {
            let keys = client.keys(user(session, &of).await?);
            listed(screen, keys, &COLUMNS, row, "There are no keys.").await
        }
        KeyCommand::New {
            of,
            name,
            scopes,
            expires_in,
        } => {
            let holder = user(session, &of).await?;
            if let Some(holder) = holder {
                check_scopes(session, holder, &scopes).await?;
            }
            let new = KeyRequest {
                name,
                scopes: (!scopes.is_empty()).then_some(scopes),
                expires_in,
            };
            let made = client.make_key(holder, &new).await?;
            screen.result(&made, &made.key)?;
            screen.note("The key isn't shown again.");
            Ok(())
        }
        KeyCommand::Rm { id, of } => {
            client.remove_key(user(session, &of).await?, id).await?;
            let removed = serde_json::json!({"id": id, "removed": true});
            screen.result(&removed, &format!("{id}  removed"))
        }
    }
}

/// Refuses the scope of admins for others: the key would be made, and could do nothing with it.
async fn check_scopes(
    session: &Session<'_>,
    holder: Uuid,
    scopes: &[String],
) -> Result<(), Failure> {
    if !scopes.iter().any(|scope| scope == "admin") {
        return Ok(());
    }
    let user = session.client.user(holder).await?;
    if user.role == Role::Admin {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} isn't an admin, so a key of theirs can do nothing with the scope admin",
        user.name
    )))
}

/// Whose keys, if not one's own.
async fn user(session: &Session<'_>, of: &KeyOwner) -> Result<Option<Uuid>, Failure> {
    match &of.user {
        Some(user) => Ok(Some(session.find_user(user).await?)),
        None => Ok(None),
    }
}

fn row(key: ApiKey) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        key.id.to_string(),
        key.starts_with.unwrap_or_else(none),
        key.expires_at.map_or_else(|| "never".to_owned(), moment),
        key.last_used_at.map_or_else(none, moment),
        key.scopes.join(","),
        key.name.unwrap_or_else(none),
    ]
}
