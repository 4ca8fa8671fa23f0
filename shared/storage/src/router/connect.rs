//! Connects to the places of an operator, none of which may lie in another.

use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::routing::StorageRouter;
use crate::{Local, Storage, StorageError, StorageUrl};

impl StorageRouter {
    /// Connects to the operator's URLs. Creates missing folders; clients of object stores take
    /// their credentials from the standard environment of each cloud. The places must be identical
    /// or must not overlap.
    pub async fn connect(staging: &StorageUrl, store: &StorageUrl) -> Result<Self, StorageError> {
        Self::connect_all(staging, store, &[]).await
    }

    /// As [`Self::connect`], with further places.
    pub async fn connect_all(
        staging: &StorageUrl,
        store: &StorageUrl,
        more: &[StorageUrl],
    ) -> Result<Self, StorageError> {
        let urls_of_more = more;
        let mut urls = vec![store];
        for url in [staging].into_iter().chain(more) {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        let pairs = || {
            let numbered = || urls.iter().enumerate();
            numbered().flat_map(move |(number, one)| {
                let others = numbered().filter(move |(other, _)| *other != number);
                others.map(move |(_, other)| (*one, *other))
            })
        };
        let overlap = |inner: &StorageUrl, outer: &StorageUrl| StorageError::Overlap {
            inner: inner.to_string(),
            outer: outer.to_string(),
        };
        for (inner, outer) in pairs() {
            if inner.place().as_str().starts_with(outer.place().as_str()) {
                return Err(overlap(inner, outer));
            }
        }
        let mut connected: Vec<Arc<dyn Storage>> = Vec::new();
        for url in &urls {
            connected.push(url.connect().await?);
        }
        for (inner, outer) in pairs() {
            if let Ok(folder) = inner.place().to_file_path()
                && Local::lies_within(&folder, outer.place()).await?
            {
                return Err(overlap(inner, outer));
            }
        }
        let of = |url: &StorageUrl| {
            let position = urls.iter().position(|one| *one == url).unwrap_or_default();
            Arc::clone(&connected[position])
        };
        let known = 1 + usize::from(staging != store);
        let more = connected.iter().skip(known).cloned().collect();
        let places = Self::new(of(staging), of(store)).with_more(more);
        if urls_of_more.contains(staging) {
            return Ok(places.with_documents_in_staging());
        }
        Ok(places)
    }

    /// Returns the place that contains the existing file or folder at `path`, whatever path or link
    /// leads to it.
    pub async fn place_around(&self, path: &Path) -> Result<Option<&Url>, StorageError> {
        for storage in self.distinct() {
            if Local::lies_within(path, storage.place()).await? {
                return Ok(Some(storage.place()));
            }
        }
        Ok(None)
    }

    /// Returns whether documents are stored in this place.
    #[must_use]
    pub fn is_store(&self, place: &Url) -> bool {
        self.stores().any(|storage| storage.place() == place)
    }

    /// A router for the same installation whose adapters are wrapped, each by `wrap`.
    #[must_use]
    pub fn decorated(&self, wrap: impl Fn(&Arc<dyn Storage>) -> Arc<dyn Storage>) -> Self {
        let more = self.more().iter().map(&wrap).collect();
        self.with_adapters(wrap(self.staging()), wrap(self.store()))
            .with_more(more)
    }
}
