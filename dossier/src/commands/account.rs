//! `dossier user` and `dossier key`: accounts without the API.

use anyhow::Context as _;
use shared::db::{ApiKey, UserPage, add_key, add_user, find_subject, list_users};
use shared::domain::{Clock as _, KeyId, Quota, Sha256, SystemClock, User, UserId};
use shared::settings::Resolved;

use crate::{cli, resources};

/// How many users are read at once.
const PAGE: u64 = 500;

pub async fn user(resolved: &Resolved, command: cli::User) -> anyhow::Result<()> {
    let db = resources::database(resolved).await?;
    match command {
        cli::User::Add { name, role } => {
            let now = SystemClock.now();
            let user = User {
                id: UserId::new(now),
                name,
                role,
                quota: Quota::default(),
                created_at: now,
            };
            add_user(&db, &user).await?;
            println!("{}", user.id);
        }
        cli::User::List => {
            let mut page = UserPage {
                before: None,
                limit: PAGE,
            };
            loop {
                let users = list_users(&db, page).await?;
                for user in &users {
                    println!("{}  {:5}  {}", user.id, user.role.as_str(), user.name);
                }
                page.before = users.last().map(|user| user.id);
                if users.is_empty() {
                    break;
                }
            }
        }
    }
    db.close().await.context("the database could not be closed")
}

pub async fn key(resolved: &Resolved, command: cli::Key) -> anyhow::Result<()> {
    let cli::Key::Add { user } = command;
    let db = resources::database(resolved).await?;
    let holder = find_subject(&db, &user)
        .await?
        .with_context(|| format!("there is no user {user}"))?;
    let now = SystemClock.now();
    let secret = super::generate_key();
    let key = ApiKey {
        id: KeyId::new(now),
        user: holder.user,
        created_at: now,
    };
    add_key(&db, key, Sha256::of(secret.as_bytes())).await?;
    println!("{secret}");
    db.close().await.context("the database could not be closed")
}
