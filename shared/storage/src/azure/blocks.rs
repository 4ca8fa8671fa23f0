//! Writes an object of unknown length: one request if it is small, else blocks in parallel.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

use super::container::Container;
use super::outcome::refusal;
use super::unfinished::Unfinished;
use crate::parted::{
    Buffer, BufferLimits, Buffers, Gathered, Parts, filled, gather, part_size, take_buffer,
};
use crate::rest::{Response, no_content};
use crate::{SourceStream, StorageError, WriteError, Writer};

/// Blocks of one write sent concurrently.
const AT_ONCE: usize = 4;

/// The state shared by writes to one place.
#[derive(Debug)]
pub(super) struct Writes {
    pub(super) buffers: Buffers,
}

/// The blocks of one write.
struct Sending {
    container: Arc<Container>,
    name: String,
    /// Distinguishes the blocks of this write from others to the same blob.
    write: Uuid,
    writer: Writer,
    /// Blocks being sent are aborted on drop.
    under_way: JoinSet<Result<(), StorageError>>,
    blocks: i32,
}

impl Writes {
    /// Not started yet.
    pub(super) fn new() -> Self {
        Self {
            buffers: Buffers::new(BufferLimits::default()),
        }
    }

    /// Writes `source` to the blob `name`.
    pub(super) async fn put(
        &self,
        container: &Arc<Container>,
        name: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<(), WriteError> {
        let (first, buffer, rest) = match gather(&self.buffers, source, writer).await? {
            Gathered::Whole(bytes, _buffer) => {
                return Ok(put_whole(container, name, bytes).await?);
            }
            Gathered::Begun {
                first,
                buffer,
                rest,
            } => (first, buffer, rest),
        };
        let unfinished = Unfinished::of(container, name);
        let sending = Sending {
            container: Arc::clone(container),
            name: name.to_owned(),
            write: Uuid::new_v4(),
            writer,
            under_way: JoinSet::new(),
            blocks: 0,
        };
        match self.send_blocks(sending, (first, buffer), rest).await {
            Ok(()) => {
                unfinished.complete();
                Ok(())
            }
            Err(error) => {
                unfinished.end().await;
                Err(error)
            }
        }
    }

    async fn send_blocks(
        &self,
        mut sending: Sending,
        (first, buffer): (Bytes, Buffer),
        mut parts: Parts<'_>,
    ) -> Result<(), WriteError> {
        sending.send(first, buffer);
        while !parts.are_over().await.map_err(WriteError::Source)? {
            sending.wait_for_turn().await?;
            let number = sending.blocks + 1;
            let buffer = take_buffer(&self.buffers, sending.writer, number).await?;
            let part = filled(&buffer, parts.next(part_size(number))).await?;
            sending.send(part, buffer);
        }
        while let Some(ended) = sending.under_way.join_next().await {
            sent(ended)?;
        }
        Ok(sending.complete().await?)
    }
}

impl Sending {
    /// Waits until another block of this write may be sent.
    async fn wait_for_turn(&mut self) -> Result<(), StorageError> {
        while let Some(ended) = self.under_way.try_join_next() {
            sent(ended)?;
        }
        while self.under_way.len() >= AT_ONCE
            && let Some(ended) = self.under_way.join_next().await
        {
            sent(ended)?;
        }
        Ok(())
    }

    fn send(&mut self, block: Bytes, buffer: Buffer) {
        self.blocks += 1;
        let (id, name) = (self.id(self.blocks), self.name.clone());
        let container = Arc::clone(&self.container);
        self.under_way.spawn(async move {
            let outcome = put_block(&container, &name, &id, block).await;
            drop(buffer);
            outcome
        });
    }

    /// Makes the blob of the blocks, in their order.
    async fn complete(&self) -> Result<(), StorageError> {
        let ids = (1..=self.blocks).map(|number| self.id(number));
        let answer = put_block_list(&self.container, &self.name, ids).await?;
        created("complete a write", answer).await
    }

    /// The ids of a blob's blocks have one length.
    fn id(&self, number: i32) -> String {
        STANDARD.encode(format!("{}-{number:06}", self.write.simple()))
    }
}

/// Writes a blob by one request.
pub(super) async fn put_whole(
    container: &Container,
    name: &str,
    bytes: Bytes,
) -> Result<(), StorageError> {
    let call = container.call("write", Method::PUT, name);
    let call = call.header("x-ms-blob-type", "BlockBlob").body(bytes);
    created(call.action, container.send(&call).await?).await
}

/// Writes a block of a blob.
pub(super) async fn put_block(
    container: &Container,
    name: &str,
    id: &str,
    block: Bytes,
) -> Result<(), StorageError> {
    let parameters = [("comp", "block"), ("blockid", id)];
    let call = container.call_with("write a block", Method::PUT, name, &parameters);
    let call = call.body(block);
    created(call.action, container.send(&call).await?).await
}

/// Makes a blob of its blocks with these ids, and returns the answer.
pub(super) async fn put_block_list(
    container: &Container,
    name: &str,
    ids: impl Iterator<Item = String>,
) -> Result<Response, StorageError> {
    let mut list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>".to_owned();
    for id in ids {
        // A repeated request finds them committed.
        list.push_str("<Latest>");
        list.push_str(&id);
        list.push_str("</Latest>");
    }
    list.push_str("</BlockList>");
    let parameters = [("comp", "blocklist")];
    let call = container.call_with("complete a write", Method::PUT, name, &parameters);
    let call = call
        .header("x-ms-blob-content-type", "application/octet-stream")
        .body(Bytes::from(list));
    container.send(&call).await
}

/// Returns an error unless something was created.
pub(super) async fn created(action: &'static str, answer: Response) -> Result<(), StorageError> {
    if answer.status() != StatusCode::CREATED {
        return Err(refusal(action, answer).await);
    }
    no_content(action, answer).await
}

fn sent(ended: Result<Result<(), StorageError>, JoinError>) -> Result<(), StorageError> {
    ended.unwrap_or_else(|panicked| {
        Err(StorageError::Unavailable {
            action: "write a block",
            source: panicked.into(),
        })
    })
}
