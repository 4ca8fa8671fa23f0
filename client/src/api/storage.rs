//! Storage places and moves between them, for admins.

use uuid::Uuid;

use crate::http::Call;
use crate::types::{NewStorageMove, StorageMove, StoragePlace};
use crate::{Client, Error};

impl Client {
    /// The places, with what the service has there.
    pub async fn storage_places(&self) -> Result<Vec<StoragePlace>, Error> {
        self.all(Call::get(&["v1", "admin", "storage", "places"]))
            .await
    }

    /// The moves, the newest first.
    pub async fn storage_moves(&self) -> Result<Vec<StorageMove>, Error> {
        self.all(Call::get(&["v1", "admin", "storage", "moves"]))
            .await
    }

    /// A move.
    pub async fn storage_move(&self, id: Uuid) -> Result<StorageMove, Error> {
        let path = ["v1", "admin", "storage", "moves", &id.to_string()];
        self.ask(Call::get(&path)).await
    }

    /// Starts a move of all objects from one place to another.
    pub async fn start_storage_move(&self, wanted: &NewStorageMove) -> Result<StorageMove, Error> {
        let call = Call::post(&["v1", "admin", "storage", "moves"]);
        self.ask(call.json(wanted)).await
    }

    /// Cancels a move: what was moved stays where it is.
    pub async fn cancel_storage_move(&self, id: Uuid) -> Result<StorageMove, Error> {
        let path = ["v1", "admin", "storage", "moves", &id.to_string(), "cancel"];
        self.ask(Call::post(&path)).await
    }
}
