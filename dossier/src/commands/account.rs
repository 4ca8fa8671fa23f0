//! `dossier user` and `dossier key`: manage accounts without the API.

use anyhow::{Context as _, bail};
use domain::{
    AuditEvent, AuditKind, Clock as _, Identity, KeySecret, Scopes, Sha256, SystemClock, Timestamp,
    User, UserId,
};
use ledger::{
    ApiKey, ChangedUser, Database, UserChanges, UserPage, add_key, add_user, change_user,
    find_user_named, forget_identity, list_users,
};
use serde_json::json;
use settings::Resolved;

use super::operator_log::logged;
use crate::{cli, resources};

/// Users read in one query.
const PAGE: u64 = 500;

pub async fn user(resolved: &Resolved, command: cli::User) -> anyhow::Result<()> {
    let db = resources::ledger(resolved).await?;
    match command {
        cli::User::New { name, role } => {
            let user = User {
                role,
                ..User::new(name, SystemClock.now())
            };
            add_user(&logged(&db, AuditEvent::user_added), &user).await?;
            println!("{}", user.id);
        }
        cli::User::Ls => list(&db).await?,
        cli::User::Link {
            user,
            issuer,
            subject,
        } => {
            let identity = Identity::new(&issuer, &subject)?;
            let mut identities = named(&db, &user).await?.identities;
            identities.push(identity);
            if identities.len() > User::MAX_IDENTITIES {
                bail!(
                    "a user can have at most {} identities",
                    User::MAX_IDENTITIES
                );
            }
            let changes = UserChanges {
                identities: Some(identities),
                ..UserChanges::default()
            };
            change(&db, &user, &changes).await?;
        }
        cli::User::Unlink { issuer, subject } => {
            let identity = Identity::new(&issuer, &subject)?;
            let kind = AuditKind::IdentityUnlinked;
            let event = |user: &Option<UserId>| {
                let subject = user.map(|user| user.to_string());
                let event = AuditEvent::new(kind, "", json!(identity));
                vec![AuditEvent { subject, ..event }]
            };
            if !forget_identity(&logged(&db, event), &identity).await? {
                bail!("there is no such identity");
            }
        }
        cli::User::Disable { user } => change(&db, &user, &disabled(true)).await?,
        cli::User::Enable { user } => change(&db, &user, &disabled(false)).await?,
    }
    db.close().await.context("failed to close the database")
}

fn disabled(disabled: bool) -> UserChanges {
    UserChanges {
        disabled: Some(disabled),
        ..UserChanges::default()
    }
}

async fn named(db: &Database, user: &str) -> anyhow::Result<User> {
    let found = find_user_named(db, user).await?;
    found.with_context(|| format!("there is no user {user}"))
}

async fn change(db: &Database, user: &str, changes: &UserChanges) -> anyhow::Result<()> {
    let id = named(db, user).await?.id;
    let on = logged(db, |changed: &ChangedUser| {
        AuditEvent::user_changed(&changed.before, &changed.after)
    });
    let found = change_user(&on, id, changes, SystemClock.now()).await?;
    found.with_context(|| format!("there is no user {user}"))?;
    Ok(())
}

async fn list(db: &Database) -> anyhow::Result<()> {
    let mut page = UserPage {
        before: None,
        limit: PAGE,
    };
    loop {
        let users = list_users(db, page).await?;
        for user in &users {
            let state = if user.disabled { "disabled" } else { "enabled" };
            let role = user.role.as_str();
            println!("{}  {role:5}  {state:8}  {}", user.id, user.name);
        }
        page.before = users.last().map(|user| user.id);
        if users.is_empty() {
            return Ok(());
        }
    }
}

pub async fn key(resolved: &Resolved, command: cli::Key) -> anyhow::Result<()> {
    let cli::Key::New(new) = command;
    let db = resources::ledger(resolved).await?;
    let holder = named(&db, &new.user).await?;
    let secret = KeySecret::generate();
    let key = ApiKey {
        starts_with: Some(secret.beginning().to_owned()),
        ..wanted(&holder, new, SystemClock.now())?
    };
    let on = logged(&db, |key: &ApiKey| {
        let detail = json!({"key_id": key.id});
        vec![AuditEvent::new(AuditKind::KeyCreated, key.user, detail)]
    });
    add_key(&on, key, Sha256::of(secret.as_str().as_bytes())).await?;
    println!("{}", secret.as_str());
    db.close().await.context("failed to close the database")
}

/// The key to add. A scope that has no effect for its user is refused: it would be found out much later.
fn wanted(holder: &User, new: cli::NewKey, now: Timestamp) -> anyhow::Result<ApiKey> {
    let scopes = (!new.scopes.is_empty()).then(|| new.scopes.into_iter().collect::<Scopes>());
    let effective = Scopes::of_role(holder.role);
    if let Some(lacking) = scopes.and_then(|scopes| effective.lacks(scopes)) {
        bail!(
            "--scope: {} isn't an admin, so a key of theirs can do nothing with {lacking}",
            holder.name
        );
    }
    Ok(ApiKey {
        name: new.name,
        scopes,
        expires_at: new.expires_in.map(|lifetime| now.plus(lifetime.0)),
        ..ApiKey::new(holder.id, now)
    })
}
