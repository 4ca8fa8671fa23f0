//! Storage in a server with Azure's interface: the suite that every adapter must pass, and what
//! goes wrong there.

use std::sync::Arc;

use storage::contract::{Unfinished, check_contract};
use storage::{Environment, Storage, StorageError, StorageUrl};
use tests::objects::old_key;
use tests::servers::Azurite;

async fn connect(azure: &Azurite, url: &str) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().expect("a storage URL");
    let environment = Environment::only(azure.environment());
    let connected = url.connect_in(&environment).await;
    connected.expect("a client, which sends nothing yet")
}

#[tokio::test]
async fn azure_keeps_the_contract() {
    let azure = Azurite::shared().await;
    let one = connect(azure, &azure.fresh_storage_url().await).await;
    let other = connect(azure, &azure.fresh_storage_url().await).await;
    check_contract(one, other, Unfinished::Listed).await;
}

#[tokio::test]
async fn a_container_of_its_own_needs_no_prefix() {
    let azure = Azurite::shared().await;
    let url = azure.fresh_storage_url().await.replace("/documents", "");
    let storage = connect(azure, &url).await;
    let key = old_key();
    let url = tests::objects::puts(&*storage, &key, "whole").await;
    assert!(storage.stat(&url).await.unwrap().is_some());
}

#[tokio::test]
async fn a_container_that_is_missing_is_no_missing_object() {
    let azure = Azurite::shared().await;
    let url = format!("azure://no-such-container?endpoint={}", azure.endpoint());
    let storage = connect(azure, &url).await;
    storage.check().await.unwrap_err();
    let object = storage.place().join(&old_key()).unwrap();
    let error = storage.open(&object, None).await.map(drop).unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_key_is_an_error_that_says_so() {
    let azure = Azurite::shared().await;
    let url: StorageUrl = azure.fresh_storage_url().await.parse().unwrap();
    let [name, _] = azure.environment();
    let wrong = ("AZURE_STORAGE_ACCOUNT_KEY", "d3Jvbmc=".to_owned());
    let storage = url.connect_in(&Environment::only([name, wrong])).await;
    let storage = storage.unwrap();
    let object = storage.place().join(&old_key()).unwrap();
    let error = storage.open(&object, None).await.map(drop).unwrap_err();
    let StorageError::Unavailable { source, .. } = error else {
        panic!("{error}");
    };
    assert!(
        source.to_string().contains("AuthorizationFailure"),
        "{source}"
    );
}
