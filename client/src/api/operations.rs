//! Operations on many documents.

use http::header::CONTENT_TYPE;
use uuid::Uuid;

use super::Items;
use crate::http::{Call, Moved, counted, pause};
use crate::types::{ItemResult, NewOperation, OnConflict, Operation, OperationItem};
use crate::upload::{Source, Transfer};
use crate::{Client, Error};

impl Client {
    /// Starts an operation.
    pub async fn start_operation(&self, operation: &NewOperation) -> Result<Operation, Error> {
        let call = Call::post(&["v1", "operations"]).json(operation);
        self.ask(call).await
    }

    /// Starts the import of a ZIP archive. Of `transfer`, the progress is told.
    pub async fn import(
        &self,
        archive: &Source,
        on_conflict: OnConflict,
        transfer: &Transfer,
    ) -> Result<Operation, Error> {
        let call = Call::post(&["v1", "operations", "import"])
            .queries(&serde_json::json!({"on_conflict": on_conflict}))
            .header(CONTENT_TYPE, "application/zip");
        let mut attempt = 1;
        loop {
            let moved = Moved::default();
            let stream = archive.read(0, archive.length()).await?;
            let tell = transfer.on_progress.clone();
            let body = counted(stream, moved.clone(), move |sent| {
                if let Some(tell) = &tell {
                    tell(sent);
                }
            });
            let sent = self.send_once(&call, body, archive.length(), &moved);
            match sent.await {
                Ok(answer) => return answer.json().await,
                Err(error) if error.is_transient() && attempt < self.inner.attempts => {
                    archive.check(None).await?;
                    pause(attempt, error.retry_after()).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The operations, the newest first.
    #[must_use]
    pub fn operations(&self) -> Items<Operation> {
        self.items(Call::get(&["v1", "operations"]))
    }

    /// An operation.
    pub async fn operation(&self, id: Uuid) -> Result<Operation, Error> {
        let call = Call::get(&["v1", "operations", &id.to_string()]);
        self.ask(call).await
    }

    /// The items of an operation; with a result only those.
    #[must_use]
    pub fn operation_items(&self, id: Uuid, result: Option<ItemResult>) -> Items<OperationItem> {
        let call = Call::get(&["v1", "operations", &id.to_string(), "items"]);
        self.items(call.queries(&serde_json::json!({"result": result})))
    }

    /// Cancels an operation: what was not begun is skipped.
    pub async fn cancel_operation(&self, id: Uuid) -> Result<Operation, Error> {
        let call = Call::post(&["v1", "operations", &id.to_string(), "cancel"]);
        self.ask(call).await
    }

    /// Undoes an operation, by another operation.
    pub async fn undo_operation(&self, id: Uuid) -> Result<Operation, Error> {
        let call = Call::post(&["v1", "operations", &id.to_string(), "undo"]);
        self.ask(call).await
    }
}
