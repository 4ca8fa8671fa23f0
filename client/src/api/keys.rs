//! API keys: one's own, and for admins those of others.

use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{ApiKey, KeyRequest, NewApiKey};
use crate::{Client, Error};

impl Client {
    /// The keys of a user, or one's own; the newest first.
    #[must_use]
    pub fn keys(&self, user: Option<Uuid>) -> Items<ApiKey> {
        self.items(Call::get(&segments(&path(user))))
    }

    /// Makes a key. The key itself is told this once.
    pub async fn make_key(&self, user: Option<Uuid>, key: &KeyRequest) -> Result<NewApiKey, Error> {
        self.ask(Call::post(&segments(&path(user))).json(key)).await
    }

    /// Removes a key: it is refused at once.
    pub async fn remove_key(&self, user: Option<Uuid>, key: Uuid) -> Result<(), Error> {
        let mut path = path(user);
        path.push(key.to_string());
        self.send(Call::delete(&segments(&path))).await.map(drop)
    }
}

/// Where the keys of a user are.
fn path(user: Option<Uuid>) -> Vec<String> {
    let path = match user {
        Some(user) => format!("v1/admin/users/{user}/keys"),
        None => "v1/keys".to_owned(),
    };
    path.split('/').map(str::to_owned).collect()
}

fn segments(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}
