//! Users, for admins.

use http::Method;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{NewUser, User, UserChanges};
use crate::{Client, Error};

impl Client {
    /// The users, the newest first.
    #[must_use]
    pub fn users(&self) -> Items<User> {
        self.items(Call::get(&["v1", "admin", "users"]))
    }

    /// A user.
    pub async fn user(&self, id: Uuid) -> Result<User, Error> {
        self.ask(Call::get(&["v1", "admin", "users", &id.to_string()]))
            .await
    }

    /// Creates a user.
    pub async fn create_user(&self, user: &NewUser) -> Result<User, Error> {
        self.ask(Call::post(&["v1", "admin", "users"]).json(user))
            .await
    }

    /// Changes a user.
    pub async fn change_user(&self, id: Uuid, changes: &UserChanges) -> Result<User, Error> {
        let id = id.to_string();
        let call = Call::new(Method::PATCH, &["v1", "admin", "users", &id]);
        self.ask(call.json(changes)).await
    }

    /// Deletes a user with all their documents.
    pub async fn delete_user(&self, id: Uuid) -> Result<(), Error> {
        let call = Call::delete(&["v1", "admin", "users", &id.to_string()]);
        self.send(call).await.map(drop)
    }
}
