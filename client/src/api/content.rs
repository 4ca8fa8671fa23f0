//! Content: bytes in the order in which they come, over broken connections, checked at the end.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_RANGE, RANGE};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::http::{Answer, Call, pause};
use crate::{Client, Error};

/// Content that is being received.
#[derive(Debug)]
pub struct Content {
    client: Client,
    call: Call,
    answer: Answer,
    etag: Option<String>,
    length: Option<u64>,
    offset: u64,
    failures: u32,
    hash: Sha256,
}

impl Client {
    /// The content that readers of a document get.
    pub async fn content(&self, id: Uuid) -> Result<Content, Error> {
        let call = Call::get(&["v1", "documents", &id.to_string(), "content"]);
        self.receive(call).await
    }

    /// The content of a version.
    pub async fn version_content(&self, id: Uuid, number: u32) -> Result<Content, Error> {
        let (id, number) = (id.to_string(), number.to_string());
        let path = ["v1", "documents", &id, "versions", &number, "content"];
        self.receive(Call::get(&path)).await
    }

    /// The ZIP archive of an export.
    pub async fn operation_result(&self, id: Uuid) -> Result<Content, Error> {
        let call = Call::get(&["v1", "operations", &id.to_string(), "result"]);
        self.receive(call).await
    }

    async fn receive(&self, call: Call) -> Result<Content, Error> {
        // The bytes come from the service, whatever its way of downloads.
        let call = call.query("redirect", false);
        let answer = self.send(call.clone()).await?;
        Ok(Content {
            etag: answer.header(ETAG.as_str()).map(str::to_owned),
            length: answer.number(CONTENT_LENGTH.as_str()),
            client: self.clone(),
            call,
            answer,
            offset: 0,
            failures: 0,
            hash: Sha256::new(),
        })
    }
}

impl Content {
    /// How many bytes there are, if that is known.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The media type.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.answer.header(CONTENT_TYPE.as_str())
    }

    /// The next bytes; none at the end. A broken connection is made again, and the content is held
    /// against its digest at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.answer.chunk().await {
                Ok(Some(bytes)) => {
                    self.offset += bytes.len() as u64;
                    self.failures = 0;
                    self.hash.update(&bytes);
                    return Ok(Some(bytes));
                }
                Ok(None) => return self.check().map(|()| None),
                Err(error) => self.go_on_after(error).await?,
            }
        }
    }

    async fn go_on_after(&mut self, error: Error) -> Result<(), Error> {
        self.failures += 1;
        let Some(etag) = &self.etag else {
            return Err(error);
        };
        if !error.is_transient() || self.failures >= self.client.inner.attempts {
            return Err(error);
        }
        pause(self.failures, None).await;
        let call = self.call.clone();
        let call = call
            .header(RANGE, &format!("bytes={}-", self.offset))
            .header(IF_RANGE, etag);
        let answer = self.client.send(call).await?;
        if answer.status != StatusCode::PARTIAL_CONTENT {
            return Err(answer.unexpected("the content has changed meanwhile"));
        }
        self.answer = answer;
        Ok(())
    }

    /// The `ETag` of a document's content is its SHA-256.
    fn check(&self) -> Result<(), Error> {
        let expected = self.etag.as_deref().map(|etag| etag.trim_matches('"'));
        let Some(expected) = expected.filter(|etag| is_digest(etag)) else {
            return Ok(());
        };
        let found = hex::encode(self.hash.clone().finalize());
        if found == expected {
            Ok(())
        } else {
            Err(Error::DigestMismatch {
                expected: expected.to_owned(),
                found,
            })
        }
    }
}

fn is_digest(etag: &str) -> bool {
    etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}
