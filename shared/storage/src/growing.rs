//! Objects that grow: what several requests write one after the other, each of them possibly by
//! another process. Routes them to the adapter of their URL.

use super::key::{new_growing_key, url_of};
use super::{Appender, Appending, Growing, StorageError, StorageRouter, Writer};
use domain::Timestamp;
use url::Url;

/// Objects that grow, in staging.
impl StorageRouter {
    /// Returns a new, empty object that may grow in staging. Nothing is written yet.
    pub fn grow(&self, now: Timestamp) -> Result<Growing, StorageError> {
        let place = self.staging().place();
        if self.staging().appending().is_none() {
            return Err(StorageError::NotSupported {
                place: place.clone(),
            });
        }
        Ok(Growing {
            url: url_of(place, &new_growing_key(now)),
            length: 0,
            tail: None,
            parts: String::new(),
            skipped: 0,
        })
    }

    /// See [`Appending::append`]. Fails when free space is too low.
    pub async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Box<dyn Appender>, StorageError> {
        self.check_room()?;
        let place = self.appending_at(&growing.url)?;
        place.append(growing, fence, writer).await
    }

    /// See [`Appending::finish`].
    pub async fn finish(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Url, StorageError> {
        let place = self.appending_at(&growing.url)?;
        place.finish(growing, fence, writer).await
    }

    fn appending_at(&self, url: &Url) -> Result<&dyn Appending, StorageError> {
        let adapter = self.adapter_of(url)?;
        let not_supported = || StorageError::NotSupported {
            place: adapter.place().clone(),
        };
        adapter.appending().ok_or_else(not_supported)
    }
}
