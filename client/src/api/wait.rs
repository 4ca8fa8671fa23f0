//! Waits for what workers do, by requests that the service answers once it is done.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::http::Call;
use crate::types::{Document, DocumentStatus, Operation, Version, VersionStatus};
use crate::{Client, Error};

/// A patience for documents of usual sizes.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// The longest wait of a request.
const LONGEST: u64 = 30;

impl Client {
    /// Waits until a document is no longer pending.
    pub async fn wait_for_document(&self, id: Uuid, patience: Duration) -> Result<Document, Error> {
        let call = Call::get(&["v1", "documents", &id.to_string()]);
        let is_settled = |document: &Document| document.status != DocumentStatus::Pending;
        self.wait_for(call, id, patience, is_settled).await
    }

    /// Waits until a version is no longer pending.
    pub async fn wait_for_version(
        &self,
        id: Uuid,
        number: u32,
        patience: Duration,
    ) -> Result<Version, Error> {
        let number = number.to_string();
        let call = Call::get(&["v1", "documents", &id.to_string(), "versions", &number]);
        let is_settled = |version: &Version| version.status != VersionStatus::Pending;
        self.wait_for(call, id, patience, is_settled).await
    }

    /// Waits until an operation has ended.
    pub async fn wait_for_operation(
        &self,
        id: Uuid,
        patience: Duration,
    ) -> Result<Operation, Error> {
        let call = Call::get(&["v1", "operations", &id.to_string()]);
        let has_ended = |operation: &Operation| operation.finished_at.is_some();
        self.wait_for(call, id, patience, has_ended).await
    }

    async fn wait_for<T: serde::de::DeserializeOwned>(
        &self,
        call: Call,
        id: Uuid,
        patience: Duration,
        is_settled: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let begin = Instant::now();
        loop {
            let left = patience.saturating_sub(begin.elapsed());
            let seconds = left.as_secs().min(LONGEST);
            let found: T = self.ask(call.clone().wait(seconds)).await?;
            if is_settled(&found) {
                return Ok(found);
            }
            if seconds == 0 {
                return Err(Error::StillPending { id, patience });
            }
        }
    }
}
