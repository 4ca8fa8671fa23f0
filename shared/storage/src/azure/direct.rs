//! Uploads that clients write: one request, or blocks that we make a blob of.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use url::Url;

use super::adapter::Azure;
use super::blocks::{created, put_block_list};
use super::outcome::is_missing;
use crate::parted::{DirectParts, Division};
use crate::rest::{header, length, no_content};
use crate::{Direct, DirectUpload, Joined, Signed, SignedPart, StorageError, WrittenPart};
use domain::ByteSize;

#[async_trait]
impl Direct for Azure {
    async fn begin(&self, url: &Url, size: ByteSize) -> Result<Option<String>, StorageError> {
        let parts = DirectParts::of(size, Division::MANY);
        let name = self.name_of(url)?;
        let shortest = Duration::from_mins(1);
        let signed = self.keys.presign_write(&self.container, &name, shortest);
        Ok(signed.await?.map(|_| parts.written()))
    }

    async fn sign(
        &self,
        upload: &DirectUpload,
        lifetime: Duration,
    ) -> Result<Signed, StorageError> {
        let parts = DirectParts::read(upload)?;
        let name = self.name_of(&upload.url)?;
        let signed = self.keys.presign_write(&self.container, &name, lifetime);
        let not_supported = || StorageError::NotSupported {
            place: crate::Storage::place(self).clone(),
        };
        let url = signed.await?.ok_or_else(not_supported)?;
        if parts.size.is_none() {
            let kind = ("x-ms-blob-type".to_owned(), "BlockBlob".to_owned());
            let headers = vec![kind];
            return Ok(Signed::Whole { url, headers });
        }
        let part = |(number, size)| {
            let mut url = url.clone();
            url.query_pairs_mut()
                .append_pair("comp", "block")
                .append_pair("blockid", &id(number));
            SignedPart { number, url, size }
        };
        let list = parts.list(upload.size);
        Ok(Signed::Parts {
            parts: list.into_iter().map(part).collect(),
            headers: Vec::new(),
        })
    }

    fn outlives_removal(&self, _: &DirectUpload) -> bool {
        true
    }

    async fn join(
        &self,
        upload: &DirectUpload,
        written: &[WrittenPart],
    ) -> Result<Joined, StorageError> {
        let parts = DirectParts::read(upload)?;
        if !parts.are_all(upload.size, written) {
            return Ok(Joined::OtherParts);
        }
        if parts.size.is_none() {
            return Ok(Joined::Done);
        }
        let name = self.name_of(&upload.url)?;
        let ids = parts.list(upload.size).into_iter();
        let ids = ids.map(|(number, _)| id(number));
        let answer = put_block_list(&self.container, &name, ids).await?;
        // Which of them is missing isn't told.
        let is_other =
            is_missing(&answer) || header(&answer, "x-ms-error-code") == Some("InvalidBlockList");
        match created("complete a write", answer).await {
            Ok(()) => Ok(Joined::Done),
            Err(_) if is_other => {
                // The client may have made it a blob itself.
                let call = self.container.call("look", Method::HEAD, &name);
                let answer = self.container.send(&call).await?;
                let is_whole =
                    answer.status().is_success() && length(&answer) == Some(upload.size.bytes());
                no_content(call.action, answer).await?;
                Ok(if is_whole {
                    Joined::Done
                } else {
                    Joined::OtherParts
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// The ids of a blob's blocks have one length.
fn id(number: u32) -> String {
    STANDARD.encode(format!("{number:06}"))
}
