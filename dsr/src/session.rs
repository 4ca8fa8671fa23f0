//! The client that a command uses, of arguments, environment and configuration.

use client::{Client, Uuid};
use futures::TryStreamExt as _;

use crate::cli::Owner;
use crate::config::Config;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::output::Screen;

/// What a command works with.
pub struct Session<'a> {
    /// The client.
    pub client: Client,
    /// What the user sees.
    pub screen: &'a Screen,
    /// The key, by whose digest uploads of different users are told apart.
    pub key: String,
}

impl<'a> Session<'a> {
    /// Finds out who is signed in where. The key that is kept is sent to its own service alone.
    pub fn open(
        url: Option<String>,
        key: Option<String>,
        screen: &'a Screen,
    ) -> Result<Self, Failure> {
        let (url, key) = match (url, key) {
            (Some(url), Some(key)) => (url, key),
            (url, key) => {
                let kept = Config::read(&Folders::find()?)?;
                let is_elsewhere = url.is_some() && url != kept.url;
                let kept_key = kept.key.filter(|_| !is_elsewhere);
                let url = url.or(kept.url).ok_or(Failure::NotSignedIn)?;
                (url, key.or(kept_key).ok_or(Failure::NotSignedIn)?)
            }
        };
        Ok(Self {
            client: Client::new(&url, &key)?,
            screen,
            key,
        })
    }

    /// The same session, which reads what another user owns if one is named.
    pub async fn of(&self, owner: &Owner) -> Result<Self, Failure> {
        let client = match &owner.owner {
            Some(user) => self.client.of_owner(self.find_user(user).await?),
            None => self.client.clone(),
        };
        Ok(Self {
            client,
            screen: self.screen,
            key: self.key.clone(),
        })
    }

    /// The id of a user by their id or name.
    pub async fn find_user(&self, user: &str) -> Result<Uuid, Failure> {
        if let Ok(id) = user.parse() {
            return Ok(id);
        }
        let mut users = self.client.users();
        while let Some(found) = users.try_next().await? {
            if found.name == user {
                return Ok(found.id);
            }
        }
        Err(Failure::NoSuchUser(user.to_owned()))
    }

    /// The id of a document by its id or unique name.
    pub async fn find(&self, document: &str) -> Result<Uuid, Failure> {
        match document.parse() {
            Ok(id) => Ok(id),
            Err(_) => Ok(self.client.document_by_name(document).await?.id),
        }
    }
}
