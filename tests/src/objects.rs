//! Objects in storage, written and read behind the service's back.

use bytes::Bytes;
use domain::DocumentId;
use futures::{TryStreamExt, stream};
use serde_json::Value;
use storage::{Storage, StorageRouter, Writer};
use url::Url;
use uuid::{NoContext, Uuid};

use crate::app::TestApp;
use crate::content::pseudo_random;

/// Long before any test.
const LONG_AGO: u64 = 1_600_000_000;

/// A key that an old upload would have had.
#[must_use]
pub fn old_key() -> String {
    let name = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, LONG_AGO, 0)).to_string();
    format!("{}/{name}", &name[34..])
}

/// Writes an object as the service does.
pub async fn puts(storage: &dyn Storage, key: &str, bytes: impl Into<Bytes>) -> Url {
    let bytes = bytes.into();
    let source = stream::iter([Ok(bytes)]);
    storage
        .put(key, Box::pin(source), Writer::Service)
        .await
        .expect("the storage takes it")
}

/// The key of the object at `url`.
#[must_use]
pub fn key_of<'u>(places: &StorageRouter, url: &'u Url) -> &'u str {
    let place = places.store().place();
    url.as_str()
        .strip_prefix(place.as_str())
        .expect("it lies in the store")
}

/// The URL of a document's bytes.
pub async fn location(app: &TestApp, document: &Value) -> Url {
    let db = app.database().await;
    let id = document["id"].as_str().expect("a document has an id");
    let id: DocumentId = id.parse().expect("an id can be read");
    let found = ledger::find_document(&db, id).await;
    let document = found.expect("the database answers").expect("it is there");
    db.close().await.expect("the database can be closed");
    let version = document.active().expect("it is active");
    version.location.clone()
}

/// Writes a small and a large object, reads, lists and removes them.
pub async fn goes_round(storage: &dyn Storage) {
    for size in [12, 20_000_000] {
        let bytes = pseudo_random(7, size);
        let url = puts(storage, &old_key(), bytes.clone()).await;
        let stat = storage.stat(&url).await.expect("the storage answers");
        assert_eq!(stat.expect("it is there").size.bytes(), bytes.len() as u64);
        let read = storage.open(&url, None).await.expect("it can be read");
        let read: Vec<Bytes> = read.try_collect().await.expect("it can be read to its end");
        assert!(read.concat() == bytes, "other bytes");
        let listed = storage.list(None).await.expect("it can be listed");
        let listed: Vec<_> = listed.try_collect().await.expect("it can be listed whole");
        assert!(listed.iter().any(|entry| entry.url == url), "{listed:?}");
        storage.delete(&url).await.expect("it can be removed");
        let stat = storage.stat(&url).await.expect("the storage answers");
        assert_eq!(stat, None);
    }
}
