//! Users, for admins.

use std::fmt::Write as _;

use client::{Identity, NewUser, Role, User, UserChanges, Uuid};
use futures::StreamExt as _;

use super::listed::listed;
use crate::cli::{self, EditUser, Quota, UserCommand};
use crate::failure::Failure;
use crate::output::{Column, moment, one_line, size};
use crate::session::Session;

const COLUMNS: [Column; 6] = [
    Column::text("ID"),
    Column::text("ROLE"),
    Column::text("STATUS"),
    Column::text("QUOTA"),
    Column::text("CREATED (UTC)").when_wide(110),
    Column::text("NAME").whole(),
];

/// Runs one of the commands.
pub async fn user(session: &Session<'_>, command: UserCommand) -> Result<(), Failure> {
    let client = &session.client;
    match command {
        UserCommand::Ls { limit } => {
            let users = client.users().take(limit.unwrap_or(usize::MAX));
            listed(session.screen, users, &COLUMNS, row, "There are no users.").await
        }
        UserCommand::New(new) => tell(session, &client.create_user(&wanted(new)).await?),
        UserCommand::Show { user } => {
            let id = session.find_user(&user).await?;
            tell(session, &client.user(id).await?)
        }
        UserCommand::Edit(edit) => {
            let changes = changes(&edit)?;
            if changes == UserChanges::default() {
                return Err(Failure::usage(
                    "nothing to change: see `dsr user edit --help`",
                ));
            }
            change(session, &edit.user, &changes).await
        }
        UserCommand::Disable { user } => change(session, &user, &disabled(true)).await,
        UserCommand::Enable { user } => change(session, &user, &disabled(false)).await,
        UserCommand::Rm { user, yes } => {
            let id = session.find_user(&user).await?;
            if !yes {
                confirm(session, &client.user(id).await?)?;
            }
            delete(session, id).await
        }
    }
}

async fn change(session: &Session<'_>, user: &str, changes: &UserChanges) -> Result<(), Failure> {
    let id = session.find_user(user).await?;
    tell(session, &session.client.change_user(id, changes).await?)
}

async fn delete(session: &Session<'_>, id: Uuid) -> Result<(), Failure> {
    session.client.delete_user(id).await?;
    let deleted = serde_json::json!({"id": id, "deleted": true});
    session
        .screen
        .result(&deleted, &format!("{id}  deleted, with all documents"))
}

fn wanted(new: cli::NewUser) -> NewUser {
    NewUser {
        name: new.name,
        role: Some(new.role.into()),
        disabled: None,
        quota_bytes: new.quota_bytes,
        quota_documents: new.quota_documents,
        identities: identities(&new.identity),
    }
}

fn changes(edit: &EditUser) -> Result<UserChanges, Failure> {
    let quota_documents = edit.quota_documents.map(Quota::value);
    let quota_documents = quota_documents.map(|quota| quota.map(u32::try_from).transpose());
    let quota_documents = quota_documents
        .transpose()
        .map_err(|_| Failure::usage("--quota-documents is a number up to 4294967295"))?;
    Ok(UserChanges {
        name: edit.name.clone(),
        role: edit.role.map(Role::from),
        disabled: None,
        quota_bytes: edit.quota_bytes.map(Quota::value),
        quota_documents,
        identities: match identities(&edit.identity) {
            None => edit.no_identities.then(Vec::new),
            some => some,
        },
    })
}

fn disabled(is_disabled: bool) -> UserChanges {
    UserChanges {
        disabled: Some(is_disabled),
        ..UserChanges::default()
    }
}

/// Issuers and subjects by turns.
fn identities(words: &[String]) -> Option<Vec<Identity>> {
    let pairs = words.chunks_exact(2).map(|pair| Identity {
        issuer: pair[0].clone(),
        subject: pair[1].clone(),
    });
    let identities: Vec<_> = pairs.collect();
    (!identities.is_empty()).then_some(identities)
}

/// Asks whether a user is to be deleted.
fn confirm(session: &Session<'_>, user: &User) -> Result<(), Failure> {
    if !session.screen.can_ask() {
        return Err(Failure::usage(
            "deleting a user deletes all their documents, and needs --yes",
        ));
    }
    let name = &user.name;
    let question = format!("Delete {name} and all their documents for good?");
    if session.screen.confirms(&question)? {
        return Ok(());
    }
    Err(Failure::InPart("nobody was deleted".to_owned()))
}

fn row(user: User) -> Vec<String> {
    vec![
        user.id.to_string(),
        role(user.role),
        status(&user),
        quota(&user),
        moment(user.created_at),
        user.name,
    ]
}

fn tell(session: &Session<'_>, user: &User) -> Result<(), Failure> {
    let mut text = format!(
        "{}  {}  {}  {}  {}",
        user.id,
        role(user.role),
        status(user),
        quota(user),
        one_line(&user.name),
    );
    for identity in &user.identities {
        let (issuer, subject) = (one_line(&identity.issuer), one_line(&identity.subject));
        let _ = write!(text, "\n  tokens of {issuer} for {subject}");
    }
    session.screen.result(user, &text)
}

fn role(role: Role) -> String {
    format!("{role:?}").to_lowercase()
}

fn status(user: &User) -> String {
    let status = if user.disabled { "disabled" } else { "enabled" };
    status.to_owned()
}

fn quota(user: &User) -> String {
    match (user.quota_bytes, user.quota_documents) {
        (None, None) => "default".to_owned(),
        (Some(bytes), None) => size(bytes),
        (None, Some(documents)) => format!("{documents} documents"),
        (Some(bytes), Some(documents)) => format!("{}, {documents} documents", size(bytes)),
    }
}
